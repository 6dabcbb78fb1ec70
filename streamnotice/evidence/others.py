"""Other traffic: over this computer's interface, and over the home's line if its router tells.

Both ways count: what a backup sends fills a line's queue as well as what others get, and a player's
requests and acknowledgements wait in it.
"""

from __future__ import annotations

from typing import Final

from streamnotice.estimates import Estimates
from streamnotice.evidence.rule import Outcome, Rule, scale
from streamnotice.policy import S_NS
from streamnotice.traffic import (
    MUCH_PERMILLE,
    SENT_PERMILLE,
    BytesSeen,
    Moved,
    on_the_wire,
    rate_bps,
)
from streamnotice.windows import recent

HOME_WINDOW_S = 12
STEPS = ((200, "none"), (MUCH_PERMILLE, "some"))
MUCH: Final = "much"
SENDS: Final = "sends"


def _judged(seen: Estimates, moved: Moved) -> Outcome | None:
    """By what others got, and by what was sent that need not be acknowledgements of what came."""
    needed = seen.needed_bps()
    if not needed:
        return None
    name, told_bps = scale(moved.permille_of(needed), STEPS, MUCH), moved.got_bps
    if name != MUCH and moved.sends:
        name, told_bps = SENDS, moved.sent_bps
    return Outcome(name, (("others_bps", told_bps),), (("needed_bps", needed),))


def read_here(seen: Estimates, now: int) -> Outcome | None:
    moved = seen.moved_here(now)
    return None if moved is None else _judged(seen, moved)


def read_home(seen: Estimates, now: int) -> Outcome | None:
    """The router's last count against all that this computer moved in that time.

    That nobody else uses the line is not said while this computer itself does, beside the video, or
    may do.
    """
    rows = recent(seen.home_router, now, HOME_WINDOW_S * S_NS)
    if not rows or rows[-1].window_ns <= 0:
        return None
    last = rows[-1]
    ours_came, ours_sent = _moved(seen, last)
    others_bps = max(0, rate_bps(last.rx_bytes - ours_came, last.window_ns))
    sent_bps = rate_bps(last.tx_bytes - ours_sent, last.window_ns)
    found = _judged(seen, Moved(others_bps, sent_bps, others_bps))
    if found is None or found.name != "none" or not seen.interface:
        return found  # without an interface's counts, what else this computer moves is others'
    here = read_here(seen, now)
    return found if here is not None and here.name == "none" else None


def _moved(seen: Estimates, counted: BytesSeen) -> tuple[int, int]:
    """Bytes that came to this computer and that it sent while the router counted, a second more
    at either end.

    The two clocks don't keep step, and a burst of ours must not pass for somebody else's.
    """
    start, end = counted.at_ns - counted.window_ns - S_NS, counted.at_ns + S_NS
    if seen.interface:
        rows = [row for row in seen.interface if start < row.at_ns <= end]
        return sum(row.rx_bytes for row in rows), sum(row.tx_bytes for row in rows)
    first, last = start // S_NS, end // S_NS
    came = on_the_wire(
        sum(s.media_bytes for s in seen.requests.seconds if first <= s.number <= last)
    )
    return came, came * SENT_PERMILLE // 1000


HERE = Rule("others_here", ("none", "some", MUCH, SENDS), "host", read_here)
HOME = Rule("others_at_home", ("none", "some", MUCH, SENDS), "home", read_home)
