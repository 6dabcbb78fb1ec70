"""Was the player asking: pauses of a player that has enough, and of one that has not."""

from __future__ import annotations

import pytest

from streamnotice.estimates import Estimates
from streamnotice.evidence import asking
from streamnotice.observations import Failure, Playback, RequestEnded, RequestStarted

S_NS = 1_000_000_000


def pausing(
    *,
    buffer_s: int,
    target_s: int | None,
    live: bool | None = False,
    asks_s: int = 1,
    wants_data: bool | None = None,
    failure: Failure | None = None,
) -> Estimates:
    """Ten seconds of a player that asks for some seconds in each six."""
    seen = Estimates()
    for second in range(10):
        at_ns = second * S_NS
        if second % 6 == 0:
            seen.requests.started(RequestStarted(at_ns, second, "host-a", "media"))
            seen.requests.ended(RequestEnded(at_ns + asks_s * S_NS, second, 1_000, failure))
        seen.playback.feed(
            Playback(
                at_ns,
                state="playing",
                buffer_ns=buffer_s * S_NS,
                position_ns=at_ns,
                target_ns=None if target_s is None else target_s * S_NS,
                live=live,
                wants_data=wants_data,
            )
        )
    seen.requests.account(10 * S_NS)
    return seen


@pytest.mark.parametrize(
    ("seen", "name"),
    [
        (pausing(buffer_s=28, target_s=30), "idle_full"),
        (pausing(buffer_s=16, target_s=30), "idle_full"),  # a buffer may breathe
        (pausing(buffer_s=10, target_s=30), "idle_short"),
        (pausing(buffer_s=10, target_s=30, asks_s=3), "partly_short"),
        (pausing(buffer_s=28, target_s=30, asks_s=3), "partly"),
        (pausing(buffer_s=2, target_s=30), "idle_hungry"),
        (pausing(buffer_s=10, target_s=None), "idle_full"),  # it doesn't tell what it wants
        (pausing(buffer_s=10, target_s=30, live=True), "idle_full"),  # no more has been made
        (pausing(buffer_s=10, target_s=30, live=None), "idle_full"),
        (pausing(buffer_s=10, target_s=30, wants_data=False), "idle_full"),
    ],
)
def test_pauses(seen: Estimates, name: str) -> None:
    answer = asking.read(seen, 10 * S_NS)
    assert answer is not None
    assert answer.name == name


@pytest.mark.parametrize(
    ("asks_s", "buffer_s", "name"),
    [
        (1, 2, "retrying"), (1, 10, "retrying"), (3, 10, "retrying"), (3, 20, "retrying"),
        (1, 28, "idle_full"), (3, 28, "partly"),
    ],
)  # fmt: skip
def test_a_pause_after_a_failure_is_no_idleness(asks_s: int, buffer_s: int, name: str) -> None:
    """However long the failed request took: a player that is short of media tries again."""
    seen = pausing(buffer_s=buffer_s, target_s=30, asks_s=asks_s, failure="dns")
    answer = asking.read(seen, 10 * S_NS)
    assert answer is not None
    assert answer.name == name


def test_what_playback_does_not_hang_on_may_fail() -> None:
    """A beacon, or a preview."""
    seen = pausing(buffer_s=10, target_s=30, asks_s=3)
    seen.requests.started(RequestStarted(8 * S_NS, 99, "host-b", "other"))
    seen.requests.ended(RequestEnded(9 * S_NS, 99, 0, "timeout"))
    assert asking.read(seen, 10 * S_NS).name == "partly_short"  # type: ignore[union-attr]


def test_a_live_player_that_waits_for_what_is_not_made_yet_says_nothing() -> None:
    assert asking.read(pausing(buffer_s=2, target_s=9, live=True), 10 * S_NS) is None
