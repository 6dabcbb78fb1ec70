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
