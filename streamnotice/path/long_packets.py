"""Do long packets get through where short ones do?

A film comes in packets as long as the way permits, and the questions that are put to the way are
short. A way that drops the long ones alone (a narrower link whose complaint is filtered: RFC 2923;
bit errors) looks clear to all of those, and the film's server looks as if it did not answer.
So a long ping goes out beside a short one: what both show is no matter of length. A host counts
once it has answered a long one: some never do, and some filter them.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import attrs

from streamnotice.observations import EchoPair
from streamnotice.policy import S_NS
from streamnotice.snapshot import stateful
from streamnotice.windows import recent

KEEP: Final = 16
WINDOW_NS: Final = 25 * S_NS
LEAST_ANSWERS: Final = 1
"""From so many long answers on a host is known to give them."""
IN_A_ROW: Final = 3
"""So many short answers without the long one, in a row, and long packets do not get through."""


@stateful
@attrs.define
class Pair:
    """One pair's fate."""

    at_ns: int
    long: bool
    short: bool


@attrs.frozen
class Lengths:
    """How one host answers.

    Attributes:
        answered: long pings of the window that were answered.
        missing: those that weren't, while the short ones beside them were.
        in_a_row: how many of the last pairs in a row were so; a pair without any answer is
            passed over.
    """

    answered: int
    missing: int
    in_a_row: int

    @property
    def whole(self) -> bool:
        """Long packets get through."""
        return self.answered > 0 and not self.missing

    @property
    def none(self) -> bool:
        """Long packets do not, short ones do."""
        return self.in_a_row >= IN_A_ROW


@stateful
@attrs.define
class LongPackets:
    """What is known of one host's answers.

    Attributes:
        answered: long ones so far; with an answer of the short alone they never count as none.
    """

    answered: int = 0
    pairs: deque[Pair] = attrs.Factory(lambda: deque(maxlen=KEEP))

    def add(self, seen: EchoPair) -> None:
        """Take note of a pair."""
        pair = Pair(seen.at_ns, seen.long_rtt_ns is not None, seen.short_rtt_ns is not None)
        self.answered += pair.long
        self.pairs.append(pair)

    def look(self, now: int) -> Lengths | None:
        """How it answers now; None of a host that isn't known to answer long pings, or hasn't
        been asked of late."""
        if self.answered < LEAST_ANSWERS:
            return None
        pairs = [pair for pair in recent(self.pairs, now, WINDOW_NS) if pair.long or pair.short]
        if not pairs:
            return None
        in_a_row = next((n for n, pair in enumerate(reversed(pairs)) if pair.long), len(pairs))
        answered = sum([pair.long for pair in pairs])
        return Lengths(answered, len(pairs) - answered, in_a_row)
