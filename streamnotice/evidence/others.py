"""Other traffic: over this computer's interface, and over the home's line if its router tells."""

from __future__ import annotations

from streamnotice.estimates import BytesSeen, Estimates
from streamnotice.evidence.rule import Outcome, Rule, scale
from streamnotice.policy import S_NS
from streamnotice.windows import recent

WINDOW_S = 6
HOME_WINDOW_S = 12
STEPS = ((200, "none"), (1000, "some"))


def _judged(seen: Estimates, total_bps: int, ours_bps: int) -> Outcome | None:
    needed = seen.needed_bps()
    if not needed:
        return None
    others = max(0, total_bps - ours_bps)
    return Outcome(
        scale(others * 1000 // needed, STEPS, "much"),
        (("others_bps", others),),
        (("needed_bps", needed),),
    )


def _on_the_wire(media_bytes: int) -> int:
    """With what headers add."""
    return media_bytes * 108 // 100


def read_here(seen: Estimates, now: int) -> Outcome | None:
    inside = recent(seen.interface, now, WINDOW_S * S_NS)
    length = sum(row.window_ns for row in inside)
    if length < WINDOW_S * S_NS // 2:
        return None
    total_bps = sum(row.rx_bytes for row in inside) * 8 * S_NS // length
    ours = seen.requests.total(now, WINDOW_S).media_bytes
    return _judged(seen, total_bps, _on_the_wire(ours) * 8 // WINDOW_S)


def read_home(seen: Estimates, now: int) -> Outcome | None:
    """The router's last count against all that this computer moved in that time."""
    rows = recent(seen.home_router, now, HOME_WINDOW_S * S_NS)
    if not rows or rows[-1].window_ns <= 0:
        return None
    last = rows[-1]
    total_bps = last.rx_bytes * 8 * S_NS // last.window_ns
    return _judged(seen, total_bps, _moved(seen, last) * 8 * S_NS // last.window_ns)


def _moved(seen: Estimates, counted: BytesSeen) -> int:
    """Bytes that came to this computer while the router counted, a second more at either end.

    The two clocks don't keep step, and a burst of ours must not pass for somebody else's.
    """
    start, end = counted.at_ns - counted.window_ns - S_NS, counted.at_ns + S_NS
    if seen.interface:
        return sum(row.rx_bytes for row in seen.interface if start < row.at_ns <= end)
    first, last = start // S_NS, end // S_NS
    return _on_the_wire(
        sum(s.media_bytes for s in seen.requests.seconds if first <= s.number <= last)
    )


HERE = Rule("others_here", ("none", "some", "much"), "host", read_here)
HOME = Rule("others_at_home", ("none", "some", "much"), "home", read_home)
