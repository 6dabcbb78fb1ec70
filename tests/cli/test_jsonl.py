"""JSON lines: one object a line, strict, in order of time, and no trouble from a lost reader."""

from __future__ import annotations

import io
import json
import os
from typing import IO

import pytest

from streamnotice.cli.jsonl import JsonLines


def test_time_never_runs_backwards() -> None:
    out = io.StringIO()
    lines = JsonLines(out)
    for at_s in (0.0, 2.0, 1.5, 2.0001, 3.0):
        lines.write("error", {"text": "x"}, at_s)
    assert [json.loads(line)["at"] for line in out.getvalue().splitlines()] == [0, 2, 2, 2, 3]


def test_a_line_is_one_line_whatever_is_in_it() -> None:
    out = io.StringIO()
    JsonLines(out).write("error", {"text": "a\nb\u2028\x1b[0m", "at": "mine", "type": "mine"}, 1.0)
    assert out.getvalue().count("\n") == 1
    assert json.loads(out.getvalue()) == {"type": "error", "at": 1.0, "text": "a\nb\u2028\x1b[0m"}


def test_what_is_no_json_is_never_written() -> None:
    out = io.StringIO()
    with pytest.raises(ValueError, match="not JSON compliant"):
        JsonLines(out).write("x", {"level": float("nan")})
    assert out.getvalue() == ""


def test_a_terminal_of_another_encoding_gets_escapes() -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")
    JsonLines(out).write("error", {"text": "\u201eja\u201c"})
    assert json.loads(raw.getvalue().decode("ascii"))["text"] == "\u201eja\u201c"


def test_a_lost_reader_is_noticed_and_not_raised() -> None:
    reader, writer = os.pipe()
    out: IO[str] = os.fdopen(writer, "w")
    lines = JsonLines(out)
    lines.write("start", {})
    assert not lines.broken
    os.close(reader)
    lines.write("summary", {})
    assert lines.broken
    lines.write("summary", {})
    with pytest.raises(BrokenPipeError):
        out.close()  # what was buffered can't go anywhere


def test_a_closed_stream_is_a_lost_reader() -> None:
    out = io.StringIO()
    lines = JsonLines(out)
    out.close()
    lines.write("start", {})
    assert lines.broken
