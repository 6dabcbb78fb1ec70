"""Live runs of the lab for tests."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from lab import isolation

TIMES: Final = 5


def lab(*arguments: str, prefix: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """The lab's command to its end; *prefix*: as whom it is started."""
    return subprocess.run(
        [*prefix, sys.executable, "-m", "lab", *arguments], env=isolation.environment(inside=False),
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip


def counted(out: Path, family: str, seed: int, duration_s: int) -> tuple[dict[str, Any], Path]:
    """A run that counts, and its folder.

    A void one tells of this machine, not of what is tested (the emulator came late since others
    had the processor): it is played again, but not for ever.
    """
    voids = []
    for turn in range(TIMES):
        there = out / str(turn)
        done = lab(
            "run", family, "--seed", str(seed), "--out", str(there), "--duration", str(duration_s)
        )
        assert done.returncode == 0, done.stderr
        folder = there / f"{family}-{seed}"
        truth: dict[str, Any] = json.loads((folder / "truth.json").read_text())
        if not truth["void"]:
            return truth, folder
        voids.append(truth["void"])
    raise AssertionError(f"void {TIMES} times: {voids}")


def playing(run: subprocess.Popen[bytes], output: Path) -> list[int]:
    """The run's processes once its player has said something to *output*, or after 40 s."""
    deadline = time.monotonic() + 40
    while not (output.exists() and output.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.1)
    return family_of(run.pid)


def left_by_kill(run: subprocess.Popen[bytes], family: list[int]) -> list[int]:
    """Those of *family* that still live ten seconds after *run* was killed."""
    run.kill()
    run.wait()
    deadline = time.monotonic() + 10
    while any(map(_lives, family)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return [pid for pid in family if _lives(pid)]


def family_of(pid: int) -> list[int]:
    """The process and all its descendants."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += family_of(int(child))
    return found


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (OSError, IndexError):
        return False
