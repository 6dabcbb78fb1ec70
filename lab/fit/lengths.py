"""What long pings tell, by logic: that something on the way does not carry them, and how far off.

How many lossy ways lose long packets alone is anybody's guess, and the lab's choice. What follows
without it:

- that they get through says nothing but that they do: what gets lost of short packets isn't told;
  nor is one that is missing now and then: a loss that cares for no length takes some;
- where they do not, while short ones do, it is something on the way: no server, player or computer,
  nor a fault that no state stands for. Nor is the way cut. On a link that is narrow enough, or
  whose queue is full, a long packet fares worse as well, so that a place's conditions are alike;
- near: it lies before the home router. Beyond: behind it.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from lab.fit.tying import Floats, tied
from streamnotice.bottlenecks import FINE, OTHER, State
from streamnotice.evidence import Rule
from streamnotice.evidence.long_packets import LOST, LOST_BEYOND, LOST_NEAR, SOME, WHOLE
from streamnotice.evidence.long_packets import RULE as LONG_PACKETS
from streamnotice.path.first_hop import BEFORE_IT

_SILENT: Final = (WHOLE, SOME)


def lengths_by_logic(logs: Floats, rule: Rule, states: tuple[State, ...]) -> Floats:
    """*logs* (outcomes, states) of the rule of long pings; others' as they are."""
    if rule != LONG_PACKETS:
        return logs
    found = logs.copy()
    row = rule.outcomes.index
    found[[row(outcome) for outcome in _SILENT]] = 0.0
    way = [
        at
        for at, state in enumerate(states)
        if state.place.startswith("network.") and state.condition != "unreachable"
    ]
    near = [at for at in way if states[at].place == BEFORE_IT]
    behind = [at for at in way if at not in near]
    lossy = [at for at in way if states[at].condition == "lossy"]
    away = [
        at
        for at, state in enumerate(states)
        if not state.place.startswith("network.")
        and state.condition != "unreachable"
        and state not in (FINE, OTHER)
    ]
    for outcome, where in ((LOST, way), (LOST_NEAR, near), (LOST_BEYOND, behind)):
        at = row(outcome)
        rest = [n for n in range(len(states)) if n not in where and states[n] != FINE]
        if not where or not away:
            continue
        value = np.log(np.exp(logs[at, [n for n in lossy if n in where]]).mean())
        found[at, where] = value
        found[at, rest] = tied(logs, (at,), away)[at, away[0]]
    return found
