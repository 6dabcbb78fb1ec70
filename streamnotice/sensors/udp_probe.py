"""One flow of limited-TTL UDP probes towards one address: no privileges, one probe at a time.

The five-tuple (and IPv6's flow label) stays the same for the flow's life, so that routers which
spread flows over several paths send all of it the same way (Paris traceroute, Augustin et al.,
IMC 2006). The time to live is set per packet; the answer is matched by there being only one in
flight.
"""

from __future__ import annotations

import asyncio
import random
import socket
import time
from typing import Final

import attrs

from streamnotice.observations import ProbeOutcome
from streamnotice.sensors.error_queue import (
    IcmpError,
    Watch,
    drain,
    family_of,
    prepare,
    receive,
    return_hops,
    set_limit,
)
from streamnotice.sensors.routes import numeric

TIMEOUT_S: Final = 1.2
"""How long an answer is waited for, in seconds."""
PAYLOAD: Final = bytes(8)
COST_BYTES: Final = {
    socket.AF_INET: (20 + 8 + len(PAYLOAD)) * 2 + 28,
    socket.AF_INET6: (40 + 8 + len(PAYLOAD)) * 2 + 48,
}
"""What a probe and its answer weigh, IP headers included (the answer quotes the probe)."""
_BASE_PORT: Final = 33_434
_PORTS: Final = 64


@attrs.frozen
class Reply:
    """What became of a probe.

    Attributes:
        outcome: see `observations.ProbeOutcome`.
        rtt_ns: round trip, None if nothing came back.
        address: who answered.
        return_hops: routers on the way back.
    """

    outcome: ProbeOutcome
    rtt_ns: int | None = None
    address: str | None = None
    return_hops: int | None = None


def outcome_of(error: IcmpError, target: str) -> ProbeOutcome:
    """What an ICMP error says about a probe towards *target*."""
    if error.is_time_exceeded:
        return "ttl_exceeded"
    if error.offender == target.partition("%")[0]:
        return "reached"  # a far end that refuses was reached all the same
    if error.is_port_unreachable:
        return "reached"  # another address of the far end, or a translator in front of it
    return "refused_by_path"


class UdpFlow:
    """A flow towards *address* (IPv4 or IPv6). Open it on the running loop, close it when done.

    Raises:
        OSError: the system refuses error queues, or there is no way to the address at all.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self._sock = self._open(family_of(address))
        try:
            self._sock.setblocking(False)
            prepare(self._sock)
            self._sock.connect(numeric(address, self._port()))
            self._watch = Watch(self._sock, self._ready)
        except BaseException:
            self._sock.close()
            raise
        self._waiting: asyncio.Future[Reply] | None = None
        self._sent_ns = self._sent_unix_ns = 0
        self._not_from: frozenset[str] = frozenset()

    def _open(self, family: socket.AddressFamily) -> socket.socket:
        return socket.socket(family, socket.SOCK_DGRAM)

    def _port(self) -> int:
        return _BASE_PORT + random.randrange(_PORTS)

    def _packet(self) -> bytes:
        return PAYLOAD

    def _answers(self, data: bytes) -> bool:
        """*data* from the far end is the answer to the probe in flight."""
        return bool(data) or self._waiting is not None  # someone really serves that port

    @property
    def source(self) -> str:
        """The address of this computer that the flow leaves from, for all its life."""
        return str(self._sock.getsockname()[0])

    async def probe(
        self,
        ttl: int,
        *,
        not_from: frozenset[str] = frozenset(),
        timeout_s: float = TIMEOUT_S,
    ) -> Reply:
        """Send one probe and wait for what becomes of it.

        An answer by one of *not_from* (hops whose answers to earlier probes were given up) is
        late news of those and is passed over.
        """
        if self._waiting is not None:
            raise RuntimeError("one probe in flight per flow")
        self._ready()  # late answers to earlier probes are not this one's
        self._not_from = not_from
        waiting: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting = waiting
        try:
            set_limit(self._sock, ttl)
            self._sent_unix_ns, self._sent_ns = time.time_ns(), time.monotonic_ns()
            try:
                self._sock.send(self._packet())
            except OSError:  # our own stack has no way there (or no room)
                return Reply("error")
            async with asyncio.timeout(timeout_s):
                return await waiting
        except TimeoutError:
            return Reply("lost")
        finally:
            self._waiting = None

    def close(self) -> None:
        """Give the socket back."""
        self._watch.close()
        self._sock.close()

    def _ready(self) -> None:
        woken_ns = time.monotonic_ns()
        for error in drain(self._sock):
            if error.offender in self._not_from:
                continue
            self._settle(
                Reply(
                    outcome_of(error, self.address),
                    self._round_trip(error.arrived_unix_ns, woken_ns),
                    error.offender,
                    return_hops(error.ttl),
                )
            )
        try:
            data, arrived_unix_ns = receive(self._sock)
        except OSError:  # nothing there; errors were drained above
            return
        if self._answers(data):
            rtt_ns = self._round_trip(arrived_unix_ns, woken_ns)
            self._settle(Reply("reached", rtt_ns, self.address))

    def _settle(self, reply: Reply) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(reply)

    def _round_trip(self, arrived_unix_ns: int | None, woken_ns: int) -> int:
        """By the kernel's stamp, which knows no event loop lag; by ours if the clock was set."""
        upper_ns = woken_ns - self._sent_ns
        if arrived_unix_ns is not None:
            stamped_ns = arrived_unix_ns - self._sent_unix_ns
            if 0 < stamped_ns <= upper_ns:
                return stamped_ns
        return upper_ns
