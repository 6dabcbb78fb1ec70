"""Integer logarithms: exact enough, and the same everywhere."""

from __future__ import annotations

import hashlib
import math

from hypothesis import given
from hypothesis import strategies as st

from streamnotice import decibans
from streamnotice.decibans import (
    NEVER,
    from_ratio,
    log_add,
    log_add_each,
    log_sum,
    quantities,
    to_ppm,
)

MDB = st.integers(-200_000, 100_000)


@given(MDB, MDB)
def test_sum_is_the_sum_within_two_units(first: int, second: int) -> None:
    exact = 10_000 * math.log10(10 ** (first / 10_000) + 10 ** (second / 10_000))
    assert abs(log_add(first, second) - exact) <= 2
    assert log_add(first, second) == log_add(second, first)


@given(st.lists(st.tuples(MDB, MDB)))
def test_each_two_add_up_as_they_do_alone(pairs: list[tuple[int, int]]) -> None:
    firsts, seconds = [one for one, _ in pairs], [other for _, other in pairs]
    assert log_add_each(firsts, seconds) == [log_add(one, other) for one, other in pairs]


@given(st.integers(1, 10**15), st.integers(1, 10**15))
def test_ratio_of_integers(numerator: int, denominator: int) -> None:
    exact = 10_000 * (math.log10(numerator) - math.log10(denominator))
    assert abs(from_ratio(numerator, denominator) - exact) <= 1.5


@given(st.integers(-90_000, 0))
def test_probability_in_millionths(mdb: int) -> None:
    assert abs(to_ppm(mdb) - 1e6 * 10 ** (mdb / 10_000)) <= 1


@given(st.lists(st.integers(-300_000, 50_000), min_size=2, max_size=30), st.integers(1, 29))
def test_quantities_hold_what_the_logs_say(logs: list[int], cut: int) -> None:
    held = quantities(logs)
    inside, outside = sum(held[:cut]), sum(held[cut:])
    assert sum(held) - inside == outside  # nothing is lost, unlike in sums of logs
    if inside and outside:
        exact = math.log10(math.fsum(10 ** ((log - max(logs)) / 10_000) for log in logs[:cut]))
        exact -= math.log10(math.fsum(10 ** ((log - max(logs)) / 10_000) for log in logs[cut:]))
        assert abs(from_ratio(inside, outside) - 10_000 * exact) <= 3


def test_nothing_adds_nothing() -> None:
    assert log_sum([]) == NEVER
    assert log_add(NEVER, -5) == -5
    assert from_ratio(0, 7) == NEVER


def test_tables_hold_on_any_machine() -> None:
    """The tables' digest is fixed, and no entry lies near a rounding boundary."""
    text = ",".join(map(str, (*decibans._ADD, *decibans._POWER)))
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert digest == "b089709220c7d871c6ee3786d6c3822334ae2c3d57c2aaa6d143ec27d3ddb41b"
    for index in range(len(decibans._ADD)):
        exact = 10_000 * math.log10(1 + 10 ** (-(index * decibans._STEP) / 10_000))
        assert abs(exact - math.floor(exact) - 0.5) > 1e-7
    for index in range(len(decibans._POWER)):
        exact = 1e9 * 10 ** (-index / 10_000)
        assert abs(exact - math.floor(exact) - 0.5) > 1e-5
