"""Does the way lead through a tunnel of this computer's? Without one, no tunnel is to blame.

That there is one accuses nobody: it was there before the fault.
"""

from __future__ import annotations

from typing import Final

from streamnotice.estimates import Estimates
from streamnotice.evidence.rule import Outcome, Rule
from streamnotice.path.rounds import TUNNEL

ABSENT: Final = "absent"
THERE: Final = "there"


def read(seen: Estimates, now: int) -> Outcome | None:
    path = seen.paths.busiest()
    inside = path is not None and TUNNEL in path.segments
    if inside or seen.medium == "tunnel" or seen.paths.underlay() is not None:
        return Outcome(THERE)
    known = seen.medium is not None or (path is not None and path.segment(1) is not None)
    return Outcome(ABSENT) if known else None


RULE = Rule("tunnel", (ABSENT, THERE), "path", read)
