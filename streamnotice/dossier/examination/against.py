"""What speaks against the verdict, and what would have overturned it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

from streamnotice.bottlenecks import NONE, is_leaf
from streamnotice.decibans import PPM, from_ratio, to_ppm
from streamnotice.dossier.examination.leaving import answered
from streamnotice.dossier.examination.reweigh import (
    Fate,
    Stretch,
    leaves_in,
    leaves_of,
    weigh_again,
)
from streamnotice.dossier.examination.session import Asked
from streamnotice.estimates import MADE_LIVE
from streamnotice.events import Item
from streamnotice.evidence import Outcome
from streamnotice.verdict.naming import HOLD_PPM
from streamnotice.verdict.waterfall import Repeats, Said, Tally, waterfall

MOST_STEPS: Final = 30
"""A change of longer standing is another session, not a change of this one."""
TRIED: Final = 2
"""How many of a rule's other answers are tried: those that speak most for another place."""


@attrs.frozen
class Rival:
    """Another place, held against the named one over the notice's window.

    Attributes:
        place: a leaf, or `none`.
        ppm: its probability when the notice was made, as the notice told it.
        balance_mdb: what all evidence together weighs for the name against it.
        strongest: the item that speaks most for it; None if none does. Its weight is negative:
            it is against the name.
    """

    place: str
    ppm: int
    balance_mdb: int
    strongest: Item | None


@attrs.frozen
class Margin:
    """How near the verdict was to not being said.

    Attributes:
        key: the name; leaves that pass together joined by "+".
        confidence_ppm, bar_ppm: probability as the filter holds it, and what it must reach.
        hold_ppm: below this a name once said falls.
        gate_mdb: how far its sequential test, and those of all names that cover it, stand over
            (under, if negative) their thresholds, at the least.
        odds_mdb: how far its odds stand over (under) the bar's.
    """

    key: str
    confidence_ppm: int
    bar_ppm: int
    hold_ppm: int
    gate_mdb: int
    odds_mdb: int


@attrs.frozen
class Turn:
    """A change of one rule's answers that would have changed the verdict.

    Attributes:
        rule, said, instead: its last answer, and the other one.
        steps: in how many of the last seconds before the notice; with one less it would have
            stood.
        fate: what would have been said.
    """

    rule: str
    said: str
    instead: str
    steps: int
    fate: Fate


def rows(on: Stretch, since_ns: int) -> list[tuple[int, list[Said]]]:
    """The answers from *since_ns* on, with what repetition left of their weight."""
    repeats = Repeats({rule: dict(n) for rule, n in on.before[0].repeats.counts.items()})
    fatigue = on.weigher.tables.fatigue_steps
    found = []
    for asked in on.steps:
        said = [
            Said(
                rule, outcome.name, outcome.measured, outcome.baseline,
                repeats.fresh(rule, outcome.name, fatigue),
            )
            for rule, outcome in sorted(asked.outcomes.items())
        ]  # fmt: skip
        if asked.at_ns >= since_ns:
            found.append((asked.at_ns, said))
    return found


def best_state(on: Stretch) -> int:
    """Index of the likeliest state in the name; of all faults, if nothing was named."""
    belief = on.at_notice.belief
    if on.claim is not None:
        return belief.likeliest(on.claim.members)
    return belief.likeliest(range(1, len(on.weigher.tables.states)))


