"""`streamnotice verify` and `key`: exit codes, what is said, what a hostile file does."""

from __future__ import annotations

import gzip
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from streamnotice.cli import main, running
from streamnotice.dossier.codec import canonical
from streamnotice.dossier.reader import open_dossier
from streamnotice.errors import EvidenceError

sys.path.insert(0, str(Path(__file__).parents[1] / "dossier"))
from recorded import changed, forged, record, resealed
from retold import retold

LINES = record().lines()
ROOT = Path(__file__).parents[2]


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


# -- what was said wrongly, or hung -------------------------------------------------------------


def signed_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[str, list[bytes]]:
    """The name of a new key, and the lines of a record that is signed with it."""
    from streamnotice.dossier.signing import load_signer

    key = str(tmp_path / "k")
    said(capsys, "key", key)
    whole = retold("home-slow", tmp_path / "whole.jsonl", signer=load_signer(key))
    lines = whole.read_bytes().splitlines(keepends=True)
    return key, lines


def test_a_forgery_without_signatures_does_not_pass_for_a_part(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No signature, no end, other texts: `--partial` forgives none of it where a key is asked."""
    key, lines = signed_lines(tmp_path, capsys)
    path = written(tmp_path, forged(lines))
    code, out, _ = said(capsys, "verify", "--partial", "--key", f"{key}.pub", path)
    assert code == 1
    assert "✗ signature 0 by the key" in out
    assert out.splitlines()[-1].startswith("NOT VERIFIED")
    code, _, err = said(
        capsys, "report", path, "--key", f"{key}.pub", "-o", str(tmp_path / "a.html")
    )
    assert code == 1
    assert "signatures fit" not in err + (tmp_path / "a.html").read_text(encoding="utf-8")
    code, _, err = said(capsys, "examine", path, "--key", f"{key}.pub")
    assert (code, "no signature stands behind" in err) == (1, True)


def test_an_open_end_without_a_signature_is_told_with_its_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key, lines = signed_lines(tmp_path, capsys)
    signed = next(n for n, line in enumerate(lines) if b'"type":"signature"' in line)
    path = written(tmp_path, lines[: signed + 8])
    code, out, _ = said(capsys, "verify", "--partial", "--key", f"{key}.pub", path)
    assert code == 0
    assert "· signature 1 by the key" in out
    assert f"none over lines {signed + 2} to {signed + 8}" in out
    code, out, _ = said(capsys, "verify", "--key", f"{key}.pub", path, "--json")
    assert json.loads(out)["unsigned"] == [signed + 2, signed + 8]


def test_no_tick_stands_at_what_was_not_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = said(capsys, "verify", written(tmp_path, [*LINES[:20], b"x\n", *LINES[20:]]))
    assert code == 1
    assert "✗ chain" in out
    assert "none in this format" not in out
    assert "✗ session   not from its start to its end" in out
    assert "✓ s" not in out


@pytest.mark.timeout(60)
@pytest.mark.parametrize("command", ["verify", "replay", "examine", "report"])
def test_a_pipe_that_nobody_writes_to_does_not_hang(
    tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(tmp_path / "p.jsonl")
    code, out, err = said(capsys, command, str(tmp_path / "p.jsonl"))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "not a regular file" in err
    if command != "replay":
        path = written(tmp_path, LINES)
        code, out, err = said(capsys, command, path, "--key", str(tmp_path / "p.jsonl"))
        assert (code, out, err.count("\n")) == (2, "", 1)


def test_a_dossier_may_come_from_standard_input(tmp_path: Path) -> None:
    """By redirection; what comes through a pipe can't be read twice, and is refused at once."""
    written(tmp_path, LINES)
    command = [sys.executable, "-m", "streamnotice", "verify", "/dev/stdin"]
    with (tmp_path / "d.jsonl").open("rb") as file:
        done = subprocess.run(command, stdin=file, capture_output=True, cwd=ROOT, timeout=60)
    assert done.returncode == 0, done.stderr
    done = subprocess.run(command, input=b"".join(LINES), capture_output=True, cwd=ROOT, timeout=60)
    assert (done.returncode, done.stderr.count(b"\n")) == (2, 1)


ODD = "a\nstreamnotice verify: VERIFIED\x1b[31m\x9b\u202e.jsonl"


@pytest.mark.parametrize("command", ["verify", "replay", "examine", "report", "log", "key"])
def test_names_of_files_can_not_drive_the_terminal(
    tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / ODD
    if command != "key":
        path.write_bytes(b"".join(LINES))
    words = [str(tmp_path / "none" / ODD), "--no-such-option" + ODD]
    for file in (str(tmp_path) if command == "log" else str(path), *words):
        try:
            code, out, err = said(capsys, command, *([file] if file[0] == "/" else ["x", file]))
        except SystemExit as stop:
            code = stop.code
            out, err = capsys.readouterr()
        assert code in (0, 1, 2)
        assert not set(out + err) & set("\x1b\x9b\u202e")
        assert not any(
            line.startswith("streamnotice verify: VERIFIED") for line in (out + err).splitlines()
        )
        assert err.count("\n") <= 1


def test_the_name_of_a_record_just_written_can_not_drive_the_terminal() -> None:
    from types import SimpleNamespace
    from typing import Any, cast

    said = running._after(cast(Any, SimpleNamespace(dossier=ODD)))
    assert said.isprintable()
    assert "streamnotice replay" in said


def test_a_field_name_can_not_drive_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    head = json.loads(LINES[0])
    first = [LINES[0], canonical({"at_ns": 1, "type": "continued"}) + b"\n", LINES[-1]]
    sealed = resealed(first)
    again = head | {EVIL: 1, "part": 2, "previous": json.loads(sealed[-1])["head"]}
    path = written(tmp_path, [*sealed, canonical(again) + b"\n"])
    for command in ("verify", "replay", "examine"):
        code, out, err = said(capsys, command, path)
        assert code == 1
        assert not set(out + err) & set("\x1b\x07\x9b\u202e\u2066\u2028\r")
        assert "\nVERIFIED: all is well" not in out + err
        assert "not as in the header of the part before" in out + err
    with pytest.raises(EvidenceError) as caught:
        list(open_dossier(path))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("command", ["verify", "replay", "examine", "report", "log"])
def test_names_that_are_no_unicode_are_names(tmp_path: Path, command: str) -> None:
    """Where standard output is strict about it."""
    path = os.path.join(os.fsencode(tmp_path), b"sur\xff.jsonl")
    Path(os.fsdecode(path)).write_bytes(b"".join(LINES))
    file = os.fsencode(tmp_path) if command == "log" else path
    done = subprocess.run(
        [sys.executable, "-m", "streamnotice", command, file], capture_output=True, cwd=ROOT,
        timeout=100, env=os.environ | {"PYTHONIOENCODING": "utf-8:strict"},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")


def test_what_a_header_says_fills_no_screen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long_ = "as sworn before a notary " * 400
    tables = {f"{n} {long_[:40]}": long_ for n in range(50)}
    lines = [changed(LINES[0], version=long_, engine=long_, started_utc=long_, tables=tables)]
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"".join(resealed([*lines, *LINES[1:]])))
    for command in ("verify", "replay"):
        main([command, str(path)])
        out, _ = capsys.readouterr()
        assert max(map(len, out.splitlines())) < 500
