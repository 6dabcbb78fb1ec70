"""How long `streamnotice verify` takes for a film: beside reading the same file as plain JSON.

    python benchmarks/verify.py [RUNS ...] [--only NAME] [--hours H] [--rounds N] [--keep FILE]
                                [--json]

The session is made of the lab's recordings (folders or archives of them; by default those in
`lab/recordings`, nearly all of them of faults, and so of a session that suffers throughout;
`lab/archive/judged.tar.xz --only healthy` makes one without a fault), one behind the other as often
as it takes, fed to the engine anew and recorded by the library's own recorder, in parts as live.
The peer reads the same parts, unpacks them and parses each line as JSON, and does nothing with it:
no verifier can do with less. Both are commands of their own, in turns, so that a machine that slows
down slows both; what is reported is the median and the median of the ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path
from typing import Any, Final

import attrs

if __name__ == "__main__":  # run as a script, from any folder
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab.archive import opened
from streamnotice.dossier.reader import open_dossier
from streamnotice.dossier.record import Recorder, make_header
from streamnotice.engine import ENGINE_VERSION, Engine
from streamnotice.observations import Closed, Observation
from streamnotice.playback.news import PlaybackNews
from streamnotice.policy import S_NS, Policy

ROOT: Final = Path(__file__).resolve().parent.parent
RECORDINGS: Final = ROOT / "lab" / "recordings"
PEER: Final = """
import gzip, json, sys
for name in sys.argv[1:]:
    for line in gzip.open(name):
        json.loads(line)
"""


def recordings(folders: list[Path], only: str = "") -> list[Path]:
    """The dossiers under *folders* of runs whose names begin so, in the order of their names."""
    found = (path for folder in folders for path in folder.rglob("dossier.jsonl*"))
    return sorted(path for path in found if path.parent.name.startswith(only))


def _causes(dossiers: list[Path], seconds: int) -> Iterator[Observation | int]:
    """Observations, and the instants of ticks, of one session made of many."""
    base_ns, requests = 0, 0
    for path in cycle(dossiers):
        last_ns, most = 0, 0
        for entry in open_dossier(path):
            last_ns = max(last_ns, entry.at_ns)
            at_ns = base_ns + entry.at_ns
            if at_ns > seconds * S_NS:
                return
            if entry.type == "tick":
                yield at_ns
            if entry.type != "observation" or isinstance(entry.value, Closed):
                continue
            moved: dict[str, Any] = {"at_ns": at_ns}
            number = getattr(entry.value, "request", None)
            if number is not None:
                most = max(most, number)
                moved["request"] = requests + number
            assert isinstance(entry.value, Observation)
            yield attrs.evolve(entry.value, **moved)
        base_ns += (last_ns // S_NS + 1) * S_NS
        requests += most + 1


def make(dossiers: list[Path], seconds: int, out: Path) -> None:
    """Record a session of *seconds* to *out*, as a `Watcher` would."""
    policy = Policy()
    engine = Engine(policy.settings())
    header = make_header(
        settings=policy.settings(),
        engine_version=ENGINE_VERSION,
        tables=engine.tables.hashes(),
        provisional=engine.tables.provisional,
        policy=policy,
    )
    recorder = Recorder(header, policy.record_bytes, out, snapshot=engine.snapshot)
    news = PlaybackNews()
    for cause in _causes(dossiers, seconds):
        if isinstance(cause, int):
            recorder.tick(cause)
            recorder.events(engine.tick(cause))
        elif news.is_news(cause):
            news.took(cause)
            recorder.observation(cause)
            recorder.events(engine.feed(cause))
    end = Closed(seconds * S_NS)
    recorder.observation(end)
    recorder.events(engine.feed(end))
    recorder.close(seconds * S_NS)


def timed(command: list[str]) -> tuple[float, float]:
    """(wall, CPU) seconds of *command* with its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
    wall_s = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall_s, cpu_s


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folders", nargs="*", type=Path, metavar="RUNS", default=[RECORDINGS])
    parser.add_argument("--only", default="", metavar="NAME", help="runs whose names begin so")
    parser.add_argument("--hours", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", type=Path, metavar="FILE", help="keep the session there")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with ExitStack() as unpacked:
        dossiers = recordings(
            [unpacked.enter_context(opened(runs)) for runs in args.folders], args.only
        )
        if not dossiers:
            parser.error(f"no dossiers under {args.folders[0]}")
        folder = unpacked.enter_context(tempfile.TemporaryDirectory())
        session = args.keep or Path(folder) / "session.jsonl.gz"
        make(dossiers, int(args.hours * 3600), session)
        parts = sorted(session.parent.glob(session.name.partition(".")[0] + "*.gz"))
        ours = [sys.executable, "-m", "streamnotice", "verify", str(session)]
        peer = [sys.executable, "-c", PEER, *map(str, parts)]
        rounds = [(timed(ours), timed(peer)) for _ in range(args.rounds)]
        found = {
            "hours": args.hours,
            "recordings": len(dossiers),
            "parts": len(parts),
            "mebibytes": round(sum(part.stat().st_size for part in parts) / 2**20, 2),
            "verify_wall_s": statistics.median(one[0][0] for one in rounds),
            "verify_cpu_s": statistics.median(one[0][1] for one in rounds),
            "json_wall_s": statistics.median(one[1][0] for one in rounds),
            "json_cpu_s": statistics.median(one[1][1] for one in rounds),
            "cpu_ratio": statistics.median(one[0][1] / one[1][1] for one in rounds),
            "cores": os.cpu_count(),
        }
    if args.json:
        print(json.dumps(found))
        return 0
    print(
        f"{found['hours']:g} h, {found['recordings']} recordings, {found['parts']} parts, "
        f"{found['mebibytes']} MiB\n"
        f"verify      {found['verify_wall_s']:5.1f} s, {found['verify_cpu_s']:5.1f} s of CPU "
        f"on {found['cores']} cores\n"
        f"plain JSON  {found['json_wall_s']:5.1f} s, {found['json_cpu_s']:5.1f} s of CPU\n"
        f"ratio of CPU {found['cpu_ratio']:.1f}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
