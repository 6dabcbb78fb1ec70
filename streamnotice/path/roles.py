"""Which place each link of a path belongs to: from what is known of its hops, never from counts.

Places come in a fixed order along any path: the home, the provider, networks between, the
server's network. What is known of each hop (the table, the default gateway, address ranges)
says which of these it can be in; silent and unknown hops can be in any that their
neighbours leave open. A link's place is named only if every arrangement that fits
gives it the same one; where they leave two, both are ("network.isp.access|network.isp.core").
So a silent hop blurs exactly as much as it has to, and no more.

IPv6 homes have public addresses, from a prefix that the provider delegates and that its row in the
table covers. There the viewer's own link tells: who answers from a prefix that is on this link is
the home's, since providers keep their customers' links apart (RFC 8273).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from enum import IntEnum
from typing import Final

import attrs

from streamnotice.path.networks import HOME_ASN, NetworkTable, unwrapped


class Zone(IntEnum):
    """Where a hop can be, in the order in which a path passes."""

    HOME = 0
    PROVIDER = 1
    BETWEEN = 2
    SERVER = 3


_ANY: Final = frozenset(Zone)
_BEYOND_HOME: Final = frozenset({Zone.PROVIDER, Zone.BETWEEN, Zone.SERVER})
_CARRIER_GRADE: Final = ipaddress.ip_network("100.64.0.0/10")
_HOME_RANGES: Final = tuple(
    ipaddress.ip_network(text)
    for text in (
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",  # RFC 1918
        "169.254.0.0/16", "fe80::/10",  # link-local
        "fc00::/7",  # RFC 4193
    )
)  # fmt: skip

_SITE_BITS: Final = 48
"""The most that a home is given (RFC 6177): a hop within the viewer's may be the home's, too."""
_TRANSITION: Final = (
    ipaddress.IPv6Network("2001::/32"),  # Teredo
    ipaddress.IPv6Network("2002::/16"),  # 6to4: both cross others' networks unseen
)
_HOME_OR_PROVIDER: Final = frozenset({Zone.HOME, Zone.PROVIDER})

JOIN: Final = "|"
"""Between the places that a link may belong to, nearer one first."""
_IN_ORDER: Final = (
    "network.home.wifi",
    "network.isp.access",
    "network.isp.core",
    "network.interconnect",
    "service",
)
_BY_RANGES: Final = frozenset({"network.home.wifi", "network.isp.access"})
_PLACES: Final[dict[tuple[Zone, Zone], str | None]] = {
    (Zone.HOME, Zone.HOME): "network.home.wifi",
    (Zone.HOME, Zone.PROVIDER): "network.isp.access",
    (Zone.HOME, Zone.BETWEEN): None,  # a link that skips the provider is several
    (Zone.HOME, Zone.SERVER): None,
    (Zone.PROVIDER, Zone.PROVIDER): "network.isp.core",
    (Zone.PROVIDER, Zone.BETWEEN): "network.interconnect",
    (Zone.PROVIDER, Zone.SERVER): "network.interconnect",
    (Zone.BETWEEN, Zone.BETWEEN): "network.interconnect",
    (Zone.BETWEEN, Zone.SERVER): "network.interconnect",
    (Zone.SERVER, Zone.SERVER): "service",
}


@attrs.frozen
class Roles:
    """The outcome: a place (or None) for the link ending at each hop, and how it was known."""

    segments: tuple[str | None, ...]
    why: str


def assign_roles(
    hops: Sequence[str | None],
    target: str,
    gateway: str | None = None,
    medium: str | None = None,
    table: NetworkTable | None = None,
    on_link: Sequence[str] = (),
) -> Roles:
    """The place of the link that ends at each hop.

    Args:
        hops: routers' addresses, nearest first, None for silent ones; the last is the target
            itself if it was reached.
        target: the far end's address.
        gateway: the default gateway that the route uses, if it uses one.
        medium: kind of the interface that the route leaves by ("tunnel" changes everything).
        table: who runs which prefix; it beats address ranges. Without it nothing beyond
            `network.isp.access` is named.
        on_link: IPv6 prefixes on the viewer's own link (its routing table's, without a gateway).
    """
    if not hops:
        return Roles((), "addresses")
    known = list(hops)
    if known[0] is None and gateway is not None and medium != "tunnel" and len(known) > 1:
        known[0] = gateway  # the routing table says who the first hop is, if it says so or not
    through_tunnel = medium == "tunnel"
    viewer = _Viewer(
        gateway, medium, tuple(ipaddress.IPv6Network(one, strict=False) for one in on_link)
    )
    zones, by_table, by_address = _zones(known, target, viewer, table, through_tunnel)
    segments = _places(zones)
    if table is None:  # address ranges know the home and its first link out, and no more
        segments = tuple(
            place if place is not None and _BY_RANGES.issuperset(place.split(JOIN)) else None
            for place in segments
        )
    if through_tunnel:
        # The first link is the whole tunnel. The viewer's provider carries it unseen, and what
        # comes after its far end is not the viewer's provider's either.
        segments = (
            "network.vpn",
            *(place if place == "service" else None for place in segments[1:]),
        )
    if by_table:
        why = "addresses+table" if by_address else "table"
    else:
        why = "addresses"
    return Roles(segments, why)


@attrs.frozen
class _Viewer:
    """What the viewer's own computer knows of its first step."""

    gateway: str | None
    medium: str | None
    on_link: tuple[ipaddress.IPv6Network, ...]

    def zone(self, hop: str, index: int, *, home_listed: bool) -> frozenset[Zone] | None:
        """What an IPv6 hop's relation to the viewer's own link says; None: nothing.

        Asked before the table, whose rows for a provider cover that provider's homes; unless
        the table lists the home itself (*home_listed*).
        """
        address = _address(hop)
        if not isinstance(address, ipaddress.IPv6Address) or self.medium == "tunnel":
            return None
        if self.medium == "mobile":  # a modem of this computer's own: no router before it
            return frozenset({Zone.PROVIDER}) if index == 0 else None
        if any(address in prefix for prefix in self.on_link):
            return frozenset({Zone.HOME})
        if not home_listed and any(
            address in prefix.supernet(new_prefix=_SITE_BITS)
            for prefix in self.on_link
            if prefix.prefixlen >= _SITE_BITS
        ):
            return _HOME_OR_PROVIDER
        if index > 0 or not _is_link_local(self.gateway):
            return None
        # It is the gateway, whose own address IPv6 doesn't tell; and routers may answer from any
        # of theirs, the home's from that on the provider's side.
        inside = any(address in net for net in _HOME_RANGES if net.version == 6)
        return frozenset({Zone.HOME}) if inside and self.on_link else _HOME_OR_PROVIDER


