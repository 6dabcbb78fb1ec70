"""Weighs a session's answers again: with some left out, others put in, other tables or bars.

The same `Weigher` as live, step by step. The weighing starts from what it remembered at the
*start* of the examined stretch: evidence from before it stays as it was.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Literal

import attrs

from streamnotice.bottlenecks import UNDETERMINED, leaves_under
from streamnotice.dossier.examination.session import Asked, Session
from streamnotice.evidence import Outcome
from streamnotice.policy import Settings
from streamnotice.verdict.change import LONGEST_STEPS
from streamnotice.verdict.gate import Gate
from streamnotice.verdict.naming import Named, Namer
from streamnotice.verdict.tables import Tables
from streamnotice.verdict.waterfall import Repeats, Steps
from streamnotice.verdict.weigher import Memory, Weigher

Change = Callable[[Asked], dict[str, Outcome]]
Word = Literal["stands", "wider", "finer", "other", "nothing"]

LATER_STEPS = 30
"""How long after the notice a verdict may still come to be called late, not lost."""


def as_it_was(asked: Asked) -> dict[str, Outcome]:
    """No change: all answers of a step."""
    return asked.outcomes


@attrs.frozen
class Fate:
    """What became of the verdict under a change.

    Attributes:
        word: "stands"; "wider" (an inner name, or more leaves, with the old ones in it); "finer";
            "other" (another place); "nothing" (none can be named).
        bottleneck, among, condition, confidence_ppm: what is said instead; for "nothing"
            `undetermined`.
        later_ns: the old verdict comes so much later; None if not within `LATER_STEPS` or it
            stands.
    """

    word: Word
    bottleneck: str
    among: tuple[str, ...]
    condition: str | None
    confidence_ppm: int
    later_ns: int | None = None


def leaves_in(place: str) -> frozenset[str]:
    """The leaves that a state of *place* may be in: itself, or those of an inner name."""
    return frozenset({place} if place == UNDETERMINED else leaves_under(place))


def leaves_of(named: Named | None) -> frozenset[str]:
    """All leaves that a name leaves open."""
    if named is None:
        return frozenset(leaves_under(UNDETERMINED))
    return frozenset(named.among or leaves_under(named.bottleneck))


def fate(claim: Named | None, found: Named | None, later_ns: int | None = None) -> Fate:
    """What *found* makes of *claim* (None: nothing was named)."""
    key = claim.key if claim is not None else None
    if found is None:
        word: Word = "stands" if claim is None else "nothing"
        return Fate(word, UNDETERMINED, (), None, 0, None if word == "stands" else later_ns)
    if found.key == key:
        word = "stands"
    elif leaves_of(found) > leaves_of(claim):
        word = "wider"
    elif leaves_of(found) < leaves_of(claim):
        word = "finer"
    else:
        word = "other"
    return Fate(
        word,
        found.bottleneck,
        found.among,
        found.condition,
        found.confidence_ppm,
        None if word == "stands" else later_ns,
    )


def fork(memory: Memory) -> Memory:
    """A copy that can be weighed on by itself; of the answers of the past only those of late are
    kept: the others only the waterfall needs."""
    return attrs.evolve(
        memory,
        belief=memory.belief.copy(),
        gate=Gate(dict(memory.gate.logs)),
        steps=Steps(deque(memory.steps.rows, maxlen=LONGEST_STEPS)),
        repeats=Repeats({rule: dict(counts) for rule, counts in memory.repeats.counts.items()}),
    )


@attrs.frozen(eq=False)
class Stretch:
    """The steps that an examination is about, with what was remembered before each.

    Attributes:
        steps: from the start of the examined stretch to the notice, both included.
        after: the steps behind the notice, at most `LATER_STEPS`.
        before: what the weighing remembered before each of `steps`.
        at_notice: and after the last of them.
        claim: what was named then.
    """

    weigher: Weigher
    steps: tuple[Asked, ...]
    after: tuple[Asked, ...]
    before: tuple[Memory, ...]
    at_notice: Memory
    claim: Named | None


def weigher_for(tables: Tables, settings: Settings) -> Weigher:
    return Weigher(tables, Namer.build(tables, settings))


def stretch(weigher: Weigher, session: Session, start_ns: int, notice_ns: int) -> Stretch:
    """Weigh from the record's start to the notice as it was, keeping what was remembered."""
    memory, steps = session.memory(weigher), session.steps
    inside: list[Asked] = []
    before: list[Memory] = []
    after: list[Asked] = []
    named: Named | None = None
    for asked in steps:
        if asked.at_ns > notice_ns:
            after.append(asked)
            if len(after) >= LATER_STEPS:
                break
            continue
        if asked.at_ns >= start_ns:
            inside.append(asked)
            before.append(fork(memory))
        named = step(weigher, memory, asked, asked.outcomes)
    return Stretch(weigher, tuple(inside), tuple(after), tuple(before), memory, named)


def step(
    weigher: Weigher, memory: Memory, asked: Asked, outcomes: dict[str, Outcome]
) -> Named | None:
    """One decision step, on *outcomes* in place of its own."""
    sees = asked.sighted
    weigher.step(memory, asked.at_ns, outcomes, asked.suffering, sees.boxed, sees.live)
    return weigher.name(memory, asked.sighted, asked.says)


def weigh_again(
    on: Stretch,
    change: Change = as_it_was,
    *,
    first: int = 0,
    weigher: Weigher | None = None,
    start: Memory | None = None,
    later: bool = False,
) -> Fate:
    """What becomes of the verdict if the stretch is weighed with *change*.

    Args:
        first: number of the first step that is weighed again.
        weigher: other tables or bars; the stretch's own by default.
        start: what is remembered before that step, where it isn't the stretch's own.
        later: if the verdict doesn't stand, see whether it comes within `LATER_STEPS`.
    """
    using = weigher or on.weigher
    memory = fork(start if start is not None else on.before[first])
    named: Named | None = None
    for asked in on.steps[first:]:
        named = step(using, memory, asked, change(asked))
    found = fate(on.claim, named)
    if not later or found.word == "stands":
        return found
    for asked in on.after:
        if fate(on.claim, step(using, memory, asked, change(asked))).word == "stands":
            return attrs.evolve(found, later_ns=asked.at_ns - on.steps[-1].at_ns)
    return found
