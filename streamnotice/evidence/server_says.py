"""What the delivery edge says of itself: time spent behind it, its own time, duress."""

from __future__ import annotations

from streamnotice.estimates import Estimates
from streamnotice.evidence.rule import Outcome, Rule
from streamnotice.playback.requests import needed
from streamnotice.policy import MS_NS, S_NS

WINDOW_S = 10


def _slowest(figure: str, rows: list[tuple[int, int]]) -> Outcome | None:
    """The longest of (the server's own word, time to first byte): is it large, and most of it."""
    if not rows:
        return None
    longest, ttfb = max(rows)
    large = longest >= 300 * MS_NS and longest * 2 >= ttfb
    return Outcome("large" if large else "small", ((figure, longest), ("ttfb_ns", ttfb)))


def read_origin(seen: Estimates, now: int) -> Outcome | None:
    answers = needed(seen.requests.answers, now, WINDOW_S * S_NS)
    return _slowest(
        "origin_ns",
        [(a.origin_ns, a.ttfb_ns) for a in answers if a.origin_ns is not None],
    )


def read_edge(seen: Estimates, now: int) -> Outcome | None:
    answers = needed(seen.requests.answers, now, WINDOW_S * S_NS)
    return _slowest(
        "edge_ns",
        [(a.edge_ns - (a.origin_ns or 0), a.ttfb_ns) for a in answers if a.edge_ns is not None],
    )


ORIGIN = Rule("origin_time", ("small", "large"), "headers", read_origin)
EDGE = Rule("edge_time", ("small", "large"), "headers", read_edge)