def _zones(
    hops: Sequence[str | None],
    target: str,
    viewer: _Viewer,
    table: NetworkTable | None,
    through_tunnel: bool,
) -> tuple[list[frozenset[Zone]], bool, bool]:
    """What each hop can be in; whether the table, and whether address ranges, had a say."""
    asns = [_asn(table, hop) for hop in hops]
    server_asn = _asn(table, target)
    provider_asn = next((asn for asn in asns if asn not in (None, HOME_ASN)), None)
    by_table = by_address = False
    found: list[frozenset[Zone]] = []
    for index, (hop, asn) in enumerate(zip(hops, asns, strict=True)):
        own = None
        if hop is not None and asn != HOME_ASN:
            own = viewer.zone(hop, index, home_listed=HOME_ASN in asns[:index])
        if own is not None:
            by_address = True
            found.append(own)
        elif asn is not None:
            by_table = True
            first = asns.index(provider_asn) if provider_asn is not None else index
            before = found[:first]
            sure = all(zone == {Zone.HOME} for zone in before) or (
                # a provider seen by its private addresses, and then by its public ones
                all(len(zone) == 1 for zone in before) and asn != server_asn
            )
            found.append(_zone_of_asn(asn, provider_asn, server_asn, sure))
        elif hop is None or through_tunnel:
            found.append(_ANY)
        else:
            zone = _zone_of_address(
                hop,
                hop == target,
                viewer.gateway,
                found,
                provider_known=any(earlier not in (None, HOME_ASN) for earlier in asns[:index]),
                home_listed=HOME_ASN in asns[:index],
                table=table,
            )
            by_address = by_address or zone != _ANY
            found.append(zone)
    return found, by_table, by_address


