"""The error queue of a socket (Linux, IP_RECVERR): which router sent which ICMP error, and when.

An unprivileged socket gets the ICMP or ICMPv6 errors that answer its own packets, as `struct
sock_extended_err` with the sender's address (ip(7), ipv6(7)). Nothing here looks at the quoted
packet: many routers quote only its first bytes.
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

from streamnotice.addresses import is_ipv6

_SO_TIMESTAMPNS: Final = 35  # asm-generic; where it differs, setting or reading it gives nothing
_MOST_READS: Final = 64


@attrs.frozen
class _Family:
    """What the two internet protocols call the same things.

    Attributes:
        level: of the socket options and of what comes with a packet.
        errors: option that asks for errors; what they come as.
        ask_limit: option that asks for the limit (time to live) of what arrives.
        limit: as what that comes.
        sets_limit: option that sets the limit of what is sent.
        origin: of errors that came by ICMP or ICMPv6 (others are our own stack's).
        address: where the sender's address is, behind the error itself (a sockaddr).
        exceeded: ICMP type of "time exceeded".
        port: ICMP type and code of "port unreachable".
    """

    level: int
    errors: int
    ask_limit: int
    limit: int
    sets_limit: int
    origin: int
    address: slice
    exceeded: int
    port: tuple[int, int]


IP_RECVERR: Final = 11
IPV6_RECVERR: Final = 25
IPV6_HOPLIMIT: Final = 52
_FAMILIES: Final = {
    socket.AF_INET: _Family(socket.IPPROTO_IP, IP_RECVERR, 12, 2, 2, 2, slice(20, 24), 11, (3, 3)),
    socket.AF_INET6: _Family(
        socket.IPPROTO_IPV6, IPV6_RECVERR, 51, IPV6_HOPLIMIT, 16, 3, slice(24, 40), 3, (1, 4)
    ),
}
_BY_LEVEL: Final = {one.level: (family, one) for family, one in _FAMILIES.items()}
_AUTOFLOWLABEL: Final = 70


@attrs.frozen
class IcmpError:
    """One ICMP error that came back.

    Attributes:
        offender: address of the router (or far end) that sent it; without a zone.
        icmp_type, icmp_code: as in RFC 792, or RFC 4443 for IPv6.
        ttl: time to live (hop limit) that the error still had when it arrived here.
        arrived_unix_ns: kernel's time of arrival (wall clock), if it tells.
    """

    offender: str
    icmp_type: int
    icmp_code: int
    ttl: int | None = None
    arrived_unix_ns: int | None = None

    @property
    def _names(self) -> _Family:
        return _FAMILIES[family_of(self.offender)]

    @property
    def is_time_exceeded(self) -> bool:
        """A router says that the packet had lived long enough."""
        return self.icmp_type == self._names.exceeded

    @property
    def is_port_unreachable(self) -> bool:
        """A far end says that nobody serves this port."""
        return (self.icmp_type, self.icmp_code) == self._names.port


def family_of(address: str) -> socket.AddressFamily:
    """The family of a literal address."""
    return socket.AF_INET6 if is_ipv6(address) else socket.AF_INET


def supported() -> bool:
    """This system has error queues."""
    return sys.platform == "linux" and hasattr(socket, "MSG_ERRQUEUE")


def prepare(sock: socket.socket) -> None:
    """Ask for errors with their time to live and time of arrival; OSError if refused."""
    names = _FAMILIES[sock.family]
    sock.setsockopt(names.level, names.errors, 1)
    sock.setsockopt(names.level, names.ask_limit, 1)
    try:
        if sock.family == socket.AF_INET6:
            # one label for all of a flow, which routers may spread flows by (RFC 6438); without
            # it the label is 0, which is one as well
            sock.setsockopt(names.level, _AUTOFLOWLABEL, 1)
        sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    except OSError:  # our own clock at wake-up will have to do
        return


def set_limit(sock: socket.socket, ttl: int) -> None:
    """Let what *sock* sends live for *ttl* hops."""
    names = _FAMILIES[sock.family]
    sock.setsockopt(names.level, names.sets_limit, ttl)


def parse_error(ancillary: list[tuple[int, int, bytes]]) -> IcmpError | None:
    """The ICMP error in what `recvmsg` gave; None if it is of another origin or damaged."""
    ttl = None
    found: tuple[str, int, int] | None = None
    for level, kind, data in ancillary:
        if level not in _BY_LEVEL:
            continue
        family, names = _BY_LEVEL[level]
        if kind == names.errors and len(data) >= names.address.stop:
            _, origin, icmp_type, icmp_code = struct.unpack_from("=IBBB", data)
            told = struct.unpack_from("=H", data, 16)[0]
            if origin == names.origin and told == family:
                offender = socket.inet_ntop(family, data[names.address])
                found = (offender, icmp_type, icmp_code)
        elif kind == names.limit and len(data) >= 4:
            ttl = struct.unpack_from("=i", data)[0]
    if found is None:
        return None
    return IcmpError(*found, ttl=ttl, arrived_unix_ns=_arrived_unix_ns(ancillary))


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


def receive(sock: socket.socket) -> tuple[bytes, int | None]:
    """What *sock* got, and the kernel's time of its arrival (ns of the wall clock) if it says so.

    Raises:
        OSError: there is nothing.
    """
    data, ancillary, _, _ = sock.recvmsg(64, 128)
    return data, _arrived_unix_ns(ancillary)


def _arrived_unix_ns(ancillary: list[tuple[int, int, bytes]]) -> int | None:
    """The kernel's time of arrival in what `recvmsg` gave."""
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS and len(data) >= 16:
            seconds, nanoseconds = struct.unpack_from("@ll", data)
            return int(seconds * 1_000_000_000 + nanoseconds)
    return None


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
