"""How a player waits for a name, by logic: alike, whether its server is slow or fails.

One that says nothing keeps the player waiting as a slow one does; one that says no has it ask
again. Which of the two a failing server does, and how long a resolver bears with it, is no word on
whether names fail or only come late: that is what look-ups themselves tell (`look_up`).
"""

from __future__ import annotations

from typing import Final

from lab.fit.tying import Floats, columns_of, tied
from streamnotice.bottlenecks import State
from streamnotice.evidence import Rule
from streamnotice.evidence.asking import RULE as ASKING
from streamnotice.evidence.waits import WAITING

NAMELESS: Final = (State("service.dns", "slow"), State("service.dns", "failing"))


def names_by_logic(logs: Floats, rule: Rule, states: tuple[State, ...]) -> Floats:
    """*logs* (outcomes, states) of what the player does while it waits."""
    if rule not in (ASKING, WAITING):
        return logs
    return tied(logs, range(len(logs)), columns_of(NAMELESS, states))
