"""Does this device show what it has: frames dropped, or time standing still over a full buffer.

The first split (hls.js#1236, dash.js#2660): a stall with media in the buffer is not delivery's.
Nor is it this device's by that alone: players stand over a hole in the media, and wait for keys
and licences. So `frozen` needs a witness of the device's own, and none of something else.
"""

from __future__ import annotations

from streamnotice.estimates import Estimates
from streamnotice.evidence import host_load
from streamnotice.evidence.hunger import SHORT_OF_TARGET, waits_for_other
from streamnotice.evidence.rule import Outcome, Rule
from streamnotice.policy import S_NS

WINDOW_NS = 4 * S_NS
FULL_NS = 5 * S_NS
DROPPING_PERMILLE = 100


def read(seen: Estimates, now: int) -> Outcome | None:
    model = seen.playback
    level = model.level_ns(now)
    if model.state == "stalled":
        return None if level is None else _stalled(seen, level, now)
    if model.state != "playing":
        return None
    dropped = model.dropped_permille(now, WINDOW_NS)
    if dropped is None:
        return None
    name = "dropping" if dropped >= DROPPING_PERMILLE else "smooth"
    return Outcome(name, (("dropped_permille", dropped), ("buffer_ns", level)))


def _stalled(seen: Estimates, level: int, now: int) -> Outcome | None:
    target = seen.playback.target_ns
    full = FULL_NS if target is None else min(FULL_NS, target // SHORT_OF_TARGET)
    figures = (("buffer_ns", level),)
    if level < full:
        return Outcome("empty", figures)
    lasts = now - seen.playback.since_ns
    if lasts < S_NS or waits_for_other(seen, now) or not _by_device(seen, lasts, now):
        return None
    return Outcome("frozen", figures)


def _by_device(seen: Estimates, lasts: int, now: int) -> bool:
    """This computer is too busy, or dropped frames while the picture stood or just before."""
    load = host_load.read(seen, now)
    if load is not None and load.name == "starved":
        return True
    dropped = seen.playback.dropped_permille(now, lasts + WINDOW_NS)
    return dropped is not None and dropped >= DROPPING_PERMILLE


RULE = Rule("decode", ("smooth", "dropping", "frozen", "empty"), "frames", read)
