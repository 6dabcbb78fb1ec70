"""The buffer model by example: saw-teeth are not drains, seeks are not stalls."""

from __future__ import annotations

from typing import Any

import pytest

from streamnotice.observations import Playback
from streamnotice.playback.model import PlaybackModel
from streamnotice.policy import Policy
from tests.core.sessions import S_NS

SETTINGS = Policy().settings()


def play(levels: list[float], every_s: float = 0.25, **more: object) -> tuple[PlaybackModel, int]:
    model = PlaybackModel()
    now = 0
    for level in levels:
        model.feed(
            Playback(now, state="playing", buffer_ns=round(level * S_NS), **more)  # type: ignore[arg-type]
        )
        now += round(every_s * S_NS)
    return model, now - round(every_s * S_NS)


def sawtooth(seconds: int, top: float, segment_s: float, drift: float = 0.0) -> list[float]:
    """Level of a player that gets a segment each time one has been shown."""
    return [
        max(0.0, top - (quarter / 4) % segment_s + drift * quarter / 4)
        for quarter in range(seconds * 4)
    ]


@pytest.mark.parametrize("segment_s", [1.0, 2.0, 4.0, 6.0, 8.0, 9.0])
def test_sawtooth_is_no_drain(segment_s: float) -> None:
    model, now = play(sawtooth(40, 9.0, segment_s))
    drain = model.drain_permille(now)
    assert drain is not None
    assert drain > -150
    assert model.impact(now, SETTINGS, True, False) is None


def test_drain_is_foreseen_before_the_stall() -> None:
    model, now = play([20.0] * 40 + [20.0 - q / 4 for q in range(48)])
    lower, upper = model.stall_in_ns(now, False) or (0, 0)
    assert 7 * S_NS <= lower <= upper <= 11 * S_NS
    assert model.impact(now, SETTINGS, True, False) == "stall_ahead"


def test_full_buffer_that_is_not_asked_for_is_no_harm() -> None:
    model, now = play([20.0] * 40 + [20.0 - q / 4 for q in range(48)], wants_data=False)
    assert model.impact(now, SETTINGS, True, False) is None


def test_nothing_arriving_makes_both_ends_meet() -> None:
    model, now = play([9.0] * 40)
    assert model.stall_in_ns(now, True) == (9 * S_NS, 9 * S_NS)


@pytest.mark.parametrize("state", ["seeking", "paused", "ended"])
def test_no_harm_while(state: str) -> None:
    model, now = play([5.0] * 8)
    model.feed(Playback(now, state=state, buffer_ns=0))  # type: ignore[arg-type]
    assert model.impact(now + 8 * S_NS, SETTINGS, True, True) is None


def test_a_seek_that_never_ends_is_harm() -> None:
    model, now = play([5.0] * 8)
    model.feed(Playback(now, state="seeking", buffer_ns=0))
    assert model.impact(now + 11 * S_NS, SETTINGS, True, True) == "stalled"


