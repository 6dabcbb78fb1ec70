"""The same network by IPv6: a drawn plan with all its addresses exchanged, one for one.

As it is found outside: each network has a /32 of its own; a link in it has a /64; the provider
delegates a /56 to the home, whose devices have addresses with random ends, and whose router is
known to them by its link-local address. There is no carrier-grade range and no private core. The
plan's rates, delays, queues and manners stay what they were drawn.
"""

from __future__ import annotations

import ipaddress
import random
from typing import Final

import attrs

from lab.topology import Network, Plan

HOME_GATEWAY: Final = "fe80::1"
"""The home router's link-local address on the viewer's link."""
_DELEGATED_BITS: Final = 56
_ICMP_LIMITS_MS: Final = (100, 1000, 1000)
"""Least time between two ICMPv6 errors to one host: what Linux had for long, and has since 6.18."""


def is_ipv6(plan: Plan) -> bool:
    """*plan* has IPv6 addresses."""
    return ":" in plan.viewer_ip


def literal(address: str) -> str:
    """*address* as it stands in a URL."""
    return f"[{address}]" if ":" in address else address


def icmp_limits_ms(plan: Plan) -> dict[str, int]:
    """For each router of an IPv6 plan the kernel's `net.ipv6.icmp.ratelimit`."""
    dice = random.Random(f"six-limits-{plan.seed}")
    return {node: dice.choice(_ICMP_LIMITS_MS) for node in sorted(plan.nodes)}


class _Exchange:
    """Gives each IPv4 address of a plan its IPv6 one."""

    def __init__(self, plan: Plan) -> None:
        dice = random.Random(f"six-{plan.seed}")
        self._blocks: dict[ipaddress.IPv4Network, int] = {}
        taken: set[int] = set()
        for network in plan.networks:
            block = ipaddress.IPv4Network(network.prefix)
            if network.asn == 0 or block.prefixlen != 16:
                continue
            while (number := 0x2A000000 + dice.randrange(1 << 20)) in taken:
                continue
            taken.add(number)
            self._blocks[block] = number << 96
        provider = next(n.prefix for n in plan.networks if n.operator == "provider")
        self._provider = self._blocks[ipaddress.IPv4Network(provider)]
        site = dice.randrange(0x1000, 0xF000) << 80 | dice.randrange(256) << 72
        self.site = ipaddress.IPv6Network((self._provider | site, _DELEGATED_BITS))
        # the inner router takes a later /64 of what the outer one got
        self._homes = [
            (ipaddress.IPv4Network(n.prefix), int(self.site.network_address) | number << 64)
            for number, n in enumerate(n for n in plan.networks if n.asn == 0)
        ]

    def prefix(self, prefix: str) -> str:
        block = ipaddress.IPv4Network(prefix)
        for home, number in self._homes:
            if block == home:
                return str(ipaddress.IPv6Network((number, 64)))
        return str(ipaddress.IPv6Network((self._blocks[block], 32)))

    def address(self, address: str) -> str:
        old = ipaddress.IPv4Address(address)
        last = int(old) & 0xFFFF
        for home, number in self._homes:
            if old in home:
                router = last & 0xFF == 1
                # no device tells its hardware's address, and the same one keeps its own
                own = random.Random(f"{number} {last}").getrandbits(63) | 1 << 62
                return str(ipaddress.IPv6Address(number | (1 if router else own)))
        for block, number in self._blocks.items():
            if old in block:
                return str(ipaddress.IPv6Address(number | last >> 2 << 64 | last & 3))
        area = 1 if address.startswith("100.") else 2  # the provider's, under ranges of IPv4 alone
        number = self._provider | area << 80
        return str(ipaddress.IPv6Address(number | last >> 2 << 64 | last & 3))


def by_ipv6(plan: Plan) -> Plan:
    """*plan* with IPv6 addresses; without what is IPv4's alone (VPN, middlebox).

    In half of the plans the table knows the home's prefix; else, as with tables of the whole
    world, the home is in its provider's.
    """
    exchange = _Exchange(plan)
    listed = random.Random(f"six-table-{plan.seed}").random() < 0.5
    table = [
        Network(exchange.prefix(n.prefix), n.asn, n.operator)
        for n in plan.networks
        if n.asn != 0 and not n.prefix.startswith("100.64.")
    ]
    if plan.home_prefix and listed:
        table.insert(0, Network(str(exchange.site), 0, "home"))
    new = exchange.address
    return attrs.evolve(
        plan,
        links=tuple(
            attrs.evolve(one, near_ip=new(one.near_ip), far_ip=new(one.far_ip))
            for one in plan.links
        ),
        cables=tuple(
            attrs.evolve(one, near_ip=new(one.near_ip), far_ip=new(one.far_ip))
            for one in plan.cables
        ),
        networks=tuple(table),
        neighbour_ip=new(plan.neighbour_ip) if plan.neighbour_ip else None,
        home_prefix=exchange.prefix(plan.home_prefix) if plan.home_prefix else None,
        home_ip=new(plan.home_ip) if plan.home_ip else None,
        viewer_ip=new(plan.viewer_ip),
        addresses={host: new(address) for host, address in plan.addresses.items()},
        tunnel=None,
        split_at=None,
    )
