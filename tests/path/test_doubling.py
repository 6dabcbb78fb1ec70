"""The link of a tunnel's server: what stands in it is passed before the server and behind it."""

from __future__ import annotations

import pytest

from streamnotice.estimates import Estimates
from streamnotice.evidence import tunnel_link
from streamnotice.observations import HopProbe, ProbeOutcome, Route, TargetRole
from streamnotice.path.localise import server_link_ns
from streamnotice.path.rounds import Paths

S_NS = 1_000_000_000
MS_NS = 1_000_000
NOW = 20 * S_NS
UNDER = ("network.home.wifi", "network.isp.access", "network.isp.core", "network.interconnect")
INSIDE = ("network.vpn", None, None)


def follow(
    seen: Paths, target: str, role: TargetRole, places: tuple[str | None, ...], rtts: list[int]
) -> None:
    hops = tuple(f"{target}-{ttl}" for ttl in range(1, len(places) + 1))
    seen.route(Route(0, target, role, hops, places, True))
    for second in range(20):
        for ttl, rtt in enumerate(rtts, 1):
            outcome: ProbeOutcome = "reached" if ttl == len(rtts) else "ttl_exceeded"
            probe = HopProbe(
                second * S_NS, target, ttl, "udp", outcome, (rtt + second % 3) * MS_NS,
                hops[ttl - 1], role=role,
            )  # fmt: skip
            seen.probe(probe)


def paths(under: list[int], inside: list[int]) -> Paths:
    seen = Paths()
    follow(seen, "host-a", "service", INSIDE, inside)
    follow(seen, "addr-vpn", "underlay", UNDER, under)
    return seen


@pytest.mark.parametrize(
    ("under", "inside", "name"),
    [
        ([3, 12, 20, 26], [27, 33, 40], "short"),
        ([3, 12, 20, 140], [141, 260, 266], "long"),  # a queue in the server's link
        ([3, 12, 20, 140], [141, 146, 260], "short"),  # an ocean on the way there, and back
        ([3, 12, 130, 140], [141, 260, 266], "short"),  # ... or the server's own link is short
    ],
)
def test_only_what_is_passed_twice_is_the_servers_link(
    under: list[int], inside: list[int], name: str
) -> None:
    found = tunnel_link.RULE.ask(Estimates(paths=paths(under, inside)), NOW)
    assert found is not None
    assert found.name == name


def test_without_a_tunnel_or_its_server_nothing_is_said() -> None:
    assert server_link_ns(Paths(), NOW) is None
    only_inside = Paths()
    follow(only_inside, "host-a", "service", INSIDE, [27, 33, 40])
    assert server_link_ns(only_inside, NOW) is None


def test_what_was_and_is_no_more_does_not_count() -> None:
    seen = paths([3, 12, 20, 140], [141, 260, 266])
    assert server_link_ns(seen, NOW + 60 * S_NS) is None


def test_over_a_silent_router_a_rise_is_not_one_links() -> None:
    """Hosters' routers often are: then the ocean is in both stretches."""
    seen = Paths()
    follow(seen, "host-a", "service", INSIDE, [100, 0, 200])
    follow(seen, "addr-vpn", "underlay", UNDER, [3, 12, 0, 100])
    for target, ttl in (("host-a", 2), ("addr-vpn", 3)):
        del seen.paths[target].hops[ttl]
    assert server_link_ns(seen, NOW) is None
