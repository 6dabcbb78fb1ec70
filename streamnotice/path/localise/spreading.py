"""Where round trips scatter: by the share that each hop has of the far end's scatter."""

from __future__ import annotations

from typing import Final

from streamnotice.path.localise.queueing import LEAST_DELAY_NS
from streamnotice.path.localise.stretches import NONE, Located, Voice, edge, way
from streamnotice.path.rounds import Paths
from streamnotice.path.tries import Try, answers, scatter
from streamnotice.policy import S_NS

SPREAD_WINDOW_NS: Final = 15 * S_NS
FEWEST_TO_SPREAD: Final = 6


def spread(paths: Paths, now: int, role: str = "service") -> Located | None:
    """Where round trips scatter: needs no baseline, so it sees a queue that was there first."""
    asked = way(paths, role)
    if asked is None or not asked.path.segments:
        return None
    path, router = asked.path, asked.router
    totals = [
        (value, path.hops[ttl].base_ns or 0)
        for ttl in asked.far
        if (value := _spread_of(path.hops[ttl].recent(now, SPREAD_WINDOW_NS))) is not None
    ]
    if not totals:
        return None
    total, base = min(totals)
    if total < max(LEAST_DELAY_NS, base // 4):
        return Located(NONE, total, base)
    voices = [
        (ttl, path.hops[ttl].late, path.hops[ttl].recent(now, SPREAD_WINDOW_NS))
        for ttl in asked.near
    ]
    if router is not None:
        voices.insert(0, (1, False, router.recent(now, SPREAD_WINDOW_NS)))
    shares = [
        Voice(ttl, value * 1000 // total, late)
        for ttl, late, tries in voices
        if (value := _spread_of(tries)) is not None
    ]
    return Located(edge(path, shares), total, base)


def _spread_of(tries: list[Try]) -> int | None:
    return scatter(answers(tries), FEWEST_TO_SPREAD)
