"""TCP handshakes as probes: the round trip of a whole one, and SYNs with a limited time to live.

The second witness beside UDP: what the service's own port answers can't be slowed by a router's
or far end's dislike of ICMP, and passes where UDP is dropped. Connections are closed at once.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
import struct
import time
from typing import Final

import attrs

from streamnotice.observations import Failure
from streamnotice.sensors.error_queue import (
    IcmpError,
    Watch,
    drain,
    family_of,
    prepare,
    return_hops,
    set_limit,
    supported,
)
from streamnotice.sensors.failures import failure_of_errno
from streamnotice.sensors.routes import local_address, numeric
from streamnotice.sensors.tcp_info import TcpInfo, read_tcp_info
from streamnotice.sensors.udp_probe import Reply, outcome_of

HANDSHAKE_S: Final = 4.0
"""How long a handshake is waited for: one SYN sent again after 1 s, one after 3 s."""
SYN_S: Final = 0.95
"""How long a limited SYN is waited for: less than the second after which it is sent again."""
COST_BYTES: Final = {
    socket.AF_INET: 60 + 60 + 52 + 40,
    socket.AF_INET6: 80 + 80 + 72 + 60,
}
"""SYN, SYN-ACK, ACK, RST with their IP headers."""
SYN_COST_BYTES: Final = {socket.AF_INET: 60 + 88, socket.AF_INET6: 80 + 128}
"""A SYN and the ICMP error that answers it (or the answer of the far end)."""
_RESET_AT_CLOSE: Final = struct.pack("ii", 1, 0)


@attrs.frozen
class Handshake:
    """One TCP handshake.

    Attributes:
        rtt_ns: its round trip; with a failure, how long was waited; None if a SYN was sent again
            (which answer belongs to which SYN can't be told: Karn).
        failure: why there was no connection.
        retransmitted: the SYN was sent more than once; None if the system doesn't tell.
    """

    rtt_ns: int | None = None
    failure: Failure | None = None
    retransmitted: bool | None = None


async def handshake(address: str, port: int, *, timeout_s: float = HANDSHAKE_S) -> Handshake:
    """Open a connection to *address* (IPv4 or IPv6) and close it at once. Never raises OSError."""
    began_ns = time.monotonic_ns()
    try:
        sock = socket.socket(family_of(address), socket.SOCK_STREAM)
    except OSError as error:
        return Handshake(failure=failure_of_errno(error.errno))
    with sock:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
        try:
            async with asyncio.timeout(timeout_s):
                await asyncio.get_running_loop().sock_connect(sock, (address, port))
        except OSError as error:  # TimeoutError is one
            info = read_tcp_info(sock)
            timed_out = isinstance(error, TimeoutError) and error.errno is None
            return Handshake(
                rtt_ns=time.monotonic_ns() - began_ns,
                failure="timeout" if timed_out else failure_of_errno(error.errno),
                retransmitted=_sent_again(info),
            )
        took_ns = time.monotonic_ns() - began_ns
        info = read_tcp_info(sock)
    if info is not None and info.retransmits:
        return Handshake(retransmitted=True)
    told_ns = info.rtt_ns if info is not None else None
    # without the kernel's own figure the loop's lag is in it, which is still an upper bound
    return Handshake(told_ns or took_ns, retransmitted=_sent_again(info))


def _sent_again(info: TcpInfo | None) -> bool | None:
    return None if info is None or info.retransmits is None else info.retransmits > 0


async def limited_syn(address: str, port: int, ttl: int, *, timeout_s: float = SYN_S) -> Reply:
    """Send one SYN that lives for *ttl* hops (Linux) and wait for what becomes of it.

    "reached" is a SYN-ACK or a RST from the far end. Never raises OSError.
    """
    if not supported():
        return Reply("error")
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def ready() -> None:
        if not done.done():
            done.set_result(None)

    try:
        sock = socket.socket(family_of(address), socket.SOCK_STREAM)
    except OSError:  # a system without IPv6
        return Reply("error")
    with sock:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
        try:
            prepare(sock)
            set_limit(sock, ttl)
            began_unix_ns, began_ns = time.time_ns(), time.monotonic_ns()
            started = sock.connect_ex(numeric(address, port))
        except OSError:
            return Reply("error")
        if started not in (0, errno.EINPROGRESS):
            # who lives here answers within the call; anything else is our own stack's word: no
            # way, or a firewall of this computer's that refuses in the other's place
            refused = started == errno.ECONNREFUSED and _is_here(address)
            rtt_ns = time.monotonic_ns() - began_ns
            return Reply("reached", rtt_ns, address) if refused else Reply("error")
        watch = Watch(sock, ready, writing=True)
        try:
            if started != 0:
                async with asyncio.timeout(timeout_s):
                    await done
        except TimeoutError:
            return Reply("lost")
        finally:
            watch.close()
        took_ns = time.monotonic_ns() - began_ns
        # first the connection's own word: draining the queue clears it
        failed = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        errors = drain(sock)
        if failed == 0 and not errors:
            info = read_tcp_info(sock)
            told_ns = info.rtt_ns if info is not None else None
            return Reply("reached", told_ns or took_ns, address)
        if errors:
            return _by_router(errors[0], address, began_unix_ns, took_ns)
        if failed == errno.ECONNREFUSED:
            return Reply("reached", took_ns, address)
        return Reply("error")


def _is_here(address: str) -> bool:
    """*address* is one of this computer's own."""
    return ipaddress.ip_address(address).is_loopback or local_address(address) == address


def _by_router(error: IcmpError, address: str, began_unix_ns: int, took_ns: int) -> Reply:
    rtt_ns = took_ns
    if error.arrived_unix_ns is not None:
        stamped_ns = error.arrived_unix_ns - began_unix_ns
        if 0 < stamped_ns <= took_ns:
            rtt_ns = stamped_ns
    return Reply(outcome_of(error, address), rtt_ns, error.offender, return_hops(error.ttl))
