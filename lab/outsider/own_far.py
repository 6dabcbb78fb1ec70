"""Ordinary trouble behind the line (`own.*`): the provider's core, the border, the server, what
stands behind it, and names; with crowds, losses, widths and outages of other makes than the lab's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Literal

import attrs

from lab.actions import LinkChange
from lab.outsider.draws import CORE, EDGE, INTER, ORIGIN, in_play, reset
from lab.outsider.own_draws import (
    CROWDED,
    as_measured,
    crowded,
    evening,
    film,
    laid,
    narrowed,
    noisy,
    sinking,
)
from lab.services import SERVICE_ZONE, DnsFault, ServerFault
from lab.topology import Plan

if TYPE_CHECKING:
    from lab.scenarios import Scenario, _Draw


def _some_link(draw_: _Draw, place: str) -> tuple[str, int]:
    """A link of the core or of the border, and how many routers the provider has."""
    hops = draw_.rng.choice((2, 3, 4, 6))
    return (f"core{draw_.rng.randrange(1, hops)}", hops) if place == CORE else ("inter", hops)


def _evening(place: str) -> Callable[[_Draw], Scenario]:
    """An evening on that link."""

    def make(draw_: _Draw) -> Scenario:
        film(draw_, 0.15, 0.6, *CROWDED)
        link, hops = _some_link(draw_, place)
        network = crowded(draw_, link, (9, 28), (25, 50, 150, 400), crowd_on=link, hops=hops,
                          server_router=True)  # fmt: skip
        rate = network.link(link).down_bps
        kind, crowds = evening(draw_, "crowdsrc", "crowdsink", rate)
        return draw_.scenario(
            place, "crowded", network, crowds=crowds, settle_s=6.0,
            service=attrs.evolve(draw_.service, warm=True),
            variant=f"{link} {kind}, {rate / 1e6:.0f} Mbit/s, {network.link(link).queue_ms} ms",
        )  # fmt: skip

    return make


def _counted(draw_: _Draw) -> Scenario:
    """An evening on a link whose queue counts packets, as those of most routers do, and of Linux:
    what overflows it is lost whatever its length. (A queue of bytes has room for a ping nearly
    always.)"""
    made = _evening(draw_.rng.choice((CORE, INTER)))(draw_)
    link = made.variant.split()[0]
    there = made.network.link(link)
    packets = max(8, round(there.down_bps * there.queue_ms / 8000 / 1500))
    network = reset(made.network, link, codel=False)
    values = {"queue_packets": float(packets), "queue_bytes": 1500.0 * packets}
    return attrs.evolve(made, network=network, variant=f"{made.variant}, {packets} packets",
                        links_before=(LinkChange(f"{link}.down", values),))  # fmt: skip


def _noise(place: str) -> Callable[[_Draw], Scenario]:
    """An optical module that grows old: packets are lost on that link, whatever else is."""

    def make(draw_: _Draw) -> Scenario:
        film(draw_, 0.15, 0.55, "highest", "auto")
        _, hops = _some_link(draw_, place)
        network = laid(draw_, hops=hops, server_router=True, congestion=draw_.against_crowds())
        link = draw_.rng.choice(network.links_at(place))
        told, network, changes = noisy(draw_, network, link)
        return draw_.scenario(place, "lossy", network, variant=told, links_onset=changes)

    return make


def _narrow(place: str) -> Callable[[_Draw], Scenario]:
    """Part of a bundle has failed, or a detour is taken: that link is too narrow, at once, over
    twenty seconds, or as measured; a detour is longer, too."""

    def make(draw_: _Draw) -> Scenario:
        rng = draw_.rng
        film(draw_, 0.2, 0.65)
        _, hops = _some_link(draw_, place)
        network = laid(draw_, hops=hops, server_router=True)
        link = rng.choice(network.links_at(place))
        kind = rng.choice(("at once", "sinks", "as measured"))
        if kind == "sinks":
            changes = sinking(draw_, link, 15e6, 20.0)
        elif kind == "as measured":
            kind, changes = as_measured(draw_, link, ("hd_fs", "sd_fs"))
        else:
            changes = (narrowed(draw_, link),)
        if rng.random() < 0.4:
            far_ms = round(network.link(link).delay_ms + rng.uniform(10, 40), 1)
            changes = (LinkChange(f"{link}.both", {"delay_ms": far_ms}), *changes)
            kind += ", detour"
        return draw_.scenario(place, "crowded", network, links_onset=changes,
                              variant=f"{link} {kind} at {draw_.factor}")  # fmt: skip

    return make


def _gone(place: str) -> Callable[[_Draw], Scenario]:
    """That link carries nothing, to the end or until routes have moved after half a minute."""

    def make(draw_: _Draw) -> Scenario:
        film(draw_, 0.2, 0.5)
        _, hops = _some_link(draw_, place)
        onset_s = in_play(draw_, 8, 18)
        network = laid(draw_, hops=hops, server_router=True)
        link = draw_.rng.choice(network.links_at(place))
        gone = LinkChange(f"{link}.both", {"outage": 1.0})
        ends_s = round(onset_s + draw_.rng.uniform(33, 42), 1)
        ends = draw_.rng.random() < 0.4
        return draw_.scenario(
            place, "unreachable", network, factor=None, links_onset=(gone,),
            links_end=(LinkChange(f"{link}.both", {"outage": 0.0}),) if ends else (),
            ends_s=ends_s if ends else None, variant=f"{link} away",
        )  # fmt: skip

    return make


# -- the server


def _pace(draw_: _Draw) -> Scenario:
    """A server that gives each answer too little."""
    film(draw_, 0.15, 0.8)
    network = laid(draw_)
    return draw_.scenario(EDGE, "slow", network, variant=f"paced at {draw_.factor}",
                          edge_fault=ServerFault(rate_bps=draw_.capacity_bps),
                          truth_among=draw_.same_answers())  # fmt: skip


def _before_it(network: Plan) -> tuple[str, ...]:
    """Where the router before the server says nothing, nobody tells its two sides apart."""
    return (INTER, EDGE) if "srouter" in network.silent else ()


def _port(draw_: _Draw) -> Scenario:
    """The server's own port is full: its other viewers, or a port of a tenth of the width."""
    film(draw_, 0.15, 0.6, *CROWDED)
    if draw_.rng.random() < 0.6:
        network = crowded(draw_, "srv", (10, 28), (25, 50, 150, 400), crowd_on="srv",
                          server_router=True)  # fmt: skip
        kind, crowds = evening(draw_, "edge", "crowdsink", network.link("srv").down_bps)
        return draw_.scenario(EDGE, "slow", network, crowds=crowds, settle_s=6.0,
                              service=attrs.evolve(draw_.service, warm=True),
                              truth_among=_before_it(network),
                              variant=f"port full, {kind}")  # fmt: skip
    network = laid(draw_, server_router=True)
    return draw_.scenario(EDGE, "slow", network, links_onset=(narrowed(draw_, "srv"),),
                          truth_among=_before_it(network),
                          variant=f"port narrow at {draw_.factor}")  # fmt: skip


