"""What ways do: a radio that repeats itself, a queue of seconds, a satellite, a policer far out."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import attrs

from lab import link_faults, traces
from lab.actions import Crowd, LinkChange
from lab.outsider.draws import ACCESS, CORE, EDGE, HIGH, INTER, LASTS_S, WIFI, plain, reset, shown
from lab.services import ServerFault

if TYPE_CHECKING:
    from lab.scenarios import Scenario, _Draw

FULL: Final = ("highest", "highest", "lowest")


def _retries(draw_: _Draw) -> Scenario:
    """The medium stands still again and again while frames are sent anew; nothing is lost."""
    shown(draw_, *FULL, low=0.2, high=0.7)
    network = plain(draw_, home=True)
    rate = network.link("wifi").down_bps
    stand, clear = draw_.rng.choice(
        (((0.5, 1.5), (0.05, 0.25)), ((1.2, 3.5), (0.05, 0.2)))
    )
    changes, at = [], 0.0
    still = {"rate_bps": 16_000, "queue_bytes": 4e6}
    while at < LASTS_S:
        changes.append(LinkChange("wifi.both", still, round(at, 2)))
        at += draw_.rng.uniform(*stand)
        changes.append(LinkChange("wifi.both", {"rate_bps": rate}, round(at, 2)))
        at += draw_.rng.uniform(*clear)
    return draw_.scenario(WIFI, "unsteady", network, links_onset=tuple(changes), factor=None,
                          variant=f"stands {stand} clear {clear}")  # fmt: skip


def _outages(
    link: str, place: str, gone: tuple[float, float], back: tuple[float, float]
) -> Callable[[_Draw], Scenario]:
    """A link that is away for seconds, and comes back."""

    def make(draw_: _Draw) -> Scenario:
        shown(draw_, "highest", low=0.3, high=0.7)
        network = plain(draw_, home=True if place == WIFI else None, server_router=True, hops=2,
                        access_bps=(round(1.35 * HIGH), round(1.8 * HIGH)))  # fmt: skip
        changes, at = [], 0.0
        while at < LASTS_S:
            changes.append(LinkChange(f"{link}.both", {"outage": 1}, round(at, 2)))
            at += draw_.rng.uniform(*gone)
            changes.append(LinkChange(f"{link}.both", {"outage": 0}, round(at, 2)))
            at += draw_.rng.uniform(*back)
        return draw_.scenario(place, "unreachable", network, links_onset=tuple(changes),
                              factor=None, variant=f"{link} gone {gone} back {back}")  # fmt: skip

    return make


def _router(draw_: _Draw) -> Scenario:
    """A home router that forwards slowly and answers pings at once. From outside that is the line,
    or what fills it: no name is asked for that leaves these out."""
    shown(draw_, "highest", "lowest", low=0.2, high=0.75)
    network = plain(draw_, home=True, second_router=False)
    assert network.home_ip is not None
    own = float(int(ipaddress.IPv4Address(network.home_ip)))
    changes = (LinkChange("wifi.lane_down", {"take_host": own}), *link_faults.slow(draw_, "wifi"))
    return draw_.scenario(WIFI, "slow", network, links_onset=changes,
                          variant="router forwards slowly",
                          truth_among=(WIFI, "network.home.sharing", ACCESS))  # fmt: skip


def _steps(draw_: _Draw) -> Scenario:
    """The border's capacity falls in steps."""
    shown(draw_, "highest", "lowest", low=0.25, high=0.6)
    network = plain(draw_, server_router=True)
    queue_s = draw_.rng.choice((0.05, 0.2, 0.8))
    changes, at = [], 0.0
    for part in (1.6, 1.1, 0.8, draw_.factor, draw_.factor * 0.7):
        rate = round(part * draw_.needed_bps)
        values = {"rate_bps": rate, "queue_bytes": float(max(6000, round(rate * queue_s / 8)))}
        changes.append(LinkChange("inter.down", values, round(at, 2)))
        at += draw_.rng.uniform(5, 9)
    draw_.before, draw_.onset_s = True, None
    return draw_.scenario(INTER, "crowded", network, links_onset=tuple(changes),
                          variant=f"steps, queue {queue_s} s")  # fmt: skip


