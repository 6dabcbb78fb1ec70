"""What routing tables and interfaces tell, and what they must not be taken to tell."""

from __future__ import annotations

import ipaddress
import socket
import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamnotice.sensors import routes, underlay
from streamnotice.sensors.interface import read_counts
from streamnotice.sensors.routes import (
    best_route,
    carries_outer_endpoint,
    interface_with,
    link_kind,
    local_address,
    medium_of,
    outer_endpoint,
    parse_routes,
    parse_routes6,
    prefixes_on_link,
    way_to,
)

HEADER = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"


def line(interface: str, net: str, gateway: str, mask: str, metric: int = 0) -> str:
    def word(address: str) -> str:
        return f"{struct.unpack('=I', socket.inet_aton(address))[0]:08X}"

    flags = 3 if gateway != "0.0.0.0" else 1
    return (
        f"{interface}\t{word(net)}\t{word(gateway)}\t{flags:04X}\t0\t0\t{metric}\t"
        f"{word(mask)}\t0\t0\t0\n"
    )


LAN = line("wlan0", "192.168.1.0", "0.0.0.0", "255.255.255.0")
DEFAULT = line("wlan0", "0.0.0.0", "192.168.1.1", "0.0.0.0", 600)
CABLE = line("eth0", "0.0.0.0", "192.168.2.1", "0.0.0.0", 100)
TUN = line("tun0", "0.0.0.0", "0.0.0.0", "0.0.0.0")
OUTER = line("wlan0", "203.0.113.9", "192.168.1.1", "255.255.255.255")


def test_longest_match_then_lowest_metric() -> None:
    entries = parse_routes(HEADER + LAN + DEFAULT + CABLE + "broken\n")
    assert len(entries) == 3
    near, far = best_route(entries, "192.168.1.9"), best_route(entries, "198.51.100.1")
    assert near is not None
    assert far is not None
    assert (near.interface, near.gateway) == ("wlan0", None)
    assert (far.interface, far.gateway) == ("eth0", "192.168.2.1")
    on_wlan = best_route(entries, "198.51.100.1", "wlan0")
    assert on_wlan is not None
    assert on_wlan.gateway == "192.168.1.1"
    assert best_route(entries, "2001:db8::1") is None


def test_a_tun_is_a_tunnel_only_if_its_far_end_is_seen_outside() -> None:
    assert not carries_outer_endpoint(parse_routes(HEADER + TUN), "tun0")
    assert not carries_outer_endpoint(parse_routes(HEADER + TUN + LAN + DEFAULT), "tun0")
    assert carries_outer_endpoint(parse_routes(HEADER + TUN + LAN + OUTER), "tun0")


def test_the_server_of_a_tunnel_is_told_by_its_own_route() -> None:
    assert outer_endpoint(parse_routes(HEADER + TUN + LAN + OUTER), "tun0") == "203.0.113.9"
    assert outer_endpoint(parse_routes(HEADER + TUN + LAN + DEFAULT), "tun0") is None
    printer = line("wlan0", "198.51.100.7", "192.168.1.1", "255.255.255.255")
    of_two = parse_routes(HEADER + TUN + LAN + OUTER + printer)
    assert outer_endpoint(of_two, "tun0") is None, "which of the two it is, nothing says"
    # a tunnel whose packets are told apart by marks takes all by another table
    marked = parse_routes(HEADER + LAN + DEFAULT + OUTER)
    assert outer_endpoint(marked, "wg0") is None
    near = line("wlan0", "169.254.169.254", "192.168.1.1", "255.255.255.255")
    assert outer_endpoint(parse_routes(HEADER + TUN + LAN + near), "tun0") is None


def line6(interface: str, net: str, gateway: str = "::", metric: int = 1024, flags: int = 1) -> str:
    def word(address: str) -> str:
        return socket.inet_pton(socket.AF_INET6, address).hex()

    prefix, _, bits = net.partition("/")
    flags |= 2 if gateway != "::" else 0
    return (
        f"{word(prefix)} {int(bits):02x} {word('::')} 00 {word(gateway)} {metric:08x} "
        f"00000001 00000000 {flags:08x} {interface:>8}\n"
    )


LAN6 = line6("wlan0", "2001:db8:1::/64", metric=256) + line6("wlan0", "fe80::/64", metric=256)
DEFAULT6 = line6("wlan0", "::/0", "fe80::1", 600)
OWN6 = line6("wlan0", "2001:db8:1::7/128", metric=0, flags=0x80000001)
NO_WAY6 = line6("lo", "::/0", metric=0xFFFFFFFF, flags=0x00200200)
MANY6 = line6("wlan0", "ff00::/8", metric=256)


def test_ipv6_routes_and_the_local_network(tmp_path: Path) -> None:
    entries = parse_routes6(LAN6 + DEFAULT6 + OWN6 + NO_WAY6 + MANY6 + "broken\n")
    assert len(entries) == 3
    far = best_route(entries, "2001:db8:ffff::1")
    assert far is not None
    assert (far.interface, far.gateway) == ("wlan0", "fe80::1")
    assert best_route(entries, "198.51.100.1") is None
    assert prefixes_on_link(entries, "wlan0", tmp_path) == ["2001:db8:1::/64"]
    assert prefixes_on_link(entries, "eth0", tmp_path) == []
    pair = parse_routes6(line6("eth0", "2001:db8::/127") + line6("eth0", "2000::/3"))
    assert prefixes_on_link(pair, "eth0", tmp_path) == []
    (tmp_path / "wlan0").mkdir()
    (tmp_path / "wlan0" / "type").write_text("512\n")  # a line to a provider
    assert prefixes_on_link(entries, "wlan0", tmp_path) == []


