"""Faults that only a part of what passes meets, so that small questions and other ways go well.

Whoever asks the way by pings, or looks at another server, sees a clear line beside a film that
stands still, and takes the film's server for the culprit. Real networks have such faults: a path
that drops long packets and tells nobody (RFC 2923), bit errors, which meet the long rather than the
short; one of several equal ways that is bad (RFC 2992 on how flows are spread); a provider that
slows down one service, and a filter that lets its answers through to nobody. The families
(`partly.<kind>.<link>`) have one each, on a lane beside the link (`lab/emulator/link.c`). Of long
packets and of ways the fit has seen some runs, for the rule of long pings alone; of others none.

Where a policer of one service stands, and whether its packets are dropped on the way or never
sent, the viewer can't tell: what is asked of a name here is that it does not leave the truth out.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from lab import link_faults
from lab.actions import LinkChange
from lab.topology import Plan

if TYPE_CHECKING:
    from lab.scenarios import Scenario, _Draw

_LONG_BYTES: Final = (600, 1000, 1300, 1400)
"""Longer packets than these are lost; a probe has fewer than 100 bytes, a full segment 1500."""
_SHARE_OF_FLOWS: Final = (0.5, 0.75)

_PLACES: Final = {
    "wifi": "network.home.wifi", "access": "network.isp.access", "core": "network.isp.core",
    "interconnect": "network.interconnect", "edge": "service.edge",
}  # fmt: skip


def _place(draw_: _Draw, at: str) -> tuple[Plan, str]:
    """A network, and the link of it that is at fault."""
    wishes: dict[str, Any] = {"vpn": False, "split": False, "long_way_back": False}
    if at == "wifi":
        wishes["home"] = True
    elif at == "core":
        wishes["hops"] = draw_.rng.choice((2, 3))
    elif at in ("interconnect", "edge"):
        wishes["server_router"] = True
    network = draw_.network(**wishes)
    if at == "edge":
        return network, "srv"
    return network, draw_.rng.choice(network.links_at(_PLACES[at]))


def _lane(
    draw_: _Draw, at: str, condition: str, network: Plan, link: str, values: dict[str, float]
) -> Scenario:
    change = LinkChange(f"{link}.lane_down", values)
    said = ", ".join(f"{name} {value:g}" for name, value in values.items() if name != "take_host")
    return draw_.scenario(
        _PLACES[at], condition, network, variant=f"{link} {said}", links_onset=(change,),
        factor=None,
    )  # fmt: skip


def _in_mid_play(draw_: _Draw) -> None:
    """A session that gets nothing at all from the start ends by its own rules."""
    link_faults.never_near_miss(draw_)
    draw_.onset_s = draw_.onset_s or round(draw_.rng.uniform(6.0, 16.0), 1)
    draw_.before = False


def _long(at: str) -> Callable[[_Draw], Scenario]:
    """Long packets are lost: all of them, or some, as by bit errors."""

    def make(draw_: _Draw) -> Scenario:
        all_of_them = draw_.rng.random() < 0.5
        if all_of_them:
            _in_mid_play(draw_)
        network, link = _place(draw_, at)
        loss = 1.0 if all_of_them else round(link_faults.loss_for(draw_, network), 4)
        values = {"take_over_bytes": float(draw_.rng.choice(_LONG_BYTES)), "loss": loss}
        return _lane(draw_, at, "lossy", network, link, values)

    return make


def _flows(at: str) -> Callable[[_Draw], Scenario]:
    """One of several equal ways is bad, and so for a share of the connections."""

    def make(draw_: _Draw) -> Scenario:
        network, link = _place(draw_, at)
        loss = round(link_faults.loss_for(draw_, network), 4)
        values = {"take_share": draw_.rng.choice(_SHARE_OF_FLOWS), "loss": loss}
        return _lane(draw_, at, "lossy", network, link, values)

    return make


def _service(at: str, condition: str) -> Callable[[_Draw], Scenario]:
    """What the service sends has a limit of its own: a policer, or a queue."""

    def make(draw_: _Draw) -> Scenario:
        network, link = _place(draw_, at)
        values = {"take_host": _number(network.addresses["edge"]), "take_tcp": 1.0}
        if draw_.rng.random() < 0.5:
            (limit,) = link_faults.limited(draw_, link)
        else:
            (limit,) = link_faults.slow(draw_, link)
        return _lane(draw_, at, condition, network, link, {**values, **limit.values})

    return make


def _blocked(at: str) -> Callable[[_Draw], Scenario]:
    """The service's connections are cut off, its host still answers pings."""

    def make(draw_: _Draw) -> Scenario:
        _in_mid_play(draw_)
        network, link = _place(draw_, at)
        values = {
            "take_host": _number(network.addresses["edge"]), "take_tcp": 1.0, "outage": 1.0
        }  # fmt: skip
        return _lane(draw_, at, "unreachable", network, link, values)

    return make


def _number(address: str) -> float:
    return float(int(ipaddress.IPv4Address(address)))


PARTLY: Final[dict[str, Callable[[_Draw], Scenario]]] = {
    "long.wifi": _long("wifi"),
    "long.access": _long("access"),
    "long.core": _long("core"),
    "long.interconnect": _long("interconnect"),
    "flows.access": _flows("access"),
    "flows.core": _flows("core"),
    "flows.interconnect": _flows("interconnect"),
    "service.access": _service("access", "limited"),
    "service.core": _service("core", "crowded"),
    "service.interconnect": _service("interconnect", "crowded"),
    "blocked.access": _blocked("access"),
    "blocked.core": _blocked("core"),
    "blocked.interconnect": _blocked("interconnect"),
    "blocked.edge": _blocked("edge"),
}
