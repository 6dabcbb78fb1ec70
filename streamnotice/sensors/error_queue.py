"""The error queue of a socket (Linux, IP_RECVERR): which router sent which ICMP error, and when.

An unprivileged socket gets the ICMP errors that answer its own packets, as `struct
sock_extended_err` with the sender's address (ip(7)). Nothing here looks at the quoted packet:
many routers quote only its first bytes.
"""

from __future__ import annotations

import asyncio
import select
import socket
import struct
import sys
from collections.abc import Callable
from typing import Final

import attrs

IP_RECVERR: Final = 11
_IP_RECVTTL: Final = 12
_SO_TIMESTAMPNS: Final = 35  # asm-generic; where it differs, setting or reading it gives nothing
_ORIGIN_ICMP: Final = 2
_MOST_READS: Final = 64

ICMP_UNREACHABLE: Final = 3
ICMP_TIME_EXCEEDED: Final = 11
CODE_PORT: Final = 3


@attrs.frozen
class IcmpError:
    """One ICMP error that came back.

    Attributes:
        offender: address of the router (or far end) that sent it.
        icmp_type, icmp_code: as in RFC 792.
        ttl: time to live that the error still had when it arrived here.
        arrived_unix_ns: kernel's time of arrival (wall clock), if it tells.
    """

    offender: str
    icmp_type: int
    icmp_code: int
    ttl: int | None = None
    arrived_unix_ns: int | None = None


def supported() -> bool:
    """This system has error queues."""
    return sys.platform == "linux" and hasattr(socket, "MSG_ERRQUEUE")


def prepare(sock: socket.socket) -> None:
    """Ask for errors with their time to live and time of arrival; OSError if refused."""
    sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
    sock.setsockopt(socket.IPPROTO_IP, _IP_RECVTTL, 1)
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    except OSError:  # our own clock at wake-up will have to do
        return


def parse_error(ancillary: list[tuple[int, int, bytes]]) -> IcmpError | None:
    """The ICMP error in what `recvmsg` gave; None if it is of another origin or damaged."""
    ttl = arrived_ns = None
    found: tuple[str, int, int] | None = None
    for level, kind, data in ancillary:
        if level == socket.IPPROTO_IP and kind == IP_RECVERR and len(data) >= 24:
            _, origin, icmp_type, icmp_code = struct.unpack_from("=IBBB", data)
            family = struct.unpack_from("=H", data, 16)[0]
            if origin == _ORIGIN_ICMP and family == socket.AF_INET:
                found = (socket.inet_ntoa(data[20:24]), icmp_type, icmp_code)
        elif level == socket.IPPROTO_IP and kind == socket.IP_TTL and len(data) >= 4:
            ttl = struct.unpack_from("=i", data)[0]
        elif level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS and len(data) >= 16:
            seconds, nanoseconds = struct.unpack_from("@ll", data)
            arrived_ns = seconds * 1_000_000_000 + nanoseconds
    if found is None:
        return None
    return IcmpError(*found, ttl=ttl, arrived_unix_ns=arrived_ns)


def drain(sock: socket.socket) -> list[IcmpError]:
    """All errors that wait on *sock*. Never raises; a pending socket error is cleared."""
    errors: list[IcmpError] = []
    for _ in range(_MOST_READS):
        try:
            _, ancillary, _, _ = sock.recvmsg(64, 512, socket.MSG_ERRQUEUE)
        except (OSError, ValueError):
            break
        error = parse_error(ancillary)
        if error is not None:
            errors.append(error)
    try:
        # an error left pending would wake us for ever, or come out of the next send
        sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    except OSError:
        return errors
    return errors


def return_hops(ttl: int | None) -> int | None:
    """Routers on the way back, from the usual initial values 64, 128 and 255."""
    if ttl is None or not 0 < ttl <= 255:
        return None
    return next(initial - ttl for initial in (64, 128, 255) if ttl <= initial)


class Watch:
    """Calls *ready* on the loop when *sock* has data, errors, or (if *writing*) is connected.

    The socket sits in an epoll of its own, and the loop watches that one: event loops differ in
    how they report a socket with errors only, but all see a readable descriptor.
    """

    def __init__(
        self, sock: socket.socket, ready: Callable[[], None], *, writing: bool = False
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._epoll = select.epoll()
        events = select.EPOLLOUT if writing else select.EPOLLIN
        self._epoll.register(sock.fileno(), events | select.EPOLLERR | select.EPOLLHUP)
        self._loop.add_reader(self._epoll.fileno(), ready)

    def close(self) -> None:
        """Watch no longer. The socket stays open."""
        if not self._epoll.closed:
            self._loop.remove_reader(self._epoll.fileno())
            self._epoll.close()
