"""What the player waits for before it can ask: a name to resolve, a connection to open.

A request that fails says so when its player's patience ends, after ten seconds or thirty; that it
can't even be sent shows long before.
"""

from __future__ import annotations

from typing import Final

from streamnotice.estimates import Estimates
from streamnotice.evidence.connecting import ROUND_TRIPS
from streamnotice.evidence.patience import longest_ns
from streamnotice.evidence.references import handshakes
from streamnotice.evidence.rule import Outcome, Rule
from streamnotice.policy import S_NS
from streamnotice.windows import recent

LONG_NS = 5 * S_NS // 2
WINDOW_NS = 10 * S_NS
NAMES: Final = {"missing": "name", "answered": "name_alone", "too_few": "name_unasked"}


def read(seen: Estimates, now: int) -> Outcome | None:
    requests = seen.requests
    waits = requests.opening(now)
    if waits is not None:
        what, age = waits
        # the first SYN may be lost: the second follows after a second, the third after three
        if not what or age < LONG_NS + ROUND_TRIPS * longest_ns(seen, now):
            return None
        name = NAMES[handshakes(seen, now - age, now)] if what == "name" else what
        return Outcome(name, (("age_ns", age),))
    if not requests.tells_opening or not recent(requests.connects, now, WINDOW_NS):
        return None
    return Outcome("nothing")


RULE = Rule(
    "opening",
    ("nothing", *NAMES.values(), "connection"),
    "requests",
    read,
    whole_way=True,
)
