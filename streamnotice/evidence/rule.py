"""What a rule of evidence is: a question put to the estimates once a decision step.

A rule answers with one of its declared outcomes and the figures behind it, or None when what
it needs can't be seen. How much an outcome weighs for each place is not the rule's affair:
that stands in the fitted table (`streamnotice.verdict.tables`). A rule that the table does not
know runs in shadow: shown, weight 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal

import attrs

from streamnotice.estimates import Estimates
from streamnotice.events import Number

Needs = Literal["playback", "frames", "requests", "headers", "host", "path", "reference", "home"]


@attrs.frozen
class Outcome:
    """A rule's answer at one step.

    Attributes:
        name: one of the rule's outcomes.
        measured: figures behind it, units in their names.
        baseline: what they are compared with.
    """

    name: str
    measured: tuple[Number, ...] = ()
    baseline: tuple[Number, ...] | None = None


@attrs.frozen
class Rule:
    """One question.

    Attributes:
        name: also the stem of its message ids, `rule.<name>.<outcome>`.
        outcomes: all that `read` may answer.
        needs: the kind of sight that it lives on; without it, it answers None.
        read: (estimates, now_ns) -> outcome or None. Pure.
        whole_way: it takes what TCP tells for the whole way's, so it isn't asked where a box on
            the way ends our connections.
    """

    name: str
    outcomes: tuple[str, ...]
    needs: Needs
    read: Callable[[Estimates, int], Outcome | None]
    whole_way: bool = False

    def ask(self, seen: Estimates, now: int) -> Outcome | None:
        """Its answer now; None if what it lives on can't be seen."""
        if self.whole_way and seen.paths.ended_near():
            return None
        return self.read(seen, now)


def ask_all(rules: Iterable[Rule], seen: Estimates, now: int) -> dict[str, Outcome]:
    """What `Rule.ask` gives for each rule that has an answer now, by its name."""
    boxed = seen.paths.ended_near()
    answers = {}
    for rule in rules:
        if boxed and rule.whole_way:
            continue
        outcome = rule.read(seen, now)
        if outcome is not None:
            answers[rule.name] = outcome
    return answers


def scale(value: int, steps: tuple[tuple[int, str], ...], above: str) -> str:
    """The outcome of the first step that *value* is below, else *above*."""
    for bound, name in steps:
        if value < bound:
            return name
    return above
