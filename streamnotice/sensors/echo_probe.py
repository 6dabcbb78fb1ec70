"""One flow of ICMP echo requests ("ping"): a second voice of a far end of which no port is known.

Unprivileged where the system lets everybody ping (`net.ipv4.ping_group_range`, most distributions'
default; it counts for both families). The kernel puts in identifier and checksum.
"""

from __future__ import annotations

import socket
import struct
from typing import Final

from streamnotice.sensors.udp_probe import PAYLOAD, UdpFlow

COST_BYTES: Final = {
    socket.AF_INET: (20 + 8 + len(PAYLOAD)) * 2,
    socket.AF_INET6: (40 + 8 + len(PAYLOAD)) * 2,
}
"""What a request and its answer weigh, IP headers included."""
_PROTOCOL: Final = {socket.AF_INET: socket.IPPROTO_ICMP, socket.AF_INET6: socket.IPPROTO_ICMPV6}
_REQUEST: Final = {socket.AF_INET: 8, socket.AF_INET6: 128}
_REPLY: Final = {socket.AF_INET: 0, socket.AF_INET6: 129}
_HEADER: Final = struct.Struct("!BBHHH")


_IP_MTU: Final = {
    socket.AF_INET: (socket.IPPROTO_IP, 14),
    socket.AF_INET6: (socket.IPPROTO_IPV6, 24),
}
"""Asks a connected socket for the longest packet that fits on its way (ip(7), ipv6(7))."""
_IP_HEADER_BYTES: Final = {socket.AF_INET: 20, socket.AF_INET6: 40}
_LONGEST_BYTES: Final = 1500
"""Loopback and some homes have longer packets; the internet has not."""


class EchoFlow(UdpFlow):
    """Echo requests to *address*, used like a `UdpFlow`.

    Raises:
        OSError: this user may not ping, or there is no way to the address at all.
    """

    _sequence = 0

    def _open(self, family: socket.AddressFamily) -> socket.socket:
        return socket.socket(family, socket.SOCK_DGRAM, _PROTOCOL[family])

    def _port(self) -> int:
        return 0

    def _packet(self) -> bytes:
        self._sequence = (self._sequence + 1) & 0xFFFF
        return _HEADER.pack(_REQUEST[self._sock.family], 0, 0, 0, self._sequence) + PAYLOAD

    def _answers(self, data: bytes) -> bool:
        if len(data) < _HEADER.size:
            return False
        kind, _, _, _, sequence = _HEADER.unpack_from(data)
        return bool(kind == _REPLY[self._sock.family] and sequence == self._sequence)


class LongEchoFlow(EchoFlow):
    """Echo requests as long as the way is known to permit, and as a film's packets are.

    The system forbids routers to cut them up, and learns from a complaint how long they may be.
    """

    @property
    def long_bytes(self) -> int:
        """Size of a request, IP header included; its answer's, too."""
        family = self._sock.family
        return min(_LONGEST_BYTES, self._sock.getsockopt(*_IP_MTU[family]))

    def _packet(self) -> bytes:
        short = super()._packet()
        padding = self.long_bytes - _IP_HEADER_BYTES[self._sock.family] - len(short)
        return short + bytes(max(0, padding))
