"""The end of what plays, where its length is told: nothing is wanted any more, nothing stalls."""

from __future__ import annotations

from typing import Any

import pytest

from streamnotice.estimates import Estimates
from streamnotice.evidence import asking, fit, harm, rate
from streamnotice.observations import Playback, RequestEnded, RequestStarted, Transfer
from streamnotice.playback.model import PlaybackModel
from streamnotice.policy import Policy
from tests.core.sessions import S_NS

SETTINGS = Policy().settings()
LENGTH_S = 60


def film(seconds: int, *, length_s: float | None = LENGTH_S, **more: Any) -> Estimates:
    """A film whose buffer reaches to its end from 40 s on, and the next one is fetched slowly."""
    seen = Estimates()
    for quarter in range(seconds * 4 + 1):
        at = quarter * S_NS // 4
        position = min(at, LENGTH_S * S_NS)
        level = min(20 * S_NS, LENGTH_S * S_NS - position)
        told = {
            "state": "ended" if at > position else "playing",
            "target_ns": 20 * S_NS,
            "live": False,
            "duration_ns": None if length_s is None else round(length_s * S_NS),
            **more,
        }
        seen.playback.feed(
            Playback(at, buffer_ns=level, position_ns=position, rendition_bps=2_000_000, **told)
        )
        if quarter % 4 == 0:
            request = quarter
            seen.requests.started(RequestStarted(at, request, "host-a", "media"))
            seen.requests.transfer(Transfer(at + S_NS * 9 // 10, request, 150_000))
            seen.requests.ended(RequestEnded(at + S_NS * 9 // 10, request, 150_000))
        if quarter and quarter % 4 == 0:
            seen.requests.account(at)
    return seen


def test_a_level_that_falls_at_the_end_is_no_stall_ahead() -> None:
    for seconds in (50, 53, 56, 59):
        now = seconds * S_NS
        assert film(seconds).playback.impact(now, SETTINGS, True, False) is None
        assert film(seconds).playback.impact(now, SETTINGS, True, True) is None
        untold = film(seconds, length_s=None).playback
        assert untold.impact(now, SETTINGS, True, False) == "stall_ahead"


def test_what_is_fetched_at_the_end_is_not_held_against_the_film() -> None:
    seen, untold = film(56), film(56, length_s=None)
    for rule in (fit.RULE, rate.RULE):
        assert rule.read(seen, 56 * S_NS) is None
        assert rule.read(untold, 56 * S_NS) is not None
    assert harm.read(seen, 56 * S_NS).name == "calm"  # type: ignore[union-attr]
    assert harm.read(untold, 56 * S_NS).name == "low"  # type: ignore[union-attr]
    assert film(30).playback.wants_data is None
    assert fit.read(film(30), 30 * S_NS) is not None


def test_a_player_that_asks_for_no_more_at_the_end_is_not_idle() -> None:
    seen = film(40)
    for second in range(41, 56):
        at = second * S_NS
        seen.playback.feed(
            Playback(
                at, state="playing", buffer_ns=(60 - second) * S_NS, position_ns=at,
                duration_ns=LENGTH_S * S_NS, target_ns=20 * S_NS, live=False,
            )
        )  # fmt: skip
        seen.requests.account(at)
    assert asking.read(seen, 55 * S_NS).name == "idle_full"  # type: ignore[union-attr]


@pytest.mark.parametrize("state", [None, "stalled"])
@pytest.mark.parametrize("short_ns", [0, 400_000_000])
def test_playback_that_stands_at_the_end_is_over(state: str | None, short_ns: int) -> None:
    """Played heads and declared lengths are some frames apart."""
    model, told = PlaybackModel(), PlaybackModel()
    length = 20 * S_NS + 250_000_000
    for quarter in range(120):
        at = quarter * S_NS // 4
        position = min(at, length - short_ns)
        says: Any = state if at > position else "playing" if state else None
        level = max(0, length - short_ns - at)
        model.feed(Playback(at, state=says, buffer_ns=level, position_ns=position))
        told.feed(
            Playback(at, state=says, buffer_ns=level, position_ns=position, duration_ns=length)
        )
    assert (model.state, model.stalls) == ("stalled", 1)
    assert (told.state, told.stalls) == ("ended", 0)
    assert told.impact(30 * S_NS, SETTINGS, False, False) is None


def test_the_next_film_is_not_at_its_end() -> None:
    model = film(66, live=None).playback
    assert model.state == "ended"
    for second in range(67, 80):
        at = second * S_NS
        model.feed(
            Playback(
                at, state="playing", buffer_ns=max(0, (70 - second)) * S_NS,
                position_ns=at - 66 * S_NS, duration_ns=90 * S_NS,
            )
        )  # fmt: skip
    assert not model.ending.fetched
    model.feed(Playback(80 * S_NS, state="stalled", buffer_ns=0, position_ns=14 * S_NS))
    assert model.impact(82 * S_NS, SETTINGS, True, True) == "stalled"


@pytest.mark.parametrize(
    "told",
    [{"live": True, "duration_ns": 20 * S_NS}, {"duration_ns": 0}, {"duration_ns": 12 * S_NS}],
    ids=["live", "no length", "of something else"],
)
def test_what_is_no_length_is_no_end(told: dict[str, Any]) -> None:
    model = PlaybackModel()
    model.feed(Playback(0, state="playing", buffer_ns=0, position_ns=20 * S_NS, **told))
    model.feed(Playback(S_NS, state="stalled", buffer_ns=0, position_ns=20 * S_NS, **told))
    assert not model.ending.fetched
    assert model.state == "stalled"


def test_a_length_that_grows_is_that_of_what_was_made_so_far() -> None:
    """As hosts tell it of a broadcast that can be wound back, some without telling that it is."""
    model = PlaybackModel()
    for second in range(30):
        made = (second // 4 * 4 + 8) * S_NS
        position = second * S_NS
        model.feed(
            Playback(
                position, state="playing", buffer_ns=made - position, position_ns=position,
                duration_ns=made,
            )
        )  # fmt: skip
    assert not model.ending.fetched
    model.feed(Playback(31 * S_NS, position_ns=30 * S_NS, buffer_ns=0, duration_ns=36 * S_NS))
    assert not model.ending.over


def test_a_play_head_in_whole_seconds_lags_the_end() -> None:
    model = PlaybackModel()
    for quarter in range(60):
        at = quarter * S_NS // 4
        position = min(at, 10 * S_NS + 800_000_000)
        model.feed(
            Playback(
                at, buffer_ns=10_800_000_000 - position, position_ns=position // S_NS * S_NS,
                duration_ns=10_800_000_000,
            )
        )  # fmt: skip
    assert (model.state, model.stalls) == ("ended", 0)
