"""`streamnotice log`: every notice as shown, verified, chosen, and bundled."""

from __future__ import annotations

import gzip
import json
import os
import sys
import zipfile
from pathlib import Path

import pytest

from streamnotice.cli import main
from streamnotice.dossier import kept
from streamnotice.dossier import record as recording
from streamnotice.dossier.bundle import bundle
from streamnotice.dossier.codec import canonical
from streamnotice.dossier.log import Wanted, read_log
from streamnotice.dossier.signing import load_signer, make_key
from streamnotice.dossier.verify import verify
from streamnotice.errors import HostError
from streamnotice.testing import ToldWatcher

sys.path.insert(0, str(Path(__file__).parents[1] / "dossier"))
from recorded import changed, forged, resealed
from retold import retold

FORMAT_1 = Path(__file__).parents[1] / "dossier" / "format-1.jsonl.gz"


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
        (["--to", "2026-01-01"], 0),
        (["--to", "2026-01-02"], 1),
        (["--from", "2026-01-02", "--to", "20260102"], 1),
        (["--from", "2026-01-02", "--to", "9999-12-31"], 1),
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
        [".", "--from", "2026-01-03", "--to", "2026-01-02"],
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


# -- what a filter, a missing part or a hostile file must not hide ------------------------------


def test_what_did_not_verify_is_listed_whatever_is_asked_for(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = gzip.decompress((folder / "b.jsonl.gz").read_bytes()).splitlines(keepends=True)
    number = next(n for n, line in enumerate(lines) if b'"type":"shown"' in line)
    lines[number] = changed(lines[number], text="forged")
    (folder / "told.jsonl").write_bytes(b"".join(lines))
    (folder / "cut.jsonl").write_bytes(b"".join(lines[: number - 5]))
    for words in (["--place", "network.vpn"], ["--from", "2030-01-01"], ["--to", "1999-01-01"]):
        target = tmp_path / "bundle.zip"
        code, out, _ = said(capsys, str(folder), *words, "--bundle", str(target))
        assert code == 1
        assert "touched.jsonl: NOT VERIFIED" in out
        assert "told.jsonl: NOT VERIFIED" in out
        assert "forged" in out  # where and when it was can't be believed
        assert "cut.jsonl: holds, but is not the whole session" in out
        assert "no notice asked for" in out
        assert "older/a.jsonl" not in out
        index = json.loads(zipfile.ZipFile(target).read("index.json"))
        assert sorted(index["files"]) == ["cut.jsonl", "told.jsonl", "touched.jsonl"]
    _, out, _ = said(capsys, str(folder), "--place", "network.vpn", "--partial")
    assert "cut.jsonl" not in out


def test_a_notice_that_can_not_be_placed_or_dated_is_not_passed_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = retold("home-slow", tmp_path / "a.jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(resealed([changed(lines[0], started_utc=""), *lines[1:]])))
    assert verify(path).outcome == "verified"
    _, out, _ = said(capsys, str(tmp_path), "--from", "2030-01-01")
    assert "a.jsonl: verified" in out
    assert " n1 raised" in out
    _, out, _ = said(capsys, str(tmp_path), "--place", "network.vpn")
    assert "a.jsonl" not in out


def test_another_engines_record_is_placed_as_recorded_if_it_is_all_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = retold("home-slow", tmp_path / "a.jsonl", other_engine=True)
    code, out, _ = said(capsys, str(tmp_path), "--place", "network.vpn")
    assert (code, "a.jsonl" in out) == (0, False)
    assert "a.jsonl: whole, but of another engine" in said(capsys, str(tmp_path))[1]
    path.write_bytes(path.read_bytes()[:-2000])
    code, out, _ = said(capsys, str(tmp_path), "--place", "network.vpn")
    assert code == 1
    assert "a.jsonl: of another engine, and not the whole session" in out
    assert main(["verify", str(path)]) == 1
    assert "OF ANOTHER ENGINE, AND NOT THE WHOLE SESSION" in capsys.readouterr().out


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_parts_without_a_last_one_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(recording, "PART_BYTES", 150_000)
    monkeypatch.setattr(recording, "LEAST_PART_BYTES", 100_000)
    path = retold("home-slow", _made(tmp_path / "records") / "a.jsonl.gz")
    whole = retold("edge-overloaded", tmp_path / "b.jsonl")
    parts = sorted(entry.name for entry in path.parent.glob("a.part-*"))
    assert len(parts) >= 2
    code, out, _ = said(capsys, str(path.parent))
    assert (code, "a.part" in out) == (0, False)
    path.unlink()
    whole.rename(path.parent / "b.part-0001.jsonl")
    code, out, _ = said(capsys, str(path.parent), "--bundle", str(tmp_path / "b.zip"))
    assert code == 1
    for name in parts:
        assert f"{name}: holds, but is not the whole session" in out
    names = zipfile.ZipFile(tmp_path / "b.zip").namelist()
    assert {*parts, "b.part-0001.jsonl"} <= set(names)


def test_a_bundle_never_takes_the_place_of_a_dossier(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (folder / "b.jsonl.gz").read_bytes()
    (tmp_path / "alias").symlink_to(folder / "b.jsonl.gz")
    for target in (folder / "b.jsonl.gz", folder / "older" / ".." / "b.jsonl.gz",
                   tmp_path / "alias"):  # fmt: skip
        # what is asked for need not be in it
        code, out, err = said(capsys, str(folder), "--to", "1999-01-01", "--bundle", str(target))
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert "give another name with --bundle" in err
        assert (folder / "b.jsonl.gz").read_bytes() == before
    with pytest.raises(HostError, match="another name"):
        bundle(read_log(folder, Wanted()), folder, folder / "b.jsonl.gz")


def test_what_is_no_dossier_and_links_that_leave_stay_out_of_a_bundle(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("root:x:0:0\n", encoding="utf-8")
    (folder / "x.jsonl").symlink_to(secret)
    away = retold("healthy", tmp_path / "elsewhere.jsonl")
    (folder / "y.jsonl").symlink_to(away)
    (folder / "inside.jsonl").symlink_to(folder / "older" / "a.jsonl")
    (folder / "loop.jsonl").symlink_to("loop.jsonl")
    (folder / "away").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe.jsonl")
    (folder / "text.jsonl").write_text("hello\n", encoding="utf-8")
    target = tmp_path / "bundle.zip"
    code, out, _ = said(capsys, str(folder), "--bundle", str(target))
    assert code == 1
    with zipfile.ZipFile(target) as packed:
        names = set(packed.namelist())
        index = json.loads(packed.read("index.json"))
        assert not any(b"root:x" in packed.read(name) for name in names)
    assert names == {
        "b.jsonl.gz", "older/a.jsonl", "touched.jsonl", "inside.jsonl", "index.json"
    }  # fmt: skip
    left = {one["file"]: one["why"] for one in index["left_out"]}
    assert left == {
        "x.jsonl": "no dossier that can be read",
        "loop.jsonl": "no dossier that can be read",
        "pipe.jsonl": "no dossier that can be read",
        "text.jsonl": "no dossier that can be read",
        "y.jsonl": "a link that leaves the folder",
    }
    for name in ("x.jsonl", "loop.jsonl", "pipe.jsonl", "text.jsonl"):
        assert f"{name}: NOT READABLE" in out
    assert "not in it: y.jsonl (a link that leaves the folder)" in out
    _, out, _ = said(capsys, str(folder), "--bundle", str(target), "--json")
    assert len(json.loads(out)["bundle"]["left_out"]) == 5


def test_a_bundle_takes_any_name_and_any_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Lone surrogates (a format-1 record can hold them), names that are no Unicode or that would
    be others elsewhere."""
    records = tmp_path / "records"
    records.mkdir()
    lines = [json.loads(line) for line in gzip.decompress(FORMAT_1.read_bytes()).splitlines()]
    for line in lines:
        if line["type"] == "shown":
            line["text"] = line["sentence"] = "X\ud800Y"
    body = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    odd = [b"sur\xff.jsonl", b"sur%FF.jsonl", b"..\\..\\up.jsonl", b"a\x1b[31m\nb.jsonl",
           "naïve 日本.jsonl".encode()]  # fmt: skip
    for name in odd:
        Path(os.fsdecode(os.path.join(os.fsencode(records), name))).write_bytes(body)
    target = tmp_path / "bundle.zip"
    code, out, err = said(capsys, str(records), "--bundle", str(target))
    assert (code in (0, 1), err) == (True, "")
    assert "5 files and an index" in out
    assert "\x1b" not in out
    with zipfile.ZipFile(target) as packed:
        index = json.loads(packed.read("index.json"))
        assert all(packed.read(name) == body for name in index["files"])
    assert set(index["files"]) == {
        "sur%FF.jsonl", "sur%25FF.jsonl", "..%5C..%5Cup.jsonl", "a%1B[31m%0Ab.jsonl",
        "naïve 日本.jsonl",
    }  # fmt: skip
    assert {one["file"] for one in index["sessions"]} == set(index["files"])
    assert index["sessions"][0]["notices"][0]["text"] == "X\ud800Y"


def test_one_hostile_record_does_not_end_the_list(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Made-up memories are the dossier tests' affair: here it is that the others are listed."""
    monkeypatch.setattr(recording, "PART_BYTES", 150_000)
    monkeypatch.setattr(recording, "LEAST_PART_BYTES", 100_000)
    path = retold("home-slow", folder / "evil.jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    state = json.loads(lines[1])
    state["mind"]["f"]["memory"]["f"]["belief"] = 0
    start = bytes.fromhex(json.loads(lines[0])["previous"])
    body = resealed([lines[0], canonical(state) + b"\n", *lines[2:]], start)
    path.write_bytes(b"".join(body))
    code, out, err = said(capsys, str(folder))
    assert (code, err) == (1, "")
    assert "evil.jsonl: NOT VERIFIED" in out
    assert "older/a.jsonl: verified" in out


def test_a_forgery_without_signatures_is_not_listed_as_holding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    private, public, _ = make_key(tmp_path / "k")
    path = retold("home-slow", tmp_path / "a.jsonl", signer=load_signer(private))
    lines = path.read_bytes().splitlines(keepends=True)
    assert said(capsys, str(tmp_path), "--partial", "--key", str(public))[0] == 0
    path.write_bytes(b"".join(forged(lines)))
    code, out, _ = said(capsys, str(tmp_path), "--partial", "--key", str(public))
    assert code == 1
    assert "a.jsonl: NOT VERIFIED" in out


def test_texts_of_another_catalog_are_told_as_such(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They may say anything: the record verifies all the same."""
    path = retold("home-slow", tmp_path / "a.jsonl")
    said_so = "the texts are as recorded: not compared with what was found"
    assert said_so not in said(capsys, str(tmp_path))[1]
    lines = [
        changed(line, text="Your provider is to blame.")
        if json.loads(line)["type"] == "shown"
        else line
        for line in path.read_bytes().splitlines(keepends=True)
    ]
    lines[0] = changed(lines[0], catalog="0" * 64)
    path.write_bytes(b"".join(resealed(lines)))
    code, out, _ = said(capsys, str(tmp_path))
    assert code == 0
    assert said_so in out
    (one,) = json.loads(said(capsys, str(tmp_path), "--json")[1])["sessions"]
    assert one["texts_compared"] is False
