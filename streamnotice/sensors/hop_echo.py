"""Pings to the one router whose word parts the suspects best, as dense as the home router's.

Routers answer limited-TTL probes once a second at most, pings far more often: so a loss of a few
percent shows at a hop in seconds. The way to a router's own address may be another than the way
through it; the engine compares (`streamnotice.path.pinged`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import attrs

from streamnotice.observations import HopProbe
from streamnotice.path.first_hop import LEAST_ANSWERS
from streamnotice.sensors import echo_probe
from streamnotice.sensors.echo_probe import EchoFlow
from streamnotice.sensors.error_queue import family_of
from streamnotice.sensors.pace import PING_EVERY_S, PING_ON_EVERY_S, Lately, pacer_of
from streamnotice.sensors.sharing import Circle
from streamnotice.sensors.udp_probe import Reply
from streamnotice.session import Session

_LOOK_S: Final = 0.2
_ROUTER_LIMIT: Final = 64
_DEAF_NS: Final = 30_000_000_000
_MOST_ROUTERS: Final = 8


@attrs.frozen
class Asked:
    """The router to ask, the number of its hop, and what its answer is worth."""

    ttl: int
    address: str
    bits: float


class _Router:
    """One router: sockets that are free, and whether it answers pings at all."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.asked = self.heard = 0
        self.lately = Lately()
        self._free: list[EchoFlow] = []
        self._closed = False

    def is_deaf(self, now: int) -> bool:
        """It was asked in vain, not long ago: in an outage it may only have been out of reach."""
        last_ns = self.lately.last_ns
        if not self.heard and last_ns is not None and now - last_ns >= _DEAF_NS:
            self.asked = 0
        return not self.heard and self.asked >= LEAST_ANSWERS

    async def ask(self) -> Reply:
        """Several questions may be open: a lost one must not hold the next one up."""
        flow = self._free.pop() if self._free else EchoFlow(self.address)
        try:
            reply = await flow.probe(_ROUTER_LIMIT)
        except BaseException:
            flow.close()
            raise
        if self._closed:
            flow.close()
        else:
            self._free.append(flow)
        self.asked += 1
        self.heard += reply.outcome == "reached"
        return reply

    def close(self) -> None:
        self._closed = True
        while self._free:
            self._free.pop().close()


class HopEcho:
    """Asks, under suspicion, the router that *best* names, for all in *circle*.

    *best* is told of routers that answer no pings. Emits `HopProbe` with method "echo" and the
    hop's number, once the router was heard.
    """

    def __init__(
        self, circle: Circle, session: Session, best: Callable[[frozenset[str]], Asked | None]
    ) -> None:
        self._circle = circle
        self._session = session
        self._best = best
        self._pacer = pacer_of(session)
        self._routers: dict[str, _Router] = {}

    async def run(self) -> None:
        """Ask until cancelled."""
        try:
            async with asyncio.TaskGroup() as open_questions:
                while True:
                    found = self._next() if self._circle.intensity == "suspect" else None
                    if found is None:
                        await asyncio.sleep(_LOOK_S)
                        continue
                    router = self._router(found.address)
                    began_ns = self._session.now()
                    cost_bytes = echo_probe.COST_BYTES[family_of(found.address)]
                    await self._pacer.afford(cost_bytes, 1, lambda: self._circle.budgets)
                    open_questions.create_task(self._ask(router, found))
                    await self._wait(router, began_ns, found.bits)
        finally:
            for router in self._routers.values():
                router.close()

    def _next(self) -> Asked | None:
        now = self._session.now()
        deaf = [one for one, router in self._routers.items() if router.is_deaf(now)]
        return self._best(frozenset(deaf))

    async def _wait(self, router: _Router, since_ns: int, bits: float) -> None:
        router.lately.asked(since_ns)
        every_s = PING_ON_EVERY_S if router.lately.enough(since_ns) else PING_EVERY_S
        await self._pacer.due(since_ns, every_s, lambda: self._circle.intensity, lambda: bits)

    def _router(self, address: str) -> _Router:
        router = self._routers.get(address)
        if router is None:
            if len(self._routers) >= _MOST_ROUTERS:
                oldest = next(iter(self._routers))
                self._routers.pop(oldest).close()
            router = self._routers[address] = _Router(address)
        return router

    async def _ask(self, router: _Router, asked: Asked) -> None:
        loaded = {seat: seat.loaded for seat in self._circle.seats}
        try:
            reply = await router.ask()
        except OSError:  # not everybody may ping here, or there is no way
            router.asked += LEAST_ANSWERS
            return
        theirs = reply.outcome == "reached" and reply.address == asked.address
        if not router.heard or not (theirs or reply.outcome == "lost"):
            return
        self._circle.tell(
            tuple(loaded),
            lambda seat, now: HopProbe(
                now,
                target=seat.target.label,
                ttl=asked.ttl,
                method="echo",
                outcome=reply.outcome,
                rtt_ns=reply.rtt_ns,
                hop=seat.session.labels.address(asked.address) if theirs else None,
                loaded=loaded[seat],
            ),
        )