def _queued(draw_: _Draw) -> Scenario:
    """A server with too many requests: each waits for seconds before its first byte."""
    film(draw_, 0.3, 0.75, "highest", "lowest")
    think_s = draw_.think_s()
    return draw_.scenario(EDGE, "overloaded", laid(draw_), variant=f"first byte after {think_s} s",
                          edge_fault=ServerFault(think_s=think_s),
                          truth_among=draw_.same_answers())  # fmt: skip


def _errors(draw_: _Draw) -> Scenario:
    """Errors for all requests or most, to the end or for half a minute. (Not 502: an edge that says
    so blames what stands behind it.)"""
    film(draw_, 0.2, 0.5)
    onset_s = in_play(draw_, 8, 18)
    status = draw_.rng.choice((500, 503, 503, 404))
    hits: Literal["all", "most"] = draw_.rng.choice(("all", "most"))
    ends_s = round(onset_s + draw_.rng.uniform(32, 42), 1)
    return draw_.scenario(EDGE, "failing", laid(draw_), factor=None, variant=f"{status} {hits}",
                          edge_fault=ServerFault(status=status, hits=hits),
                          ends_s=ends_s if draw_.rng.random() < 0.4 else None,
                          service=attrs.evolve(draw_.service, warm=True),
                          truth_among=draw_.same_answers())  # fmt: skip


