"""Where along the path queue, spread, loss and silence begin (`streamnotice.path.localise`)."""

from __future__ import annotations

from streamnotice.estimates import Estimates
from streamnotice.evidence.patience import may_be_late
from streamnotice.evidence.rule import Outcome, Rule
from streamnotice.path import localise

NAMES = ("none", *localise.PLACES)


def _delay(found: localise.Located | None, figure: str) -> Outcome | None:
    if found is None:
        return None
    base = None if found.base_ns is None else (("rtt_ns", found.base_ns),)
    return Outcome(found.place, ((figure, found.value),), base)


def read_queue(seen: Estimates, now: int) -> Outcome | None:
    found = localise.queue(seen.paths, now)
    calm = found is not None and found.place == localise.NONE
    if calm and localise.may_hide_queue(seen.paths):
        return None
    return _delay(found, "queue_ns")


def read_spread(seen: Estimates, now: int) -> Outcome | None:
    return _delay(localise.spread(seen.paths, now), "spread_ns")


def read_leap(seen: Estimates, now: int) -> Outcome | None:
    return _delay(localise.leap(seen.paths, now), "leap_ns")


def read_loss(seen: Estimates, now: int) -> Outcome | None:
    found = localise.loss(seen.paths, now)
    if found is None or (found.place != localise.NONE and may_be_late(seen, now)):
        return None
    return Outcome(found.place, (("loss_permille", found.value),))


def read_reach(seen: Estimates, now: int) -> Outcome | None:
    found = localise.reach(seen.paths, now)
    if found is None or (found.place != localise.REACHED and may_be_late(seen, now)):
        return None
    return Outcome(found.place, (("answered_count", found.answered), ("lost_count", found.lost)))


QUEUE = Rule("queue_place", NAMES, "path", read_queue)
SPREAD = Rule("spread_place", NAMES, "path", read_spread)
LEAP = Rule("leap_place", NAMES, "path", read_leap)
LOSS = Rule("loss_place", NAMES, "path", read_loss)
REACH = Rule(
    "reach_place", (localise.REACHED, "server", "nothing", *localise.PLACES), "path", read_reach
)
