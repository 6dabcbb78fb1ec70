"""Hosts that tell of an answer only when all of it is there: their silence is not the server's."""

from __future__ import annotations

import pytest

from streamnotice.estimates import Estimates
from streamnotice.evidence.waits import read_share, read_silence, read_waiting
from streamnotice.observations import FirstByte, RequestEnded, RequestStarted
from streamnotice.policy import S_NS


def asked(took_s: int, *, first_byte: bool) -> Estimates:
    """Three segments of so many seconds each, and a fourth that has just been asked for."""
    seen = Estimates()
    for number in range(4):
        began_ns = number * took_s * S_NS
        seen.requests.started(RequestStarted(began_ns, number, "host-a"))
        if number == 3:
            break
        if first_byte:
            seen.requests.first_byte(
                FirstByte(began_ns + S_NS // 10, number, status=200, ttfb_ns=S_NS // 10)
            )
        seen.requests.ended(RequestEnded(began_ns + took_s * S_NS, number, 500_000))
    return seen


@pytest.mark.parametrize(
    ("after_s", "first_byte", "said", "arrives"),
    [
        (5, True, "very_long", False),
        (5, False, "short", True),  # the others came whole after six
        (8, False, "short", True),
        (11, False, "long", True),
        (16, False, "very_long", False),
    ],
)
def test_it_is_silent_no_longer_than_it_was_before(
    after_s: int, first_byte: bool, said: str, arrives: bool
) -> None:
    seen = asked(6, first_byte=first_byte)
    now = (18 + after_s) * S_NS
    seen.requests.account(now)
    for read in (read_waiting, read_silence):
        found = read(seen, now)
        assert found is not None
        assert found.name == said
    assert seen.requests.nothing_arrives(now) is not arrives


def test_what_it_tells_of_errors_makes_its_silence_no_servers() -> None:
    """Errors are told when they come, whatever the host does otherwise."""
    seen = asked(6, first_byte=False)
    seen.requests.started(RequestStarted(18 * S_NS, 9, "host-a"))
    seen.requests.first_byte(FirstByte(18 * S_NS, 9, status=404, ttfb_ns=S_NS))
    seen.requests.ended(RequestEnded(18 * S_NS, 9, 0, "other"))
    seen.requests.account(23 * S_NS)
    assert read_share(seen, 23 * S_NS) is None


def test_a_host_that_begins_to_tell_is_taken_at_its_word() -> None:
    seen = asked(6, first_byte=False)
    assert seen.requests.kept_back_ns == 9 * S_NS
    seen.requests.first_byte(FirstByte(19 * S_NS, 3, status=200, ttfb_ns=S_NS))
    seen.requests.ended(RequestEnded(20 * S_NS, 3, 500_000))
    assert seen.requests.kept_back_ns == 0


def test_what_fails_tells_of_no_patience() -> None:
    seen = Estimates()
    seen.requests.started(RequestStarted(0, 1, "host-a"))
    seen.requests.ended(RequestEnded(30 * S_NS, 1, 500_000, "timeout"))
    assert seen.requests.kept_back_ns == 0
