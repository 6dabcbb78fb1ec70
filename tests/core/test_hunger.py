"""A player that is short is judged by what it does since then, and if it waits for nothing else."""

from __future__ import annotations

import pytest

from streamnotice.estimates import Estimates
from streamnotice.evidence import asking
from streamnotice.evidence.hunger import below_since_ns, hungry_below_ns
from streamnotice.observations import (
    Failure,
    FirstByte,
    Playback,
    RequestEnded,
    RequestStarted,
)

S_NS = 1_000_000_000
MS_NS = 1_000_000


def playing(
    levels_s: list[float], *, target_s: float | None = 20, state: str = "playing"
) -> Estimates:
    """A player on demand that told one level a second; the last one stalled, if it is empty."""
    seen = Estimates()
    for second, level_s in enumerate(levels_s):
        now = "stalled" if level_s == 0 else state
        seen.playback.feed(
            Playback(
                second * S_NS,
                state=now,  # type: ignore[arg-type]
                buffer_ns=int(level_s * S_NS),
                position_ns=second * S_NS,
                target_ns=None if target_s is None else int(target_s * S_NS),
                live=False,
            )
        )
    return seen


def fetch(
    seen: Estimates,
    number: int,
    start_s: float,
    end_s: float | None,
    role: str = "media",
    failure: Failure | None = None,
) -> None:
    begins = int(start_s * S_NS)
    seen.requests.started(RequestStarted(begins, number, "host-a", role))  # type: ignore[arg-type]
    if end_s is not None:
        ends = int(end_s * S_NS)
        if failure is None:
            seen.requests.first_byte(FirstByte(ends - MS_NS, number, 200, ends - MS_NS - begins))
        seen.requests.ended(RequestEnded(ends, number, 400_000, failure))


def said(seen: Estimates, now_s: int) -> str | None:
    seen.requests.account(now_s * S_NS)
    answer = asking.RULE.ask(seen, now_s * S_NS)
    return None if answer is None else answer.name


@pytest.mark.parametrize("target_s", [4, None])
def test_what_it_did_while_it_had_enough_tells_nothing_of_an_outage(target_s: int | None) -> None:
    """Four seconds at most: it rests, asks at the third, and nothing comes."""
    levels = [4.0, 3.5] * 5 + [4.0, 3.0, 2.0, 1.0, 0.0, 0.0]
    seen = playing(levels, target_s=target_s)
    for number in range(5):
        fetch(seen, number, 2 * number + 1.5, 2 * number + 1.7)
    fetch(seen, 9, 11.0, None)
    assert said(seen, 14) != "idle_hungry"
    assert said(seen, 15) == "always"


def test_a_player_that_asks_for_nothing_while_it_is_short_is_idle_still() -> None:
    seen = playing([4.0, 3.5] * 5 + [4.0, 3.0, 2.0, 1.0, 0.0, 0.0], target_s=4)
    for number in range(5):
        fetch(seen, number, 2 * number + 1.5, 2 * number + 1.7)
    assert said(seen, 15) == "idle_hungry"


def test_hunger_is_relative_to_what_the_player_means_to_keep() -> None:
    """Or, where it doesn't tell, to the most that it had."""
    assert hungry_below_ns(playing([3.0], target_s=30).playback) == 4 * S_NS
    assert hungry_below_ns(playing([3.0], target_s=5).playback) == 5 * S_NS // 2
    assert hungry_below_ns(playing([5.0, 3.0], target_s=None).playback) == 5 * S_NS // 2
    assert hungry_below_ns(playing([12.0, 3.0], target_s=None).playback) == 4 * S_NS
    assert hungry_below_ns(playing([0.0, 0.0], target_s=None).playback) == S_NS
    assert hungry_below_ns(Estimates().playback) == 4 * S_NS


def test_since_when_it_is_short_is_told_between_two_reports() -> None:
    model = playing([6.0, 5.0, 3.5, 2.5]).playback
    assert below_since_ns(model, 4 * S_NS, 3 * S_NS) == 2 * S_NS
    assert below_since_ns(model, 9 * S_NS // 2, 3 * S_NS) == 3 * S_NS // 2
    assert below_since_ns(model, 9 * S_NS, 3 * S_NS) == 0, "all along"
    assert below_since_ns(model, 2 * S_NS, 3 * S_NS) is None


def test_a_player_that_waits_for_a_key_is_not_idle() -> None:
    seen = playing([max(0.0, 14.0 - second) for second in range(20)])
    fetch(seen, 1, 0.0, 1.0)
    fetch(seen, 2, 1.0, None, "other")
    for second in range(9, 20):
        assert said(seen, second) is None


def test_nor_right_after_it_has_got_it() -> None:
    """What it did not ask for while it waited is not held against it."""
    seen = playing([max(0.0, 14.0 - second) for second in range(20)])
    fetch(seen, 1, 0.0, 1.0)
    fetch(seen, 2, 1.0, 16.5, "other")
    fetch(seen, 3, 16.5, None)
    assert said(seen, 17) is None
    assert said(seen, 18) is None
    assert said(seen, 19) == "always"


def test_nor_after_the_key_was_given_up_and_asked_for_again() -> None:
    seen = playing([max(0.0, 10.0 - second) for second in range(16)])
    fetch(seen, 1, 0.0, 1.0)
    fetch(seen, 2, 1.0, 14.0, "other", failure="timeout")
    fetch(seen, 3, 14.5, None, "other")
    assert said(seen, 15) is None


@pytest.mark.parametrize("failure", ["timeout", "cancelled", "reset"])
def test_however_that_ended_it_was_waited_for(failure: Failure) -> None:
    seen = playing([20.0 - s for s in range(20)] + [0] * 8)
    fetch(seen, 1, 19, 24, "other", failure)
    assert said(seen, 25) is None


def test_a_request_for_something_else_that_was_answered_at_once_is_no_excuse() -> None:
    """Events that the server tells as they come, over one response that never ends."""
    seen = playing([20.0 - s for s in range(20)] + [0] * 8)
    seen.requests.started(RequestStarted(0, 1, "host-a", "other"))
    seen.requests.first_byte(FirstByte(50 * MS_NS, 1, 200, 50 * MS_NS))
    fetch(seen, 2, 1, 2)
    assert said(seen, 26) == "idle_hungry"


def test_a_short_request_for_something_else_is_no_excuse() -> None:
    """Beacons."""
    seen = playing([max(0.0, 14.0 - second) for second in range(20)])
    fetch(seen, 1, 0.0, 1.0)
    for second in range(2, 19):
        fetch(seen, second, second + 0.1, second + 0.4, "other")
    assert said(seen, 12) == "idle_hungry"
    assert said(seen, 19) == "idle_hungry"


def test_one_that_stands_over_a_full_buffer_is_not_hungry() -> None:
    """A hole in the media, or a decoder that hangs: it has no need to ask."""
    seen = playing([19.0] * 20, state="stalled")
    fetch(seen, 1, 0.0, 1.0)
    assert said(seen, 19) is None
    fetch(seen, 2, 19.0, 22.0, failure="other")
    assert said(seen, 22) == "partly", "nor does it try in vain"


def test_nor_is_one_of_which_nothing_is_known_but_that_it_stands() -> None:
    seen = Estimates()
    fetch(seen, 1, 0.0, 1.0)
    seen.playback.feed(Playback(2 * S_NS, state="stalled"))
    assert said(seen, 12) is None
    seen.playback.feed(Playback(2 * S_NS, state="stalled", wants_data=True))
    assert said(seen, 12) == "idle_hungry"
