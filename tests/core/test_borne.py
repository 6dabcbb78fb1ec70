"""What a session has borne before is no stall ahead."""

from __future__ import annotations

import pytest

from streamnotice.estimates import Estimates
from streamnotice.observations import FirstByte, Playback, RequestEnded, RequestStarted
from streamnotice.playback.requests import MOST_BORNE_NS, STUCK_NS
from streamnotice.policy import S_NS


def waited(wait_s: float, level_s: float, status: int = 200) -> Estimates:
    """A segment whose answer began after *wait_s*, with so much still at hand; another is asked."""
    seen = Estimates()
    seen.started(RequestStarted(0, 1, "host-a"))
    at_ns = round(wait_s * S_NS)
    seen.playback.feed(Playback(at_ns, state="playing", buffer_ns=round(level_s * S_NS)))
    seen.first_byte(FirstByte(at_ns, 1, status=status, ttfb_ns=at_ns))
    seen.requests.ended(RequestEnded(at_ns, 1, 500_000))
    seen.started(RequestStarted(at_ns, 2, "host-a"))
    return seen


def stuck_after_s(seen: Estimates) -> float:
    """From when on nothing is said to arrive, in steps of a quarter of a second."""
    (request,) = seen.requests.under_way.values()
    for quarters in range(100):
        now = request.started_ns + quarters * S_NS // 4
        seen.requests.account(now)
        if seen.requests.nothing_arrives(now):
            return quarters / 4
    raise AssertionError("never")


@pytest.mark.parametrize(
    ("seen", "after_s"),
    [
        (waited(1, 5), STUCK_NS / S_NS),
        (waited(6, 5), 7.5),  # a quarter more than what did no harm
        (waited(6, 0.5), STUCK_NS / S_NS),  # it nearly ran dry
        (waited(6, 5, 503), STUCK_NS / S_NS),
        (waited(20, 5), MOST_BORNE_NS / S_NS),
    ],
)
def test_a_wait_is_stuck_where_it_is_longer_than_any_that_was_borne(
    seen: Estimates, after_s: float
) -> None:
    assert stuck_after_s(seen) == after_s
