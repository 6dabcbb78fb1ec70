"""Is the chosen rendition one that the delivery could carry, and was a lower one permitted."""

from __future__ import annotations

from streamnotice.estimates import Estimates
from streamnotice.evidence.rule import Outcome, Rule

WINDOW_S = 10


def read(seen: Estimates, now: int) -> Outcome | None:
    came = seen.requests.throughput_bps(now, WINDOW_S)
    needed = None if came is None else seen.need_against(came)
    if came is None or needed is None:
        return None
    figures = (("throughput_bps", came),)
    base = (("needed_bps", needed),)
    if came * 10 >= needed * 11:
        return Outcome("fits", figures, base)
    model = seen.playback
    lower = [rate for rate in model.ladder_bps if rate < needed and came * 10 >= rate * 11]
    if model.rendition_fixed or not lower:
        return Outcome("lowest", figures, base)
    return Outcome("above", figures, base)


RULE = Rule("fit", ("fits", "above", "lowest"), "requests", read)
