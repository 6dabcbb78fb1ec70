"""What the routing table says of the way to an address: interface, gateway, kind of link (Linux).

Reads `/proc/net/route`, `/proc/net/ipv6_route` and `/sys/class/net`; sends nothing. The kernel's
own choice of source address (a UDP socket "connected" to the far end, no packet leaves) tells the
interface also where policy routing is in use. Elsewhere the answer is "not known".
"""

from __future__ import annotations

import ipaddress
import socket
import struct
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import attrs

from streamnotice.addresses import is_ipv6
from streamnotice.sensors.error_queue import family_of

Medium = Literal["wifi", "ethernet", "tunnel", "mobile"]

NET: Final = Path("/sys/class/net")
ROUTE: Final = Path("/proc/net/route")
ROUTE6: Final = Path("/proc/net/ipv6_route")
_RTF_UP: Final = 1
_RTF_GATEWAY: Final = 2
# ipv6_route.h: rejecting, anycast, learnt for one address (path MTU, redirects), our own addresses
_RTF_NO_WAY: Final = 0x0200 | 0x0010_0000 | 0x0100_0000 | 0x8000_0000
_SIOCGIFADDR: Final = 0x8915
_TUNNEL_TYPES: Final = frozenset({768, 769, 776, 778, 823})  # if_arp.h: ipip, ip6ip6, sit, gre
_RAWIP_TYPE: Final = 519  # cellular modems
_ETHER_TYPE: Final = 1
_PPP_TYPE: Final = 512
_LAN_BITS: Final = range(48, 65)
"""Lengths of prefixes that a local network has; longer ones are two ends of a line."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@attrs.frozen
class RouteEntry:
    """One line of a routing table."""

    interface: str
    network: Network
    gateway: str | None
    metric: int


@attrs.frozen
class Way:
    """How packets to an address leave this computer; None is not known.

    Attributes:
        interface: name of the interface.
        gateway: the router that they are handed to (by IPv6 mostly its link-local address, without
            a zone); None also if the address is on the link.
        medium: kind of the interface.
        on_link: for an IPv6 address, the prefixes of the local network on that interface.
    """

    interface: str | None = None
    gateway: str | None = None
    medium: Medium | None = None
    on_link: tuple[str, ...] = ()


def parse_routes(text: str) -> list[RouteEntry]:
    """The entries in use of `/proc/net/route`; lines that can't be read are left out."""
    entries: list[RouteEntry] = []
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 8:
            continue
        try:
            flags = int(fields[3], 16)
            destination, gateway, mask = (_address(fields[i]) for i in (1, 2, 7))
            network = ipaddress.ip_network(f"{destination}/{mask}")
            metric = int(fields[6])
        except (ValueError, struct.error):
            continue
        if flags & _RTF_UP and isinstance(network, ipaddress.IPv4Network):
            entries.append(
                RouteEntry(fields[0], network, gateway if flags & _RTF_GATEWAY else None, metric)
            )
    return entries


def parse_routes6(text: str) -> list[RouteEntry]:
    """The same of `/proc/net/ipv6_route`, which has all tables in one."""
    entries: list[RouteEntry] = []
    for line in text.splitlines():
        fields = line.split()
        if len(fields) < 10:
            continue
        try:
            network = ipaddress.IPv6Network((int(fields[0], 16), int(fields[1], 16)))
            gateway = ipaddress.IPv6Address(int(fields[4], 16))
            metric, flags = int(fields[5], 16), int(fields[8], 16)
        except ValueError:
            continue
        if not flags & _RTF_UP or flags & _RTF_NO_WAY or network.is_multicast:
            continue
        if fields[3] != "00":  # for some of our own addresses only
            continue
        handed = str(gateway) if flags & _RTF_GATEWAY else None
        entries.append(RouteEntry(fields[9], network, handed, metric))
    return entries


def prefixes_on_link(entries: Iterable[RouteEntry], interface: str, net: Path = NET) -> list[str]:
    """IPv6 prefixes of the local network on *interface*; none on a line to a provider."""
    if _number(net / interface / "type") == _PPP_TYPE:
        return []
    return [
        str(e.network)
        for e in entries
        if e.interface == interface
        and e.gateway is None
        and e.network.version == 6
        and e.network.prefixlen in _LAN_BITS
        and not e.network.is_link_local
    ]


