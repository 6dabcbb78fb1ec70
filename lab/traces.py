"""Rates over time as measured on real networks, cut and scaled for one emulated link."""

from __future__ import annotations

import json
import random
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "data" / "traces"
LEAST_BPS = 16_000  # the emulator takes 0 for "no limit"; no real link is quite dead for seconds
MOST_BPS = 40_000_000
LULL_S = 9.0
"""Length over which a stream with a small buffer can bridge a bad patch."""


def names(kinds: tuple[str, ...]) -> list[str]:
    """The traces of these kinds (beginnings of names: "3G", "4G", "hd_fs", "sd_fs")."""
    return sorted(p.stem for p in FOLDER.glob("*.json") if p.stem.split("-")[0] in kinds)


@cache
def _load(name: str) -> tuple[tuple[float, float], ...]:
    rows = json.loads((FOLDER / f"{name}.json").read_text())
    return tuple((row["duration_ms"] / 1e3, row["bandwidth_kbps"] * 1e3) for row in rows)


def stretch(name: str, rng: random.Random, length_s: float) -> list[tuple[float, float]]:
    """(seconds, bit/s) from a random place on, going round at the end, *length_s* long."""
    rows = _load(name)
    at, found, taken_s = rng.randrange(len(rows)), [], 0.0
    while taken_s < length_s:
        duration_s, bps = rows[at % len(rows)]
        duration_s = min(duration_s, length_s - taken_s)
        found.append((duration_s, bps))
        taken_s += duration_s
        at += 1
    return found


def mean_bps(rows: list[tuple[float, float]]) -> float:
    return sum(s * bps for s, bps in rows) / sum(s for s, _ in rows)


def lull_bps(rows: list[tuple[float, float]], window_s: float = LULL_S) -> float:
    """The lowest mean over any *window_s* that begins where a row begins."""
    lows = []
    for first in range(len(rows)):
        left_s, carried = window_s, 0.0
        for duration_s, bps in rows[first:]:
            part_s = min(left_s, duration_s)
            carried += part_s * bps
            left_s -= part_s
            if left_s <= 0:
                lows.append(carried / window_s)
                break
    return min(lows, default=mean_bps(rows))


def scaled(rows: list[tuple[float, float]], by: float) -> list[tuple[float, int]]:
    """(second at which it begins, bit/s) for the emulator."""
    at_s, found = 0.0, []
    for duration_s, bps in rows:
        found.append((round(at_s, 2), round(min(MOST_BPS, max(LEAST_BPS, bps * by)))))
        at_s += duration_s
    return found
