"""Probabilities as integers: thousandths of a deciban ("mdb"), and sums of them by table.

A deciban is a tenth of a ban: 10 log10 of a ratio (Good, *Probability and the Weighing
of Evidence*, 1950). All of filter, gate and waterfall add and compare such integers, so
that the same observations give the same bytes on any machine. The two tables below are the
only place where floating point is used, rounded to integers at import; a test holds
their digest, and that no entry lies near a rounding boundary.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Final

NEVER: Final = -1_000_000
"""Log of (as good as) nothing: -1000 decibans."""

PPM: Final = 1_000_000

_STEP: Final = 4
_ADD: Final = tuple(
    round(10_000 * math.log10(1 + 10 ** (-(index * _STEP) / 10_000))) for index in range(11_000)
)
_ADDS: Final = len(_ADD)
_POWER: Final = tuple(round(1e9 * 10 ** (-index / 10_000)) for index in range(10_000))
_RISING: Final = _POWER[::-1]
_DECADES: Final = 140
"""Quantities that are smaller than the largest beside them by more are nothing."""
_TENS: Final = tuple(10**decades for decades in range(_DECADES + 1))


def log_add(first: int, second: int) -> int:
    """mdb of the sum of two quantities given in mdb."""
    if first < second:
        first, second = second, first
    index = (first - second) // _STEP
    return first + _ADD[index] if index < len(_ADD) else first


def log_add_each(firsts: Iterable[int], seconds: Iterable[int]) -> list[int]:
    """`log_add` of each two that stand at the same place, without the calls."""
    found = []
    for first, second in zip(firsts, seconds, strict=True):
        if first < second:
            first, second = second, first
        index = (first - second) // _STEP
        found.append(first + _ADD[index] if index < _ADDS else first)
    return found


def log_sum(values: Iterable[int]) -> int:
    """mdb of the sum of all; `NEVER` for none. Order matters in the last unit: pass it sorted."""
    total = NEVER
    for value in values:  # `log_add`, without the call: the engine spends most of its time here
        if value > total:
            total, value = value, total
        index = (total - value) // _STEP
        if index < _ADDS:
            total += _ADD[index]
    return total


def to_ppm(mdb: int) -> int:
    """Probability in millionths of a log probability (mdb <= 0)."""
    if mdb >= 0:
        return PPM
    decades, rest = divmod(-mdb, 10_000)
    return (_POWER[rest] // _TENS[decades] + 500) // 1000 if decades < 12 else 0


def from_ratio(numerator: int, denominator: int) -> int:
    """mdb of a ratio of two positive integers, by integer arithmetic alone; `NEVER` for 0."""
    if numerator <= 0:
        return NEVER
    # as many decades as the lengths tell, and what is missing one by one
    decades = (numerator.bit_length() - denominator.bit_length()) * 30_103 // 100_000
    if decades > 0:
        denominator *= 10**decades
    elif decades < 0:
        numerator *= 10**-decades
    while numerator > denominator:
        denominator *= 10
        decades += 1
    while numerator * 10 <= denominator:
        numerator *= 10
        decades -= 1
    billionths = numerator * 10**9 // denominator  # in (0.1, 1]
    # the last entry of _POWER that is not below
    return decades * 10_000 - (len(_POWER) - 1 - bisect_left(_RISING, billionths))


def quantities(logs: Sequence[int]) -> list[int]:
    """What the *logs* (mdb) are logs of, in whole multiples of one small unit.

    They can be added and taken from one another without loss; only ratios of them mean anything.
    """
    top = max(logs)
    # the unit is no smaller than the smallest needs: short integers are much faster than long ones
    most = min(_DECADES, (top - min(logs)) // 10_000)
    found = []
    for log in logs:
        decades, rest = divmod(top - log, 10_000)
        found.append(_POWER[rest] * _TENS[most - decades] if decades <= most else 0)
    return found
