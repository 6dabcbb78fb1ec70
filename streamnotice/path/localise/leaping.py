"""Where the smallest round trips leap up: a queue that was there first."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from streamnotice.path.localise.climbing import climb
from streamnotice.path.localise.stretches import NONE, Located, between
from streamnotice.path.rounds import FAR_END, Paths, PathSeen

LEAP_NS: Final = 80_000_000
"""There and back, 8000 km of fibre: few links are longer, and no line at a home is."""
SATELLITE_NS: Final = (450_000_000, 750_000_000)
"""... but for one: up to a geostationary satellite and down again, there and back, and no queue."""
STILL_PERMILLE: Final = 500
"""So much of a leap must be there now as well: bases that were found at different times, or under
loads of our own that came later, make leaps where none is."""


def leap(paths: Paths, now: int, role: str = "service") -> Located | None:
    """Where the smallest round trips rise by more at once than a link's length explains.

    A queue that stood before the session began is in every base, and needn't scatter. What looks
    like it is an ocean, which lies elsewhere, and a satellite, of which nothing is said.
    """
    path = paths.main(role)
    if path is None or not path.complete or _usual_is_known(paths, path, role):
        return None
    way = climb(paths, role)
    if way is None:
        return None
    rises = [(after.base_ns - before.base_ns, before, after) for before, after in pairwise(way)]
    size = max(rise_ns for rise_ns, _, _ in rises)
    leaps = [row for row in rises if row[0] >= LEAP_NS]
    if not leaps:
        return Located(NONE, size, way[-1].base_ns)
    for rise_ns, before, after in leaps:
        if SATELLITE_NS[0] <= rise_ns < SATELLITE_NS[1]:
            return None
        near_ns, far_ns = before.lately_ns(now), after.lately_ns(now)
        if near_ns is None or far_ns is None:
            return None
        if (far_ns - near_ns) * 1000 < rise_ns * STILL_PERMILLE:
            return None
    # of several, none is known to be the queue
    return Located(between(path, leaps[0][1].ttl, leaps[-1][2].ttl), size, way[-1].base_ns)


def may_hide_queue(paths: Paths, role: str = "service") -> bool:
    """A link is so long that a queue may be in it which stood from the start: that no round trip
    rises over its base then doesn't say that there is none."""
    path = paths.main(role)
    if path is None or _usual_is_known(paths, path, role):
        return False
    way = climb(paths, role) or []
    return any(after.base_ns - before.base_ns >= LEAP_NS for before, after in pairwise(way))


def _usual_is_known(paths: Paths, path: PathSeen, role: str) -> bool:
    """What is usual here was stored: the queue's own rule tells what is not."""
    return role == "service" and FAR_END in paths.stored and not path.ended_near
