"""What answers tell of the delivery edge and of the server behind it, by logic.

An edge that is slow, or fails, and one that waits for a server behind it that does, look alike but
for what its headers say. How many of a lab's services say it, and how many of its films lie in the
edge's store, is the lab's choice, as it is each service's. So by logic, not by count:

- that headers say nothing of the cache speaks for nothing;
- slow hits are not the origin's doing: they come out of the edge's own store;
- misses speak for the origin as far as others' answers are hits, and for nobody else: what is asked
  for seldom is a miss whoever is at fault. They are no news at any later second;
- without a hit beside it, a late or missing answer tells nothing of which of the two is late.
"""

from __future__ import annotations

from typing import Final

from lab.fit.tying import CAP, Floats, columns_of, tied
from streamnotice.bottlenecks import FINE, State
from streamnotice.estimates import EDGE, ORIGIN
from streamnotice.evidence import Rule
from streamnotice.evidence.first_byte import HIT, MISS, UNSAID
from streamnotice.evidence.slow_answers import RULE as SLOW_ANSWERS
from streamnotice.evidence.status import RULE as STATUS

BUSY: Final = (State(EDGE, "overloaded"), State(ORIGIN, "slow"))
FAILING: Final = (State(EDGE, "failing"), State(ORIGIN, "failing"))
"""Late, and failing: at the edge, and behind it."""
ONCE: Final = 0.4
"""With the rule's power, and fatigue, all repetitions in a minute then weigh about once."""
SAYS: Final = "unsaid_error"
LIKE: Final = "edge_error"


def caches_by_logic(logs: Floats, rule: Rule, states: tuple[State, ...]) -> Floats:
    """*logs* (outcomes, states) of *rule*, where headers are what tells; others' as they are."""
    found = logs.copy()
    origin = [column for column, state in enumerate(states) if state.place == ORIGIN]
    others = [column for column, state in enumerate(states) if state.place != ORIGIN]
    if not origin:
        return found
    row = rule.outcomes.index
    if rule == SLOW_ANSWERS:
        found = tied(logs, map(row, ("hits", "both", "misses")), others)
        for outcome in ("hits", "both"):
            found[row(outcome), origin] = found[row(outcome), others[0]] - CAP
        found[row("misses")] *= ONCE
        found[row("unsaid")] = 0.0
    elif rule == HIT:
        found[:, origin] = logs[:, [states.index(FINE)]]
    elif rule in (MISS, UNSAID):
        for pair in (BUSY, FAILING):
            found = tied(found, range(len(logs)), columns_of(pair, states))
    elif rule == STATUS:
        # as an error of the edge's own is for all others, whoever of the two it is
        found[row(SAYS)] = logs[row(LIKE)]
        for edge, behind in (BUSY, FAILING):
            if edge in states and behind in states:
                found[row(SAYS), states.index(behind)] = logs[row(LIKE), states.index(edge)]
    return found