def _address(text: str) -> str:
    return socket.inet_ntoa(struct.pack("=I", int(text, 16)))


def routing_table() -> list[RouteEntry]:
    """The system's routes of both families; none where they can't be read."""
    return [*parse_routes(text_of(ROUTE)), *parse_routes6(text_of(ROUTE6))]


def best_route(
    entries: Iterable[RouteEntry], address: str, interface: str | None = None
) -> RouteEntry | None:
    """Longest match for *address* (the lowest metric among equals), on *interface* if given."""
    try:
        wanted = ipaddress.ip_address(address)
    except ValueError:
        return None
    fitting = [
        e
        for e in entries
        if wanted.version == e.network.version
        and wanted in e.network
        and (interface is None or e.interface == interface)
    ]
    return max(fitting, key=lambda e: (e.network.prefixlen, -e.metric), default=None)


def carries_outer_endpoint(entries: Sequence[RouteEntry], interface: str) -> bool:
    """A TUN's far end is seen routed over another interface: then it is a tunnel, not a link.

    The sign that VPN clients leave: everything (or both its halves) goes into the TUN, while one
    single address goes by a gateway of another interface.
    """
    takes_all = any(e.interface == interface and _takes_most(e) for e in entries)
    return takes_all and bool(_single_addresses(entries, interface))


def _single_addresses(entries: Iterable[RouteEntry], tunnel: str) -> list[RouteEntry]:
    """Routes of one address each, by a gateway of another interface than *tunnel*."""
    return [
        e
        for e in entries
        if e.interface != tunnel
        and e.network.prefixlen == e.network.max_prefixlen
        and e.gateway is not None
    ]


def outer_endpoint(entries: Iterable[RouteEntry], tunnel: str) -> str | None:
    """Address of the server at the tunnel's other end; None where the routes don't tell one.

    Told is it only by a table in which the tunnel takes all, but for one public address. Of several
    with routes of their own none is known to be it; and a tunnel whose packets are told apart by
    marks leaves none, so that a single one (a name server's, a metadata service's) is another's.
    """
    entries = list(entries)
    if not carries_outer_endpoint(entries, tunnel):
        return None
    found = {e.network.network_address for e in _single_addresses(entries, tunnel)}
    server = found.pop()
    own = any(server in net for net in _NOBODYS if net.version == server.version)
    return None if found or own else str(server)


_NOBODYS: Final = tuple(
    ipaddress.ip_network(net)
    for net in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16",
                "fc00::/7", "fe80::/10")
)  # fmt: skip
"""Addresses of local networks: a tunnel that leads out of here ends at none of them."""
_MOST_OF_ALL: Final = {4: 1, 6: 3}
"""Prefixes so short hold everything, or half of it; IPv6 in use is 2000::/3."""


def medium_of(interface: str, entries: Sequence[RouteEntry] = (), net: Path = NET) -> Medium | None:
    """The kind of *interface*, by what the kernel says of it; None if that says nothing sure."""
    folder = net / interface
    kind = _devtype(folder)
    if (folder / "wireless").exists() or (folder / "phy80211").exists() or kind == "wlan":
        return "wifi"
    if kind == "wwan":
        return "mobile"
    if kind == "wireguard":
        return "tunnel"
    number = _number(folder / "type")
    if number in _TUNNEL_TYPES or _link_kind(interface) in ("xfrm", "wireguard", "vti"):
        return "tunnel"
    if (folder / "tun_flags").exists():
        return "tunnel" if carries_outer_endpoint(entries, interface) else None
    if number == _RAWIP_TYPE and (folder / "device").exists():
        return "mobile"
    if number == _ETHER_TYPE and (folder / "device").exists():
        return "ethernet"
    return None  # bridges, virtual pairs, loopback: what is behind them can't be seen from here


def _devtype(folder: Path) -> str:
    for line in text_of(folder / "uevent").splitlines():
        key, _, value = line.partition("=")
        if key == "DEVTYPE":
            return value
    return ""


def _number(path: Path) -> int | None:
    text = text_of(path).strip()
    return int(text) if text.isdigit() else None


def text_of(path: Path) -> str:
    """What the kernel tells in that file; empty if there is none, or it may not be read."""
    try:
        return path.read_text("ascii", "replace")
    except OSError:
        return ""


