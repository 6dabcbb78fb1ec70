"""Replay: the same bytes, or the first line that differs; a strict reader before it."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from recorded import changed, record, resealed

from streamnotice.dossier.codec import canonical
from streamnotice.dossier.replay import replay
from streamnotice.dossier.walk import MAX_LINE_BYTES
from streamnotice.errors import EvidenceError

LINES = record().lines()
FIRST_VERDICT = next(i for i, line in enumerate(LINES) if b'"kind":"verdict"' in line)


def _write(path: Path, lines: list[bytes]) -> Path:
    path.write_bytes(b"".join(lines))
    return path


def test_a_recorded_session_replays_identically(tmp_path: Path) -> None:
    found = replay(_write(tmp_path / "a", LINES))
    assert found.outcome == "identical"
    assert (found.observations, found.ticks) == (322, 40)
    assert found.events == sum(b'"type":"event"' in line for line in LINES) > 40
    assert found.closed
    assert [state for _, state in found.playback] == ["playing", "stalled"]
    assert {step.impact for step in found.timeline} >= {None, "stalled"}
    assert found.notices[0].state == "raised"


def test_a_changed_event_is_found_by_its_line(tmp_path: Path) -> None:
    lines = list(LINES)
    more = json.loads(lines[FIRST_VERDICT])["confidence_ppm"] + 1
    lines[FIRST_VERDICT] = changed(lines[FIRST_VERDICT], confidence_ppm=more)
    lines = resealed(lines)
    found = replay(_write(tmp_path / "a", lines))
    assert found.outcome == "different"
    assert found.difference is not None
    assert found.difference.line == FIRST_VERDICT + 1
    assert found.difference.expected == lines[FIRST_VERDICT].decode().rstrip()
    assert found.difference.got == LINES[FIRST_VERDICT].decode().rstrip()
    assert found.observations == 322  # read to the end all the same
    assert found.faults == []


def test_another_byte_form_is_refused(tmp_path: Path) -> None:
    """One value has one form: what is hashed and compared is not open to taste."""
    lines = list(LINES)
    lines[FIRST_VERDICT] = json.dumps(json.loads(lines[FIRST_VERDICT])).encode() + b"\n"
    with pytest.raises(EvidenceError, match=f"line {FIRST_VERDICT + 1}: not in canonical form"):
        replay(_write(tmp_path / "a", resealed(lines)))


def test_a_broken_chain_is_told_with_the_replay(tmp_path: Path) -> None:
    lines = list(LINES)
    lines[FIRST_VERDICT] = changed(lines[FIRST_VERDICT], weight_mdb=17)
    found = replay(_write(tmp_path / "a", lines))
    (fault,) = found.faults
    assert (fault.fault.first, fault.fault.text) == (FIRST_VERDICT + 1, "1 line changed")


@pytest.mark.parametrize("what", ["event", "observation"])
def test_a_missing_line_is_a_difference(tmp_path: Path, what: str) -> None:
    lines = list(LINES)
    wanted = {"event": b'"kind":"verdict"', "observation": b'"state":"stalled","type":"obs'}[what]
    del lines[next(i for i, line in enumerate(lines) if wanted in line)]
    assert replay(_write(tmp_path / "a", lines)).outcome == "different"


def test_a_removed_last_answer_of_a_closed_record_is_a_difference(tmp_path: Path) -> None:
    lines = resealed([line for line in LINES if b'"reason":"ended"' not in line])
    assert len(lines) < len(LINES)
    assert replay(_write(tmp_path / "a", lines)).outcome == "different"


def test_any_beginning_of_a_record_replays(tmp_path: Path) -> None:
    for size in (1, 2, FIRST_VERDICT, FIRST_VERDICT + 1, len(LINES) - 3):
        found = replay(_write(tmp_path / "a", LINES[:size]))
        assert found.outcome == "identical"
        assert not found.closed


def test_another_engine_version_says_which_to_install(tmp_path: Path) -> None:
    header = json.loads(LINES[0]) | {"engine": "9.9.9", "version": "9.9.9"}
    lines = [canonical(header) + b"\n", *LINES[1:]]
    assert replay(_write(tmp_path / "a", lines)).outcome == "identical"
    del lines[FIRST_VERDICT]
    assert replay(_write(tmp_path / "a", lines)).outcome == "other_engine"


def test_other_tables_are_named(tmp_path: Path) -> None:
    header = json.loads(LINES[0])
    name = min(header["tables"])
    header["tables"][name] = "0" * 64
    lines = [canonical(header) + b"\n", *LINES[1:]]
    assert replay(_write(tmp_path / "a", lines)).tables_differ == (name,)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], "empty"),
        ([b"hello\n"], "line 1: not a JSON object"),
        ([b'{"type":"tick","at_ns":1}\n'], "line 1: no dossier: its first line is no header"),
        ([b'{"type":"header","format":99}\n'], "line 1: format 99 is not known"),
        ([LINES[0][:-1]], "line 1 is cut off"),
        ([LINES[0], LINES[0]], "line 2: a header in the middle of a part"),
        ([LINES[0], b'{"type":"tick","at_ns":1}\n'], "line 2: not in canonical form"),
        ([LINES[0], b'{"at_ns":1,"at_ns":1,"type":"tick"}\n'], "line 2: not in canonical form"),
        ([LINES[0], b'{"at_ns":"1","type":"tick"}\n'], "line 2: at_ns: of the wrong type"),
        ([LINES[0], b'{"at_ns":1,"type":"tick","x":1}\n'], "line 2: tick: unknown field"),
        ([LINES[0], b'{"at_ns":1,"type":"shown"}\n'], "line 2: id: missing"),
        ([LINES[0], b'{"at_ns":1,"type":"seal"}\n'], "line 2: not a seal"),
        ([LINES[0], b'{"at_ns":1,"type":"state"}\n'], "line 2: a part but the first opens with"),
        ([LINES[0], b'{"kind":"x","type":"observation"}\n'], "line 2: 'x' is no known kind"),
        ([*LINES, LINES[5]], "something follows the end of the session"),
        ([LINES[0], b" " * (MAX_LINE_BYTES + 2)], "line 2: longer than"),
        ([b"\x1f\x8b" + b"x" * 40], "damaged gzip"),
    ],
)
def test_damage_is_one_line_that_says_where(tmp_path: Path, lines: list[bytes], words: str) -> None:
    with pytest.raises(EvidenceError, match=words) as caught:
        replay(_write(tmp_path / "damaged", lines))
    assert str(caught.value).startswith(str(tmp_path / "damaged"))
    assert "\n" not in str(caught.value)


def test_what_is_no_file_is_said(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(EvidenceError, match="can't be read"):
            replay(path)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32))
def test_a_damaged_file_is_read_or_one_error(tmp_path: Path, seed: int) -> None:
    """Bytes flipped, cut out or doubled anywhere: accepted, or one error type, nothing else."""
    chance = random.Random(seed)
    data = bytearray(b"".join(LINES))
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data))
        kind = chance.randrange(3)
        if kind == 0:
            data[at] = chance.randrange(256)
        elif kind == 1:
            del data[at : at + chance.randrange(2000)]
        else:
            data[at:at] = data[at : at + chance.randrange(400)]
    path = tmp_path / "damaged"
    path.write_bytes(data)
    try:
        found = replay(path)
    except EvidenceError as error:
        assert str(path) in str(error)  # noqa: PT017 - either way is right
    else:
        assert found.outcome in ("identical", "different", "other_engine")
