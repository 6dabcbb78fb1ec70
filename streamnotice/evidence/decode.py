"""Does this device show what it has: frames dropped, or time standing still over a full buffer.

The first split (hls.js#1236, dash.js#2660): a stall with media in the buffer is not delivery's.
"""

from __future__ import annotations

from streamnotice.estimates import Estimates
from streamnotice.evidence.rule import Outcome, Rule
from streamnotice.policy import S_NS

WINDOW_NS = 4 * S_NS


def read(seen: Estimates, now: int) -> Outcome | None:
    model = seen.playback
    level = model.level_ns(now)
    if model.state == "stalled":
        if level is None:
            return None
        full = level >= 5 * S_NS and now - model.since_ns >= S_NS
        return Outcome("frozen" if full else "empty", (("buffer_ns", level),))
    if model.state != "playing":
        return None
    dropped = model.dropped_permille(now, WINDOW_NS)
    if dropped is None:
        return None
    name = "dropping" if dropped >= 100 else "smooth"
    return Outcome(name, (("dropped_permille", dropped), ("buffer_ns", level)))


RULE = Rule("decode", ("smooth", "dropping", "frozen", "empty"), "frames", read)
