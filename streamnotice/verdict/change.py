"""Is what was named still what holds playback up? The answers of late are asked by themselves.

A fault that stood for a while has gathered so much evidence that what comes behind its end is
outweighed for as long again: what was true a minute ago goes on being said. So while a name is
spoken, the answers of the last few steps are weighed alone as well. Where by them some fault
outside the name is likelier than any within it, by more than chance explains, and likelier than
that nothing is wrong, the fault is another one by now: what is believed begins anew with them.

This is a generalised likelihood ratio over a window (Willsky and Jones, IEEE Transactions on
Automatic Control 21, 1976; Lai, Journal of the Royal Statistical Society B 57, 1995), and it leans
towards what was named. What speaks for that counts as if it had not been said before. What speaks
against it counts so only if it was not being said when the name was spoken: else with the weight
that its repetitions had left it then, so that a trait of the whole evening takes no name back when
a witness falls silent. Where the way was asked when the name was spoken, nothing is questioned
while it gives no answers: that the probes have spent their budget is no word against a name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Reversible, Sequence
from typing import Any, Final

import attrs

from streamnotice.decibans import log_sum
from streamnotice.errors import EvidenceError
from streamnotice.policy import S_NS
from streamnotice.verdict.filter import Filter, Layers
from streamnotice.verdict.waterfall import Row, worn

LONGEST_STEPS: Final = 30
Answer = tuple[str, str]
"""A rule and its outcome."""


@attrs.frozen
class Change:
    """When the answers of late stand against what was named.

    Attributes:
        window_steps: so many steps are of late.
        against_mdb: so much likelier must another fault be by them than all that are named.
    """

    window_steps: int
    against_mdb: int


def parse(told: Mapping[str, Any]) -> Change:
    """What a table says of it; EvidenceError if it makes no sense."""
    found = Change(told["window_steps"], told["against_mdb"])
    if not all(isinstance(number, int) for number in attrs.astuple(found)):
        raise EvidenceError(f"a change is told by whole numbers, not {dict(told)!r}")
    if not 1 <= found.window_steps <= LONGEST_STEPS or found.against_mdb <= 0:
        raise EvidenceError(
            f"a change is seen in 1 to {LONGEST_STEPS} steps, by more than 0 mdb, not {found}"
        )
    return found


@attrs.define
class Late:
    """What was said in the last steps.

    Attributes:
        began_ns: when they began.
        times: how often each answer was given.
    """

    began_ns: int = 0
    times: dict[Answer, int] = attrs.Factory(dict)

    @classmethod
    def of(cls, rows: Reversible[Row], now: int, steps: int) -> Late:
        """Of the answers so far, those of the last *steps*."""
        found = cls(now)
        for at_ns, said in reversed(rows):
            if at_ns <= now - steps * S_NS:
                break
            found.began_ns = at_ns
            for answer in said:
                key = answer.rule, answer.outcome
                found.times[key] = found.times.get(key, 0) + 1
        return found

    def steadiest(self, rules: Container[str]) -> int:
        """In how many steps that one of *rules* answered which did so most often."""
        counts = Counter[str]()
        for (rule, _), times in self.times.items():
            if rule in rules:
                counts[rule] += times
        return max(counts.values(), default=0)

    def weigh(self, said_before: Mapping[Answer, int], fatigue_steps: int) -> dict[Answer, int]:
        """What is left of each answer, in thousandths of one.

        Args:
            said_before: how often each was said before; nothing in it is as if it had not been.
        """
        return {
            key: repeated(times, fatigue_steps, said_before.get(key, 0))
            for key, times in self.times.items()
        }


def repeated(times: int, fatigue_steps: int, before: int = 0) -> int:
    """What so many repetitions weigh together, in thousandths of the first, if *before* came
    before them."""
    return sum(worn(before + said, fatigue_steps) for said in range(times))


def begun_anew(belief: Filter, priors: Sequence[int], late: Layers) -> Filter:
    """That something is wrong is as likely as before; what it is, by *priors* and *late* alone.

    How likely a bystander is beside it stays as well: it need not have gone with the fault.

    Args:
        priors: log prior of each state.
        late: log likelihoods of the answers of late, without a bystander and beside one.
    """
    shares = log_sum(belief.alone[1:]), log_sum(belief.beside[1:])
    fresh = Layers(_summed(shares[0], priors, late.alone), _summed(shares[1], priors, late.beside))
    by = log_sum(belief.logs[1:]) - log_sum(fresh.both[1:])
    return Filter.of(
        Layers(
            [belief.alone[0], *(log + by for log in fresh.alone[1:])],
            [*belief.beside[:1], *(log + by for log in fresh.beside[1:])],
        )
    )


def _summed(share: int, priors: Iterable[int], logs: list[int]) -> list[int]:
    return [share + prior + log for prior, log in zip(priors, logs, strict=True)] if logs else []
