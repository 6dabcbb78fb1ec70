"""The three recursions in step: outcomes in, a verdict out.

Holds the filter, the gate and the window for the waterfall, and nothing about notices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

import attrs

from streamnotice.bottlenecks import NONE, UNDETERMINED, is_leaf
from streamnotice.decibans import PPM, to_ppm
from streamnotice.estimates import MADE_LIVE, Sighted
from streamnotice.events import Impact, Intensity, Item, Verdict
from streamnotice.evidence import RULES
from streamnotice.evidence.rule import Outcome
from streamnotice.snapshot import stateful
from streamnotice.verdict.change import Answer, Change, Late, begun_anew
from streamnotice.verdict.filter import Filter, Layers
from streamnotice.verdict.gate import Gate
from streamnotice.verdict.naming import Named, Namer
from streamnotice.verdict.tables import Tables
from streamnotice.verdict.waterfall import (
    Repeats,
    Said,
    Steps,
    carried,
    carried_row,
    waterfall,
)

MOST_ALTERNATIVES = 6
RULED_OUT_MDB = 8_000
RULED_OUT_PPM = 10_000
LEAST_WEIGHT_MDB = 1_000
OF_THE_WAY = frozenset(rule.name for rule in RULES if rule.needs in ("path", "reference"))
"""Rules that have an answer only where the way is asked."""
Rows = tuple[tuple[int, ...], ...]
"""What an answer weighs by state: one row, or two where a bystander makes a difference; or none."""


@stateful
@attrs.define
class Memory:
    """All that the weighing remembers.

    Attributes:
        boxed: a box that ends TCP connections had been found.
        begun_ns: what is believed rests on answers from then on; 0 from the session's start.
        said_before: how often each answer that was being given when `spoken` was spoken had been.
    """

    belief: Filter
    gate: Gate = attrs.Factory(Gate)
    steps: Steps = attrs.Factory(Steps)
    repeats: Repeats = attrs.Factory(Repeats)
    spoken: str | None = None
    boxed: bool = False
    begun_ns: int = 0
    said_before: dict[Answer, int] = attrs.Factory(dict)


@attrs.frozen(eq=False)
class Weigher:
    """Applies a table to outcomes."""

    tables: Tables
    namer: Namer
    _worn: dict[tuple[str, str, int], Rows] = attrs.field(factory=dict, init=False)

    def fresh(self) -> Memory:
        return Memory(Filter.start(self.tables.start(), self.tables.bystander))

    def step(
        self,
        memory: Memory,
        now: int,
        outcomes: dict[str, Outcome],
        suffering: bool,
        boxed: bool = False,
        live: bool = True,
    ) -> None:
        """Weigh one step's outcomes in.

        Args:
            live: a live stream was seen. Else who makes one is no rival to what was spoken: no
                evidence could name it.
            boxed: a box that ends TCP connections is known to be on the way. Once it is found, what
                was weighed before is void: its handshakes spoke for servers and lines that they
                had never met.
        """
        if boxed and not memory.boxed:
            self._forget(memory)
        memory.boxed = boxed
        tables = self.tables
        ahead = memory.belief.predict(tables.priors, tables.switch, suffering, tables.bystander)
        weights: list[Rows] = []
        said: list[Said] = []
        count, fatigue_steps = memory.repeats.fresh, tables.fatigue_steps
        for rule, outcome in sorted(outcomes.items()):
            name = outcome.name
            fresh = count(rule, name, fatigue_steps)
            said.append(Said(rule, name, outcome.measured, outcome.baseline, fresh))
            weights.append(self._rows(rule, name, fresh))
        joint = _summed(ahead.alone, ahead.beside, weights)
        memory.gate.step(self.namer.names, ahead.both, joint.both, self.namer.tempers_permille)
        memory.belief = Filter.of(joint)
        memory.steps.add(now, said)
        if memory.spoken is not None and tables.change is not None:
            self._question(memory, memory.spoken, now, tables.change, live=live)

    def _question(
        self, memory: Memory, spoken: str, now: int, change: Change, *, live: bool
    ) -> None:
        """Do the answers of late still bear what was spoken? If not, it is taken back, and what is
        believed begins anew with them."""
        late = Late.of(memory.steps.rows, now, change.window_steps)
        asked = any(rule in OF_THE_WAY for rule, _ in memory.said_before)
        if asked and late.steadiest(OF_THE_WAY) * 4 < change.window_steps * 3:
            return
        if self.outweighed(memory, spoken, late, change.against_mdb, live=live):
            left = late.weigh(memory.said_before, self.tables.fatigue_steps)
            memory.belief = begun_anew(memory.belief, self.tables.start(), self._explained(left))
            memory.begun_ns = late.began_ns
            memory.spoken = None

    def outweighed(
        self, memory: Memory, name: str, late: Late, by_mdb: int, *, live: bool = True
    ) -> bool:
        """By the answers of late, some fault outside *name* is so much likelier than any in it, and
        likelier than that nothing is wrong. They lean to what was spoken, and to no other name."""
        members, inside = self.namer.names[name], set(self.namer.names[name])
        anew = late.weigh({}, self.tables.fatigue_steps)
        logs = self._explained(anew).both  # leans to nobody, and is soon told
        least = max(map(logs.__getitem__, members)) + by_mdb
        rivals = [
            at
            for at in self.namer.faults
            if logs[at] >= least
            and at not in inside
            and (live or self.tables.states[at].place != MADE_LIVE)
        ]
        if not rivals:
            return False
        before = memory.said_before if name == memory.spoken else {}
        left = late.weigh(before, self.tables.fatigue_steps)

        def balance(one: int, other: int) -> int:
            """What they weigh for *one*, leaning to it."""
            weigh, total = self.contrast(memory.belief, one, other), 0
            for key in anew:
                weight = weigh(*key) or 0
                total += carried(weight, anew[key] if weight > 0 else left[key])
            return total

        return any(
            balance(0, rival) <= 0 and all(balance(one, rival) <= -by_mdb for one in members)
            for rival in rivals
        )

    def _borne_out(self, memory: Memory, name: str, *, live: bool) -> bool:
        """*name* would not be taken back as soon as it is spoken: what led to it may lie behind the
        end of what it tells of."""
        change, rows = self.tables.change, memory.steps.rows
        if name == memory.spoken or change is None or not rows:
            return True
        late = Late.of(rows, rows[-1][0], change.window_steps)
        return not self.outweighed(memory, name, late, change.against_mdb, live=live)

    def _explained(self, left_permille: Mapping[Answer, int]) -> Layers:
        """How well each state explains answers with so much left of their weight; without a
        bystander and beside one."""
        nothing = [0] * len(self.tables.states)
        rows = (self._rows(*answer, permille) for answer, permille in left_permille.items())
        return _summed(nothing, nothing if self.tables.bystander else [], rows)

    def _forget(self, memory: Memory) -> None:
        """Begin anew, as if the session did."""
        fresh = self.fresh()
        for field in attrs.fields(Memory):
            setattr(memory, field.name, getattr(fresh, field.name))

    def _rows(self, rule: str, outcome: str, fresh_permille: int) -> Rows:
        """Weights by state after fatigue (its degrees are few, so kept).

        One row, or where a bystander makes a difference two, without and beside one; () if there
        are none.
        """
        key = rule, outcome, fresh_permille
        rows = self._worn.get(key)
        if rows is None:
            rows = self.tables.rows(rule, outcome)
            rows = tuple(carried_row(row, fresh_permille) for row in rows)
            self._worn[key] = rows
        return rows

    def name(self, memory: Memory, sighted: Sighted, says: bool = True) -> Named | None:
        """What may be said now: a new name if one passes, else the one spoken while it holds.

        Args:
            says: playback suffers, or a notice stands: only what is said then was spoken. What was
                merely thought must pass anew when the time comes.
        """
        borne_out = partial(self._borne_out, memory, live=sighted.live)
        found = self.namer.best(memory.belief, memory.gate, sighted, borne_out)
        spoken = memory.spoken
        if spoken is not None:
            coarser = found is None or self.namer.covers_more(found.key, spoken)
            if coarser and self.namer.holds(spoken, memory.belief):
                found = self.namer.named(spoken, memory.belief)
        key = found.key if found is not None and says else None
        if key != memory.spoken:
            memory.said_before = self._being_said(memory)
        memory.spoken = key
        return found

    def _being_said(self, memory: Memory) -> dict[Answer, int]:
        """How often each answer of late has been given, as repetitions count."""
        if self.tables.change is None or not memory.steps.rows:
            return {}
        rows = memory.steps.rows
        late = Late.of(rows, rows[-1][0], self.tables.change.window_steps)
        counts = memory.repeats.counts
        return {(rule, outcome): counts[rule].get(outcome, 0) for rule, outcome in late.times}

    def verdict(
        self,
        memory: Memory,
        now: int,
        since_ns: int,
        named: Named | None,
        impact: Impact | None,
        stall_in_ns: tuple[int, int] | None,
        wants: Intensity,
        suffers: bool,
    ) -> Verdict:
        """The step's verdict with its waterfall.

        Args:
            suffers: as for `Namer.alternatives`.
        """
        belief = memory.belief
        against, runner_up = self.namer.against(named, belief)
        told = self.alternatives(memory, named, suffers)
        items: tuple[Item, ...] = ()
        if named is not None:
            best = belief.likeliest(named.members)
            items = waterfall(memory.steps.tally(since_ns), self.contrast(belief, best, runner_up))
            items = tuple(i for i in items if i.weight_mdb or i.shadow)
        elif impact is not None:
            items = self._seen(memory, now)
        silent = UNDETERMINED if impact is not None else NONE
        return Verdict(
            at_ns=now,
            bottleneck=named.bottleneck if named else silent,
            among=named.among if named else (),
            condition=named.condition if named else None,
            impact=impact,
            confidence_ppm=named.confidence_ppm if named else PPM - dict(told)[NONE],
            against=against,
            weight_mdb=sum(item.weight_mdb for item in items),
            alternatives=tuple(row for row in told[:MOST_ALTERNATIVES] if row[1] > 0),
            items=items,
            stall_in_ns=stall_in_ns,
            wants=wants,
        )

    def alternatives(
        self, memory: Memory, named: Named | None, suffers: bool
    ) -> list[tuple[str, int]]:
        """As `Namer.alternatives`, whether or not anything came of asking the way."""
        probed = not OF_THE_WAY.isdisjoint(memory.repeats.counts)
        return self.namer.alternatives(memory.belief, named, suffers, probed=probed)

    def ruled_out(self, memory: Memory, since_ns: int, named: Named) -> tuple[tuple[str, str], ...]:
        """Leaves that the evidence of a single rule speaks clearly against, with that rule's id."""
        belief = memory.belief
        best = belief.likeliest(named.members)
        tally = memory.steps.tally(since_ns)
        found = []
        for place, members in self.namer.names.items():
            if not is_leaf(place) or set(members) & set(named.members) or place in named.among:
                continue
            if to_ppm(belief.mass(members)) > RULED_OUT_PPM:
                continue
            likeliest = belief.likeliest(members)
            items = waterfall(tally, self.contrast(belief, best, likeliest))
            if items and items[0].weight_mdb >= RULED_OUT_MDB:
                found.append((items[0].weight_mdb, place, f"{items[0].rule}.{items[0].outcome}"))
        found.sort(key=lambda row: (-row[0], row[1]))
        return tuple((place, outcome) for _, place, outcome in found[:4])

    def first_weight_ns(self, memory: Memory, named: Named, not_before_ns: int) -> int | None:
        """First step in the window whose answers weigh for the name."""
        _, runner_up = self.namer.against(named, memory.belief)
        best = memory.belief.likeliest(named.members)
        weigh = self.contrast(memory.belief, best, runner_up)
        for at, said in memory.steps.since(not_before_ns):
            weight = sum(carried(weigh(s.rule, s.outcome) or 0, s.fresh_permille) for s in said)
            if weight >= LEAST_WEIGHT_MDB:
                return at
        return None

    def contrast(self, belief: Filter, best: int, other: int) -> Callable[[str, str], int | None]:
        """(rule, outcome) -> what it weighs for one state against another.

        The first as it is likelier, without a bystander or beside one. Beside one, so is the other:
        what excuses the one excuses the other. Without, the other is taken as it is likelier: that
        its bystander had to be there first is not counted, so the weight is rather too small.
        """
        tables, beside = self.tables, belief.likelier_beside(best)
        by_best = -1 if beside else 0
        by_other = -1 if beside or belief.likelier_beside(other) else 0

        def weigh(rule: str, outcome: str) -> int | None:
            rows = tables.rows(rule, outcome)
            if rows:
                return rows[by_best][best] - rows[by_other][other]
            return 0 if rule in tables.likelihoods else None

        return weigh

    def _seen(self, memory: Memory, now: int) -> tuple[Item, ...]:
        """With nothing named: what was seen at this step, without weights."""
        rows = memory.steps.rows
        if not rows or rows[-1][0] < now:
            return ()
        known = self.tables.likelihoods
        return tuple(
            Item(s.rule, s.outcome, 0, s.measured, s.baseline, s.rule not in known)
            for s in rows[-1][1]
        )


def _summed(alone: Sequence[int], beside: Sequence[int], weights: Iterable[Rows]) -> Layers:
    """Logs of all states without a bystander and beside one (empty: there is none), with what
    answers weigh for them."""
    alike: list[Sequence[int]] = []
    here: list[Sequence[int]] = [alone]
    there: list[Sequence[int]] = [beside]
    for rows in weights:
        if len(rows) == 1:
            alike.extend(rows)
        elif rows:
            here.append(rows[0])
            there.append(rows[1])
    if alike:
        shared = _sums(alike)
        here.append(shared)
        there.append(shared)
    return Layers(_sums(here), _sums(there) if beside else [])


def _sums(rows: Sequence[Sequence[int]]) -> list[int]:
    """What all rows say of each state together."""
    return list(map(sum, zip(*rows, strict=True)))