def test_a_tun_that_takes_ipv6_with_its_far_end_outside() -> None:
    taken = parse_routes6(line6("tun0", "2000::/3") + LAN6 + DEFAULT6)
    assert not carries_outer_endpoint(taken, "tun0")
    outer = line6("wlan0", "2001:db8:ffff::9/128", "fe80::1")
    assert carries_outer_endpoint(taken + parse_routes6(outer), "tun0")
    assert carries_outer_endpoint(taken + parse_routes(HEADER + OUTER), "tun0")


@pytest.mark.parametrize(
    ("files", "medium"),
    [
        ({"type": "1", "wireless/x": "", "device/x": ""}, "wifi"),
        ({"type": "1", "uevent": "DEVTYPE=wlan\nINTERFACE=x"}, "wifi"),
        ({"type": "1", "device/x": ""}, "ethernet"),
        ({"type": "1"}, None),  # a virtual pair
        ({"type": "65534", "uevent": "DEVTYPE=wireguard"}, "tunnel"),
        ({"type": "65534", "tun_flags": "0x1001"}, None),
        ({"type": "768"}, "tunnel"),
        ({"type": "65534", "uevent": "DEVTYPE=wwan"}, "mobile"),
        ({"type": "519", "device/x": ""}, "mobile"),
        ({"type": "772"}, None),
        ({}, None),
    ],
)
def test_media(tmp_path: Path, files: dict[str, str], medium: str | None) -> None:
    for name, text in files.items():
        path = tmp_path / "none-such0" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert medium_of("none-such0", (), tmp_path) == medium


def test_kinds_from_netlink() -> None:
    kind = struct.pack("=HH", 4 + 5, 1) + b"xfrm\0" + b"\0\0\0"
    info = struct.pack("=HH", 4 + len(kind), 18) + kind
    answer = struct.pack("=IHHII", 32 + len(info), 16, 0, 1, 0) + bytes(16) + info
    assert link_kind(answer) == "xfrm"
    assert link_kind(answer[:40]) is None


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=120), st.text(max_size=120))
def test_any_answer_is_read(answer: bytes, text: str) -> None:
    kind = link_kind(struct.pack("=IHHII", 0, 16, 0, 1, 0) + bytes(16) + answer)
    assert kind is None or isinstance(kind, str)
    assert isinstance(parse_routes(text), list)
    assert isinstance(parse_routes6(text), list)


def test_loopback_is_found() -> None:
    assert local_address("127.0.0.1") == "127.0.0.1"
    assert interface_with("127.0.0.1") == "lo"
    way = way_to("127.0.0.1")
    assert (way.interface, way.gateway, way.medium) == ("lo", None, None)
    assert read_counts("lo") is not None
    assert read_counts("no-such-interface") is None
    assert way_to("no address").interface is None


def test_the_ways_out_are_the_default_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    own = routes.RouteEntry("eth0", ipaddress.ip_network("192.0.2.0/24"), "10.0.0.9", 0)
    out = routes.RouteEntry("eth0", ipaddress.ip_network("0.0.0.0/0"), "10.0.0.1", 0)
    asked: list[str] = []

    def way_to(address: str) -> routes.Way:
        asked.append(address)
        return routes.Way("eth0", "10.0.0.1")

    monkeypatch.setattr(routes, "way_to", way_to)
    monkeypatch.setattr(routes, "routing_table", lambda: [out])
    assert [way.gateway for way in routes.default_ways()] == ["10.0.0.1"]
    assert len(asked) == 1, "by IPv6 there is none"
    monkeypatch.setattr(routes, "routing_table", lambda: [own, out])
    assert routes.default_ways() == [], "that network is ours, not the world"


def test_a_tunnel_that_takes_both_halves_is_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """As OpenVPN lays them over the usual route, which stays."""
    halves = [
        routes.RouteEntry("tun0", ipaddress.ip_network(net), "10.8.0.1", 0)
        for net in ("0.0.0.0/1", "128.0.0.0/1")
    ]
    out = routes.RouteEntry("eth0", ipaddress.ip_network("0.0.0.0/0"), "10.0.0.1", 0)
    server = routes.RouteEntry("eth0", ipaddress.ip_network("203.0.113.9/32"), "10.0.0.1", 0)
    table = [*halves, out, server]

    def way_to(address: str) -> routes.Way:
        entry = routes.best_route(table, address)
        assert entry is not None
        return routes.Way(
            entry.interface, entry.gateway, "tunnel" if entry.interface == "tun0" else "wifi"
        )

    for module in (routes, underlay):
        monkeypatch.setattr(module, "way_to", way_to)
        monkeypatch.setattr(module, "routing_table", lambda: table)
    assert [way.medium for way in routes.default_ways()] == ["tunnel"]
    # no name resolves: its server is known all the same
    assert underlay.tunnel_server([]) == ("203.0.113.9", "")
    table = [out]
    assert underlay.tunnel_server([]) == (None, "")
    table = [*halves, out]
    assert underlay.tunnel_server([]) == (None, "no route tells the tunnel's server")
