"""What the kernel knows of one TCP connection: `struct tcp_info` (Linux), and bytes not yet read.

The struct only ever grows, so a field is there exactly if the returned length covers it
(include/uapi/linux/tcp.h). On other systems, and for sockets that are gone, everything is None.
"""

from __future__ import annotations

import socket
import struct
import sys
from typing import Any, Final

import attrs

_ASK_BYTES: Final = 512  # more than any kernel fills today (280 on 6.18)
_US_NS: Final = 1_000
_MS_NS: Final = 1_000_000
_UNKNOWN_U32: Final = 0xFFFFFFFF
_SIOCINQ: Final = 0x541B  # linux/sockios.h; the same number as FIONREAD

# field -> (offset, struct code)
_FIELDS: Final[dict[str, tuple[int, str]]] = {
    "last_data_recv": (52, "I"),
    "rtt": (68, "I"),
    "rcv_rtt": (92, "I"),
    "total_retrans": (100, "I"),
    "bytes_received": (128, "Q"),
    "min_rtt": (148, "I"),
    "data_segs_in": (152, "I"),
    "data_segs_out": (156, "I"),
    "rcv_ooopack": (224, "I"),
    "rcv_wnd": (232, "I"),
}


@attrs.frozen
class TcpInfo:
    """The fields of `struct tcp_info` that tell a receiver something; None if not known.

    Attributes:
        rtt_ns: smoothed round trip, from what we send.
        min_rtt_ns: smallest round trip that the kernel saw on this connection.
        rcv_rtt_ns: receiver-side estimate of the round trip under load.
        bytes_received: payload bytes received in order.
        segments_in: segments with data received.
        segments_out: segments with data sent.
        out_of_order: segments that arrived out of order.
        window_bytes: receive window that we offer.
        idle_ns: time since data last arrived.
        retransmits: segments that we had to send again; on a fresh connection, SYNs.
    """

    rtt_ns: int | None = None
    min_rtt_ns: int | None = None
    rcv_rtt_ns: int | None = None
    bytes_received: int | None = None
    segments_in: int | None = None
    segments_out: int | None = None
    out_of_order: int | None = None
    window_bytes: int | None = None
    idle_ns: int | None = None
    retransmits: int | None = None

    @property
    def handshake_ns(self) -> int | None:
        """Round trip of the handshake, if asked before the answer to our first request.

        With no data sent yet it is exactly the SYN's own; after a TLS handshake it is the
        smallest of its few round trips, all of them before the first byte of ours that loads.
        None if the SYN was sent again (Karn: such a sample tells nothing).
        """
        if self.retransmits:
            return None
        return self.min_rtt_ns if self.segments_out else (self.rtt_ns or self.min_rtt_ns)


def parse_tcp_info(raw: bytes) -> TcpInfo:
    """Read a `struct tcp_info` of any length. Never raises."""
    seen: dict[str, int] = {}
    for name, (offset, code) in _FIELDS.items():
        if offset + struct.calcsize(code) <= len(raw):
            seen[name] = struct.unpack_from("=" + code, raw, offset)[0]

    def time_ns(name: str, unit_ns: int) -> int | None:
        value = seen.get(name)
        # 0 and all ones are the kernel's words for "no sample yet"
        return None if value is None or value in (0, _UNKNOWN_U32) else value * unit_ns

    idle_ms = seen.get("last_data_recv")
    return TcpInfo(
        rtt_ns=time_ns("rtt", _US_NS),
        min_rtt_ns=time_ns("min_rtt", _US_NS),
        rcv_rtt_ns=time_ns("rcv_rtt", _US_NS),
        bytes_received=seen.get("bytes_received"),
        segments_in=seen.get("data_segs_in"),
        segments_out=seen.get("data_segs_out"),
        out_of_order=seen.get("rcv_ooopack"),
        window_bytes=seen.get("rcv_wnd"),
        idle_ns=None if idle_ms is None or not seen.get("data_segs_in") else idle_ms * _MS_NS,
        retransmits=seen.get("total_retrans"),
    )


def supported() -> bool:
    """TCP_INFO can be asked for on this system, in the layout that is known here."""
    return sys.platform == "linux" and hasattr(socket, "TCP_INFO")


def read_tcp_info(sock: Any) -> TcpInfo | None:
    """TCP_INFO of *sock* (a socket or an event loop's stand-in for one). Never raises.

    None if the system has none, the socket is closed, or it is not TCP.
    """
    if not supported():
        return None
    try:
        raw = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _ASK_BYTES)
    except (OSError, AttributeError, TypeError, NotImplementedError):
        return None
    return parse_tcp_info(raw) if isinstance(raw, bytes) else None


def unread_bytes(sock: Any) -> int | None:
    """Bytes that wait in the kernel for the application (SIOCINQ, Linux). Never raises."""
    if sys.platform != "linux":
        return None
    import fcntl

    try:
        answer = fcntl.ioctl(sock.fileno(), _SIOCINQ, b"\0\0\0\0")
    except (OSError, AttributeError, ValueError, TypeError):
        return None
    return int(struct.unpack("=i", answer)[0])