def _police(draw_: _Draw) -> Scenario:
    """A policer far out, with a big burst."""
    shown(draw_, *FULL, low=0.25, high=0.8)
    place = draw_.rng.choice((CORE, INTER))
    network = plain(draw_, hops=3, server_router=True)
    link = draw_.rng.choice(network.links_at(place))
    burst = float(draw_.rng.choice((300_000, 1_000_000, 3_000_000)))
    burst /= 1 if draw_.rendition == "highest" else 6
    values = {"police_burst_bytes": float(round(burst)), "police_bps": draw_.capacity_bps}
    return draw_.scenario(place, "lossy", network, variant=f"{link} policed, burst {burst:.0f}",
                          links_onset=(LinkChange(f"{link}.down", values),))  # fmt: skip


def _web(draw_: _Draw) -> Scenario:
    """A crowd of very short flows, over a link with CoDel or without."""
    shown(draw_, "highest", low=0.1, high=0.35)
    rate = draw_.rng.randrange(9, 20) * 1_000_000
    network = plain(draw_, crowd_on="inter", rate_of=(("inter", rate),), congestion="cubic",
                    queue_of=(("inter", 200.0),), server_router=True)  # fmt: skip
    flows = min(250, max(30, round(rate / draw_.capacity_bps) * 4))
    crowd = Crowd("crowdsrc", "crowdsink", flows, draw_.rng.choice((30_000, 80_000)), 40)
    codel = draw_.rng.choice((0, 1))
    return draw_.scenario(INTER, "crowded", network, settle_s=6.0, crowds=(crowd,),
                          links_before=(LinkChange("inter.both", {"codel": codel}),),
                          service=attrs.evolve(draw_.service, warm=True),
                          variant=f"{flows} short flows, codel {codel}")  # fmt: skip


def _back(draw_: _Draw) -> Scenario:
    """The way back, another one than the way there, is too narrow."""
    shown(draw_, "highest", "lowest", low=0.2, high=0.75)
    network = plain(draw_, long_way_back=True)
    return draw_.scenario(INTER, "crowded", network, variant="back slow",
                          links_onset=link_faults.slow(draw_, "back"))  # fmt: skip


def _far_loss(draw_: _Draw) -> Scenario:
    """A loss that only TCP over a long way minds."""
    shown(draw_, "highest", low=0.2, high=0.6)
    place = draw_.rng.choice((WIFI, ACCESS, CORE, INTER))
    network = plain(draw_, home=True, hops=3, server_router=True,
                    congestion=draw_.rng.choice(("cubic", "reno")))  # fmt: skip
    far_ms = round(draw_.rng.uniform(50, 110), 1)
    network = reset(network, "inter", delay_ms=far_ms)
    loss = round(draw_.rng.uniform(0.006, 0.02), 4)
    link = draw_.rng.choice(network.links_at(place))
    return draw_.scenario(place, "lossy", network, variant=f"{link} loss {loss}, inter {far_ms} ms",
                          links_onset=(LinkChange(f"{link}.down", {"loss": loss}),))  # fmt: skip


def _queue(draw_: _Draw) -> Scenario:
    """A narrow line whose queue is tiny, or seconds long."""
    shown(draw_, "highest", "lowest", low=0.25, high=0.85)
    queue_s = draw_.rng.choice((0.008, 0.015, 2.0, 4.0))
    return _narrow(draw_, queue_s, f"queue {queue_s} s", least_bytes=3200)


def _queue_and_names(draw_: _Draw) -> Scenario:
    """The queue is seconds long, and segments are under many names."""
    shown(draw_, "highest", "lowest", low=0.3, high=0.85)
    draw_.named(draw_.rng.choice((8, 12)), live=False)
    queue_s = draw_.rng.choice((1.0, 2.0, 4.0))
    return _narrow(draw_, queue_s, f"queue {queue_s} s, {draw_.service.hosts} names")


