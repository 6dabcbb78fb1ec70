"""Long pings, each with a short one beside it: does the way drop long packets alone?

Goes with the path probes, to the service's host and to the home router. A pair costs as much as
forty questions, so there are few: one at the start, so that it is known who answers long ones at
all; one every now and then when trouble is suspected; some in a row only while long ones are
missing. The home router gets more than the first only then: where they get lost is what it tells.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import Final

from streamnotice.observations import EchoPair, TargetRole
from streamnotice.path.first_hop import ROLE as FIRST_HOP
from streamnotice.path.long_packets import IN_A_ROW, LEAST_ANSWERS
from streamnotice.sensors.echo_probe import COST_BYTES, EchoFlow, LongEchoFlow
from streamnotice.sensors.error_queue import family_of
from streamnotice.sensors.pace import pacer_of
from streamnotice.sensors.sharing import Circle, Seat
from streamnotice.sensors.udp_probe import Reply
from streamnotice.session import Session

START_S: Final = 3.0
"""Between pairs until it is known that the host answers."""
AGAIN_S: Final = 1.5
"""While long ones are missing, until there are as many in a row as will do."""
SERVERS_S: Final = 12.0
"""While servers are suspected: the way must be clear for long packets before they are accused."""
SUSPECTED_PPM: Final = 300_000
ON_S: Final = 30.0
"""In any other suspicion."""
DEAF_S: Final = 60.0
"""After so many vain ones a host is left alone for so long."""
_TRIES: Final = 4
_LIMIT: Final = 64
_LOOK_S: Final = 0.2
_OPEN_AGAIN_S: Final = 5.0


class LongEcho:
    """Puts pairs to *address* for all in *circle*, whose target it is. Emits `EchoPair`.

    Args:
        session: that of the circle's leader.
        role: of the host.
    """

    def __init__(self, circle: Circle, session: Session, address: str, role: TargetRole) -> None:
        self._circle = circle
        self._session = session
        self._address = address
        self._role: TargetRole = role
        self._pacer = pacer_of(session)
        self._answered = 0
        self._vain = 0  # pairs in a row without a long answer, of a host that never gave one
        self._missing = 0  # ... with a short answer alone, of one that did
        self._where = 0  # pairs since they are missing farther on
        self._asked_ns: int | None = None

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            try:
                with ExitStack() as open_flows:
                    long, short = LongEchoFlow(self._address), EchoFlow(self._address)
                    open_flows.callback(long.close)
                    open_flows.callback(short.close)
                    await self._go_on(long, short)
            except OSError as error:  # not everybody may ping here, or there is no way
                self._session.log.debug("streamnotice.long_echo.no_way", error=repr(error))
            await asyncio.sleep(_OPEN_AGAIN_S)

    async def _go_on(self, long: LongEchoFlow, short: EchoFlow) -> None:
        while True:
            if self._due():
                await self._ask(long, short)
            await asyncio.sleep(_LOOK_S)

    def _due(self) -> bool:
        since_ns = self._asked_ns
        return since_ns is None or self._session.now() - since_ns >= self._pause_s() * 1e9

    def _pause_s(self) -> float:
        """What lies between two pairs, as things are now."""
        if self._answered < LEAST_ANSWERS:
            return START_S if self._vain < _TRIES else DEAF_S
        if self._circle.intensity != "suspect":
            return float("inf")
        if self._role != FIRST_HOP:
            if 0 < self._missing < IN_A_ROW:
                return AGAIN_S
            pause_s = SERVERS_S if self._servers_suspected() else ON_S
            return pause_s * self._pacer.thrift()
        if not any(seat.session.long_pings_missing for seat in self._circle.seats):
            self._where = 0
            return float("inf")
        return AGAIN_S if self._where < IN_A_ROW else ON_S

    def _servers_suspected(self) -> bool:
        suspects = self._circle.suspects.items()
        return sum(ppm for name, ppm in suspects if name.startswith("service.")) >= SUSPECTED_PPM

    async def _ask(self, long: LongEchoFlow, short: EchoFlow) -> None:
        family = family_of(self._address)
        long_bytes = long.long_bytes
        cost_bytes = 2 * long_bytes + COST_BYTES[family]
        await self._pacer.afford(cost_bytes, 2, lambda: self._circle.budgets)
        self._asked_ns = self._session.now()
        seats = self._circle.seats
        whole, brief = await asyncio.gather(long.probe(_LIMIT), short.probe(_LIMIT))
        if not (_tells(whole) and _tells(brief)):
            return
        reached = whole.outcome == "reached"
        self._answered += reached
        self._where += 1
        self._vain = 0 if reached else self._vain + 1
        if reached or brief.outcome == "reached":
            self._missing = 0 if reached else self._missing + 1
        if self._role != FIRST_HOP:
            for seat in seats:
                seat.session.long_pings_missing = self._missing > 0
        self._tell(seats, long_bytes, whole, brief)

    def _tell(self, seats: tuple[Seat, ...], long_bytes: int, long: Reply, short: Reply) -> None:
        self._circle.tell(
            seats,
            lambda seat, now: EchoPair(
                now,
                target=seat.target.label,
                role=self._role,
                long_bytes=long_bytes,
                long_rtt_ns=long.rtt_ns if long.outcome == "reached" else None,
                short_rtt_ns=short.rtt_ns if short.outcome == "reached" else None,
            ),
        )


def _tells(reply: Reply) -> bool:
    """It was answered, or nothing came: no complaint of a router's, or of our own stack's."""
    return reply.outcome in ("reached", "lost")
