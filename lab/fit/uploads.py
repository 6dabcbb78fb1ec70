"""What the home's own uploads tell of faults elsewhere, by logic: nothing.

How many homes send a backup while they watch is the lab's choice. That others send much speaks for
their traffic where that is what is wrong, and alike of all the rest.
"""

from __future__ import annotations

from lab.fit.tying import Floats, tied
from streamnotice.bottlenecks import State
from streamnotice.evidence import Rule
from streamnotice.evidence.others import HOME, SENDS

SHARING = "network.home.sharing"


def uploads_by_logic(logs: Floats, rule: Rule, states: tuple[State, ...]) -> Floats:
    """*logs* (outcomes, states) of what the home's router counts, where it is sent by others."""
    if rule != HOME:
        return logs
    rest = [column for column, state in enumerate(states) if state.place != SHARING]
    return tied(logs, [rule.outcomes.index(SENDS)], rest)
