"""Ways that are built otherwise than the lab's: queues that a ping doesn't stand in, a cache within
the provider's network, a proxy or an overloaded translator of the provider's, a second hop at home,
a way of 2 or of 300 ms, a long provider, two narrow places of the same width, buckets of megabytes.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Literal

import attrs

from lab import link_faults
from lab.actions import LinkChange
from lab.outsider.draws import (
    ACCESS,
    CORE,
    EDGE,
    HIGH,
    INTER,
    WIFI,
    fault_of,
    in_play,
    plain,
    reset,
    shown,
)
from lab.outsider.far_lines import elsewhere, harmful, made
from lab.services import SERVICE_ZONE, DnsFault, ServerFault
from lab.topology import Plan

if TYPE_CHECKING:
    from lab.scenarios import Scenario, _Draw

SHARING: Final = "network.home.sharing"
_DATA_BYTES: Final = 200.0
"""Handshakes, acknowledgements and pings are shorter, segments of a film are longer."""


def _fair(draw_: _Draw) -> Scenario:
    """A narrow link with a queue for each flow (RFC 8290; Linux's Wi-Fi, CAKE in home routers,
    many a provider's shaper): who sends little never waits. So the film's data queue, and pings and
    handshakes pass by. The rate is that of the link, for all downloads together."""
    harmful(draw_, 0.2, 0.8)
    link, place = draw_.rng.choice((("access", ACCESS), ("access", ACCESS), ("wifi", WIFI)))
    network = plain(draw_, home=True, second_router=False)
    values = {"take_tcp": 1.0, "take_over_bytes": _DATA_BYTES, "codel": 1.0,
              "rate_bps": float(draw_.capacity_bps),
              "queue_bytes": float(max(30_000, draw_.queue_bytes(draw_.capacity_bps)))}  # fmt: skip
    return draw_.scenario(place, "slow", network,
                          links_onset=(LinkChange(f"{link}.lane_down", values),),
                          variant=f"{link} by flows at {draw_.factor}")  # fmt: skip


def _near(draw_: _Draw) -> Scenario:
    """A service 2 ms away, and a narrow link that keeps its queue at 5 ms (RFC 8289)."""
    harmful(draw_, 0.25, 0.8)
    network = plain(draw_, home=True, hops=draw_.rng.choice((2, 3)), server_router=True,
                    access_bps=(30_000_000, 40_000_000))  # fmt: skip
    network = _delays(network, lambda name: 0.3 if name == "access" else 0.1)
    kind = draw_.rng.choice(("wifi", "access", "core", "inter", "edge"))
    fault = fault_of(draw_, network, kind)
    fault["links_onset"] = tuple(
        attrs.evolve(one, values={**one.values, "codel": 1.0})
        for one in fault.get("links_onset", ())
    )
    return made(draw_, network, fault, variant=f"{kind} at {draw_.factor}, 2 ms, CoDel")


def _away(draw_: _Draw) -> Scenario:
    """A service on the other side of the earth: 300 ms there and back."""
    harmful(draw_, 0.2, 0.7)
    network = plain(draw_, home=True, hops=3, server_router=True, congestion="cubic",
                    access_bps=(12_000_000, 25_000_000))  # fmt: skip
    far_ms = round(draw_.rng.uniform(110, 145), 1)
    network = reset(network, "inter", delay_ms=far_ms)
    kind = draw_.rng.choice(("wifi", "access", "core", "inter", "edge", "think", "idle"))
    return made(draw_, network, elsewhere(draw_, network, kind),
                variant=f"{kind} at {draw_.factor}, inter {far_ms} ms")  # fmt: skip


def _delays(network: Plan, of: Callable[[str], float]) -> Plan:
    links = tuple(attrs.evolve(one, delay_ms=of(one.name), jitter_ms=0.0) for one in network.links)
    return attrs.evolve(network, links=links)


def _within(draw_: _Draw) -> Scenario:
    """The edge is a cache in the provider's own network and has an address of the provider's. The
    link before it is the provider's, too: there is no interconnect on the way."""
    harmful(draw_, 0.2, 0.75)
    network = plain(draw_, server_router=False, hops=draw_.rng.choice((2, 3)))
    while network.has("inter2"):
        network = plain(draw_, server_router=False, hops=draw_.rng.choice((2, 3)))
    provider = next(row.asn for row in network.networks if row.operator == "provider")
    table = tuple(
        attrs.evolve(row, asn=provider, operator="provider") if row.operator == "service" else row
        for row in network.networks
    )
    network = attrs.evolve(reset(network, "inter", place=CORE), networks=table)
    kind = draw_.rng.choice(("edge", "think", "origin", "access", "last", "last lossy"))
    if kind == "last":
        fault: dict[str, Any] = {"place": CORE, "condition": "crowded",
                                 "links_onset": link_faults.slow(draw_, "inter")}  # fmt: skip
    elif kind == "last lossy":
        _, changes = link_faults.lossy(draw_, network, "inter")
        fault = {"place": CORE, "condition": "lossy", "links_onset": changes}
    else:
        fault = elsewhere(draw_, network, kind)
    if kind.startswith("last"):
        fault["truth_among"] = (CORE, EDGE)  # the end of a link and its host answer as one
    return made(draw_, network, fault, variant=f"{kind} at {draw_.factor}")


def _exchange(draw_: _Draw) -> Scenario:
    """Provider and service meet at an exchange: the service's own router answers from an address
    of the exchange's, and what is wrong lies behind it, on the service's way to its edge."""
    harmful(draw_, 0.2, 0.8)
    kind = draw_.rng.choice(("slow", "slow", "lossy", "crowded"))
    wishes: dict[str, Any] = {}
    if kind == "crowded":
        rate = draw_.rng.randrange(9, 26) * 1_000_000
        wishes = {"crowd_on": "srv", "rate_of": (("srv", rate),), "congestion": "cubic",
                  "queue_of": (("srv", float(draw_.rng.choice((40, 150, 400)))),)}  # fmt: skip
    network = plain(draw_, server_router=True, **wishes)
    while not _in_exchange(network):
        network = plain(draw_, server_router=True, **wishes)
    fault: dict[str, Any] = {"place": EDGE, "condition": "slow"}
    if kind == "crowded":
        fault |= {"crowds": (draw_.crowd("crowdsrc", "crowdsink", rate),), "settle_s": 6.0,
                  "service": attrs.evolve(draw_.service, warm=True)}  # fmt: skip
    elif kind == "lossy":
        fault["links_onset"] = link_faults.lossy(draw_, network, "srv")[1]
    else:
        fault["links_onset"] = link_faults.slow(draw_, "srv")
    return made(draw_, network, fault, variant=f"srv {kind} at {draw_.factor}")


def _in_exchange(network: Plan) -> bool:
    """The service's router is met by an address of the exchange's."""
    met = next(one.far_ip for one in network.links if one.far == "srouter")
    prefix = next(row.prefix for row in network.networks if row.operator == "exchange")
    return ipaddress.ip_address(met) in ipaddress.ip_network(prefix)


def _proxy(draw_: _Draw) -> Scenario:
    """The provider ends TCP connections at its first router and opens its own, as mobile networks
    do; the fault lies behind, or is the proxy's own."""
    harmful(draw_, 0.2, 0.75)
    network = plain(draw_, hops=3, server_router=True)
    network = attrs.evolve(network, split_at="p1", translates=False)
    kind = draw_.rng.choice(("edge", "think", "inter", "core", "lossy", "itself"))
    if kind == "itself":
        values = {"take_tcp": 1.0, "delay_ms": 40.0, "rate_bps": float(draw_.capacity_bps),
                  "queue_bytes": float(draw_.queue_bytes(draw_.capacity_bps))}  # fmt: skip
        change = LinkChange("access.lane_down", values)
        fault: dict[str, Any] = {"place": CORE, "condition": "crowded", "links_onset": (change,)}
        fault["truth_among"] = (ACCESS, CORE)
    elif kind == "lossy":
        _, changes = link_faults.lossy(draw_, network, "inter")
        fault = {"place": INTER, "condition": "lossy", "links_onset": changes}
    else:
        fault = elsewhere(draw_, network, kind)
    return made(draw_, network, fault, variant=f"{kind} at {draw_.factor}, proxy at p1")


def _translator(draw_: _Draw) -> Scenario:
    """The provider's translator is out of ports or of memory: some connections get through and
    some don't, wherever they go. Pings do."""
    shown(draw_, "highest", low=0.2, high=0.4)
    draw_.named(draw_.rng.choice((0, 3)), live=False)
    in_play(draw_)
    network = plain(draw_, home=True, hops=3)
    values = {"take_tcp": 1.0, "take_share": draw_.rng.choice((0.6, 0.75, 0.9)), "outage": 1.0}
    return draw_.scenario(CORE, "unreachable", network, factor=None,
                          links_onset=(LinkChange("core1.lane_down", values),),
                          variant=f"{values['take_share']} of connections cut")  # fmt: skip


def _mesh(draw_: _Draw) -> Scenario:
    """The viewer's Wi-Fi is well; the way from that box to the router, by radio or over power
    lines, is not. Half of those routers say nothing."""
    harmful(draw_, 0.2, 0.75)
    network = plain(draw_, home=True, second_router=True)
    if draw_.rng.random() < 0.5:
        network = attrs.evolve(network, silent=(*network.silent, "outer"))
    condition = draw_.rng.choice(("slow", "unsteady", "lossy"))
    if condition == "slow":
        changes = link_faults.slow(draw_, "uplink")
    elif condition == "unsteady":
        changes = link_faults.unsteady(draw_, network, "uplink")
    else:
        _, changes = link_faults.lossy(draw_, network, "uplink")
    silent = "outer" in network.silent
    return draw_.scenario(WIFI, condition, network, links_onset=changes,
                          truth_among=(WIFI, SHARING, ACCESS) if silent else (),
                          variant=f"backhaul{', router silent' if silent else ''}")  # fmt: skip


def _long(draw_: _Draw) -> Scenario:
    """A provider of seven or eight routers, most of which say nothing."""
    harmful(draw_, 0.2, 0.75)
    network = plain(draw_, home=True, hops=draw_.rng.choice((7, 8)), server_router=True)
    quiet = tuple(one for one in network.hops if draw_.rng.random() < 0.6)
    slow = tuple(one for one in network.slow_icmp if one[0] not in quiet)
    network = attrs.evolve(network, silent=quiet, slow_icmp=slow)
    kind = draw_.rng.choice(("core", "core", "inter", "access", "edge"))
    fault = fault_of(draw_, network, kind)
    links = [one.direction.split(".")[0] for one in fault.get("links_onset", ())]
    if links and draw_.rng.random() < 0.4:
        _, changes = link_faults.lossy(draw_, network, links[0])
        fault |= {"condition": "lossy", "links_onset": changes}
    told = f"{kind} {' '.join(links)} at {draw_.factor}"
    return made(draw_, network, fault, variant=f"{told}, silent {' '.join(quiet)}")


def _series(draw_: _Draw) -> Scenario:
    """Two links on the way are as narrow as one another: to widen one is of no use."""
    harmful(draw_, 0.25, 0.75)
    network = plain(draw_, home=True, hops=3, server_router=True)
    pairs = (("access", "inter"), ("wifi", "inter"), ("wifi", "core1"), ("core1", "inter"))
    pair = draw_.rng.choice(pairs)
    changes = tuple(change for name in pair for change in link_faults.slow(draw_, name))
    return draw_.scenario("undetermined", None, network, links_onset=changes,
                          truth_among=tuple(network.link(name).place for name in pair),
                          variant=f"{pair[0]} and {pair[1]} at {draw_.factor}")  # fmt: skip


def _boost(draw_: _Draw) -> Scenario:
    """A line with a policer that lets megabytes pass before it begins, and fills anew in pauses."""
    harmful(draw_, 0.3, 0.85)
    network = plain(draw_)
    burst = draw_.rng.uniform(1.5e6, 4e6) / (1 if draw_.rendition == "highest" else 7)
    values = {"police_burst_bytes": float(round(burst)), "police_bps": draw_.capacity_bps}
    return draw_.scenario(ACCESS, "limited", network,
                          links_onset=(LinkChange("access.down", values),),
                          variant=f"burst {burst:.0f} at {draw_.factor}")  # fmt: skip


def _burst(draw_: _Draw) -> Scenario:
    """A server that sends the beginning of each answer at once and paces the rest below the need:
    by its rates like a policer, and nothing is lost."""
    harmful(draw_, 0.3, 0.8)
    network = plain(draw_, hops=3)
    part = draw_.rng.uniform(0.3, 0.75)
    segment_bytes = draw_.needed_bps * 3 / 8
    fault = ServerFault(rate_bps=round((1 - part) * draw_.capacity_bps),
                        free_bytes=round(part * segment_bytes))  # fmt: skip
    return draw_.scenario(EDGE, "slow", network, edge_fault=fault,
                          truth_among=draw_.same_answers(),
                          variant=f"{part:.2f} at once, in all {draw_.factor}")  # fmt: skip


def _shallow(draw_: _Draw) -> Scenario:
    """A server that paces below the need, in bursts, over a line whose buffer holds a few packets.
    Each burst loses some there, as YouTube's did (Ghobadi et al., *Trickle*, USENIX ATC 2012). They
    are sent anew, and the film gets all that the server gives: a better line would change nothing.
    """
    shown(draw_, "highest", low=0.25, high=0.85)
    bps = round(draw_.rng.uniform(1.35, 1.8) * HIGH)
    network = plain(draw_, home=True, access_bps=(bps, bps), congestion="cubic",
                    queue_of=(("access", float(draw_.rng.choice((12, 20, 30)))),))  # fmt: skip
    changes = (LinkChange("access.down", {"codel": 0}),)
    return draw_.scenario(EDGE, "slow", network, links_before=changes,
                          edge_fault=ServerFault(rate_bps=draw_.capacity_bps),
                          truth_among=draw_.same_answers(),
                          variant=f"paced at {draw_.factor}, line with "
                          f"{network.link('access').queue_ms:.0f} ms")  # fmt: skip


def _one_name(draw_: _Draw) -> Scenario:
    """One of the service's names does not resolve, the others do."""
    shown(draw_, "highest", low=0.3, high=0.6)
    draw_.named(draw_.rng.choice((8, 12)), live=False)  # few names' connections are kept
    draw_.service = attrs.evolve(draw_.service, ttl_s=5)
    in_play(draw_)
    fails: Literal["servfail", "silent"] = draw_.rng.choice(("servfail", "silent"))
    fault = DnsFault(f"e2.cdn{SERVICE_ZONE}", 0.0, fails)
    return draw_.scenario("service.dns", "failing", plain(draw_), dns_fault=fault, factor=None,
                          variant=f"one of {draw_.service.hosts} {fails}")  # fmt: skip


def _third(draw_: _Draw) -> Scenario:
    """What stands behind the edge is slow for each third segment; nothing is in the cache."""
    harmful(draw_, 0.08, 0.25)
    fault = ServerFault(rate_bps=draw_.capacity_bps, hits="third")
    return draw_.scenario("service.origin", "slow", plain(draw_), origin_fault=fault,
                          service=attrs.evolve(draw_.service, warm=False),
                          truth_among=draw_.same_answers(), variant="each third")  # fmt: skip


WAYS: Final[dict[str, Callable[[_Draw], Scenario]]] = {
    "fair": _fair,
    "near": _near,
    "away": _away,
    "within": _within,
    "exchange": _exchange,
    "proxy": _proxy,
    "cgn": _translator,
    "mesh": _mesh,
    "long": _long,
    "series": _series,
    "boost": _boost,
    "burst": _burst,
    "shallow": _shallow,
    "one-name": _one_name,
    "origin-third": _third,
}
