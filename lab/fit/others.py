"""What other traffic at home tells of faults elsewhere, by logic: nothing.

How many homes download or send a backup while they watch is the lab's choice, and one trait of the
evening, however often it is counted: what fills nothing goes on as long. So that others move much
speaks a little, and but once, for their traffic, and alike of all the rest. Nor does it clear what
it passes: many flows get through where one doesn't, the line polices one kind of traffic and not
the other, and what a computer moves may stay in the home.

Counts of this computer's own programs see that home's other traffic alone which is here: that
there is none, or little, clears nobody.
"""

from __future__ import annotations

from typing import Final

from lab.fit.tying import Floats, tied
from streamnotice.bottlenecks import State
from streamnotice.evidence import Rule
from streamnotice.evidence.others import HERE, HOME, MUCH, SENDS

SHARING: Final = "network.home.sharing"
ONCE: Final = 0.15
"""With the rule's power, and fatigue, all repetitions in a minute then weigh about once."""
COUNT_OTHERS: Final = (HERE, HOME)


def others_by_logic(logs: Floats, rule: Rule, states: tuple[State, ...]) -> Floats:
    """*logs* (outcomes, states) of a rule that counts other traffic."""
    if rule not in COUNT_OTHERS:
        return logs
    rest = [at for at, state in enumerate(states) if state.place != SHARING]
    found = tied(logs, range(len(rule.outcomes)), rest)
    for row, outcome in enumerate(rule.outcomes):
        if rule == HERE and outcome not in (MUCH, SENDS):
            found[row] = 0.0
        elif outcome != "none":
            found[row] = (found[row] - found[row, rest[0]]) * ONCE
    return found
