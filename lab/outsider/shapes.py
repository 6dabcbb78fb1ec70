"""Ordinary faults of another shape: mild, hard, short; routers that say little; nothing wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import attrs

from lab import link_faults
from lab.actions import LinkChange
from lab.outsider.draws import ACCESS, HIGH, INTER, LASTS_S, WIFI, fault_of, in_play, plain, shown

if TYPE_CHECKING:
    from lab.scenarios import Scenario, _Draw

_ANY: Final = ("wifi", "access", "core", "inter", "edge")


def _kinds(low: float, high: float) -> Callable[[_Draw], Scenario]:
    """Any place, and a fault that leaves so much of what the film needs."""

    def make(draw_: _Draw) -> Scenario:
        shown(draw_, "highest", "lowest", low=low, high=high)
        network = plain(draw_, home=True, hops=3, server_router=True)
        kind = draw_.rng.choice(_ANY)
        made = fault_of(draw_, network, kind)
        return draw_.scenario(made.pop("place"), made.pop("condition"), network,
                              variant=f"{kind} at {draw_.factor}", **made)  # fmt: skip

    return make


def _blip(draw_: _Draw) -> Scenario:
    """Eight seconds of it, and all is well again."""
    shown(draw_, "highest", low=0.03, high=0.1)
    network = plain(draw_, home=True, hops=3, server_router=True,
                    access_bps=(round(1.2 * HIGH), round(1.5 * HIGH)))  # fmt: skip
    in_play(draw_, 5.0, 9.0)
    gone = ("gone wifi", "gone access", "gone inter")
    kind = draw_.rng.choice((*_ANY, *gone))
    assert draw_.onset_s is not None
    ends_s = round(draw_.onset_s + draw_.rng.uniform(8, 11), 1)
    if kind in gone:
        link = kind.removeprefix("gone ")
        place = {"wifi": WIFI, "access": ACCESS, "inter": INTER}[link]
        return draw_.scenario(place, "unreachable", network, ends_s=ends_s, factor=None,
                              links_onset=(LinkChange(f"{link}.both", {"outage": 1}),),
                              links_end=(LinkChange(f"{link}.both", {"outage": 0}),),
                              variant=kind)  # fmt: skip
    made = fault_of(draw_, network, kind)
    undone = tuple(
        LinkChange(one.direction, link_faults.well(network.link(one.direction.split(".")[0])))
        for one in made.get("links_onset", ())
    )
    return draw_.scenario(made.pop("place"), made.pop("condition"), network, ends_s=ends_s,
                          links_end=undone, variant=kind, **made)  # fmt: skip


def _tight(healthy: bool) -> Callable[[_Draw], Scenario]:
    """Routers answer about one question in a second or two, all askers together."""

    def make(draw_: _Draw) -> Scenario:
        shown(draw_, "highest", "lowest", low=0.2, high=0.75)
        network = plain(draw_, home=True, hops=3, server_router=True, silent=None)
        able = [router for router in network.routers if router not in network.silent]
        network = attrs.evolve(network, slow_icmp=tuple((router, 0.1) for router in able))
        limit = {"police_burst_bytes": 400.0, "police_bps": draw_.rng.choice((400.0, 900.0))}
        before = tuple(LinkChange(f"cpu-{router}.up", limit) for router in able)
        told = f"routers limit to {limit['police_bps']}"
        if healthy:
            draw_.severity = "none"
            return draw_.scenario("none", None, network, links_before=before, factor=None,
                                  onset_s=None, variant=told, rendition="auto")  # fmt: skip
        kind = draw_.rng.choice(_ANY)
        made = fault_of(draw_, network, kind)
        return draw_.scenario(made.pop("place"), made.pop("condition"), network,
                              links_before=before, variant=f"{kind} at {draw_.factor}, {told}",
                              **made)  # fmt: skip

    return make


def _silent(draw_: _Draw) -> Scenario:
    """The routers at both ends of the faulty link say nothing."""
    shown(draw_, "highest", "lowest", low=0.2, high=0.75)
    network = plain(draw_, home=True, hops=3, server_router=True)
    kind = draw_.rng.choice(("access", "core", "inter", "inter"))
    made = fault_of(draw_, network, kind)
    link = network.link(made["links_onset"][0].direction.split(".")[0])
    ends = (link.near, link.far)
    quiet = tuple(one for one in network.routers if one in ends or one in network.silent)
    slow = tuple(one for one in network.slow_icmp if one[0] not in quiet)
    network = attrs.evolve(network, silent=quiet, slow_icmp=slow)
    if draw_.rng.random() < 0.5:
        loss = round(link_faults.loss_for(draw_, network), 4)
        change = LinkChange(f"{link.name}.down", {"loss": loss})
        made |= {"condition": "lossy", "links_onset": (change,)}
    return draw_.scenario(made.pop("place"), made.pop("condition"), network,
                          variant=f"{link.name}, silent {quiet}", **made)  # fmt: skip


def _thin(draw_: _Draw) -> Scenario:
    """A line that carries hardly more than the film."""
    over = draw_.rng.uniform(1.06, 1.15)
    shown(draw_, "highest", "lowest", low=0.9, high=0.95)
    draw_.severity = "none"
    bps = round(draw_.needed_bps * over)
    network = plain(draw_, access_bps=(bps, bps), rate_of=(("access", bps),))
    return draw_.scenario("none", None, network, factor=None, onset_s=None,
                          variant=f"line at {over:.2f}")  # fmt: skip


def _blinks(draw_: _Draw) -> Scenario:
    """A Wi-Fi that is away for a moment each few seconds, and a film that doesn't mind."""
    shown(draw_, "lowest", "auto", low=0.9, high=0.95)
    draw_.severity = "none"
    network = plain(draw_, home=True, access_bps=(12_000_000, 20_000_000))
    changes, at = [], 3.0
    while at < LASTS_S:
        changes.append(LinkChange("wifi.both", {"outage": 1}, round(at, 2)))
        at += draw_.rng.uniform(0.2, 0.6)
        changes.append(LinkChange("wifi.both", {"outage": 0}, round(at, 2)))
        at += draw_.rng.uniform(4, 9)
    return draw_.scenario("none", None, network, links_onset=tuple(changes), factor=None,
                          onset_s=None, variant="wifi blinks")  # fmt: skip


SHAPES: Final[dict[str, Callable[[_Draw], Scenario]]] = {
    "mild": _kinds(0.85, 0.95),
    "hard": _kinds(0.02, 0.06),
    "blip": _blip,
    "tight": _tight(healthy=False),
    "silent": _silent,
    "well.tight": _tight(healthy=True),
    "well.thin": _thin,
    "well.blinks": _blinks,
}
