"""What the home's own uploads tell of faults elsewhere, by logic: nothing.

How many homes send a backup while they watch is the lab's choice. That others send much speaks for
their traffic, and alike of all the rest; and it is one trait of the evening, however often it is
counted: a backup that fills nothing goes on as long.
"""

from __future__ import annotations

from typing import Final

from lab.fit.tying import Floats, tied
from streamnotice.bottlenecks import State
from streamnotice.evidence import Rule
from streamnotice.evidence.others import HOME, SENDS

SHARING: Final = "network.home.sharing"
ONCE: Final = 0.15
"""With the rule's power, and fatigue, all repetitions in a minute then weigh about once."""


def uploads_by_logic(logs: Floats, rule: Rule, states: tuple[State, ...]) -> Floats:
    """*logs* (outcomes, states) of what the home's router counts, where it is sent by others."""
    if rule != HOME:
        return logs
    row = rule.outcomes.index(SENDS)
    rest = [column for column, state in enumerate(states) if state.place != SHARING]
    found = tied(logs, [row], rest)
    found[row] = (found[row] - found[row, rest[:1]]) * ONCE
    return found
