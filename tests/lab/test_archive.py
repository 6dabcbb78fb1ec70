"""Archives of runs: what is replayed from them is what was recorded."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from lab.archive import opened, pack, recorded
from lab.errors import LabError
from lab.fit.recordings import load_runs
from lab.run import keep_dossier
from streamnotice.dossier import record as recording
from streamnotice.dossier.reader import open_dossier
from tests.dossier.recorded import observations, record

RECORDINGS = Path("lab/recordings")
NAMES = ("edge.slow-129001", "healthy.live-129001", "vpn.slow-129002")


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    folder = tmp_path / "runs"
    for name in NAMES:
        shutil.copytree(RECORDINGS / name, folder / name)
    return folder


def test_a_replay_from_an_archive_says_the_same(runs: Path, tmp_path: Path) -> None:
    archive, again = tmp_path / "some.tar.xz", tmp_path / "again.tar.xz"
    assert pack([runs], archive) == pack([runs], again) == len(NAMES)
    assert archive.read_bytes() == again.read_bytes()
    first, second = list(load_runs([runs])), list(load_runs([archive]))
    assert [run.name for run in first] == sorted(NAMES)
    for one, other in zip(first, second, strict=True):
        assert one.notices == other.notices
        assert one.verdicts == other.verdicts
        assert one.steps == other.steps
    assert any(run.notices for run in first)


def test_void_runs_are_counted_and_not_replayed(runs: Path, tmp_path: Path) -> None:
    file = runs / NAMES[0] / "truth.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "void": ["late"]}))
    archive = tmp_path / "some.tar.xz"
    pack([runs], archive)
    with opened(archive) as folder:
        there = {name: dossier for name, _, dossier in recorded(folder)}
    assert there[NAMES[0]] is None
    assert set(there) == set(NAMES)
    assert [run.name for run in load_runs([archive])] == sorted(NAMES[1:])


def test_what_is_no_archive_is_said_so(runs: Path, tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole.tar.xz", tmp_path / "broken.tar.xz"
    pack([runs], whole)
    right = whole.read_bytes()
    flipped = bytearray(right)
    flipped[len(right) // 2] ^= 1
    for wrong in (b"not compressed", right[: len(right) // 2], bytes(flipped)):
        broken.write_bytes(wrong)
        with pytest.raises(LabError, match=r"broken\.tar\.xz can't be read"), opened(broken):
            pass


def test_archives_are_joined_and_no_run_is_lost(runs: Path, tmp_path: Path) -> None:
    one, more = tmp_path / "one.tar.xz", tmp_path / "more.tar.xz"
    pack([runs], one)
    with pytest.raises(LabError, match=f"2 runs are called {NAMES[0]}"):
        pack([one, runs], more)
    with pytest.raises(LabError, match="no runs in"):
        pack([tmp_path / "nothing"], more)
    assert not more.exists()
    pack([one], more)
    assert more.read_bytes() == one.read_bytes()


def test_all_parts_of_a_long_record_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "LEAST_PART_BYTES", 10_000)
    made, folder = tmp_path / "made", tmp_path / "kept"
    made.mkdir()
    folder.mkdir()
    assert not keep_dossier(made / "dossier.jsonl", folder)
    record(10_000, made / "dossier.jsonl")
    assert len(list(made.iterdir())) > 1
    assert keep_dossier(made / "dossier.jsonl", folder)
    kept = open_dossier(folder / "dossier.jsonl.gz")
    assert kept.header.part == 1
    assert sum(entry.type == "tick" for entry in kept) == sum(
        isinstance(one, int) for one in observations()
    )
    assert kept.closed
