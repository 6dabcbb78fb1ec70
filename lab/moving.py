"""Faults that move: one ends, and behind it another one begins elsewhere, in the same film.

The evidence of the first is fresh when the second begins, the viewer was told of it, and playback
may not have come to its breath in between. What was true a while ago is the easiest thing to go on
saying. Each run of these families (`moves.<first>`) has a fault that ends in mid-play and a second
one, of any other kind and place that is drawn, from then or some seconds later to the end. They
take runs of 90 s and more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import attrs

from lab import link_faults
from lab.actions import Crowd, LinkChange
from lab.services import ServerFault
from lab.topology import Plan

if TYPE_CHECKING:
    from lab.scenarios import Scenario, _Draw

_STANDS_S: Final = (20.0, 32.0)
_BREAK_S: Final = (4.0, 12.0)
_FACTORS: Final = (0.12, 0.7)
"""Of what the film needs: it can't be borne."""


@attrs.frozen
class Later:
    """The second fault.

    Attributes:
        place, condition, variant, truth_among: as of a scenario.
        onset_s: seconds into play.
    """

    place: str
    condition: str
    variant: str
    truth_among: tuple[str, ...] = ()
    links: tuple[LinkChange, ...] = ()
    undone: tuple[LinkChange, ...] = ()
    crowds: tuple[Crowd, ...] = ()
    edge_fault: ServerFault | None = None
    origin_fault: ServerFault | None = None
    onset_s: float = 0.0


def _slow(place: str, name: str) -> Callable[[_Draw, Plan], Later]:
    def make(draw_: _Draw, network: Plan) -> Later:
        return _link(place, "slow", name, network, link_faults.slow(draw_, name))

    return make


def _limited(draw_: _Draw, network: Plan) -> Later:
    changes = link_faults.limited(draw_, "access")
    return _link("network.isp.access", "limited", "access", network, changes)


def _lossy(place: str) -> Callable[[_Draw, Plan], Later]:
    def make(draw_: _Draw, network: Plan) -> Later:
        name = draw_.rng.choice(network.links_at(place))
        _, changes = link_faults.lossy(draw_, network, name)
        return _link(place, "lossy", name, network, changes)

    return make


def _gone(place: str) -> Callable[[_Draw, Plan], Later]:
    def make(draw_: _Draw, network: Plan) -> Later:
        name = draw_.rng.choice(network.links_at(place))
        changes = (LinkChange(f"{name}.both", {"outage": 1}),)
        undone = (LinkChange(f"{name}.both", {"outage": 0}),)
        return Later(place, "unreachable", name, links=changes, undone=undone)

    return make


def _link(
    place: str, condition: str, name: str, network: Plan, changes: tuple[LinkChange, ...]
) -> Later:
    undone = (LinkChange(f"{name}.down", link_faults.well(network.link(name))),)
    return Later(place, condition, name, links=changes, undone=undone)


def _served(
    place: str, condition: str, made: Callable[[_Draw], ServerFault]
) -> Callable[[_Draw, Plan], Later]:
    def make(draw_: _Draw, _: Plan) -> Later:
        fault = made(draw_)
        at: dict[str, Any] = {place.rpartition(".")[2] + "_fault": fault}
        return Later(place, condition, condition, draw_.same_answers(), **at)

    return make


def _paced(draw_: _Draw) -> ServerFault:
    return ServerFault(rate_bps=draw_.capacity_bps)


def _thinking(draw_: _Draw) -> ServerFault:
    return ServerFault(think_s=draw_.think_s())


def _sharing(draw_: _Draw, network: Plan) -> Later:
    """Another device at home downloads; such a crowd goes on to the end."""
    crowd = draw_.crowd("world", "device", network.link("access").down_bps)
    among = draw_.same_queue(network)
    return Later("network.home.sharing", "crowded", f"{crowd.flows} flows", among, crowds=(crowd,))


FAULTS: Final[dict[str, Callable[[_Draw, Plan], Later]]] = {
    "wifi.slow": _slow("network.home.wifi", "wifi"),
    "wifi.lossy": _lossy("network.home.wifi"),
    "access.slow": _slow("network.isp.access", "access"),
    "access.lossy": _lossy("network.isp.access"),
    "access.limited": _limited,
    "access.unreachable": _gone("network.isp.access"),
    "core.lossy": _lossy("network.isp.core"),
    "interconnect.lossy": _lossy("network.interconnect"),
    "interconnect.unreachable": _gone("network.interconnect"),
    "edge.slow": _served("service.edge", "slow", _paced),
    "edge.overloaded": _served("service.edge", "overloaded", _thinking),
    "origin.slow": _served("service.origin", "slow", _paced),
    "sharing.crowded": _sharing,
}
_ENDLESS: Final = ("sharing.crowded",)


def _family(first: str) -> Callable[[_Draw], Scenario]:
    def make(draw_: _Draw) -> Scenario:
        rng = draw_.rng
        draw_.severity = "moderate"
        draw_.named(draw_.service.hosts, live=False)
        if draw_.before and first.endswith(".unreachable"):  # no session begins without a network
            draw_.before, draw_.onset_s = False, round(rng.uniform(6.0, 16.0), 1)
        network = draw_.network(
            home=True, device=True, hops=rng.choice((2, 3)), server_router=True, vpn=False,
            split=False, long_way_back=False, congestion=draw_.against_crowds(),
        )  # fmt: skip
        one = _drawn(draw_, network, first)
        other = _drawn(draw_, network, rng.choice([name for name in FAULTS if name != first]))
        while {one.place, *one.truth_among} & {other.place, *other.truth_among}:
            other = _drawn(draw_, network, rng.choice(list(FAULTS)))
        cold = "service.origin" in (one.place, other.place)
        ends_s = round((draw_.onset_s or 0.0) + rng.uniform(*_STANDS_S), 1)
        begins_s = round(ends_s + (rng.choice((0.0, rng.uniform(*_BREAK_S)))), 1)
        return draw_.scenario(
            one.place, one.condition, network, links_onset=one.links, links_end=one.undone,
            variant=f"{first} {one.variant}, then {other.place} {other.condition} {other.variant}",
            edge_fault=one.edge_fault, origin_fault=one.origin_fault, ends_s=ends_s, factor=None,
            truth_among=one.truth_among, then=attrs.evolve(other, onset_s=begins_s),
            service=attrs.evolve(draw_.service, warm=not cold),
        )  # fmt: skip

    return make


def _drawn(draw_: _Draw, network: Plan, name: str) -> Later:
    draw_.leave(draw_.rng.uniform(*_FACTORS))
    return FAULTS[name](draw_, network)


MOVING: Final[dict[str, Callable[[_Draw], Scenario]]] = {
    name: _family(name) for name in FAULTS if name not in _ENDLESS
}
