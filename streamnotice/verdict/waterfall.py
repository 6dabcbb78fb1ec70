"""Recursion (c): what is shown. Per-rule sums over the window, for the name against the runner-up.

No switching and no prior: only what each rule's outcomes said, tempered, second by second. A
long fault's seconds say much the same thing again and again; beyond `FULL_STEPS` of them the
sums are scaled back, so that time alone makes no strength.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

import attrs

from streamnotice.events import Item, Number
from streamnotice.snapshot import stateful

KEEP_STEPS: Final = 180
FULL_STEPS: Final = 20


@stateful
@attrs.define
class Said:
    """What one rule answered at one step."""

    rule: str
    outcome: str
    measured: tuple[Number, ...]
    baseline: tuple[Number, ...] | None


@stateful
@attrs.define
class Steps:
    """The answers of the last steps: (instant, answers)."""

    rows: deque[tuple[int, list[Said]]] = attrs.Factory(lambda: deque(maxlen=KEEP_STEPS))

    def add(self, now: int, said: list[Said]) -> None:
        self.rows.append((now, said))

    def since(self, start_ns: int) -> list[tuple[int, list[Said]]]:
        return [row for row in self.rows if row[0] >= start_ns]


def scaled(weight: int, steps: int) -> int:
    """A sum over *steps* steps, scaled back to what `FULL_STEPS` may say; exact in integers."""
    if steps <= FULL_STEPS:
        return weight
    return weight * FULL_STEPS // steps if weight >= 0 else -(-weight * FULL_STEPS // steps)


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
    sums: dict[str, int] = {}
    by_outcome: dict[str, dict[str, int]] = {}
    last: dict[tuple[str, str], Said] = {}
    shadow: set[str] = set()
    for _, said in rows:
        for answer in said:
            weight = weigh(answer.rule, answer.outcome)
            if weight is None:
                shadow.add(answer.rule)
                weight = 0
            sums[answer.rule] = sums.get(answer.rule, 0) + weight
            outcomes = by_outcome.setdefault(answer.rule, {})
            outcomes[answer.outcome] = outcomes.get(answer.outcome, 0) + weight
            last[answer.rule, answer.outcome] = answer
    items = []
    for rule in sorted(sums):
        total = sums[rule]
        outcomes = by_outcome[rule]
        # the outcome that pulled hardest in the direction of the sum speaks for the rule
        sign = 1 if total >= 0 else -1
        outcome = max(sorted(outcomes), key=lambda name: (sign * outcomes[name], name))
        spoken = last[rule, outcome]
        items.append(
            Item(
                rule=rule,
                outcome=outcome,
                weight_mdb=scaled(total, len(rows)),
                measured=spoken.measured,
                baseline=spoken.baseline,
                shadow=rule in shadow,
            )
        )
    return tuple(sorted(items, key=lambda item: (-abs(item.weight_mdb), item.rule)))
