"""BBA-0 as the paper has it, by its properties."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streamnotice.players import abr

TARGET_S = 30.0
RESERVOIR_S = TARGET_S * abr.RESERVOIR_SHARE
UPPER_S = TARGET_S * abr.UPPER_SHARE

ladders = st.lists(
    st.integers(50_000, 50_000_000), min_size=1, max_size=8, unique=True
).map(sorted)  # fmt: skip
levels = st.floats(0, 2 * TARGET_S)


@given(ladders, st.integers(-3, 12), levels)
def test_the_choice_is_on_the_ladder(ladder: list[int], current: int, level_s: float) -> None:
    assert 0 <= abr.choose(ladder, current, level_s, TARGET_S) < len(ladder)


@given(ladders, st.integers(0, 7), st.floats(0, RESERVOIR_S))
def test_in_the_reservoir_it_is_the_lowest(
    ladder: list[int], current: int, level_s: float
) -> None:  # fmt: skip
    assert abr.choose(ladder, current, level_s, TARGET_S) == 0


@given(ladders, st.integers(0, 7), st.floats(UPPER_S, 2 * TARGET_S))
def test_with_a_full_buffer_it_is_the_highest(
    ladder: list[int], current: int, level_s: float
) -> None:  # fmt: skip
    assert abr.choose(ladder, current, level_s, TARGET_S) == len(ladder) - 1


@given(ladders, st.integers(0, 7), levels, levels)
def test_more_buffer_never_means_less_quality(
    ladder: list[int], current: int, one_s: float, other_s: float
) -> None:
    low_s, high_s = sorted((one_s, other_s))
    low = abr.choose(ladder, current, low_s, TARGET_S)
    assert low <= abr.choose(ladder, current, high_s, TARGET_S)


@given(ladders, st.integers(0, 7), levels)
def test_a_choice_stands_while_the_level_does(
    ladder: list[int], current: int, level_s: float
) -> None:
    """No flapping: asked again at the same level it answers the same."""
    once = abr.choose(ladder, current, level_s, TARGET_S)
    assert abr.choose(ladder, once, level_s, TARGET_S) == once


@given(ladders, st.integers(0, 7), levels, st.floats(0.25, 4))
def test_only_the_share_of_the_target_counts(
    ladder: list[int], current: int, level_s: float, scale: float
) -> None:
    rate = abr.mapped_rate_bps(level_s, TARGET_S, ladder[0], ladder[-1])
    scaled = abr.mapped_rate_bps(level_s * scale, TARGET_S * scale, ladder[0], ladder[-1])
    assert abs(rate - scaled) <= 1e-6 * ladder[-1]


def test_the_rendition_in_use_is_kept_until_the_line_crosses_the_next() -> None:
    ladder = [1_000_000, 2_000_000, 3_000_000]
    middle_s = (RESERVOIR_S + UPPER_S) / 2  # the line is at 2 Mbit/s here
    assert abr.choose(ladder, 1, middle_s + 2, TARGET_S) == 1
    assert abr.choose(ladder, 1, middle_s - 2, TARGET_S) == 1
    assert abr.choose(ladder, 0, middle_s - 2, TARGET_S) == 0
    assert abr.choose(ladder, 0, middle_s + 2, TARGET_S) == 1
