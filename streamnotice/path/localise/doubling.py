"""How long the link is that a tunnel's server hangs on, by what passes it once and twice.

What a tunnel carries goes over that link to the server, and over it again on its way: such a queue
shows right before the server, on the way under the tunnel, and once more right behind it, on the
way inside. An ocean on the way to the server lies before it alone.
"""

from __future__ import annotations

from streamnotice.path.localise.climbing import Point, climb
from streamnotice.path.rounds import TUNNEL, Paths


def server_link_ns(paths: Paths, now: int) -> int | None:
    """The smaller of both rises, of their smallest and their present ones; None if unseen."""
    inside, under = paths.busiest(), paths.underlay()
    if inside is None or under is None or not under.complete or inside.segment(1) != TUNNEL:
        return None
    below, above = climb(paths, "underlay"), climb(paths)
    if below is None or above is None or len(below) < 3 or len(above) < 3:
        return None
    # over silent routers a rise is not one link's
    if below[-2].ttl != below[-1].ttl - 1 or (above[1].ttl, above[2].ttl) != (1, 2):
        return None
    rises = [_rise(below[-2], below[-1], now), _rise(above[1], above[2], now)]
    known = [one for one in rises if one is not None]
    return min(known) if len(known) == len(rises) else None


def _rise(before: Point, after: Point, now: int) -> int | None:
    near_ns, far_ns = before.lately_ns(now), after.lately_ns(now)
    if near_ns is None or far_ns is None:
        return None
    return min(after.base_ns - before.base_ns, far_ns - near_ns)
