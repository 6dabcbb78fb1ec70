"""What the outsider's families share: the ladder's rates, a plain network, a fault of some kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from lab import link_faults
from lab.build import LADDER_BPS
from lab.services import ServerFault
from lab.topology import Plan

if TYPE_CHECKING:
    from lab.scenarios import _Draw

LOW, _, HIGH = LADDER_BPS
WIFI: Final = "network.home.wifi"
ACCESS: Final = "network.isp.access"
CORE: Final = "network.isp.core"
INTER: Final = "network.interconnect"
EDGE: Final = "service.edge"
ORIGIN: Final = "service.origin"
LASTS_S: Final = 110.0
"""Faults that come and go do so for as long; no run is longer."""


def shown(draw_: _Draw, *renditions: str, low: float, high: float) -> None:
    """One of these renditions, and a fault that leaves so much of what it needs."""
    draw_.rendition = draw_.rng.choice(renditions)
    draw_.needed_bps = HIGH if draw_.rendition == "highest" else LOW
    draw_.severity = "severe" if high <= 0.4 else "moderate"
    draw_.leave(draw_.rng.uniform(low, high))
    draw_.named(draw_.service.hosts, live=False)


def plain(draw_: _Draw, **wishes: Any) -> Plan:
    """A network without a VPN, several equal ways, or another way back."""
    return draw_.network(**{"vpn": False, "split": False, "long_way_back": False, **wishes})


def reset(network: Plan, name: str, **values: Any) -> Plan:
    """The same network, and that link another one."""
    links = (attrs.evolve(k, **values) if k.name == name else k for k in network.links)
    return attrs.evolve(network, links=tuple(links))


def in_play(draw_: _Draw, low: float = 8.0, high: float = 14.0) -> float:
    """The fault comes in mid-play: at that session second."""
    onset_s = round(draw_.rng.uniform(low, high), 1)
    draw_.before, draw_.onset_s = False, onset_s
    return onset_s


def fault_of(draw_: _Draw, network: Plan, kind: str) -> dict[str, Any]:
    """A fault of this kind, of the drawn capacity."""
    if kind == "edge":
        return {"place": EDGE, "condition": "slow", "truth_among": draw_.same_answers(),
                "edge_fault": ServerFault(rate_bps=draw_.capacity_bps)}  # fmt: skip
    place = {"wifi": WIFI, "access": ACCESS, "core": CORE, "inter": INTER}[kind]
    link = draw_.rng.choice(network.links_at(place))
    return {"place": place, "condition": "slow" if kind in ("wifi", "access") else "crowded",
            "links_onset": link_faults.slow(draw_, link)}  # fmt: skip
