"""`streamnotice replay FILE`: exit codes, the summary for people, the object for programs."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from streamnotice.cli import main
from streamnotice.dossier.codec import canonical
from streamnotice.dossier.record import Recorder, make_header
from streamnotice.engine import ENGINE_VERSION, Engine
from streamnotice.observations import Closed, Observation, Playback
from streamnotice.policy import Policy

S_NS = 1_000_000_000


@pytest.fixture
def lines() -> list[bytes]:
    """A recorded session: ten good seconds, then ten without anything in the buffer."""
    policy = Policy()
    engine = Engine(policy.settings())
    header = make_header(
        settings=policy.settings(), engine_version=ENGINE_VERSION, tables=engine.tables.hashes(),
        provisional=engine.tables.provisional, started_utc="2026-01-02T03:04:05+00:00",
    )  # fmt: skip
    recorder = Recorder(header, 1_000_000)
    fed: list[Observation] = [
        Playback(
            second * S_NS,
            state="playing" if second < 10 else "stalled",
            buffer_ns=max(0, 10 - second) * S_NS,
            wants_data=True,
        )
        for second in range(20)
    ]
    for observation in [*fed, Closed(20 * S_NS)]:
        recorder.observation(observation)
        recorder.events(engine.feed(observation))
    recorder.close(20 * S_NS)
    return recorder.lines()


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["replay", *words])
    out, err = capsys.readouterr()
    return code, out, err


def tampered(lines: list[bytes]) -> tuple[list[bytes], int]:
    number = next(n for n, line in enumerate(lines, 1) if b'"kind":"verdict"' in line)
    event = json.loads(lines[number - 1]) | {"against": "device"}
    changed = json.dumps(event, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    return [*lines[: number - 1], changed, *lines[number:]], number


def test_an_honest_record_is_told_in_full(
    tmp_path: Path, lines: list[bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "d.jsonl.gz"
    path.write_bytes(gzip.compress(b"".join(lines)))
    code, out, err = said(capsys, str(path))
    assert (code, err) == (0, "")
    events = sum(b'"type":"event"' in line for line in lines)
    assert out.endswith(f"replayed 21 observations and 0 ticks, {events} events: identical\n")
    for words in ("2026-01-02T03:04:05", "0:20.0 long", "playing", "stalled", "undetermined"):
        assert words in out
    assert max(map(len, out.splitlines())) <= 140


def test_the_json_form(
    tmp_path: Path, lines: list[bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "d.jsonl"
    path.write_bytes(b"".join(lines))
    code, out, _ = said(capsys, str(path), "--json")
    found: dict[str, Any] = json.loads(out)
    assert code == 0
    assert found["outcome"] == "identical"
    assert found["difference"] is None
    assert found["observations"] == 21
    assert [step["impact"] for step in found["timeline"]][-1] == "stalled"
    assert found["notices"][0]["state"] == "raised"


def test_a_changed_record_is_exit_1_with_the_line(
    tmp_path: Path, lines: list[bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    changed, number = tampered(lines)
    path = tmp_path / "d.jsonl"
    path.write_bytes(b"".join(changed))
    code, out, _ = said(capsys, str(path))
    assert code == 1
    assert f"different from line {number} on" in out
    assert 'recorded  against: "device"' in out
    code, out, _ = said(capsys, str(path), "--json")
    assert code == 1
    assert json.loads(out)["difference"]["line"] == number


def test_another_engine_says_what_to_install(
    tmp_path: Path, lines: list[bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    changed, _ = tampered(lines)
    header = json.loads(changed[0]) | {"engine": "7.7.7", "version": "8.8.8"}
    path = tmp_path / "d.jsonl"
    path.write_bytes(b"".join([canonical(header) + b"\n", *changed[1:]]))
    code, out, _ = said(capsys, str(path))
    assert code == 1
    assert "engine 7.7.7" in out
    assert "pip install 'streamnotice==8.8.8'" in out


@pytest.mark.parametrize("content", [None, b"", b"no dossier\n", b"\x1f\x8bxxxxxxxxxxxx"])
def test_what_is_no_dossier_is_exit_2_and_one_line(
    tmp_path: Path, content: bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "d.jsonl"
    if content is not None:
        path.write_bytes(content)
    code, out, err = said(capsys, str(path))
    assert (code, out) == (2, "")
    assert str(path) in err
    assert err.count("\n") == 1


def test_texts_of_a_hostile_record_cannot_drive_the_terminal(
    tmp_path: Path, lines: list[bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    header = json.loads(lines[0]) | {"started_utc": "\x1b[31mred\x07", "version": "1\x1b]0;x\x07"}
    path = tmp_path / "d.jsonl"
    path.write_bytes(b"".join([canonical(header) + b"\n", *lines[1:]]))
    _, out, _ = said(capsys, str(path))
    assert "\x1b" not in out
    assert "\x07" not in out


def test_replay_needs_no_http(tmp_path: Path, lines: list[bytes]) -> None:
    """A hostile expert's machine needs attrs and the standard library for it, and no more."""
    import subprocess

    path = tmp_path / "d.jsonl"
    path.write_bytes(b"".join(lines))
    code = (
        "import sys; from streamnotice.dossier.replay import replay;"
        f"print(replay({str(path)!r}).outcome,"
        " sorted({'aiohttp', 'asyncio', 'structlog', 'rich'} & set(sys.modules)))"
    )
    root = Path(__file__).parents[2]
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True
    )
    assert out.stdout == "identical []\n"


@pytest.mark.parametrize("torn", [b"no JSON\n", b"{}\n", b'{"at_ns":1.5,"type":"tick"}\n'])
def test_a_line_that_can_not_be_read_is_exit_1_with_the_line(
    tmp_path: Path, lines: list[bytes], torn: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is a dossier, and it was touched: what stands before it is told all the same."""
    path = tmp_path / "d.jsonl"
    path.write_bytes(b"".join([*lines[:40], torn, *lines[41:]]))
    code, out, err = said(capsys, str(path))
    assert (code, err) == (1, "")
    assert "identical as far as it can be read" in out
    assert "line 41: " in out
    assert "playing" in out
    code, out, _ = said(capsys, str(path), "--json")
    found = json.loads(out)
    assert (code, found["outcome"]) == (1, "damaged")
    assert "line 41: " in found["damage"]


@pytest.mark.parametrize(
    "version",
    ["1'; touch pwned #", "1 --index-url=http://evil.example", "$(id)", "", "1\n2", "v" * 500],
)
def test_no_word_of_a_record_gets_into_a_command_to_paste(
    lines: list[bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str], version: str
) -> None:
    made, _ = tampered(lines)
    engine = "1. To check: pip install evil"
    header = json.loads(lines[0]) | {"engine": engine, "version": version}
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"".join([canonical(header) + b"\n", *made[1:]]))
    for command in ("replay", "verify", "examine"):
        main([command, str(path)])
        out, _ = capsys.readouterr()
        assert "pip install 'streamnotice" not in out
        assert f"engine {engine};" not in out
