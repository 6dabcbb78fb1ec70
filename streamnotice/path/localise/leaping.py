"""Where the smallest round trips leap up: a queue that was there first."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import attrs

from streamnotice.path.first_hop import FirstHop
from streamnotice.path.localise.stretches import NONE, Located, between, path_ends
from streamnotice.path.rounds import HopSeen, Paths
from streamnotice.path.tries import answers, middle
from streamnotice.policy import S_NS

LEAP_NS: Final = 80_000_000
"""There and back, 8000 km of fibre: few links are longer, and no line at a home is."""
SATELLITE_NS: Final = (450_000_000, 750_000_000)
"""... but for one: up to a geostationary satellite and down again, there and back, and no queue."""
FEWEST_TO_LEAP: Final = 2
WINDOW_NS: Final = 15 * S_NS
STILL_PERMILLE: Final = 500
"""So much of a leap must be there now as well: bases that were found at different times, or under
loads of our own that came later, make leaps where none is."""


def leap(paths: Paths, now: int, role: str = "service") -> Located | None:
    """Where the smallest round trips rise by more at once than a link's length explains.

    A queue that stood before the session began is in every base, and needn't scatter. What looks
    like it is an ocean, which lies elsewhere, and a satellite, of which nothing is said.
    """
    path = paths.main(role)
    if path is None or not path.complete:
        return None
    near, far = path_ends(path)
    if role == "service" and "far end" in paths.stored and not path.ended_near:
        return None  # what is usual here is known: the queue's own rule tells what is not
    end = _lowest([_idle(path.hops[ttl], now) for ttl in far])
    if end is None:
        return None
    points = {ttl: found for ttl in near if (found := _idle(path.hops[ttl], now)) is not None}
    router = paths.first_router(path)
    if router is not None and path.length > 1:
        asked = _lowest([points.get(1), _idle(router, now)])
        if asked is not None:
            points[1] = asked
    rising = _rising(points, path.length, end)
    rises = [(after.base_ns - before.base_ns, before, after) for before, after in pairwise(rising)]
    size = max(rise_ns for rise_ns, _, _ in rises)
    leaps = [row for row in rises if row[0] >= LEAP_NS]
    if not leaps:
        return Located(NONE, size, end.base_ns)
    for rise_ns, before, after in leaps:
        if SATELLITE_NS[0] <= rise_ns < SATELLITE_NS[1]:
            return None
        if before.now_ns is None or after.now_ns is None:
            return None
        if (after.now_ns - before.now_ns) * 1000 < rise_ns * STILL_PERMILLE:
            return None
    # of several, none is known to be the queue
    return Located(between(path, leaps[0][1].ttl, leaps[-1][2].ttl), size, end.base_ns)


@attrs.frozen
class _Point:
    """A hop's smallest round trip ever, and its median now; `ttl` is set where it stands."""

    base_ns: int
    now_ns: int | None
    ttl: int = 0


def _idle(hop: HopSeen | FirstHop, now: int) -> _Point | None:
    if hop.base_ns is None or hop.answered < FEWEST_TO_LEAP:
        return None
    rtts = answers(hop.recent(now, WINDOW_NS))
    return _Point(hop.base_ns, middle(rtts) if rtts else None)


def _lowest(points: list[_Point | None]) -> _Point | None:
    return min((p for p in points if p is not None), key=lambda p: p.base_ns, default=None)


def _rising(points: dict[int, _Point], length: int, end: _Point) -> list[_Point]:
    """From here to the far end; a slow router's answers are no part of the way."""
    rising = [attrs.evolve(end, ttl=length)]
    for ttl in sorted(points, reverse=True):
        least = min(rising[-1], points[ttl], key=lambda p: p.base_ns)
        rising.append(attrs.evolve(least, ttl=ttl))
    rising.append(_Point(0, 0))
    rising.reverse()
    return rising