def _server_gone(draw_: _Draw) -> Scenario:
    """The server is off the network, or its program has ended."""
    film(draw_, 0.2, 0.5)
    in_play(draw_, 8, 18)
    network = laid(draw_, server_router=True)
    if draw_.rng.random() < 0.5:
        return draw_.scenario(EDGE, "failing", network, factor=None, variant="program ended",
                              edge_fault=ServerFault(stop=True))  # fmt: skip
    gone = LinkChange("srv.both", {"outage": 1.0})
    return draw_.scenario(EDGE, "unreachable", network, factor=None, links_onset=(gone,),
                          variant="off the network")  # fmt: skip


# -- behind it


def _source_slow(draw_: _Draw) -> Scenario:
    """Nothing is in the cache, and what stands behind is slow: by itself, late, or over a link as
    measured or narrow."""
    film(draw_, 0.2, 0.7, "highest", "lowest")
    network = laid(draw_)
    network = reset(network, "orig", delay_ms=round(draw_.rng.uniform(1, 70), 1))
    kind = draw_.rng.choice(("paced", "late", "link as measured", "link narrow"))
    changes: tuple[LinkChange, ...] = ()
    fault = None
    if kind == "paced":
        fault = ServerFault(rate_bps=draw_.capacity_bps)
    elif kind == "late":
        fault = ServerFault(think_s=draw_.think_s())
    elif kind == "link narrow":
        changes = (narrowed(draw_, "orig"),)
    else:
        _, changes = as_measured(draw_, "orig", ("sd_fs", "3G"))
    return draw_.scenario(ORIGIN, "slow", network, origin_fault=fault, links_onset=changes,
                          service=attrs.evolve(draw_.service, warm=False),
                          truth_among=draw_.same_answers(),
                          variant=f"{kind} at {draw_.factor}")  # fmt: skip


def _source_errors(draw_: _Draw) -> Scenario:
    """Nothing is in the cache, and what stands behind errs, refuses, or is not to be reached."""
    film(draw_, 0.2, 0.5)
    in_play(draw_, 6, 14)
    kind = draw_.rng.choice(("500", "503", "refuses"))
    fault = ServerFault(stop=True) if kind == "refuses" else ServerFault(status=int(kind))
    return draw_.scenario(ORIGIN, "failing", laid(draw_), factor=None, origin_fault=fault,
                          service=attrs.evolve(draw_.service, warm=False), variant=kind,
                          truth_among=draw_.same_answers())  # fmt: skip


def _names(draw_: _Draw) -> Scenario:
    """The name server is seconds late, or fails for most names."""
    rng = draw_.rng
    film(draw_, 0.4, 0.7, "highest", "auto")
    draw_.named(rng.choice((12, 60)), live=False)
    draw_.service = attrs.evolve(draw_.service, ttl_s=5)
    in_play(draw_, 4, 12)
    zone = rng.choice((SERVICE_ZONE, ""))
    network: Plan = laid(draw_)
    if rng.random() < 0.5:
        late_s = round(rng.uniform(3.5, 7.5), 2)
        return draw_.scenario("service.dns", "slow", network, factor=None,
                              dns_fault=DnsFault(zone, late_s),
                              variant=f"names after {late_s} s")  # fmt: skip
    fails: Literal["servfail", "silent"] = rng.choice(("servfail", "silent"))
    return draw_.scenario("service.dns", "failing", network, factor=None,
                          dns_fault=DnsFault(zone, 0.0, fails, 0.9),
                          variant=f"names {fails}")  # fmt: skip


FAR: Final[dict[str, Callable[[_Draw], Scenario]]] = {
    "core.evening": _evening(CORE),
    "core.noise": _noise(CORE),
    "core.narrow": _narrow(CORE),
    "core.gone": _gone(CORE),
    "border.evening": _evening(INTER),
    "border.noise": _noise(INTER),
    "border.narrow": _narrow(INTER),
    "border.gone": _gone(INTER),
    "counted": _counted,
    "edge.pace": _pace,
    "edge.port": _port,
    "edge.queued": _queued,
    "edge.errors": _errors,
    "edge.gone": _server_gone,
    "origin.slow": _source_slow,
    "origin.errors": _source_errors,
    "dns.names": _names,
}
