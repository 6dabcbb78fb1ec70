"""The first router's answers to questions put to itself: many, where those of a path are few.

What a router says of probes on their way to others is rationed (RFC 1812, 4.3.2.8): one a second is
all that may be asked. Its answers to echo requests and handshakes of its own are not, so that a
loss of a few percent on the link to it shows within seconds, or is ruled out.
"""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from typing import Final

import attrs

from streamnotice.observations import HopProbe
from streamnotice.path.tries import Try, answers, median_low, quantile
from streamnotice.policy import S_NS
from streamnotice.snapshot import stateful
from streamnotice.windows import recent

ROLE: Final = "first-hop"
BEFORE_IT: Final = "network.home.wifi"
"""The place of the link to it."""
KEEP: Final = 120
LOSS_WINDOW_NS: Final = 30 * S_NS
DELAY_WINDOW_NS: Final = 10 * S_NS
LEAST_ANSWERS: Final = 4
"""From so many on a router is known to answer, and what it leaves unanswered tells something."""
FRESH_NS: Final = 10 * S_NS
"""A router that was not asked for so long says nothing of now."""
LATELY_NS: Final = 4 * S_NS
LOST_MDB: Final = 12_200
KEPT_MDB: Final = -210
"""What one answer, missing or not, weighs for a loss of 5 % against one of 0.3 %."""


@attrs.frozen
class Near:
    """How the first router answers.

    Attributes:
        known: it has answered often enough that more than a long silence tells something.
        sent, lost: questions of the loss window, and those without an answer.
        gaps: how many times answers ceased to come: a moment's loss of many is one.
        loss_mdb: what they weigh together for a link that loses packets.
        rtt_ns: median round trip of the delay window; None of fewer than `LEAST_ANSWERS`.
        low_rtt_ns: what 30 % of them stayed below: a queue delays all, a busy router some.
        high_rtt_ns: what 85 % of them stayed below: a queue that has just begun is in it.
        base_ns: the smallest of the session; None if it never answered.
        mute: how many of the last questions in a row had no answer.
        mute_since_ns: when the first of those was given up; None if the last was answered.
        prompt: answers of the last `LATELY_NS`; 0 if one is missing among them.
    """

    known: bool
    sent: int
    lost: int
    gaps: int
    loss_mdb: int
    rtt_ns: int | None
    low_rtt_ns: int | None
    high_rtt_ns: int | None
    base_ns: int | None
    mute: int
    mute_since_ns: int | None
    prompt: int

    @property
    def heard(self) -> bool:
        """It has answered at all."""
        return self.base_ns is not None


def loss_mdb(lost: int, kept: int) -> int:
    """What so many losses and answers weigh for a loss of 5 % against one of 0.3 %."""
    return lost * LOST_MDB + kept * KEPT_MDB


@stateful
@attrs.define
class FirstHop:
    """What is known of the router that packets are handed to first.

    Attributes:
        target: its label; with another one all begins anew, as after an error of our own stack:
            behind the same address there may be another network.
    """

    target: str = ""
    tries: deque[Try] = attrs.Factory(lambda: deque(maxlen=KEEP))
    answered: int = 0
    base_ns: int | None = None

    def probe(self, seen: HopProbe) -> None:
        """Take note of one question's fate."""
        if seen.target != self.target or seen.outcome == "error":
            self.target, self.answered, self.base_ns = seen.target, 0, None
            self.tries.clear()
        if seen.outcome == "error":
            return
        rtt_ns = seen.rtt_ns if seen.outcome == "reached" else None  # only its own word counts
        if rtt_ns is not None and not self.answered:
            self.tries.clear()  # what it left unanswered before was asked in other ways
        self.tries.append(Try(seen.at_ns, rtt_ns, seen.loaded))
        if rtt_ns is not None:
            self.answered += 1
            self.base_ns = min(rtt_ns, self.base_ns or rtt_ns)

    @property
    def known(self) -> bool:
        """It answers such questions: whatever it leaves unanswered tells something."""
        return self.answered >= LEAST_ANSWERS

    def recent(self, now: int, window_ns: int) -> list[Try]:
        return recent(self.tries, now, window_ns)

    def look(self, now: int) -> Near | None:
        """How it answers now; None if it wasn't asked of late."""
        tries = recent(self.tries, now, LOSS_WINDOW_NS)
        if not tries or tries[-1].at_ns <= now - FRESH_NS:
            return None
        missing = [t.rtt_ns is None for t in tries]
        lost = missing.count(True)
        gaps = lost and sum([one and not before for before, one in pairwise([False, *missing])])
        rtts = sorted(answers(recent(tries, now, DELAY_WINDOW_NS)))
        enough = len(rtts) >= LEAST_ANSWERS
        mute = next((n for n, gone in enumerate(reversed(missing)) if not gone), len(missing))
        lately = recent(tries, now, LATELY_NS)
        return Near(
            known=self.known,
            sent=len(tries),
            lost=lost,
            gaps=gaps,
            loss_mdb=loss_mdb(gaps, len(tries) - lost),
            rtt_ns=median_low(rtts) if enough else None,
            low_rtt_ns=quantile(rtts, 300) if enough else None,
            high_rtt_ns=quantile(rtts, 850) if enough else None,
            base_ns=self.base_ns,
            mute=mute,
            mute_since_ns=tries[-mute].at_ns if mute else None,
            prompt=len(lately) if all(t.rtt_ns is not None for t in lately) else 0,
        )
