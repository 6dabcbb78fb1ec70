"""What the sensors could not have told apart: distances between places under what could be seen.

Two places are as far apart as the rules that answered can tell them: by how much each rule's most
telling answer weighs between the two, added up over the rules. Two places whose rows are the same
in all those rules are 0 decibans apart: no evidence that this session could have gathered says
which of them it is. What a queue that harms nobody would excuse tells nothing where one is likely.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

from streamnotice.bottlenecks import NONE, is_leaf
from streamnotice.dossier.examination.against import best_state
from streamnotice.dossier.examination.leaving import answered
from streamnotice.dossier.examination.reweigh import Stretch, leaves_in, leaves_of
from streamnotice.verdict.tables import Tables
from streamnotice.verdict.waterfall import Said, carried

NEAR_MDB: Final = 3_000
"""Below two to one, by the most telling answers together, places count as not to be told apart."""
TELLING_MDB: Final = 1_000
"""A rule that wasn't seen is said to be able to tell two places apart from this on."""


@attrs.frozen
class Pair:
    """Two places, by the two of their conditions that are hardest to tell apart.

    Attributes:
        one, other: leaves, or `none`; the first is in the name where either is.
        one_condition, other_condition: those conditions.
        most_mdb: the most that one answer of each rule that answered could weigh between them.
        seen_mdb: what the answers did weigh, for the first.
        unseen: (rule, decibans in thousandths) of the rules that did not answer and could have
            told them apart, the most telling first.
    """

    one: str
    other: str
    one_condition: str
    other_condition: str
    most_mdb: int
    seen_mdb: int
    unseen: tuple[tuple[str, int], ...]


def pairs(on: Stretch, said: Sequence[tuple[int, list[Said]]]) -> tuple[Pair, ...]:
    """The named leaves against every other one, and any two that are not to be told apart."""
    tables, belief = on.weigher.tables, on.at_notice.belief
    beside = belief.likelier_beside(best_state(on))
    seeing = frozenset(answered(on))
    members = {n: states for n, states in on.weigher.namer.names.items() if is_leaf(n)}
    members |= {NONE: (0,)}
    inside = leaves_of(on.claim) if on.claim else leaves_in(tables.states[best_state(on)].place)
    if on.claim is not None and on.claim.condition is not None:
        # the condition that was said, against the nearest of each other place
        members[on.claim.key] = (belief.likeliest(on.claim.members),)
    found = []
    places = sorted(members, key=lambda place: (place not in inside, place == NONE))
    for number, one in enumerate(places):
        for other in places[number + 1 :]:
            most, a, b = min(
                (sum(_most(tables, rule, a, b, beside) for rule in seeing), a, b)
                for a in members[one]
                for b in members[other]
            )
            if one not in inside and most >= NEAR_MDB:
                continue
            unseen = [
                (rule, _most(tables, rule, a, b, beside))
                for rule in tables.likelihoods
                if rule not in seeing
            ]
            found.append(
                Pair(
                    one,
                    other,
                    tables.states[a].condition,
                    tables.states[b].condition,
                    most,
                    _weighed(tables, said, a, b, beside),
                    tuple(
                        sorted(
                            (row for row in unseen if row[1] >= TELLING_MDB),
                            key=lambda row: (-row[1], row[0]),
                        )
                    ),
                )
            )
    found.sort(key=lambda pair: (pair.most_mdb, pair.one, pair.other))
    return tuple(found)


def _most(tables: Tables, rule: str, one: int, other: int, beside: bool) -> int:
    weights = (
        tables.weight(rule, outcome, one, beside) - tables.weight(rule, outcome, other, beside)
        for outcome in tables.likelihoods[rule]
    )
    return max(map(abs, weights), default=0)


def _weighed(
    tables: Tables, said: Sequence[tuple[int, list[Said]]], one: int, other: int, beside: bool
) -> int:
    total = 0
    for _, answers in said:
        for answer in answers:
            weight = tables.weight(answer.rule, answer.outcome, one, beside)
            weight -= tables.weight(answer.rule, answer.outcome, other, beside)
            total += carried(weight, answer.fresh_permille)
    return total