def _narrow(draw_: _Draw, queue_s: float, variant: str, least_bytes: int = 0) -> Scenario:
    network = plain(draw_)
    queue_bytes = max(least_bytes, round(draw_.capacity_bps * queue_s / 8))
    values = {"rate_bps": float(draw_.capacity_bps), "codel": 0.0,
              "queue_bytes": float(queue_bytes)}  # fmt: skip
    return draw_.scenario(ACCESS, "slow", network, variant=variant,
                          links_onset=(LinkChange("access.down", values),))  # fmt: skip


def _mobile(draw_: _Draw) -> Scenario:
    """A phone: a trace, and a base station that keeps seconds of packets."""
    shown(draw_, "highest", "lowest", low=0.3, high=0.75)
    trace = draw_.rng.choice(traces.names(("3G", "4G")))
    rows = traces.stretch(trace, draw_.rng, LASTS_S)
    by = draw_.capacity_bps / max(1.0, traces.mean_bps(rows))
    network = plain(draw_, home=False)
    queue_bytes = round(draw_.rng.choice((1.5, 4.0)) * draw_.capacity_bps / 8)
    changes = tuple(
        LinkChange("access.down", {"rate_bps": bps, "queue_bytes": queue_bytes, "codel": 0,
                                   "jitter_ms": 12}, at_s)
        for at_s, bps in traces.scaled(rows, by)
    )  # fmt: skip
    return draw_.scenario(ACCESS, "slow", network, links_onset=changes,
                          variant=f"as {trace}, deep")  # fmt: skip


def in_orbit(draw_: _Draw) -> LinkChange:
    """The line goes over a satellite."""
    delay_ms = round(draw_.rng.uniform(260, 300), 1)
    return LinkChange("access.both", {"delay_ms": delay_ms, "jitter_ms": 8, "queue_ms": 400})


def satellite(fault: str) -> Callable[[_Draw], Scenario]:
    """A satellite, and a slow edge, a slow Wi-Fi, or nothing wrong ("none")."""

    def make(draw_: _Draw) -> Scenario:
        fully = ("highest",) if fault != "none" else ()
        shown(draw_, "lowest", "auto", *fully, low=0.2, high=0.7)
        network = plain(draw_, home=True, access_bps=(12_000_000, 25_000_000), congestion="cubic")
        before = (in_orbit(draw_),)
        if fault == "edge":
            return draw_.scenario(EDGE, "slow", network, links_before=before, variant="edge paced",
                                  edge_fault=ServerFault(rate_bps=draw_.capacity_bps),
                                  truth_among=draw_.same_answers())  # fmt: skip
        if fault == "wifi":
            return draw_.scenario(WIFI, "slow", network, links_before=before, variant="wifi slow",
                                  links_onset=link_faults.slow(draw_, "wifi"))  # fmt: skip
        draw_.severity = "none"
        return draw_.scenario("none", None, network, links_before=before, factor=None,
                              onset_s=None, variant="satellite")  # fmt: skip

    return make


WAYS: Final[dict[str, Callable[[_Draw], Scenario]]] = {
    "wifi.retries": _retries,
    "wifi.outages": _outages("wifi", WIFI, (1.8, 2.6), (4.0, 7.0)),
    "inter.outages": _outages("inter", INTER, (0.8, 3.5), (2.0, 6.0)),
    "router.slow": _router,
    "inter.steps": _steps,
    "far.police": _police,
    "inter.web": _web,
    "back.slow": _back,
    "far.loss": _far_loss,
    "access.queue": _queue,
    "deep.named": _queue_and_names,
    "access.mobile": _mobile,
    "sat.edge": satellite("edge"),
    "sat.wifi": satellite("wifi"),
    "well.sat": satellite("none"),
}
