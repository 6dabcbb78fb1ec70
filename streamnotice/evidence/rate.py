"""What comes in while it is asked for, over what playback needs."""

from __future__ import annotations

from streamnotice.estimates import Estimates
from streamnotice.evidence.rule import Outcome, Rule, scale

WINDOW_S = 6
STEPS = ((20, "nothing"), (300, "trickle"), (900, "short"), (1400, "near"), (3000, "ample"))
NAMES = ("nothing", "trickle", "short", "near", "ample", "plenty")


def _against_need(seen: Estimates, came: int | None) -> Outcome | None:
    needed = None if came is None else seen.need_against(came)
    if came is None or needed is None:
        return None
    name = scale(came * 1000 // needed, STEPS, "plenty")
    return Outcome(name, (("throughput_bps", came),), (("needed_bps", needed),))


def read(seen: Estimates, now: int) -> Outcome | None:
    return _against_need(seen, seen.requests.throughput_bps(now, WINDOW_S))


def read_flow(seen: Estimates, now: int) -> Outcome | None:
    """The same, but only while bytes were flowing: the wait for the first byte left out."""
    return _against_need(seen, seen.requests.flowing_bps(now, WINDOW_S))


RULE = Rule("rate", NAMES, "requests", read)
FLOW = Rule("flow", NAMES, "requests", read_flow)
