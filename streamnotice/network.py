"""Which network this computer is on: a salted label that says when it is the same one again.

Known by the hardware address of the default gateway (Linux: `/proc/net/route`, `/proc/net/arp`), or
by the gateway's link-local IPv6 address; links without either (a modem, a tunnel) by the
interface's name. Nothing is sent. The label can't be turned back without its salt.
"""

from __future__ import annotations

import hashlib
from ipaddress import IPv6Address
from pathlib import Path
from typing import Final

from streamnotice.sensors.routes import ROUTE, ROUTE6, parse_routes, text_of

ARP: Final = Path("/proc/net/arp")
_NO_HARDWARE: Final = "00:00:00:00:00:00"


def network_label(
    salt: bytes, *, route: Path = ROUTE, arp: Path = ARP, route6: Path = ROUTE6
) -> str:
    """Label of the network that the default route leads into; empty if it isn't known."""
    identity = _identity(text_of(route), text_of(arp), text_of(route6))
    if identity is None:
        return ""
    digest = hashlib.blake2b(identity.encode("utf-8", "replace"), key=salt, digest_size=8)
    return f"net-{digest.hexdigest()}"


def _identity(route: str, arp: str, route6: str) -> str | None:
    defaults = [e for e in parse_routes(route) if e.network.prefixlen == 0]
    first = min(defaults, key=lambda e: e.metric, default=None)
    if first is not None:
        if first.gateway is None:
            return f"dev {first.interface}"
        hardware = _hardware(arp, first.gateway, first.interface)
        # A private address alone is the same in half of all homes: no fingerprint.
        return None if hardware is None else f"mac {hardware}"
    gateway = _gateway6(route6)
    return None if gateway is None else f"ipv6 {gateway}"


def _hardware(arp: str, address: str, interface: str) -> str | None:
    for line in arp.splitlines()[1:]:
        fields = line.split()
        if len(fields) >= 6 and fields[0] == address and fields[5] == interface:
            return None if fields[3] == _NO_HARDWARE else fields[3].lower()
    return None


def _gateway6(route6: str) -> str | None:
    """Link-local address of the IPv6 default gateway with the lowest metric."""
    found: list[tuple[int, str]] = []
    for line in route6.splitlines():
        fields = line.split()
        if len(fields) < 10 or fields[1] != "00" or fields[9] == "lo":
            continue
        try:
            gateway, metric = IPv6Address(int(fields[4], 16)), int(fields[5], 16)
        except ValueError:
            continue
        if gateway.is_link_local:
            found.append((metric, str(gateway)))
    return min(found)[1] if found else None
