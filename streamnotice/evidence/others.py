"""Other traffic: over this computer's interface, and over the home's line if its router tells.

Both ways count: what a backup sends fills a line's queue as well as what others get, and a player's
requests and acknowledgements wait in it.
"""

from __future__ import annotations

from typing import Final

from streamnotice.estimates import BytesSeen, Estimates
from streamnotice.evidence.rule import Outcome, Rule, scale
from streamnotice.policy import S_NS
from streamnotice.windows import recent

WINDOW_S = 6
HOME_WINDOW_S = 12
STEPS = ((200, "none"), (1000, "some"))
SENDS: Final = "sends"
SENT_BPS: Final = 100_000
"""Less than this fills no line's queue, ..."""
SENT_PERMILLE: Final = 100
"""... and less than so much of what came may be acknowledgements of it (some 30 are usual)."""


def _rate_bps(size_bytes: int, window_ns: int) -> int:
    return size_bytes * 8 * S_NS // window_ns


def _judged(
    seen: Estimates, others_bps: int, sent_bps: int, acknowledged_bps: int
) -> Outcome | None:
    """By what others got, and by what was sent that need not be acknowledgements of what came."""
    needed = seen.needed_bps()
    if not needed:
        return None
    told_bps = max(0, others_bps)
    name = scale(told_bps * 1000 // needed, STEPS, "much")
    if name != "much" and sent_bps > max(SENT_BPS, acknowledged_bps * SENT_PERMILLE // 1000):
        name, told_bps = SENDS, sent_bps
    return Outcome(name, (("others_bps", told_bps),), (("needed_bps", needed),))


def _on_the_wire(media_bytes: int) -> int:
    """With what headers add."""
    return media_bytes * 108 // 100


def read_here(seen: Estimates, now: int) -> Outcome | None:
    inside = recent(seen.interface, now, WINDOW_S * S_NS)
    length_ns = sum(row.window_ns for row in inside)
    if length_ns < WINDOW_S * S_NS // 2:
        return None
    came_bps = _rate_bps(sum(row.rx_bytes for row in inside), length_ns)
    sent_bps = _rate_bps(sum(row.tx_bytes for row in inside), length_ns)
    ours = _on_the_wire(seen.requests.total(now, WINDOW_S).media_bytes)
    return _judged(seen, came_bps - ours * 8 // WINDOW_S, sent_bps, came_bps)


def read_home(seen: Estimates, now: int) -> Outcome | None:
    """The router's last count against all that this computer moved in that time.

    That nobody else uses the line is not said while this computer itself does, beside the video.
    """
    rows = recent(seen.home_router, now, HOME_WINDOW_S * S_NS)
    if not rows or rows[-1].window_ns <= 0:
        return None
    last = rows[-1]
    ours_came, ours_sent = _moved(seen, last)
    others_bps = _rate_bps(last.rx_bytes - ours_came, last.window_ns)
    sent_bps = _rate_bps(last.tx_bytes - ours_sent, last.window_ns)
    found = _judged(seen, others_bps, sent_bps, others_bps)
    if found is None or found.name != "none":
        return found
    here = read_here(seen, now)
    return found if here is None or here.name == "none" else None


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
    came = _on_the_wire(
        sum(s.media_bytes for s in seen.requests.seconds if first <= s.number <= last)
    )
    return came, came * SENT_PERMILLE // 1000


HERE = Rule("others_here", ("none", "some", "much", SENDS), "host", read_here)
HOME = Rule("others_at_home", ("none", "some", "much", SENDS), "home", read_home)
