"""The common pace of all probes of a session: density, manners towards routers, the budget.

Routers answer seldom: Linux's default is one ICMP error a second to any one asker, with a
small burst (icmp_ratelimit). So no router is asked more than once a second, whichever flow
of whichever session in this process asks, and flows take turns.
"""

from __future__ import annotations

import asyncio
import weakref
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from streamnotice.commons import ProbeBudget
from streamnotice.events import Intensity
from streamnotice.path.first_hop import LOSS_WINDOW_NS
from streamnotice.session import Session

PACKETS_PER_S: Final[dict[Intensity, float]] = {"rest": 0.5, "watch": 2.5, "suspect": 5.0}
"""Probes a second, all flows together."""
HANDSHAKE_EVERY_S: Final[dict[Intensity, float]] = {"rest": 10.0, "watch": 4.0, "suspect": 1.5}
"""Period of whole TCP handshakes to a service."""
LIMITED_SYN_EVERY_S: Final[dict[Intensity, float]] = {"rest": 30.0, "watch": 10.0, "suspect": 6.0}
"""Period of limited-TTL SYNs, one hop at a time."""
PING_EVERY_S: Final[dict[Intensity, float]] = {"rest": 4.0, "watch": 0.5, "suspect": 0.3}
"""Period of pings to a router: those it answers as often as they come."""
PING_ON_EVERY_S: Final[dict[Intensity, float]] = {"rest": 4.0, "watch": 0.5, "suspect": 0.6}
"""The same once as many as `ENOUGH` lie in the rules' window: no more are needed there."""
ENOUGH: Final = 50
"""So many answers, none missing, tell no loss from one of 5 %."""
SUSPICION_BYTES_PER_S: Final = 1700.0
"""What all probes together send and get under suspicion, where nothing holds them back (measured in
the lab: 64 KiB in 38 s)."""
_MOST_STRETCH: Final = 3.0
_WHOLE_BITS: Final = 0.5
_SLICE_S: Final = 0.1


def stretch(bits: float) -> float:
    """How many times more seldom to ask, under suspicion, what tells so little: the budget is
    better spent elsewhere (`streamnotice.verdict.next_probe`)."""
    return _times(bits, _WHOLE_BITS)


def thrift(lasting_bytes_per_s: float) -> float:
    """How many times more seldom to ask, under suspicion, so that a budget lasts."""
    return _times(lasting_bytes_per_s, SUSPICION_BYTES_PER_S)


def _times(there: float, wanted: float) -> float:
    """By how much too little is there, within bounds."""
    if there >= wanted:
        return 1.0
    return min(_MOST_STRETCH, wanted / there) if there > 0 else _MOST_STRETCH


class Lately:
    """When one router was pinged: whether as many lie in the rules' window as are needed."""

    def __init__(self) -> None:
        self._asked_ns: deque[int] = deque(maxlen=ENOUGH)

    def asked(self, at_ns: int) -> None:
        """It is asked now."""
        self._asked_ns.append(at_ns)

    @property
    def last_ns(self) -> int | None:
        """When it was last asked."""
        return self._asked_ns[-1] if self._asked_ns else None

    def enough(self, now: int) -> bool:
        """No more are needed at the full pace."""
        asked = self._asked_ns
        return len(asked) == ENOUGH and now - asked[0] < LOSS_WINDOW_NS


class Pacer:
    """Gives turns to send. One for each session: `pacer_of(session)`."""

    def __init__(self, session: Session) -> None:
        # weak: sessions are the keys of `_PACERS`, and none would ever go
        self._session: Session = weakref.proxy(session)
        self._turns = asyncio.Lock()  # first come, first served
        self._payments = asyncio.Lock()  # likewise: small probes must not starve a large one
        self._last_ns: int | None = None

    @property
    def intensity(self) -> Intensity:
        """How densely probes are wanted now."""
        return self._session.intensity

    def thrift(self) -> float:
        """How many times more seldom to ask, under suspicion, so that the budget lasts."""
        return thrift(self._session.budget.lasting_bytes_per_s())

    async def turn(self, intensity: Callable[[], Intensity] | None = None) -> None:
        """Wait for the next turn. A change of density counts at once.

        Args:
            intensity: the density that all who are told of the answer want; by default ours.
        """
        async with self._turns:
            while self._last_ns is not None:
                wanted = intensity() if intensity else self.intensity
                times = self.thrift() if wanted == "suspect" else 1.0
                period_ns = round(1e9 / PACKETS_PER_S[wanted] * times)
                left_ns = self._last_ns + period_ns - self._session.now()
                if left_ns <= 0:
                    break
                await asyncio.sleep(min(left_ns / 1e9, _SLICE_S))
            self._last_ns = self._session.now()

    async def due(
        self,
        since_ns: int,
        every_s: Mapping[Intensity, float],
        intensity: Callable[[], Intensity] | None = None,
        bits: Callable[[], float] | None = None,
    ) -> None:
        """Wait until a period has passed since *since_ns*. A change of density counts at once.

        Under suspicion it is stretched as the budget nears its end.

        Args:
            bits: what the answer is worth now; under suspicion the period is stretched by it.
        """
        while True:
            wanted = intensity() if intensity else self.intensity
            if self.is_due(since_ns, every_s, wanted, None if bits is None else bits()):
                return
            await asyncio.sleep(_SLICE_S)

    def is_due(
        self,
        since_ns: int,
        every_s: Mapping[Intensity, float],
        wanted: Intensity,
        bits: float | None = None,
    ) -> bool:
        """A period has passed since *since_ns*; the arguments are those of `due`."""
        times = 1.0
        if wanted == "suspect":
            times = max(self.thrift(), 1.0 if bits is None else stretch(bits))
        return self._session.now() - since_ns >= every_s[wanted] * times * 1e9

    async def afford(
        self,
        size_bytes: int,
        packets: int = 1,
        payers: Callable[[], Sequence[ProbeBudget]] | None = None,
    ) -> None:
        """Wait until a budget permits to send *size_bytes* in *packets*.

        Args:
            payers: the budgets of all who are told of the answer; by default ours.
        """
        async with self._payments:
            while True:
                budgets = payers() if payers else [self._session.budget]
                if any(budget.take(size_bytes, packets) for budget in budgets):
                    return
                await asyncio.sleep(_SLICE_S)

    def may_ask(self, router: str) -> bool:
        """No session of this process asked *router* within the last second."""
        return self._session.commons.may_ask(router)

    def asked(self, router: str) -> None:
        """*router* is being asked now."""
        self._session.commons.asked(router)


_PACERS: weakref.WeakKeyDictionary[Session, Pacer] = weakref.WeakKeyDictionary()


def pacer_of(session: Session) -> Pacer:
    """The one pacer that all probing sensors of *session* share."""
    pacer = _PACERS.get(session)
    if pacer is None:
        pacer = _PACERS[session] = Pacer(session)
    return pacer
