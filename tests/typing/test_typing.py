"""What hosts write type-checks under the strictest settings, and mistakes don't."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHECKED = [Path(__file__).parent / "host.py", *sorted((ROOT / "examples").glob("*.py"))]


def mypy(*paths: Path, cache: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(cache), *map(str, paths)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=110,
    )


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # The checkout's own cache if it may be written: the lint step has just filled it.
    shared = ROOT / ".mypy_cache"
    try:
        shared.mkdir(exist_ok=True)
        (shared / "CACHEDIR.TAG").touch()
    except OSError:
        return tmp_path_factory.mktemp("mypy")
    return shared


def test_host_code_and_examples_are_clean(cache: Path) -> None:
    done = mypy(*CHECKED, cache=cache)
    assert done.returncode == 0, done.stdout + done.stderr


def test_mistakes_are_found(tmp_path: Path, cache: Path) -> None:
    text = CHECKED[0].read_text(encoding="utf-8")
    bare = "\n".join(line.partition("  # type: ignore")[0] for line in text.splitlines())
    (tmp_path / "host_bare.py").write_text(bare + "\n", encoding="utf-8")
    done = mypy(tmp_path / "host_bare.py", cache=cache)
    wrong = [n for n, line in enumerate(text.splitlines(), 1) if "# wrong" in line]
    found = [int(row.split(":")[1]) for row in done.stdout.splitlines() if ": error:" in row]
    assert found == wrong, done.stdout
