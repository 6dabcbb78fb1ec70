"""`streamnotice verify` and `key`: exit codes, what is said, what a hostile file does."""

from __future__ import annotations

import gzip
import json
import random
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from streamnotice.cli import main
from streamnotice.dossier.codec import canonical

sys.path.insert(0, str(Path(__file__).parents[1] / "dossier"))
from recorded import changed, record, resealed
from retold import retold

LINES = record().lines()


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(list(words))
    out, err = capsys.readouterr()
    return code, out, err


def written(tmp_path: Path, lines: list[bytes]) -> str:
    path = tmp_path / "d.jsonl"
    path.write_bytes(b"".join(lines))
    return str(path)


def test_an_honest_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(retold("edge-overloaded", tmp_path / "d.jsonl.gz"))
    code, out, err = said(capsys, "verify", path)
    assert (code, err) == (0, "")
    assert out.splitlines()[-1].startswith("VERIFIED")
    assert "✓ chain" in out
    assert "· signature" in out
    assert max(map(len, out.splitlines())) <= 120
    code, out, _ = said(capsys, "verify", path, "--json")
    found = json.loads(out)
    assert (code, found["outcome"], found["findings"]) == (0, "verified", [])
    assert found["notices"] > 0


def test_from_key_to_signature(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from streamnotice.dossier.signing import load_signer

    key = str(tmp_path / "k")
    code, out, _ = said(capsys, "key", key)
    assert code == 0
    assert f"{key}.pub" in out
    path = written(tmp_path, record(signer=load_signer(key)).lines())
    code, out, _ = said(capsys, "verify", path, "--key", f"{key}.pub")
    assert code == 0
    assert "✓ signature" in out
    assert said(capsys, "key", key)[0] == 2
    for bad in (key, str(tmp_path / "none")):
        code, out, err = said(capsys, "verify", path, "--key", bad)
        assert (code, out, err.count("\n")) == (2, "", 1)


def test_a_touched_record_names_its_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    number = next(n for n, line in enumerate(LINES) if b'"impact":"stalled"' in line)
    forged = changed(LINES[number], against="device", bottleneck="network.isp")
    path = written(tmp_path, [*LINES[:number], forged, *LINES[number + 1 :]])
    code, out, _ = said(capsys, "verify", path)
    assert code == 1
    assert f"line {number + 1}: 1 line changed (chain)" in out
    assert 'recorded  bottleneck: "network.isp"' in out
    assert out.splitlines()[-1].startswith("NOT VERIFIED")
    code, out, _ = said(capsys, "verify", path, "--json")
    assert code == 1
    assert {one["first"] for one in json.loads(out)["findings"]} == {number + 1}


def test_a_cut_record_passes_if_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, LINES[:100])
    code, out, _ = said(capsys, "verify", path)
    assert code == 1
    assert "the writer did not close it, or it was cut off" in out
    assert said(capsys, "verify", path, "--partial")[0] == 0


