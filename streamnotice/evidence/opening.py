"""What the player waits for before it can ask: a name to resolve, a connection to open.

A request that fails says so when its player's patience ends, after ten seconds or thirty; that it
can't even be sent shows long before.
"""

from __future__ import annotations

from streamnotice.estimates import Estimates
from streamnotice.evidence.references import far_ends_answer
from streamnotice.evidence.rule import Outcome, Rule
from streamnotice.policy import S_NS
from streamnotice.windows import recent

LONG_NS = 5 * S_NS // 2
WINDOW_NS = 10 * S_NS


def read(seen: Estimates, now: int) -> Outcome | None:
    requests = seen.requests
    waits = requests.opening(now)
    if waits is not None:
        what, age = waits
        # the first SYN may be lost: the second follows after a second, the third after three
        if age < LONG_NS or not what:
            return None
        alone = what == "name" and far_ends_answer(seen, now - age, now)
        return Outcome("name_alone" if alone else what, (("age_ns", age),))
    if not requests.tells_opening or not recent(requests.connects, now, WINDOW_NS):
        return None
    return Outcome("nothing")


RULE = Rule(
    "opening",
    ("nothing", "name", "name_alone", "connection"),
    "requests",
    read,
    whole_way=True,
)
