"""One question and its answer, and quantiles of many: what paths and first routers share."""

from __future__ import annotations

import attrs

from streamnotice.snapshot import stateful


@stateful
@attrs.define
class Try:
    """One probe's fate: round trip, or None for nothing."""

    at_ns: int
    rtt_ns: int | None
    loaded: bool


def answers(tries: list[Try]) -> list[int]:
    """Round trips (ns) of those that were answered."""
    return [t.rtt_ns for t in tries if t.rtt_ns is not None]


def median_low(values: list[int]) -> int:
    """Lower median of at least one value, as `statistics.median_low`."""
    ordered = sorted(values)
    return ordered[(len(ordered) - 1) // 2]


def quantile(values: list[int], permille: int) -> int:
    """Nearest-rank quantile of at least one value."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * permille // 1000)]


def scatter(values: list[int], fewest: int) -> int | None:
    """How far round trips lie apart; None of too few."""
    return None if len(values) < fewest else quantile(values, 850) - quantile(values, 150)