def rivals(on: Stretch, said: Sequence[tuple[int, list[Said]]]) -> tuple[Rival, ...]:
    """Every place outside the name, the likeliest first.

    Of a film on demand, whose source isn't at work while it plays, the source only if the weighing
    itself took it for the likeliest.
    """
    belief, tables = on.at_notice.belief, on.weigher.tables
    best = best_state(on)
    inside = leaves_of(on.claim) if on.claim else leaves_in(tables.states[best].place)
    found = []
    told = dict(on.weigher.alternatives(on.at_notice, on.claim, on.steps[-1].suffers))
    tally = Tally.of(said)
    members = {name: at for name, at in on.weigher.namer.names.items() if is_leaf(name)}
    members[NONE] = (0,)
    for place, states in members.items():
        if place in inside:
            continue
        other = belief.likeliest(states)
        items = waterfall(tally, on.weigher.contrast(belief, best, other))
        against = min(items, key=lambda item: item.weight_mdb, default=None)
        found.append(
            Rival(
                place,
                told[place],
                sum(item.weight_mdb for item in items),
                against if against is not None and against.weight_mdb < 0 else None,
            )
        )
    found.sort(key=lambda one: (-one.ppm, one.balance_mdb, one.place))
    made = on.steps[-1].sighted.live
    return tuple(one for i, one in enumerate(found) if made or not i or one.place != MADE_LIVE)


def margin(on: Stretch) -> Margin | None:
    """The margin of what was named; of what came nearest to it, if nothing was."""
    namer, memory = on.weigher.namer, on.at_notice
    if on.claim is not None:
        keys = [on.claim.key]
    else:
        sees = on.steps[-1].sighted
        keys = [key for key in namer.names if namer.sayable(key, sees, memory.belief)]
    found = []
    for key in keys:
        inside = namer.names[key]
        outside = tuple(i for i in range(len(on.weigher.tables.states)) if i not in inside)
        bar = namer.bars_ppm[key]
        belief = memory.belief
        found.append(
            Margin(
                key=key,
                confidence_ppm=to_ppm(belief.mass(inside)),
                bar_ppm=bar,
                hold_ppm=bar - HOLD_PPM,
                gate_mdb=min(
                    memory.gate.logs.get(name, -1) - namer.gates_mdb[name]
                    for name in (key, *namer.covers[key])
                ),
                odds_mdb=belief.mass(inside) - belief.mass(outside)
                - (from_ratio(bar, PPM) - from_ratio(PPM - bar, PPM)),
            )
        )  # fmt: skip
    return max(found, key=lambda one: min(one.gate_mdb, one.odds_mdb), default=None)


def turns(on: Stretch) -> tuple[Turn, ...]:
    """For each rule that answered, the other answer that would have changed the verdict soonest."""
    found = []
    for rule in answered(on):
        said = next(a.outcomes[rule].name for a in reversed(on.steps) if rule in a.outcomes)
        best: Turn | None = None
        for instead in _worst(on, rule, said):
            most = MOST_STEPS if best is None else best.steps - 1
            turn = _turn(on, rule, said, instead, min(most, len(on.steps)))
            best = turn or best
        if best is not None:
            found.append(best)
    found.sort(key=lambda one: (one.steps, one.rule))
    return tuple(found)


def _worst(on: Stretch, rule: str, said: str) -> list[str]:
    """The rule's other answers that would hurt the name most, against whatever they favour."""
    table = on.weigher.tables.likelihoods[rule]
    inside = set(on.claim.members) if on.claim else {best_state(on)}
    best = best_state(on)

    def harm(outcome: str) -> int:
        row = table[outcome]
        return max(value for i, value in enumerate(row) if i not in inside) - row[best]

    others = sorted((o for o in table if o != said), key=lambda o: (-harm(o), o))
    return [outcome for outcome in others[:TRIED] if harm(outcome) > 0]


def _turn(on: Stretch, rule: str, said: str, instead: str, most: int) -> Turn | None:
    """The fewest steps of *instead*, up to *most*; None if that many don't change the verdict."""
    if most < 1:
        return None

    def change(asked: Asked) -> dict[str, Outcome]:
        return asked.outcomes | {rule: Outcome(instead)}

    def after(steps: int) -> Fate:
        return weigh_again(on, change, first=len(on.steps) - steps)

    low, high = 0, 1
    while after(high).word == "stands":
        low = high
        if high == most:
            return None
        high = min(most, 2 * high)
    while high - low > 1:
        middle = (low + high) // 2
        if after(middle).word == "stands":
            low = middle
        else:
            high = middle
    return Turn(rule, said, instead, high, after(high))