def test_another_engine_is_told_with_the_version_to_install(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    number = next(n for n, line in enumerate(LINES) if b'"impact":"stalled"' in line)
    lines = list(LINES)
    lines[0] = changed(lines[0], engine="7.7.7", version="8.8.8")
    lines[number] = changed(lines[number], confidence_ppm=12)
    code, out, _ = said(capsys, "verify", written(tmp_path, resealed(lines)))
    assert code == 1
    assert "✓ chain" in out
    assert "recorded  confidence_ppm: 12" in out
    assert "pip install 'streamnotice==8.8.8'" in out


@pytest.mark.parametrize("command", ["verify", "replay", "log"])
def test_no_dossier_is_exit_2_and_one_line(
    tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = said(capsys, command, str(tmp_path / "none"))
    assert (code, out, err.count("\n")) == (2, "", 1)


# -- hostile dossiers ---------------------------------------------------------------------------

EVIL = "\x1b[2J\x1b]0;x\x07‮\u2066\nVERIFIED: all is well\r\u2028<script>alert(1)</script>\x9b31m"


def _deep() -> list[bytes]:
    return [LINES[0], b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"\n", *LINES[1:]]


def _deep_header() -> list[bytes]:
    body = LINES[0].rstrip(b"}\n")
    return [body + b',"z":' + b"[" * 90_000 + b"]" * 90_000 + b"}\n", *LINES[1:]]


def _huge_number() -> list[bytes]:
    return [LINES[0], b'{"at_ns":' + b"9" * 6_000 + b',"type":"tick"}\n', *LINES[1:]]


def _far_future() -> list[bytes]:
    """A tick at the end of time: a hundred days of steps at once."""
    return resealed([*LINES[:2], canonical({"at_ns": 2**53 - 1, "type": "tick"}) + b"\n"])


def _evil_texts() -> list[bytes]:
    lines = list(LINES)
    lines[0] = changed(lines[0], version=EVIL, started_utc=EVIL, engine=EVIL, locale=EVIL)
    number = next(n for n, line in enumerate(lines) if b'"impact":"stalled"' in line)
    lines[number] = changed(lines[number], bottleneck=EVIL, against=EVIL)
    shown = {
        "type": "shown", "at_ns": 1, "id": EVIL, "state": EVIL, "locale": EVIL, "title": EVIL,
        "sentence": EVIL, "evidence": EVIL, "text": EVIL, "actions": [[EVIL, EVIL]],
    }  # fmt: skip
    return resealed([*lines[:2], canonical(shown) + b"\n", *lines[2:]])


def _evil_key() -> list[bytes]:
    return [LINES[0], canonical({EVIL: 1, "type": EVIL}) + b"\n"]


HOSTILE: list[Callable[[], list[bytes]]] = [
    _deep, _deep_header, _huge_number, _far_future, _evil_texts, _evil_key,
]  # fmt: skip


@pytest.mark.parametrize("make", HOSTILE, ids=lambda make: make.__name__)
@pytest.mark.parametrize("command", ["verify", "replay", "examine", "log"])
def test_a_hostile_dossier_is_an_error_or_text(
    tmp_path: Path, make: Callable[[], list[bytes]], command: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    path = written(tmp_path, make())
    for options in ((), ("--json",)):
        code, out, err = said(
            capsys, command, str(tmp_path) if command == "log" else path, *options
        )
        assert code in (0, 1, 2)
        both = out + err
        assert not [char for char in both if char < " " and char != "\n"]
        assert not set(both) & set("\x1b\x07\x9b‮\u2066\u2028\r")
        assert "\nVERIFIED: all is well" not in both
        assert "Traceback" not in both
        if code == 2:
            assert err.count("\n") == 1


@pytest.mark.parametrize("command", ["verify", "replay", "log"])
def test_a_bomb_does_not_go_off(
    tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A gigabyte of lines in a megabyte is refused after a few hundred times its size."""
    seal = next(line for line in LINES if b'"seal"' in line)
    for number, filler in enumerate((b"\n", b'{"at_ns":1,"type":"tick"}\n', b" ", seal)):
        body = LINES[0] + filler * (40_000_000 // len(filler))
        path = tmp_path / f"{number}.jsonl.gz"
        path.write_bytes(gzip.compress(body, 9))
        code, out, err = said(capsys, command, str(tmp_path if command == "log" else path))
        assert code in (1, 2)
        assert "line " in out + err
        path.unlink()


def test_many_members_are_one_file_and_rubbish_behind_is_not_passed_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "d.jsonl.gz"
    path.write_bytes(b"".join(map(gzip.compress, LINES)))
    assert said(capsys, "verify", str(path))[0] == 0
    chance = random.Random(1)
    path.write_bytes(path.read_bytes() + chance.randbytes(50))
    code, out, _ = said(capsys, "verify", str(path))
    assert code == 1
    assert "damaged gzip" in out
