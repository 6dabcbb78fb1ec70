"""The buffer clock: starts, stalls and ends where the media says so, whatever time does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamnotice.players.buffer import MAX_LATE_S, BufferClock

steps = st.lists(
    st.one_of(
        st.tuples(st.just("time"), st.floats(-5, 20)),
        st.tuples(st.just("media"), st.floats(0.1, 10)),
        st.tuples(st.just("decode"), st.floats(0.1, 10)),
    ),
    max_size=40,
)


@given(steps, st.booleans())
def test_the_head_never_passes_the_media_nor_turns_back(
    script: list[tuple[str, float]], decodes: bool
) -> None:
    clock = BufferClock(decodes=decodes)
    now_s = 0.0
    clock.advance(now_s)
    for what, amount in script:
        before_s = clock.position_s
        if what == "time":
            now_s += amount
            clock.advance(now_s)
        elif what == "media":
            clock.append(amount)
        else:
            clock.decode(amount)
        assert before_s <= clock.position_s <= clock.buffered_s + 1e-9
        assert clock.decoded_s <= clock.buffered_s
        if decodes:
            assert clock.position_s <= clock.decoded_s + MAX_LATE_S + 1e-9


def test_a_session_from_start_over_a_stall_to_the_end() -> None:
    clock = BufferClock(start_at_s=2, resume_at_s=4)
    clock.advance(0)
    clock.append(1.9)
    clock.advance(1)
    assert clock.state == "starting"
    clock.append(1)
    clock.advance(2)
    assert clock.state == "playing"
    clock.advance(6)
    assert (clock.state, clock.stalls, clock.level_s) == ("stalled", 1, 0)
    clock.append(3.5)
    clock.advance(7)
    assert clock.state == "stalled"
    clock.append(0.5)
    clock.advance(8)
    assert clock.state == "playing"
    clock.finish()
    clock.advance(20)
    assert clock.state == "ended"
    assert clock.position_s == pytest.approx(6.9)


def test_what_is_left_at_the_end_is_played_below_the_start_level() -> None:
    clock = BufferClock(start_at_s=10)
    clock.advance(0)
    clock.append(1)
    clock.finish()
    clock.advance(1)
    assert clock.state == "playing"
    clock.advance(5)
    assert (clock.state, clock.stalls) == ("ended", 0)


def test_nothing_at_all_ends_at_once() -> None:
    clock = BufferClock()
    clock.finish()
    clock.advance(0)
    assert clock.state == "ended"


def test_a_decoder_that_falls_behind_holds_the_head_with_media_left() -> None:
    clock = BufferClock(start_at_s=1, decodes=True)
    clock.advance(0)
    clock.append(10)
    clock.decode(1)
    clock.advance(0.1)
    assert clock.state == "playing"
    clock.advance(5)
    assert clock.state == "stalled"
    assert clock.level_s > 8
    assert clock.position_s == pytest.approx(1 + MAX_LATE_S)
    clock.decode(3)
    clock.advance(5.1)
    assert clock.state == "playing"


def test_only_what_comes_late_counts_as_dropped() -> None:
    clock = BufferClock(start_at_s=1, decodes=True)
    clock.advance(0)
    clock.append(10)
    assert clock.decode(1) == 0
    clock.advance(0.1)
    clock.advance(1.4)  # the head is 0.3 s beyond what is decoded
    assert clock.decode(0.2) == pytest.approx(0.2)
    assert clock.decode(0.5) == pytest.approx(0.1)


def test_what_the_held_head_has_passed_over_is_dropped_too() -> None:
    clock = BufferClock(start_at_s=1, decodes=True)
    clock.advance(0)
    clock.append(10)
    clock.decode(1)
    clock.advance(0.1)
    clock.advance(5)
    assert clock.state == "stalled"
    assert clock.decode(MAX_LATE_S) == pytest.approx(MAX_LATE_S)
    assert clock.decode(1) == 0
