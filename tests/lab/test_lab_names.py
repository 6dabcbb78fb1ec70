"""The lab's name server: right answers, the errors it is told to give, nothing for noise."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.names import Faults, QueryError, answer, question

RECORDS = {"play.video.example": "91.92.3.50"}
_A, _AAAA = 1, 28


def _query(name: str, kind: int = _A, identity: int = 7) -> bytes:
    labels = b"".join(bytes([len(p)]) + p.encode() for p in name.split("."))
    return (
        struct.pack("!6H", identity, 0x0100, 1, 0, 0, 0) + labels + struct.pack("!BHH", 0, kind, 1)
    )


def _head(said: bytes) -> tuple[int, int, int]:
    """(id, rcode, number of answers)."""
    identity, flags, _, answers, _, _ = struct.unpack_from("!6H", said)
    assert flags & 0x8000
    return identity, flags & 0xF, answers


def test_a_known_name_has_its_address() -> None:
    said = answer(_query("Play.Video.example"), RECORDS, 20)
    assert _head(said) == (7, 0, 1)
    assert said.endswith(bytes((91, 92, 3, 50)))


@pytest.mark.parametrize(
    ("name", "kind", "fails", "code"),
    [
        ("play.video.example", _AAAA, False, 0),  # no data
        ("other.example", _A, False, 3),
        ("play.video.example", _A, True, 2),
    ],
)
def test_what_it_has_not_got_it_says(name: str, kind: int, fails: bool, code: int) -> None:
    assert _head(answer(_query(name, kind), RECORDS, 20, fails=fails)) == (7, code, 0)


@given(st.binary(max_size=80))
def test_any_packet_is_a_question_or_one_error(packet: bytes) -> None:
    try:
        _, _, end = question(packet)
    except QueryError:
        return
    assert 12 < end <= len(packet)


def test_a_fault_keeps_to_its_zone_and_to_its_share() -> None:
    faults = Faults(1)
    assert faults.treat("e1.cdn.video.example", 0.0) == (0.0, None)
    faults.now = {"zone": ".video.example", "delay_s": 4.0, "fails": "silent", "share": 0.75}
    assert faults.treat("probe.test.example", 0.0) == (0.0, None)
    hit = [faults.treat(f"e{i}.cdn.video.example", 0.0) for i in range(400)]
    assert 0.65 < sum(failure == "silent" for _, failure in hit) / len(hit) < 0.85
    assert all(3.2 <= delay_s <= 4.6 for delay_s, _ in hit)


def test_asking_again_at_once_does_not_help() -> None:
    faults = Faults(1)
    faults.now = {"zone": "", "delay_s": 0.0, "fails": "servfail", "share": 0.5}
    for number in range(40):
        assert len({faults.treat(f"e{number}", at)[1] for at in (8.0, 8.1, 11.9)}) == 1
