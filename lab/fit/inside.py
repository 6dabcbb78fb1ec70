"""What a table says of links in the server's network, before the server: by logic, not by counts.

Whose a link is makes no difference to what it does to us. So one in there shows as a link between
networks does in the same condition, but one place farther on the way: what is said of that link by
an answer that ends at it, is said of this one by the answer that ends one place later.
"""

from __future__ import annotations

from typing import Any, Final

from lab.fit.counts import LEAP, MEASURED, UNDERLAY, found_by
from streamnotice.bottlenecks import FINE, IN_THEIR_NETWORK, State
from streamnotice.path.localise import ORDER, STRETCHES

NAME: Final = "inside"
WORDS: Final = (
    "What links in the server's network, before the server, show as: what a link between networks "
    "does in the same condition, one place farther on the way"
)
LIKE: Final = "network.interconnect"
FARTHER: Final = {
    "service": "interconnect",
    "server": "interconnect",
    "interconnect": "core",
    "core_or_interconnect": "access_or_core",
    "access_to_interconnect": "access_or_core",
    "home_to_interconnect": "home_to_core",
}
"""Answer -> the one that is to a link between networks what this one is to one behind it. All other
stretches hold both links, or neither."""
_LAST: Final = ORDER.index("service")
_PLACES: Final = (MEASURED | {LEAP}) - {UNDERLAY}
"""Rules whose answers are places on this way; on that under a tunnel neither link is."""


def with_inside(table: dict[str, Any]) -> dict[str, Any]:
    """*table* with these states, as last but one before the fault of no state; again, if it has
    them already."""
    bare = _without(table)
    names = bare["states"]
    new = [state for state in IN_THEIR_NETWORK if str(_like(state)) in names]
    rules = {}
    for rule, part in bare["rules"].items():
        rows = part["outcomes"]
        made = {
            outcome: [*row[:-1], *(_weight(rule, rows, outcome, names, s) for s in new), row[-1]]
            for outcome, row in rows.items()
        }
        rules[rule] = {**part, "outcomes": made}
    return {**bare, "states": [*names[:-1], *map(str, new), names[-1]], "rules": rules}


def _weight(
    rule: str, rows: dict[str, list[int]], outcome: str, names: list[str], state: State
) -> int:
    like = _like(state)
    if rule == LEAP and not _leaps(outcome, state):
        return rows[outcome][names.index(str(FINE if _queues(state) else like))]
    asked = FARTHER.get(outcome, outcome) if rule in _PLACES else outcome
    return rows.get(asked, rows[outcome])[names.index(str(like))]


def _leaps(outcome: str, state: State) -> bool:
    """A queue that stood there first may be in such a leap; elsewhere it leaps as for all."""
    holds = outcome in STRETCHES and STRETCHES[outcome][1] == _LAST
    return _queues(state) and holds


def _queues(state: State) -> bool:
    return found_by(state.condition) == "queue"


def _like(state: State) -> State:
    return State(LIKE, state.condition)


def _without(table: dict[str, Any]) -> dict[str, Any]:
    ours = {str(state) for state in IN_THEIR_NETWORK}
    kept = [at for at, name in enumerate(table["states"]) if name not in ours]
    rules = {
        rule: {
            **part,
            "outcomes": {
                outcome: [row[at] for at in kept] for outcome, row in part["outcomes"].items()
            },
        }
        for rule, part in table["rules"].items()
    }
    return {**table, "states": [table["states"][at] for at in kept], "rules": rules}
