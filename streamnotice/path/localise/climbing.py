"""Smallest round trips from hop to hop: how long each link is, with what stood in it all along."""

from __future__ import annotations

from typing import Final

import attrs

from streamnotice.path.first_hop import FirstHop
from streamnotice.path.localise.stretches import path_ends
from streamnotice.path.rounds import HopSeen, Paths
from streamnotice.path.tries import answers, middle
from streamnotice.policy import S_NS

FEWEST: Final = 2
WINDOW_NS: Final = 15 * S_NS


@attrs.frozen
class Point:
    """A hop's smallest round trip ever, and its median now; `ttl` is set where it stands."""

    base_ns: int
    now_ns: int | None
    ttl: int = 0


def climb(paths: Paths, now: int, role: str = "service") -> list[Point] | None:
    """The way from here (`ttl` 0) over the hops that answer to the far end; None if that doesn't.

    A slow router's answers are no part of the way: no hop is further than one behind it.
    """
    return paths.once(f"climb {role}", now, lambda: _climb(paths, now, role))


def _climb(paths: Paths, now: int, role: str) -> list[Point] | None:
    path = paths.main(role)
    if path is None:
        return None
    near, far = path_ends(path)
    end = _lowest([_idle(path.hops[ttl], now) for ttl in far])
    if end is None:
        return None
    points = {ttl: found for ttl in near if (found := _idle(path.hops[ttl], now)) is not None}
    router = paths.first_router(path)
    if router is not None and path.length > 1:
        asked = _lowest([points.get(1), _idle(router, now)])
        if asked is not None:
            points[1] = asked
    rising = [attrs.evolve(end, ttl=path.length)]
    for ttl in sorted(points, reverse=True):
        least = min(rising[-1], points[ttl], key=lambda p: p.base_ns)
        rising.append(attrs.evolve(least, ttl=ttl))
    rising.append(Point(0, 0))
    rising.reverse()
    return rising


def _idle(hop: HopSeen | FirstHop, now: int) -> Point | None:
    if hop.base_ns is None or hop.answered < FEWEST:
        return None
    rtts = answers(hop.recent(now, WINDOW_NS))
    return Point(hop.base_ns, middle(rtts) if rtts else None)


def _lowest(points: list[Point | None]) -> Point | None:
    return min((p for p in points if p is not None), key=lambda p: p.base_ns, default=None)
