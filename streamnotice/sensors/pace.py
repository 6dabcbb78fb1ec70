"""The common pace of all probes of a session: density, manners towards routers, the budget.

Routers answer seldom: Linux's default is one ICMP error a second to any one asker, with a
small burst (icmp_ratelimit). So no router is asked more than once a second, whichever flow
asks, and flows take turns.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Mapping
from typing import Final

from streamnotice.events import Intensity
from streamnotice.session import Session

PACKETS_PER_S: Final[dict[Intensity, float]] = {"rest": 0.5, "watch": 2.5, "suspect": 5.0}
"""Probes a second, all flows together: a minute of suspicion fits the default budget's floor."""
HANDSHAKE_EVERY_S: Final[dict[Intensity, float]] = {"rest": 10.0, "watch": 4.0, "suspect": 1.5}
"""Period of whole TCP handshakes to a service."""
LIMITED_SYN_EVERY_S: Final[dict[Intensity, float]] = {"rest": 30.0, "watch": 10.0, "suspect": 6.0}
"""Period of limited-TTL SYNs, one hop at a time."""
ROUTER_EVERY_NS: Final = 1_050_000_000
_MOST_ROUTERS: Final = 512
_SLICE_S: Final = 0.1


class Pacer:
    """Gives turns to send. One for each session: `pacer_of(session)`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._turns = asyncio.Lock()  # first come, first served
        self._payments = asyncio.Lock()  # likewise: small probes must not starve a large one
        self._last_ns: int | None = None
        self._asked_ns: dict[str, int] = {}

    @property
    def intensity(self) -> Intensity:
        """How densely probes are wanted now."""
        return self._session.intensity

    async def turn(self) -> None:
        """Wait for the next turn. A change of density counts at once."""
        async with self._turns:
            while self._last_ns is not None:
                period_ns = round(1e9 / PACKETS_PER_S[self.intensity])
                left_ns = self._last_ns + period_ns - self._session.now()
                if left_ns <= 0:
                    break
                await asyncio.sleep(min(left_ns / 1e9, _SLICE_S))
            self._last_ns = self._session.now()

    async def due(self, since_ns: int, every_s: Mapping[Intensity, float]) -> None:
        """Wait until a period has passed since *since_ns*. A change of density counts at once."""
        while self._session.now() - since_ns < every_s[self.intensity] * 1e9:  # noqa: ASYNC110 -- a clock has no event
            await asyncio.sleep(_SLICE_S)

    async def afford(self, size_bytes: int, packets: int = 1) -> None:
        """Wait until the budget permits to send *size_bytes* in *packets*."""
        async with self._payments:
            while not self._session.budget.take(size_bytes, packets):  # noqa: ASYNC110 -- time refills it
                await asyncio.sleep(_SLICE_S)

    def may_ask(self, router: str) -> bool:
        """*router* was not asked within the last second."""
        last_ns = self._asked_ns.get(router)
        return last_ns is None or self._session.now() - last_ns >= ROUTER_EVERY_NS

    def asked(self, router: str) -> None:
        """*router* is being asked now."""
        self._asked_ns.pop(router, None)
        self._asked_ns[router] = self._session.now()
        while len(self._asked_ns) > _MOST_ROUTERS:
            del self._asked_ns[next(iter(self._asked_ns))]


_PACERS: weakref.WeakKeyDictionary[Session, Pacer] = weakref.WeakKeyDictionary()


def pacer_of(session: Session) -> Pacer:
    """The one pacer that all probing sensors of *session* share."""
    pacer = _PACERS.get(session)
    if pacer is None:
        pacer = _PACERS[session] = Pacer(session)
    return pacer
