"""Other traffic: over this computer's interface, and over the home's line if its router tells."""

from __future__ import annotations

from collections import deque

from streamnotice.estimates import BytesSeen, Estimates
from streamnotice.evidence.rule import Outcome, Rule, scale
from streamnotice.policy import S_NS
from streamnotice.windows import recent

WINDOW_S = 6
STEPS = ((200, "none"), (1000, "some"))


def _others(seen: Estimates, rows: deque[BytesSeen], now: int) -> Outcome | None:
    inside = recent(rows, now, WINDOW_S * S_NS)
    length = sum(row.window_ns for row in inside)
    if length < WINDOW_S * S_NS // 2:
        return None
    total = sum(row.rx_bytes for row in inside) * 8 * S_NS // length
    ours = sum(row.media_bytes for row in seen.requests.window(now, WINDOW_S)) * 8 // WINDOW_S
    needed = seen.needed_bps()
    if not needed:
        return None
    others = max(0, total - ours * 108 // 100)  # headers take their share
    return Outcome(
        scale(others * 1000 // needed, STEPS, "much"),
        (("others_bps", others),),
        (("needed_bps", needed),),
    )


def read_here(seen: Estimates, now: int) -> Outcome | None:
    return _others(seen, seen.interface, now)


def read_home(seen: Estimates, now: int) -> Outcome | None:
    return _others(seen, seen.home_router, now)


HERE = Rule("others_here", ("none", "some", "much"), "host", read_here)
HOME = Rule("others_at_home", ("none", "some", "much"), "home", read_home)
