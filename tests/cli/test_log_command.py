"""`streamnotice log`: every notice as shown, verified, chosen, and bundled."""

from __future__ import annotations

import json
import os
import sys
import zipfile
from pathlib import Path

import pytest

from streamnotice.cli import main
from streamnotice.dossier import kept
from streamnotice.dossier.log import Wanted, read_log
from streamnotice.dossier.verify import verify
from streamnotice.errors import HostError
from streamnotice.testing import ToldWatcher

sys.path.insert(0, str(Path(__file__).parents[1] / "dossier"))
from recorded import changed
from retold import retold


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three sessions: one with a notice, one healthy, one that was touched."""
    folder = tmp_path / "records"
    (folder / "older").mkdir(parents=True)
    retold("edge-overloaded", folder / "b.jsonl.gz")
    retold("healthy", folder / "older" / "a.jsonl")
    lines = (folder / "older" / "a.jsonl").read_bytes().splitlines(keepends=True)
    lines[50] = changed(lines[50], at_ns=1)
    (folder / "touched.jsonl").write_bytes(b"".join(lines))
    return folder


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["log", *words])
    out, err = capsys.readouterr()
    return code, out, err


def test_it_lists_what_was_shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, str(folder))
    assert code == 1  # one was touched
    assert "touched.jsonl: NOT VERIFIED" in out
    assert "older/a.jsonl: verified" in out
    (folder / "touched.jsonl").unlink()
    code, out, _ = said(capsys, str(folder))
    assert code == 0
    shown = verify(folder / "b.jsonl.gz").shown
    for line in shown:
        assert line["text"].split()[0] in out
    code, out, _ = said(capsys, str(folder), "--json")
    found = {Path(one["file"]).name: one for one in json.loads(out)["sessions"]}
    assert [one["text"] for one in found["b.jsonl.gz"]["notices"]] == [s["text"] for s in shown]
    assert found["a.jsonl"]["notices"] == []
    first = found["b.jsonl.gz"]["notices"][0]
    assert first["at_utc"].startswith("2026-01-02T03:0")
    assert first["bottleneck"]


def test_it_chooses_by_place_and_time(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "touched.jsonl").unlink()
    found = read_log(folder, Wanted())
    places = {shown.bottleneck for one in found for shown in one.shown}
    assert places
    top = min(places).partition(".")[0]
    for words, count in (
        (["--place", top], 1),
        (["--place", "network.vpn"], 0),
        (["--from", "2026-01-02"], 1),
        (["--from", "2026-01-03"], 0),
        (["--to", "2026-01-02T03:00"], 0),
        (["--from", "2026-01-02T04:04:05+01:00", "--to", "2026-01-02T03:30"], 1),
    ):
        code, out, _ = said(capsys, str(folder), "--json", *words)
        assert (code, len(json.loads(out)["sessions"])) == (0, count), words


def test_a_bundle_holds_dossiers_that_still_verify(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "bundle.zip"
    _, out, _ = said(capsys, str(folder), "--bundle", str(target))
    assert "3 files and an index" in out
    again = tmp_path / "again.zip"
    said(capsys, str(folder), "--bundle", str(again))
    assert target.read_bytes() == again.read_bytes()
    with zipfile.ZipFile(target) as packed:
        packed.extractall(tmp_path / "out")
    index = json.loads((tmp_path / "out" / "index.json").read_text(encoding="utf-8"))
    assert sorted(index["files"]) == ["b.jsonl.gz", "older/a.jsonl", "touched.jsonl"]
    assert verify(tmp_path / "out" / "b.jsonl.gz").outcome == "verified"
    assert verify(tmp_path / "out" / "older" / "a.jsonl").outcome == "verified"


@pytest.mark.parametrize(
    "words",
    [
        ["nowhere"],
        [".", "--place", "moon"],
        [".", "--bundle", "no/such/folder.zip"],
        [".", "--key", "none"],
    ],
)
def test_bad_use_is_exit_2_and_one_line(
    tmp_path: Path,
    words: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = said(capsys, *words)
    assert (code, out, err.count("\n")) == (2, "", 1)


def test_what_watch_keeps_is_found_without_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    code, out, _ = said(capsys)
    assert code == 0
    assert "no session with a notice was kept yet" in out
    retold("edge-overloaded", kept.keep(lambda path: path.touch()))
    code, out, _ = said(capsys)
    assert code == 0
    assert "1 notice in 1 session" in out


async def test_dismissals_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with ToldWatcher() as watcher:
        watcher.say("service.edge", "slow")
        watcher.dismiss("n1")
    watcher.save_dossier(tmp_path / "a.jsonl")
    _, out, _ = said(capsys, str(tmp_path))
    assert "dismissed by the viewer" in out


def test_only_so_many_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(kept, "MOST_KEPT", 3)
    other = kept.kept_folder() / "mine.jsonl"
    for _ in range(5):
        path = kept.keep(lambda path: path.touch())
        other.touch()
    names = sorted(entry.name for entry in kept.kept_folder().iterdir())
    assert len(names) == 4
    assert other.name in names
    assert os.stat(path.parent).st_mode & 0o077 == 0


def test_a_folder_that_can_not_be_made_is_one_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with pytest.raises(HostError, match="can't make the folder"):
        kept.keep(lambda path: path.touch())