def _zone_of_asn(
    asn: int, provider_asn: int | None, server_asn: int | None, sure: bool
) -> frozenset[Zone]:
    """*sure*: nothing unknown lies between the home and the first network that the table knows.

    Else that network may be the provider, or the next one behind a provider that stays silent.
    """
    if asn == HOME_ASN:
        return frozenset({Zone.HOME})
    if server_asn is None:  # between, or the server's already: nobody says
        beyond = frozenset({Zone.BETWEEN, Zone.SERVER})
    else:
        beyond = frozenset({Zone.SERVER if asn == server_asn else Zone.BETWEEN})
    if asn != provider_asn:
        return beyond
    return frozenset({Zone.PROVIDER}) if sure else beyond | {Zone.PROVIDER}


def _zone_of_address(
    hop: str,
    is_target: bool,
    gateway: str | None,
    before: Sequence[frozenset[Zone]],
    *,
    provider_known: bool,
    home_listed: bool,
    table: NetworkTable | None,
) -> frozenset[Zone]:
    address = _address(hop)
    if address is None:
        return _ANY
    certainly_home = all(zone == {Zone.HOME} for zone in before)
    translated = ":" in hop and address.version == 4
    if any(address in net for net in _HOME_RANGES if net.version == address.version):
        if translated:  # whoever is behind the translator
            return _ANY
        if home_listed and not provider_known and not is_target and address.version == 4:
            # The table says where the home ends, and no other network routes such addresses.
            return frozenset({Zone.PROVIDER})
        # Only the gateway is known to be the home's; a second private hop may be either's.
        # A table without the home's networks knows of no home: this may be a phone's provider.
        if hop != gateway or not certainly_home:
            return _ANY
        knows_no_home = table is not None and not table.has(HOME_ASN)
        return frozenset({Zone.HOME, Zone.PROVIDER} if knows_no_home else {Zone.HOME})
    if address in _CARRIER_GRADE:
        # RFC 6598: between a provider and its customers. Deeper in the path it means nothing.
        known_else = provider_known or is_target or translated
        return _ANY if known_else else frozenset({Zone.PROVIDER})
    if any(address in net for net in _TRANSITION if net.version == address.version):
        return _ANY
    if address.is_loopback or address.is_multicast or address.is_unspecified:
        return _ANY
    if certainly_home and not is_target and table is None:
        return frozenset({Zone.PROVIDER})
    return _BEYOND_HOME


def _places(allowed: Sequence[frozenset[Zone]]) -> tuple[str | None, ...]:
    """Place of each link if all arrangements in path order agree on it."""
    forward: list[frozenset[Zone]] = []
    least = Zone.HOME
    for zones in allowed:
        fits = frozenset(z for z in zones if z >= least)
        if not fits:  # the order is broken (a detour, a stale table): this hop says nothing
            fits = frozenset(z for z in _ANY if z >= least)
        forward.append(fits)
        least = min(fits)
    most = Zone.SERVER
    fitting: list[frozenset[Zone]] = []
    for zones in reversed(forward):
        fits = frozenset(z for z in zones if z <= most)
        fitting.append(fits)
        most = max(fits)
    fitting.reverse()

    places: list[str | None] = []
    previous = frozenset({Zone.HOME})  # this device
    for zones in fitting:
        names = {_PLACES[a, b] for a in previous for b in zones if a <= b}
        places.append(_joined(names))
        previous = zones
    return tuple(places)


def _joined(names: set[str | None]) -> str | None:
    """One place, or two that the path leaves open, or None."""
    if None in names or not 1 <= len(names) <= 2:
        return None
    return JOIN.join(name for name in _IN_ORDER if name in names)


def _asn(table: NetworkTable | None, address: str | None) -> int | None:
    if table is None or address is None:
        return None
    network = table.lookup(address)
    return None if network is None else network.asn


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return unwrapped(ipaddress.ip_address(text))
    except ValueError:
        return None


def _is_link_local(text: str | None) -> bool:
    address = None if text is None else _address(text)
    return address is not None and address.version == 6 and address.is_link_local
