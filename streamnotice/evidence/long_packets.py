"""Do long packets get through to the server, and to the home router, where short ones do?

What the film needs is long packets; handshakes, pings and requests are short ones. While the server
answers those and sends nothing, this is what tells a way that drops the long from a server that
does not answer. That they get through clears the way of that alone.
"""

from __future__ import annotations

from streamnotice.estimates import Estimates
from streamnotice.evidence.first_hop import home_goes_on
from streamnotice.evidence.rule import Outcome, Rule
from streamnotice.path.first_hop import ROLE as FIRST_HOP
from streamnotice.path.long_packets import Lengths

WHOLE = "whole"
SOME = "some"
LOST = "lost"
LOST_NEAR = "lost_near"
LOST_BEYOND = "lost_beyond"


def read(seen: Estimates, now: int) -> Outcome | None:
    ends = [found for host in seen.paths.lengths("service") if (found := host.look(now))]
    if not ends:
        return None
    worst = max(ends, key=lambda one: (one.none, one.missing))
    return Outcome(
        _name(worst, seen, now),
        (("lost_count", worst.missing), ("answered_count", worst.answered)),
    )


def _name(end: Lengths, seen: Estimates, now: int) -> str:
    if not end.none:
        return WHOLE if end.whole else SOME
    near = [found for host in seen.paths.lengths(FIRST_HOP) if (found := host.look(now))]
    if not near:
        return LOST
    if near[0].none:
        return LOST_NEAR
    return LOST_BEYOND if near[0].whole and not home_goes_on(seen) else LOST


RULE = Rule("long_packets", (WHOLE, SOME, LOST, LOST_NEAR, LOST_BEYOND), "path", read)
