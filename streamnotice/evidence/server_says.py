"""What the delivery edge says of itself: time spent behind it, its own time, duress."""

from __future__ import annotations

from streamnotice.estimates import Estimates
from streamnotice.evidence.rule import Outcome, Rule

MS_NS = 1_000_000
WINDOW_S = 10


def read_origin(seen: Estimates, now: int) -> Outcome | None:
    rows = [
        (a.origin_ns, a.ttfb_ns)
        for a in seen.requests.recent(seen.requests.answers, now, WINDOW_S)
        if a.origin_ns is not None
    ]
    if not rows:
        return None
    origin, ttfb = max(rows)
    large = origin >= 300 * MS_NS and origin * 2 >= ttfb
    return Outcome("large" if large else "small", (("origin_ns", origin), ("ttfb_ns", ttfb)))


def read_edge(seen: Estimates, now: int) -> Outcome | None:
    rows = [
        (a.edge_ns - (a.origin_ns or 0), a.ttfb_ns)
        for a in seen.requests.recent(seen.requests.answers, now, WINDOW_S)
        if a.edge_ns is not None
    ]
    if not rows:
        return None
    edge, ttfb = max(rows)
    large = edge >= 300 * MS_NS and edge * 2 >= ttfb
    return Outcome("large" if large else "small", (("edge_ns", edge), ("ttfb_ns", ttfb)))


ORIGIN = Rule("origin_time", ("small", "large"), "headers", read_origin)
EDGE = Rule("edge_time", ("small", "large"), "headers", read_edge)