def test_stalls_are_inferred_from_a_position_that_stands() -> None:
    model = PlaybackModel()
    for quarter in range(8):
        model.feed(Playback(quarter * S_NS // 4, position_ns=quarter * S_NS // 4))
    assert model.state == "playing"
    for quarter in range(8, 14):
        model.feed(Playback(quarter * S_NS // 4, position_ns=7 * S_NS // 4))
    assert model.state == "stalled"
    assert model.totals(4 * S_NS)[0] == 1


def test_stalls_are_counted_and_timed() -> None:
    model, now = play([1.0])
    model.feed(Playback(now, state="stalled", buffer_ns=0))
    model.feed(Playback(now + 3 * S_NS, state="playing", buffer_ns=S_NS))
    model.feed(Playback(now + 5 * S_NS, state="stalled", buffer_ns=0))
    assert model.totals(now + 6 * S_NS) == (2, 4 * S_NS)


def test_quality_given_up_for_long() -> None:
    model = PlaybackModel()
    now = 0
    for second in range(60):
        now = second * S_NS
        rate = 3_000_000 if second < 20 else 400_000
        model.feed(Playback(now, state="playing", buffer_ns=20 * S_NS, rendition_bps=rate))
        model.step(now)
        if second < 38:
            assert model.impact(now, SETTINGS, True, False) is None
    assert model.impact(now, SETTINGS, True, False) == "quality"


def test_quality_is_judged_anew_after_a_stall() -> None:
    """The player climbs again as soon as it plays: that it was low before is what the stall was."""
    model = PlaybackModel()
    harms: dict[int, str | None] = {}
    for second in range(70):
        now = second * S_NS
        rate = 3_000_000 if second < 20 else 400_000
        stands = 24 <= second < 44
        level = 0 if stands else 20 * S_NS
        state = "stalled" if stands else "playing"
        model.feed(Playback(now, state=state, buffer_ns=level, rendition_bps=rate))
        model.step(now)
        harms[second] = model.impact(now, SETTINGS, True, False)
    assert harms[43] == "stalled"
    assert [harms[second] for second in range(44, 64)] == [None] * 20
    assert harms[64] == "quality"  # 20 s of low playing, however long it was low before


@pytest.mark.parametrize(
    "wish",
    [{"ladder_bps": (400_000, 1_200_000)}, {"rendition_fixed": True}],
    ids=["a cap", "one rendition"],
)
def test_quality_that_the_viewer_turned_down_is_not_given_up(wish: dict[str, Any]) -> None:
    model = PlaybackModel()
    for second in range(60):
        now = second * S_NS
        rate, said = (3_000_000, {}) if second < 20 else (400_000, wish)
        model.feed(Playback(now, state="playing", buffer_ns=20 * S_NS, rendition_bps=rate, **said))
        model.step(now)
        assert model.impact(now, SETTINGS, True, False) is None


def test_frame_counters_that_start_anew_are_no_drops() -> None:
    model = PlaybackModel()
    for at, dropped, decoded in ((0, 90, 900), (1, 0, 10)):
        model.feed(
            Playback(at * S_NS, state="playing", dropped_frames=dropped, decoded_frames=decoded)
        )
    assert model.dropped_permille(S_NS, 4 * S_NS) is None


def still(buffer_s: float, *, state: str | None = None, drains: bool = False) -> PlaybackModel:
    """Five seconds of playing, then the position stands still for as long."""
    model = PlaybackModel()
    for tick in range(40):
        at_ns = tick * S_NS // 4
        position = min(at_ns, 5 * S_NS)
        level = buffer_s * S_NS
        if drains:
            level = max(0.0, level - min(at_ns, 5 * S_NS))
        model.feed(
            Playback(at_ns, state=state, buffer_ns=round(level), position_ns=position)  # type: ignore[arg-type]
        )
    return model


def test_standing_still_over_enough_may_be_the_viewers_pause_where_no_state_is_told() -> None:
    assert still(10.0).state == "paused"
    assert still(10.0).stalls == 0
    assert still(0.4).state == "stalled"
    assert still(5.0, drains=True).state == "stalled"


def test_a_stall_is_not_over_because_the_buffer_fills() -> None:
    model = still(5.0, drains=True)
    for tick in range(40, 60):
        level = (tick - 40) * S_NS // 4
        model.feed(Playback(tick * S_NS // 4, buffer_ns=level, position_ns=5 * S_NS))
    assert model.state == "stalled"


@pytest.mark.parametrize("asks", [True, None])
def test_long_segments_are_no_drain_at_any_time(asks: bool | None) -> None:
    """Ten seconds come at once, when less than twelve are left, as fast as half as much again."""
    model = PlaybackModel()
    level, coming, harmed = 10.0, 0.0, []
    for quarter in range(480):
        now = quarter * S_NS // 4
        model.feed(Playback(now, state="playing", buffer_ns=round(level * S_NS)))
        if now % S_NS == 0 and model.impact(now, SETTINGS, asks, False) is not None:
            harmed.append(now // S_NS)
        level -= 0.25
        if coming or level <= 12:
            coming += 0.25 * 1.5
        if coming >= 10:
            level, coming = level + 10, 0.0
    assert not [second for second in harmed if second > 20], harmed


def test_a_drain_after_long_segments_is_seen_before_the_stall() -> None:
    model, now = play(sawtooth(60, 20.0, 10.0) + [20.0 - q / 4 for q in range(60)])
    assert model.impact(now, SETTINGS, True, False) == "stall_ahead"


def test_many_segments_that_come_at_once_are_no_long_one() -> None:
    """A first fill out of a cache widens no window: a drain is seen as soon as it ever was."""
    model, now = play(
        [0.0, 9.0, 20.0] + sawtooth(30, 20.0, 2.0) + [20.0 - q / 4 for q in range(45)]
    )
    assert max(model.levels.teeth) <= 2 * S_NS
    assert model.impact(now, SETTINGS, True, False) == "stall_ahead"


def before_play(
    seconds: int, *, buffer_s: float, first_s: int = 0, state: str | None = "starting", **more: Any
) -> PlaybackModel:
    model = PlaybackModel()
    for second in range(first_s, seconds + 1):
        at_ns = second * S_NS
        level = min(round(buffer_s * S_NS), at_ns - first_s * S_NS)
        model.feed(Playback(at_ns, state=state, buffer_ns=level, position_ns=0, **more))  # type: ignore[arg-type]
    return model


@pytest.mark.parametrize("state", ["starting", None])
@pytest.mark.parametrize(
    ("told", "asks", "waits"),
    [
        ({"buffer_s": 19}, False, True),
        ({"buffer_s": 19}, None, True),
        ({"buffer_s": 19}, True, True),
        ({"buffer_s": 6}, False, True),
        ({"buffer_s": 6}, True, False),  # some players begin with more
        ({"buffer_s": 6}, None, False),
        ({"buffer_s": 5, "target_ns": 6 * S_NS}, True, True),
        ({"buffer_s": 5, "target_ns": 20 * S_NS}, True, False),
        ({"buffer_s": 3, "wants_data": False}, False, True),
        ({"buffer_s": 3, "wants_data": True}, False, False),
        ({"buffer_s": 0.5, "wants_data": False}, False, False),
        ({"buffer_s": 0}, None, False),
    ],
)
def test_who_has_enough_and_does_not_start_has_not_been_told_to(
    told: dict[str, Any], asks: bool | None, waits: bool, state: str | None
) -> None:
    model = before_play(60, state=state, **told)
    assert model.state == "starting"
    harm = model.impact(60 * S_NS, SETTINGS, asks, False)
    assert harm == (None if waits else "stalled")
    # and nobody tells of it any more: nothing moves, after all
    assert model.impact(80 * S_NS, SETTINGS, asks, False) == harm


def test_a_session_that_was_opened_long_before_has_kept_nobody_waiting() -> None:
    model = before_play(62, buffer_s=0, first_s=60)
    assert model.impact(65 * S_NS, SETTINGS, True, False) is None
    assert model.impact(71 * S_NS, SETTINGS, True, False) == "stalled"
    assert before_play(11, buffer_s=0, first_s=2).impact(11 * S_NS, SETTINGS, True, False)


@pytest.mark.parametrize("state", ["seeking", "starting", "stalled"])
def test_each_jump_of_the_play_head_begins_a_wait_of_its_own(state: Any) -> None:
    model, now = play([5.0] * 8, position_ns=0)
    jumped = 0
    for _ in range(90):  # the viewer drags the bar for half a minute
        now += S_NS // 3
        jumped += 60 * S_NS
        model.feed(Playback(now, state=state, buffer_ns=0, position_ns=jumped))
        assert model.impact(now, SETTINGS, True, False) is None
    assert model.impact(now + 11 * S_NS, SETTINGS, True, False) == "stalled"
    if state == "stalled":
        assert model.totals(now) == (1, 89 * (S_NS // 3))


def test_a_nudge_does_not_end_a_stall() -> None:
    """Players push a play head that is stuck a little onwards."""
    model, now = play([1.0], position_ns=0)
    for second in range(4):
        model.feed(
            Playback(now + second * S_NS, state="stalled", buffer_ns=0, position_ns=second * 10**8)
        )
    assert model.impact(now + 3 * S_NS, SETTINGS, True, False) == "stalled"


@pytest.mark.parametrize("buffer_s", [1.2, 6.0])
def test_a_position_in_whole_seconds_does_not_stand_still_in_between(buffer_s: float) -> None:
    model = PlaybackModel()
    states = set()
    for quarter in range(400):
        at_ns = quarter * S_NS // 4
        model.feed(
            Playback(at_ns, buffer_ns=round(buffer_s * S_NS), position_ns=at_ns // S_NS * S_NS)
        )
        states.add(model.state)
    assert model.totals(at_ns) == (0, 0)
    assert states == {"starting", "playing"}
    for quarter in range(400, 412):
        model.feed(Playback(quarter * S_NS // 4, buffer_ns=0, position_ns=99 * S_NS))
    assert model.state == "stalled"


def test_where_positions_are_fine_half_a_second_is_a_stall_still() -> None:
    assert still(0.4).stalls == 1
    assert still(0.4).since_ns == 5_500_000_000
