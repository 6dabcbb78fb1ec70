"""Recursion (c): what is shown. Per-rule sums over the window, for the name against the runner-up.

No switching and no prior: only what each rule's outcomes said, tempered, second by second. A
long fault's seconds say much the same thing again and again; each repetition counts less
(`fatigue`), here as in the filter and the gate, so that time alone makes little strength.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import attrs

from streamnotice.events import Item, Number
from streamnotice.snapshot import derived, stateful

KEEP_STEPS: Final = 180
MOST_REPEATS: Final = 60


@stateful
@attrs.define
class Said:
    """What one rule answered at one step.

    Attributes:
        fresh_permille: how much of its weight it still carries, having been said before.
    """

    rule: str
    outcome: str
    measured: tuple[Number, ...]
    baseline: tuple[Number, ...] | None
    fresh_permille: int = 1000


@stateful
@attrs.define
class Repeats:
    """How often each rule has given each answer of late.

    What a rule says twenty times in a row is not twenty witnesses: much of it is one trait of the
    session seen again. The n-th repetition carries F / (F + n) of the weight, F from the table;
    while a rule says something else, the count runs down again.
    """

    counts: dict[str, dict[str, int]] = attrs.Factory(dict)

    def fresh(self, rule: str, outcome: str, fatigue_steps: int) -> int:
        """Weight in thousandths of this answer, and count it."""
        counts = self.counts.get(rule)
        if counts is None:
            counts = self.counts[rule] = {}
        said = counts.get(outcome, 0)
        if len(counts) > (said > 0):  # it said something else of late
            for other in list(counts):
                if other != outcome:
                    counts[other] -= 1
                    if counts[other] <= 0:
                        del counts[other]
        counts[outcome] = min(MOST_REPEATS, said + 1)
        return worn(said, fatigue_steps)


def worn(said: int, fatigue_steps: int) -> int:
    """Weight in thousandths of an answer that was said so often before."""
    return 1000 * fatigue_steps // (fatigue_steps + said)


Row = tuple[int, list[Said]]
"""What all rules answered at one step, and the step's instant."""


@attrs.define
class Tally:
    """How often each answer was given in a window, in thousandths: one half worn counts 500.

    Much is said again and again: there are few different answers in many.
    """

    counts_permille: dict[tuple[str, str], int] = attrs.Factory(dict)
    last: dict[tuple[str, str], Said] = attrs.Factory(dict)
    standing: list[Said] = attrs.Factory(list)
    """What was said at the window's end."""

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Tally:
        """The tally of *rows*, in the order of their time."""
        tally = cls()
        for _, said in rows:
            tally.add(said)
        return tally

    def add(self, said: list[Said]) -> None:
        """One more step at the window's end."""
        self.standing = said
        counts, last = self.counts_permille, self.last
        for answer in said:
            key = answer.rule, answer.outcome
            counts[key] = counts.get(key, 0) + answer.fresh_permille
            last[key] = answer

    def drop(self, said: list[Said]) -> None:
        """The window's first step has left it."""
        for answer in said:
            key = answer.rule, answer.outcome
            self.counts_permille[key] -= answer.fresh_permille
            if self.last[key] is answer:
                del self.last[key], self.counts_permille[key]


@stateful
@attrs.define
class Steps:
    """The answers of the last steps."""

    rows: deque[Row] = attrs.Factory(lambda: deque(maxlen=KEEP_STEPS))
    _tallied: tuple[int, Tally] | None = derived()
    """A window's start, and its tally: a notice's window starts at one instant all along."""
    _wanted: bool | None = derived()
    """It was read since the last step: one that isn't any more needn't be kept up."""

    def add(self, now: int, said: list[Said]) -> None:
        if not self._wanted:
            self._tallied = None
        if self._tallied is not None:
            start_ns, tally = self._tallied
            if len(self.rows) == KEEP_STEPS and self.rows[0][0] >= start_ns:
                tally.drop(self.rows[0][1])
            if now >= start_ns:
                tally.add(said)
        self._wanted = False
        self.rows.append((now, said))

    def since(self, start_ns: int) -> list[Row]:
        return [row for row in self.rows if row[0] >= start_ns]

    def tally(self, start_ns: int) -> Tally:
        """What was said from *start_ns* on; for reading, until the next step."""
        self._wanted = True
        if self._tallied is None or self._tallied[0] != start_ns:
            self._tallied = start_ns, Tally.of(self.since(start_ns))
        return self._tallied[1]


def carried(weight: int, fresh_permille: int) -> int:
    """A weight after fatigue; rounded towards 0 on both sides, so that signs weigh alike."""
    whole = abs(weight) * fresh_permille // 1000
    return whole if weight >= 0 else -whole


def carried_row(weights: Sequence[int], fresh_permille: int) -> tuple[int, ...]:
    """`carried` for the weights of all states."""
    return tuple(
        [
            weight * fresh_permille // 1000 if weight >= 0 else -(-weight * fresh_permille // 1000)
            for weight in weights
        ]
    )


def waterfall(tally: Tally, weigh: Callable[[str, str], int | None]) -> tuple[Item, ...]:
    """One item a rule, the heaviest first.

    Args:
        tally: the window's answers.
        weigh: (rule, outcome) -> tempered mdb for the name against the runner-up; None for
            a rule in shadow.
    """
    sums: dict[str, dict[str, int]] = {}
    shadow: set[str] = set()
    for (rule, outcome), count_permille in tally.counts_permille.items():
        weight = weigh(rule, outcome)
        if weight is None:
            shadow.add(rule)
        sums.setdefault(rule, {})[outcome] = carried(weight or 0, count_permille)
    standing = {answer.rule: answer.outcome for answer in tally.standing}
    items = []
    for rule in sorted(sums):
        outcomes = sums[rule]
        total = sum(outcomes.values())
        # what is said now speaks for the rule if it pulls as the sum does; else what pulled hardest
        sign = 1 if total >= 0 else -1
        outcome = standing.get(rule, "")
        if sign * outcomes.get(outcome, 0) <= 0:
            outcome = max((sign * weight, name) for name, weight in outcomes.items())[1]
        spoken = tally.last[rule, outcome]
        items.append(
            Item(
                rule=rule,
                outcome=outcome,
                weight_mdb=total,
                measured=spoken.measured,
                baseline=spoken.baseline,
                shadow=rule in shadow,
            )
        )
    return tuple(sorted(items, key=lambda item: (-abs(item.weight_mdb), item.rule)))
