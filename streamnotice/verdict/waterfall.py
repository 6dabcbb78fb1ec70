"""Recursion (c): what is shown. Per-rule sums over the window, for the name against the runner-up.

No switching and no prior: only what each rule's outcomes said, tempered, second by second. A
long fault's seconds say much the same thing again and again; each repetition counts less
(`fatigue`), here as in the filter and the gate, so that time alone makes little strength.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

import attrs

from streamnotice.events import Item, Number
from streamnotice.snapshot import stateful

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
        counts = self.counts.setdefault(rule, {})
        said = counts.get(outcome, 0)
        for other in list(counts):
            if other != outcome:
                counts[other] -= 1
                if counts[other] <= 0:
                    del counts[other]
        counts[outcome] = min(MOST_REPEATS, said + 1)
        return 1000 * fatigue_steps // (fatigue_steps + said)


@stateful
@attrs.define
class Steps:
    """The answers of the last steps: (instant, answers)."""

    rows: deque[tuple[int, list[Said]]] = attrs.Factory(lambda: deque(maxlen=KEEP_STEPS))

    def add(self, now: int, said: list[Said]) -> None:
        self.rows.append((now, said))

    def since(self, start_ns: int) -> list[tuple[int, list[Said]]]:
        return [row for row in self.rows if row[0] >= start_ns]


def carried(weight: int, fresh_permille: int) -> int:
    """A weight after fatigue; rounded towards 0 on both sides, so that signs weigh alike."""
    whole = abs(weight) * fresh_permille // 1000
    return whole if weight >= 0 else -whole


def waterfall(
    rows: list[tuple[int, list[Said]]],
    weigh: Callable[[str, str], int | None],
) -> tuple[Item, ...]:
    """One item a rule, the heaviest first.

    Args:
        rows: the window's answers.
        weigh: (rule, outcome) -> tempered mdb for the name against the runner-up; None for
            a rule in shadow.
    """
    sums: dict[str, dict[str, int]] = {}
    weights: dict[str, dict[str, int]] = {}
    last: dict[tuple[str, str], Said] = {}
    shadow: set[str] = set()
    for _, said in rows:  # the engine's longest loop while playback suffers: no call per answer
        for answer in said:
            rule, outcome = answer.rule, answer.outcome
            known = weights.get(rule)
            if known is None:
                known = weights[rule] = {}
                sums[rule] = {}
            weight = known.get(outcome)
            if weight is None:
                found = weigh(rule, outcome)
                if found is None:
                    shadow.add(rule)
                weight = known[outcome] = found or 0
                sums[rule][outcome] = 0
            if weight > 0:
                sums[rule][outcome] += weight * answer.fresh_permille // 1000
            elif weight:
                sums[rule][outcome] -= -weight * answer.fresh_permille // 1000
            last[rule, outcome] = answer
    items = []
    for rule in sorted(sums):
        outcomes = sums[rule]
        total = sum(outcomes.values())
        # the outcome that pulled hardest in the direction of the sum speaks for the rule
        sign = 1 if total >= 0 else -1
        outcome = max(sorted(outcomes), key=lambda name: (sign * outcomes[name], name))
        spoken = last[rule, outcome]
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