def _link_kind(interface: str) -> str | None:
    """IFLA_INFO_KIND by rtnetlink: the only place where an xfrm interface says what it is."""
    if not hasattr(socket, "AF_NETLINK"):
        return None
    try:
        index = socket.if_nametoindex(interface)
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as asker:
            asker.settimeout(0.2)
            asker.bind((0, 0))
            # nlmsghdr (RTM_GETLINK, NLM_F_REQUEST) and ifinfomsg
            asker.send(
                struct.pack("=IHHII", 32, 18, 1, 1, 0) + struct.pack("=BxHiII", 0, 0, index, 0, 0)
            )
            answer = asker.recv(65536)
    except (OSError, OverflowError):
        return None
    return link_kind(answer)


def link_kind(answer: bytes) -> str | None:
    """The kind in an RTM_NEWLINK answer; None if it has none or is no such answer."""
    if len(answer) < 32 or struct.unpack_from("=H", answer, 4)[0] != 16:
        return None
    for kind, data in _attributes(answer[32:]):
        if kind == 18:  # IFLA_LINKINFO
            for inner, value in _attributes(data):
                if inner == 1:  # IFLA_INFO_KIND
                    return value.rstrip(b"\0").decode("ascii", "replace")
    return None


def _attributes(data: bytes) -> Iterable[tuple[int, bytes]]:
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        if not 4 <= length <= len(data):
            return
        yield kind & 0x3FFF, data[4:length]
        data = data[(length + 3) & ~3 :]


def numeric(address: str, port: int) -> tuple[Any, ...]:
    """Where to connect: a zone ("fe80::1%eth0") is lost where the text itself is handed over.

    Asks no name server. OSError if *address* is no literal, or its zone is not there.
    """
    found = socket.getaddrinfo(address, port, flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV)
    return found[0][4]


def local_address(address: str) -> str | None:
    """The address from which packets to *address* would leave; None if there is no way."""
    try:
        with socket.socket(family_of(address), socket.SOCK_DGRAM) as asker:
            asker.connect(numeric(address, 9))  # sends nothing: it only asks for the route
            return str(asker.getsockname()[0])
    except OSError:
        return None


def interface_with(address: str) -> str | None:
    """The interface that has *address*."""
    if sys.platform != "linux":
        return None
    import fcntl

    if is_ipv6(address):
        wanted = ipaddress.IPv6Address(address.partition("%")[0]).exploded.replace(":", "")
        for line in text_of(Path("/proc/net/if_inet6")).splitlines():
            fields = line.split()
            if len(fields) == 6 and fields[0] == wanted:
                return fields[5]
        return None
    packed = socket.inet_aton(address)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        for _, name in socket.if_nameindex():
            request = struct.pack("256s", name.encode()[:15])
            try:
                answer = fcntl.ioctl(asker.fileno(), _SIOCGIFADDR, request)
            except OSError:  # an interface without an IPv4 address
                continue
            if answer[20:24] == packed:
                return name
    return None


def way_to(address: str) -> Way:
    """How packets to *address* leave. Never raises; elsewhere than on Linux all is unknown."""
    if sys.platform != "linux":
        return Way()
    try:
        source = local_address(address)
        if source is None:
            return Way()
        interface = interface_with(source)
        entries = routing_table()
        address = address.partition("%")[0]
        route = best_route(entries, address, interface) or (
            best_route(entries, address) if interface is None else None
        )
        if interface is None and route is not None:
            interface = route.interface
        if interface is None:
            return Way()
        near = prefixes_on_link(entries, interface) if is_ipv6(address) else ()
        medium = medium_of(interface, entries)
        return Way(interface, route.gateway if route else None, medium, tuple(near))
    except (OSError, ValueError):
        return Way()


_ANYWHERE: Final = ("192.0.2.1", "2001:db8::1")
"""Nobody's addresses (RFC 5737, RFC 3849), to ask the routing table for; nothing is sent there."""


def default_ways() -> list[Way]:
    """How packets leave for the world at large, by IPv4 and by IPv6, as far as they do."""
    entries = routing_table()
    routes = ((address, best_route(entries, address)) for address in _ANYWHERE)
    ways = [way_to(address) for address, route in routes if route and _takes_most(route)]
    return [way for way in ways if way.interface is not None]


def _takes_most(route: RouteEntry) -> bool:
    """All addresses, or one of both halves, as VPN clients lay them over the usual route."""
    return route.network.prefixlen <= _MOST_OF_ALL[route.network.version]
