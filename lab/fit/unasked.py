"""What a name that doesn't resolve tells before any server has been asked by its address, by logic.

Names that fail while handshakes elsewhere are answered speak for the name server, and where those
are missing as well for the network. Who knows no address yet, or asks nobody, has either behind
one answer: whether there is somebody to ask is no evidence of who is at fault. So it is as likely
as the two together; and of a name server that says nothing, and of a way that is cut before it, it
is told alike: nothing resolves with the one as with the other. Before Play this is all there is.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from lab.fit.names import NAMELESS
from lab.fit.tying import Floats, columns_of, shares_of, tied
from streamnotice.bottlenecks import State
from streamnotice.evidence import Rule
from streamnotice.evidence.connecting import FAILING, LOOK_UP
from streamnotice.evidence.opening import NAMES
from streamnotice.evidence.opening import RULE as OPENING

ANSWERS: Final = {LOOK_UP.name: FAILING, OPENING.name: NAMES}
_FAILS: Final = State("service.dns", "failing")
_CUT: Final = tuple(
    State(f"network.{place}", "unreachable")
    for place in ("home.wifi", "vpn", "isp.access", "isp.core")
)
"""A name server is the provider's, or lies not nearer."""


def unasked_by_logic(logs: Floats, rule: Rule, states: tuple[State, ...]) -> Floats:
    """*logs* (outcomes, states) of the rules of names; others' as they are."""
    if rule.name not in ANSWERS:
        return logs
    names = ANSWERS[rule.name]
    at = rule.outcomes.index(names["too_few"])
    known = [row for row in range(len(logs)) if row != at or logs[row].any()]
    failing = [known.index(row) for row in map(rule.outcomes.index, names.values()) if row in known]
    whole = shares_of(logs[known])[failing].sum(axis=0)
    found = logs.copy()
    found[at] = np.log(whole / whole.mean())
    nameless = NAMELESS if rule == OPENING else (_FAILS,)  # a late answer keeps it waiting as well
    return tied(found, (at,), columns_of((*nameless, *_CUT), states))
