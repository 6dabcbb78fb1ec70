"""What mpv really said (recordings/record.py made them), as playback states."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamnotice.players.mpv_state import OBSERVED, POLLED, MpvPlayback, MpvState

RECORDINGS = Path(__file__).parent / "recordings"


def replay(name: str) -> list[tuple[float, MpvPlayback]]:
    state = MpvState()
    out: list[tuple[float, MpvPlayback]] = []
    for line in (RECORDINGS / f"{name}.jsonl").read_text().splitlines():
        at_s, message = json.loads(line)
        if message.get("event") == "end-file":
            state.ended = True
        state.event(message, at_s)
        out.append((at_s, state.playback(at_s)))
    return out


def states(seen: list[tuple[float, MpvPlayback]]) -> list[str]:
    names = [playback.state for _, playback in seen]
    return [names[0], *(b for a, b in pairwise(names) if a != b)]


def test_a_stall_a_pause_a_seek_and_the_end() -> None:
    seen = replay("starved")
    assert states(seen) == [
        "starting",
        "playing",
        "stalled",
        "playing",
        "paused",
        "playing",
        "seeking",
        "playing",
        "ended",
    ]


def test_without_pauses_for_the_cache_a_stall_is_still_seen_once() -> None:
    seen = replay("no_cache_pause")
    assert states(seen) == ["starting", "playing", "stalled", "playing", "ended"]


@pytest.mark.parametrize("name", ["starved", "no_cache_pause"])
def test_figures_of_a_starvation(name: str) -> None:
    seen = replay(name)
    stalled = [p for _, p in seen if p.state == "stalled"]
    assert {p.buffer_s for p in stalled[:3]} == {0.0}
    assert all(p.wants_data for p in stalled[:3])
    # running counts never go back
    for count in ("decoded_frames", "dropped_frames"):
        known = [value for _, p in seen if (value := getattr(p, count)) is not None]
        assert known == sorted(known)
    # 10 s at 25 frames a second, less what the seek left out
    decoded = seen[-1][1].decoded_frames
    assert decoded is not None
    assert 170 <= decoded <= 260
    before = [
        p.buffer_s for _, p in seen[: [p.state for _, p in seen].index("stalled")] if p.buffer_s
    ]
    assert max(before) > 3
    assert before[-1] < 0.6


def event(name: str, value: Any) -> dict[str, Any]:
    return {"event": "property-change", "name": name, "data": value}


def playing(position_s: float = 5.0, **cache: Any) -> MpvState:
    state = MpvState()
    state.event({"event": "playback-restart"}, 0.9)
    state.prop("time-pos", position_s - 0.1, 0.9)
    state.prop("time-pos", position_s, 1.0)
    state.prop("demuxer-cache-state", cache, 1.0)
    return state


def test_the_play_head_makes_an_old_report_fresh() -> None:
    state = playing(5.0, **{"cache-end": 15.0, "cache-duration": 9.0})
    assert state.buffer_s == 10.0
    state.prop("time-pos", 6.0, 2.0)
    assert state.buffer_s == 9.0


def test_across_a_jump_of_time_stamps_only_the_demuxers_figure_counts() -> None:
    assert playing(5.0, **{"cache-end": 905.0, "cache-duration": 4.0}).buffer_s == 4.0


def test_it_wants_nothing_when_all_is_read_or_the_cache_is_full() -> None:
    assert playing(eof=True, idle=False).playback(1.0).wants_data is False
    assert playing(eof=False, idle=True).playback(1.0).wants_data is False
    assert playing(eof=False, idle=False).playback(1.0).wants_data is True
    assert playing().playback(1.0).wants_data is None


def test_a_stream_that_is_loaded_again_is_a_stall_with_nothing_left() -> None:
    state = playing(**{"cache-duration": 3.0, "eof": True})
    state.interrupted = True
    told = state.playback(2.0)
    assert (told.state, told.buffer_s, told.wants_data) == ("stalled", 0.0, True)
    state.event({"event": "start-file"}, 2.5)
    assert state.playback(2.5).state == "stalled"
    state.event({"event": "playback-restart"}, 3.0)
    assert state.playback(3.0).state == "stalled"  # mpv says that before anything came, too
    for at_s, position_s in ((3.1, 5.0), (3.2, 5.0), (3.3, 5.1)):
        assert state.playback(at_s).state == "stalled"
        state.prop("time-pos", position_s, at_s)
    assert state.playback(3.3).state == "playing"


def test_counts_run_on_over_files() -> None:
    state = playing()
    state.event(event("frame-drop-count", 4), 1.0)
    state.event(event("decoder-frame-drop-count", 3), 1.0)
    state.event(event("frame-drop-count", None), 2.0)
    state.event({"event": "start-file"}, 2.0)
    assert state.playback(2.0).dropped_frames == 7
    state.event(event("frame-drop-count", 2), 3.0)
    assert state.playback(3.0).dropped_frames == 9


def test_a_seek_is_no_playing() -> None:
    state = playing(5.0)
    state.prop("estimated-vf-fps", 25.0, 1.0)
    state.prop("time-pos", 500.0, 1.2)
    assert state.playback(1.2).decoded_frames == 0
    state.prop("time-pos", 501.0, 2.2)
    assert state.playback(2.2).decoded_frames == 25


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(("cache-end", "cache-duration", "underrun", "x")), inner, max_size=3
        )
    ),
    max_leaves=5,
)
_MESSAGES = st.dictionaries(
    st.sampled_from(("event", "name", "data", "id", "reason")),
    st.sampled_from(("property-change", "playback-restart", "start-file", *OBSERVED, *POLLED))
    | _JSON,
)


@given(st.lists(_MESSAGES, max_size=12))
def test_whatever_mpv_says_there_is_a_sane_state(messages: list[dict[str, Any]]) -> None:
    state = MpvState()
    for number, message in enumerate(messages):
        state.event(message, number / 4)
        told = state.playback(number / 4)
        assert told.state in ("starting", "playing", "stalled", "seeking", "paused", "ended")
        assert told.buffer_s is None or told.buffer_s >= 0
        assert told.position_s is None or told.position_s >= 0
        assert told.dropped_frames is None or told.dropped_frames >= 0
