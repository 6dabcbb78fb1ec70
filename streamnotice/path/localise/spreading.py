"""Where round trips scatter: by the share that each hop has of the far end's scatter."""

from __future__ import annotations

from typing import Final

from streamnotice.path.localise.queueing import LEAST_DELAY_NS, its_own
from streamnotice.path.localise.stretches import NONE, Located, edge, way
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
        (ttl, path.hops[ttl].base_ns, path.hops[ttl].recent(now, SPREAD_WINDOW_NS))
        for ttl in asked.near
    ]
    if router is not None:
        voices.insert(0, (1, router.base_ns, router.recent(now, SPREAD_WINDOW_NS)))
    shares = [
        (ttl, share)
        for ttl, own_ns, tries in voices
        if (value := _spread_of(tries)) is not None
        and not its_own(share := value * 1000 // total, own_ns, base)
    ]
    return Located(edge(path, shares), total, base)


def _spread_of(tries: list[Try]) -> int | None:
    return scatter(answers(tries), FEWEST_TO_SPREAD)
