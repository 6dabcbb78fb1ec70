"""Smallest round trips from hop to hop: how long each link is, with what stood in it all along."""

from __future__ import annotations

from typing import Final

import attrs

from streamnotice.path.first_hop import FirstHop
from streamnotice.path.localise.stretches import way
from streamnotice.path.rounds import HopSeen, Paths
from streamnotice.path.tries import answers, median_low
from streamnotice.policy import S_NS

FEWEST: Final = 2
WINDOW_NS: Final = 15 * S_NS


@attrs.frozen
class Point:
    """A hop's smallest round trip ever, and where it stands; without a hop it is this device."""

    base_ns: int
    hop: HopSeen | FirstHop | None = None
    ttl: int = 0

    def lately_ns(self, now: int) -> int | None:
        """Its median round trip of the last seconds; None without any."""
        if self.hop is None:
            return 0
        rtts = answers(self.hop.recent(now, WINDOW_NS))
        return median_low(rtts) if rtts else None


def climb(paths: Paths, role: str = "service") -> list[Point] | None:
    """The way from here (`ttl` 0) over the hops that answer to the far end; None if that doesn't.

    A slow router's answers are no part of the way: no hop is further than one behind it.
    """
    return paths.once(f"climb {role}", 0, lambda: _climb(paths, role))  # the same at any instant


def _climb(paths: Paths, role: str) -> list[Point] | None:
    asked = way(paths, role)
    if asked is None:
        return None
    path, router = asked.path, asked.router
    end = _lowest([_point(path.hops[ttl], path.length) for ttl in asked.far])
    if end is None:
        return None
    points = {
        ttl: point for ttl in asked.near if (point := _point(path.hops[ttl], ttl)) is not None
    }
    if router is not None and path.length > 1:
        first = _lowest([points.get(1), _point(router, 1)])
        if first is not None:
            points[1] = first
    rising = [end]
    for ttl in sorted(points, reverse=True):
        behind, here = rising[-1], points[ttl]
        slow = here.base_ns >= behind.base_ns
        rising.append(Point(behind.base_ns, behind.hop, ttl) if slow else here)
    rising.append(Point(0))
    rising.reverse()
    return rising


def _point(hop: HopSeen | FirstHop, ttl: int) -> Point | None:
    if hop.base_ns is None or hop.answered < FEWEST:
        return None
    return Point(hop.base_ns, hop, ttl)


def _lowest(points: list[Point | None]) -> Point | None:
    return min((p for p in points if p is not None), key=lambda p: p.base_ns, default=None)
