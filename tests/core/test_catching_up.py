"""A live stream shown faster than it is made: its level falls by choice, and nobody is to blame."""

from __future__ import annotations

from typing import Any

import pytest

from streamnotice.estimates import Estimates
from streamnotice.evidence import fit, harm, rate
from streamnotice.observations import (
    LiveEdge,
    Playback,
    RequestEnded,
    RequestStarted,
    Transfer,
)
from streamnotice.policy import Policy
from tests.core.sessions import S_NS

SETTINGS = Policy().settings()
BPS = 1_000_000
RULES = (fit.RULE, rate.RULE, rate.FLOW)


def chasing(
    *,
    speed: float = 1.5,
    comes: float = 1.0,
    live: bool | None = True,
    seconds: int = 22,
    slow_again_s: int = 99,
    level: float = 14.0,
) -> Estimates:
    """From 10 s on it is shown faster; media comes at *comes* times the pace that it is shown at
    normally, quarter by quarter, as it is made."""
    seen = Estimates()
    for quarter in range(seconds * 4 + 1):
        at = quarter * S_NS // 4
        fast = quarter >= 40 and quarter < slow_again_s * 4
        now = speed if fast else 1.0
        if quarter:
            level = max(0.0, level + (comes - now) / 4)
        seen.playback.feed(
            Playback(
                at, state="playing", buffer_ns=round(level * S_NS), rendition_bps=BPS,
                ladder_bps=(BPS // 2, BPS), live=live, speed_permille=round(now * 1000),
            )
        )  # fmt: skip
        if quarter % 4 == 0:
            if quarter:
                whole = round(BPS / 8 * comes)
                seen.requests.transfer(Transfer(at, quarter - 4, whole))
                seen.requests.ended(RequestEnded(at, quarter - 4, whole))
            seen.requests.started(RequestStarted(at, quarter, "host-a", "media"))
            if quarter:
                seen.requests.account(at)
    return seen


def answers(seen: Estimates, now_s: int) -> list[str | None]:
    said = [rule.read(seen, now_s * S_NS) for rule in RULES]
    return [answer and answer.name for answer in said]


@pytest.mark.parametrize("speed", [1.1, 1.25, 1.5])
def test_the_drain_of_a_live_stream_that_catches_up_is_chosen(speed: float) -> None:
    for seconds in range(12, 30):
        seen, now = chasing(speed=speed, seconds=seconds), seconds * S_NS
        assert -50 * speed < (seen.playback.drain_permille(now) or 0) <= 0
        assert seen.playback.impact(now, SETTINGS, True, False) is None
        assert harm.read(seen, now).name == "calm"  # type: ignore[union-attr]
        assert answers(seen, seconds) == [None, None, None]


def test_nor_is_there_a_drain_right_after_it() -> None:
    for seconds in range(24, 40):
        seen = chasing(speed=1.5, seconds=seconds, slow_again_s=24)
        assert seen.playback.impact(seconds * S_NS, SETTINGS, True, False) is None


def test_a_source_that_lags_drains_whatever_the_speed() -> None:
    seen = chasing(comes=0.5, level=24.0, seconds=25)
    assert seen.playback.drain_permille(25 * S_NS) == -500
    assert seen.playback.impact(25 * S_NS, SETTINGS, True, False) == "stall_ahead"


def test_on_demand_a_viewer_in_a_hurry_needs_more() -> None:
    seen = chasing(live=False, seconds=26)
    assert seen.playback.impact(26 * S_NS, SETTINGS, True, False) == "stall_ahead"
    assert harm.read(seen, 26 * S_NS).name == "low"  # type: ignore[union-attr]
    assert answers(seen, 26)[:2] == ["above", "short"]


@pytest.mark.parametrize(
    ("comes", "names"),
    [(1.0, [None] * 2), (0.8, [None] * 2), (2.0, ["fits", "near"])],
)
def test_where_nobody_tells_whether_it_is_live(comes: float, names: list[Any]) -> None:
    """What would be too little on demand may be all that there is; enough is enough."""
    seen = chasing(comes=comes, live=None)
    assert answers(seen, 22)[:2] == names
    if comes >= 1.0:
        assert seen.playback.impact(22 * S_NS, SETTINGS, True, False) is None
        answer = harm.read(seen, 22 * S_NS)
        assert (answer and answer.name) == ("calm" if comes > 1.0 else None)


def test_far_too_little_is_too_little_for_either() -> None:
    seen = chasing(comes=0.2, live=None, level=25.0)
    assert answers(seen, 22)[:2] == ["lowest", "trickle"]
    assert harm.read(seen, 22 * S_NS).name == "low"  # type: ignore[union-attr]


def test_a_live_playlist_tells_it_too() -> None:
    seen = chasing(comes=2.0, live=None)
    seen.live_edge(LiveEdge(21 * S_NS, 40, 2 * S_NS))
    assert answers(seen, 22) == [None, None, None]


def test_at_normal_speed_all_is_as_it_was() -> None:
    for live in (True, False, None):
        seen = chasing(speed=1.0, comes=0.7, live=live)
        assert answers(seen, 22)[:2] == ["above", "short"]
        assert seen.playback.drain_permille(22 * S_NS) == -300


def test_nothing_is_shown_faster_where_nothing_is_at_hand() -> None:
    """Who tells of playing, fast, over an empty buffer fills none by it."""
    seen = chasing(comes=0.2, seconds=60)
    assert seen.playback.levels.beyond_ns < 14 * S_NS
    assert seen.playback.drain_permille(60 * S_NS) == 0
