"""A report that could be foretold tells nothing; all others are taken, at once."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import attrs
import pytest

from streamnotice.observations import Playback
from streamnotice.playback.model import PlaybackModel
from streamnotice.playback.news import NEAR_NS, PlaybackNews
from tests.core.sessions import S_NS

MS_NS = 1_000_000
FIRST = Playback(
    10 * S_NS, state="playing", buffer_ns=8 * S_NS, position_ns=3 * S_NS, rendition_bps=2_000_000,
    ladder_bps=(1_000_000, 2_000_000), dropped_frames=0, decoded_frames=240, wants_data=True,
    target_ns=30 * S_NS, live=False, speed_permille=1000,
)  # fmt: skip


def later(ms: int, first: Playback = FIRST, **changes: Any) -> Playback:
    """What *first* says after so many milliseconds if all goes its way."""
    moved = ms * MS_NS * (first.speed_permille or 1000) // 1000
    return attrs.evolve(
        first,
        **{
            "at_ns": first.at_ns + ms * MS_NS,
            "buffer_ns": max(0, (first.buffer_ns or 0) - moved),
            "position_ns": (first.position_ns or 0) + moved,
            "decoded_frames": (first.decoded_frames or 0) + ms * 24 // 1000,
            **changes,
        },
    )


def is_news(*reports: Playback) -> bool:
    """Whether the last of them is, after the others."""
    news = PlaybackNews()
    last = False
    for report in reports:
        last = news.is_news(report)
        if last:
            news.took(report)
    return last


def test_what_follows_is_no_news_for_a_second() -> None:
    assert is_news(FIRST)
    assert not is_news(FIRST, later(200))
    assert not is_news(FIRST, later(200), later(400), later(600), later(800))
    assert is_news(FIRST, later(250), later(500), later(750), later(1000))
    assert not is_news(FIRST, later(1001), later(1200))


@pytest.mark.parametrize("every_ms", [16, 200, 333, 445, 501, 850, 1000])
def test_nothing_is_quiet_for_more_than_a_second(every_ms: int) -> None:
    news, taken = PlaybackNews(), []
    for ms in range(0, 20_000, every_ms):
        report = later(ms, buffer_ns=8 * S_NS, wants_data=None) if ms == 0 else later(ms)
        if news.is_news(report):
            news.took(report)
            taken.append(report.at_ns)
    gaps = [after - before for before, after in pairwise(taken)]
    assert max(gaps) <= S_NS


@pytest.mark.parametrize(
    "change",
    [
        {"state": "stalled"}, {"state": None}, {"buffer_ns": None}, {"position_ns": None},
        {"rendition_bps": 1_000_000}, {"ladder_bps": None}, {"rendition_fixed": True},
        {"wants_data": False}, {"target_ns": 20 * S_NS}, {"live": None}, {"speed_permille": 1500},
        {"duration_ns": 600 * S_NS},
        {"buffer_ns": FIRST.buffer_ns},  # a fifth of a second came in
        {"position_ns": FIRST.position_ns},  # the play head stands
    ],
)  # fmt: skip
def test_whatever_changes_is_news(change: dict[str, Any]) -> None:
    assert is_news(FIRST, later(200, **change))


def test_counts_of_frames_can_wait_if_they_come_each_time() -> None:
    assert not is_news(FIRST, later(200, dropped_frames=40))
    untold = attrs.evolve(FIRST, dropped_frames=None, decoded_frames=None)
    assert is_news(untold, later(200, untold, dropped_frames=40, decoded_frames=240))
    assert is_news(FIRST, later(200, dropped_frames=None))


def test_what_was_not_taken_counts_for_nothing() -> None:
    news = PlaybackNews()
    assert news.is_news(FIRST)
    assert news.is_news(later(200))


def test_where_no_state_is_told_each_report_is_news() -> None:
    """A stall is inferred from each, then."""
    untold = attrs.evolve(FIRST, state=None)
    assert is_news(untold, later(200, untold))


@pytest.mark.parametrize("state", ["paused", "stalled", "starting", "seeking", "ended"])
def test_in_other_states_nothing_moves(state: str) -> None:
    still = attrs.evolve(FIRST, state=state)
    again = attrs.evolve(still, at_ns=still.at_ns + 300 * MS_NS)
    assert not is_news(still, again)
    assert is_news(still, later(300, still))


def test_a_speed_is_followed() -> None:
    fast = attrs.evolve(FIRST, speed_permille=2000)
    assert not is_news(fast, later(400, fast))
    assert is_news(fast, later(400, fast, position_ns=later(400).position_ns))


def reports(every_ms: int, segment_s: int, seconds: int) -> Iterator[Playback]:
    """A player that gets a segment each time one has been shown, till none comes any more."""
    buffer_ms, stalled = 10_000, False
    for ms in range(0, seconds * 1000, every_ms):
        if ms and ms % (segment_s * 1000) < every_ms and ms < seconds * 500:
            buffer_ms += segment_s * 1000
        stalled = stalled or buffer_ms <= 0
        yield Playback(
            ms * MS_NS, state="stalled" if stalled else "playing", buffer_ns=buffer_ms * MS_NS
        )
        buffer_ms = max(0, buffer_ms - every_ms)


@pytest.mark.parametrize("every_ms", [60, 100, 201, 250])
@pytest.mark.parametrize("segment_s", [1, 2, 4, 6, 10])
def test_the_model_sees_the_same_by_the_news_alone(every_ms: int, segment_s: int) -> None:
    every, told, news = PlaybackModel(), PlaybackModel(), PlaybackNews()
    taken = 0
    for report in reports(every_ms, segment_s, 60):
        every.feed(report)
        if news.is_news(report):
            news.took(report)
            told.feed(report)
            taken += 1
        now = report.at_ns
        assert told.state == every.state
        assert told.since_ns == every.since_ns
        assert abs((told.level_ns(now) or 0) - (every.level_ns(now) or 0)) <= NEAR_NS
        mine, theirs = told.drain_permille(now), every.drain_permille(now)
        assert (mine is None) == (theirs is None)
        if mine is not None and theirs is not None:
            assert abs(mine - theirs) <= 2 * NEAR_NS * 1000 // (5 * S_NS)
    assert taken <= 60 * 2.2


def test_with_every_frame_no_window_is_cut_short() -> None:
    """The model keeps some hundred levels: of news, those are minutes."""
    told, news = PlaybackModel(), PlaybackNews()
    for report in reports(16, 4, 60):
        if news.is_news(report):
            news.took(report)
            told.feed(report)
    rows = told.levels.rows
    assert rows[-1][0] - rows[0][0] > 55 * S_NS
    assert len(rows) <= 60 * 2.2
