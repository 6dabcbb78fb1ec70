"""Recorded runs kept small enough for a repository, and read again.

    python -m lab.archive RUNS... --out lab/archive/NAME.tar.xz

Of each run stays what replaying needs: its truth, and of its dossier the header, observations and
ticks. What the engine said is said again by a replay; the chain of seals goes with it. Of a void
run stays the truth alone, to be counted. `lab.fit`, `lab.truth` and this command take such an
archive wherever they take a folder of runs.
"""

from __future__ import annotations

import argparse
import io
import json
import lzma
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from lab.errors import LabError
from streamnotice.dossier.walk import open_walk

SUFFIX = ".tar.xz"
KEPT = (b'"type":"header"', b'"type":"observation"', b'"type":"tick"')


def pack(folders: list[Path], out: Path) -> int:
    """Write the runs of *folders*, archives among them, to *out*; how many these are.

    Raises:
        LabError: there are none, or two of one name: the names of another world's may be the same.
    """
    with ExitStack() as unpacked:
        there = [unpacked.enter_context(opened(folder)) for folder in folders]
        runs = [run for folder in there for run in recorded(folder)]
        for name, often in Counter(name for name, _, _ in runs).items():
            if often > 1:
                raise LabError(f"{often} runs are called {name}: give each archive its own")
        if not runs:
            raise LabError(f"no runs in {', '.join(map(str, folders))}")
        with tarfile.open(out, "w:xz", preset=9) as tar:
            for name, truth, dossier in runs:
                _add(tar, f"{name}/truth.json", json.dumps(truth, separators=(",", ":")).encode())
                if dossier is not None and not truth["void"]:
                    _add(tar, f"{name}/dossier.jsonl", b"".join(_kept(dossier)))
    return len(runs)


def recorded(folder: Path) -> Iterator[tuple[str, dict[str, Any], Path | None]]:
    """Name, truth and dossier of the runs below *folder*."""
    for truth_file in sorted(folder.glob("*/truth.json")):
        truth = json.loads(truth_file.read_text(encoding="utf-8"))
        dossier = next(iter(sorted(truth_file.parent.glob("dossier.jsonl*"))), None)
        yield truth_file.parent.name, truth, dossier


def _kept(dossier: Path) -> Iterator[bytes]:
    """The lines that a replay is fed with."""
    for line in open_walk(dossier):
        if any(kind in line.raw for kind in KEPT):
            yield line.raw


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)  # of no time and nobody: the same runs, the same bytes
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


@contextmanager
def opened(runs: Path) -> Iterator[Path]:
    """The folder *runs*, or for the while a folder with what the archive *runs* holds."""
    if not runs.name.endswith(SUFFIX):
        yield runs
        return
    with tempfile.TemporaryDirectory(prefix="lab-archive-") as folder:
        try:
            with tarfile.open(runs, "r:xz") as tar:
                tar.extractall(folder, filter="data")
        except (OSError, EOFError, lzma.LZMAError, tarfile.TarError) as error:
            raise LabError(f"{runs} can't be read as an archive of runs: {error}") from error
        yield Path(folder)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m lab.archive", description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    runs = pack(args.folders, args.out)
    print(f"{runs} runs, {args.out.stat().st_size / runs / 1000:.1f} kB each: {args.out}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
