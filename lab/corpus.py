"""Many runs, several at a time, resumable: what is there already is not run again."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from lab import isolation
from lab.errors import LabError
from lab.run import GRACE_S, Options
from lab.scenarios import FAMILIES
from lab.worlds import HERE, world_of

_SETUP_S = 60.0


def wanted(runs: int, first_seed: int, families: list[str]) -> list[tuple[str, int]]:
    """*runs* pairs of family and seed: the families in turn, `healthy` three times a round."""
    round_ = [f for family in families for f in ([family] * (3 if family == "healthy" else 1))]
    found: list[tuple[str, int]] = []
    next_seed = dict.fromkeys(families, first_seed)
    while len(found) < runs:
        for family in round_[: runs - len(found)]:
            found.append((family, next_seed[family]))
            next_seed[family] += 1
    return found


def truth_of(out: Path, family: str, seed: int) -> dict[str, Any] | None:
    """The truth of a run that is complete, else None."""
    try:
        found: dict[str, Any] = json.loads((out / f"{family}-{seed}" / "truth.json").read_text())
    except (OSError, ValueError):
        return None
    return found


def carry_out(
    runs: int,
    jobs: int,
    out: Path,
    options: Options,
    *,
    first_seed: int = 1,
    families: list[str] | None = None,
    retry_void: bool = False,
) -> int:
    """Carry out what is missing; 0 if every wanted run is there (void ones count as there)."""
    out.mkdir(parents=True, exist_ok=True)
    todo = []
    for family, seed in wanted(runs, first_seed, families or list(FAMILIES)):
        truth = truth_of(out, family, seed)
        if truth is not None and world_of(truth) != HERE.name:
            raise LabError(f"{out} holds runs of the world {world_of(truth)}, not {HERE.name}")
        if truth is None or (retry_void and truth["void"]):
            todo.append((family, seed))
    print(f"{runs} runs wanted, {runs - len(todo)} there, {len(todo)} to do", file=sys.stderr)
    running: dict[subprocess.Popen[bytes], tuple[str, int, float]] = {}
    limit_s = options.duration_s + GRACE_S + _SETUP_S
    done = Counter[str]()
    todo.reverse()
    try:
        while todo or running:
            while todo and len(running) < jobs:
                family, seed = todo.pop()
                running[_start(family, seed, out, options)] = (family, seed, time.monotonic())
                time.sleep(0.5)  # not all set-ups at once
            time.sleep(0.1)
            for process, (family, seed, began) in list(running.items()):
                if process.poll() is None:
                    if time.monotonic() - began > limit_s:
                        process.kill()  # its whole world goes with it
                    continue
                del running[process]
                done[_tell(out, family, seed, process.returncode)] += 1
    finally:
        for process in running:
            process.kill()
    print(json.dumps(dict(done)), file=sys.stderr)
    return 0 if not done["failed"] else 1


def _start(family: str, seed: int, out: Path, options: Options) -> subprocess.Popen[bytes]:
    command = isolation.command(
        ["inside", family, "--seed", str(seed), "--out", str(out),
         "--duration", str(options.duration_s), "--player", options.player,
         "--probes", options.probes]
    )  # fmt: skip
    log = (out / f".{family}-{seed}.log").open("wb")
    with log:
        return subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *command],  # no run outlives its corpus
            env=isolation.environment(), stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )


def _tell(out: Path, family: str, seed: int, code: int) -> str:
    truth = truth_of(out, family, seed) if code == 0 else None
    log = out / f".{family}-{seed}.log"
    if truth is None:
        last = (log.read_text(errors="replace").strip().splitlines() or ["no word"])[-1]
        print(f"{family}-{seed}: failed ({code}): {last}", file=sys.stderr)
        return "failed"
    log.unlink(missing_ok=True)
    print(f"{family}-{seed}: {in_short(truth)}", file=sys.stderr)
    return "void" if truth["void"] else "ok"


def in_short(truth: dict[str, Any]) -> str:
    """One line about a run."""
    outcome, real = truth["outcome"], truth["truth"]
    stalled = sum((end or truth["options"]["duration_s"]) - at for at, end in outcome["stalls"])
    said = [f"{at:.0f}s {state} {place}/{what}" for at, state, place, what in outcome["notices"]]
    onset = "before" if real["before"] else f"{real['onset_s']}s"
    late = truth["emulator"]["release_late_p99_ms"]
    return (
        f"{real['place']}/{real['condition']} {real['severity']} {onset}; "
        f"stalled {stalled:.0f} s; {'; '.join(said) or 'no notice'}; late {late} ms"
        + (f"; VOID {truth['void']}" if truth["void"] else "")
    )
