"""TCP_INFO of real connections, and of any bytes that a kernel might give."""

from __future__ import annotations

import socket
import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamnotice.sensors.tcp_info import (
    TcpInfo,
    parse_tcp_info,
    read_tcp_info,
    supported,
    unread_bytes,
)

linux = pytest.mark.skipif(not supported(), reason="elsewhere: TCP_INFO is told by Linux only")


def _pair() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        return client, server.accept()[0]


@linux
def test_counters_of_a_real_connection() -> None:
    client, server = _pair()
    with client, server:
        fresh = read_tcp_info(client)
        assert fresh is not None
        assert fresh.handshake_ns is not None
        assert 0 < fresh.handshake_ns < 10**9
        assert fresh.bytes_received == 0
        assert fresh.idle_ns is None
        assert unread_bytes(client) == 0
        server.sendall(b"x" * 5000)
        assert client.recv(1000, socket.MSG_WAITALL) == b"x" * 1000
        later = read_tcp_info(client)
        assert later is not None
        assert later.bytes_received == 5000
        assert later.segments_in
        assert later.idle_ns is not None
        assert later.window_bytes
        assert unread_bytes(client) == 4000
        client.send(b"y")
        assert (read_tcp_info(client) or TcpInfo()).segments_out == 1


def test_what_is_no_live_tcp_socket_gives_none() -> None:
    closed = socket.socket()
    closed.close()
    for thing in (closed, object(), None):
        assert read_tcp_info(thing) is None
        assert unread_bytes(thing) is None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        assert read_tcp_info(udp) is None


def test_a_struct_of_an_old_kernel_lacks_the_later_fields() -> None:
    raw = bytearray(104)  # Linux 2.6: up to total_retrans
    struct.pack_into("=I", raw, 68, 12_000)
    struct.pack_into("=I", raw, 100, 1)
    info = parse_tcp_info(bytes(raw))
    assert (info.rtt_ns, info.retransmits) == (12_000_000, 1)
    assert (info.bytes_received, info.min_rtt_ns, info.out_of_order) == (None, None, None)
    assert info.handshake_ns is None  # the SYN was sent again: its sample tells nothing


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=400))
def test_any_bytes_are_read(raw: bytes) -> None:
    info = parse_tcp_info(raw)
    assert all(value is None or value >= 0 for value in (info.rtt_ns, info.bytes_received))
