"""Ordinary trouble of the viewer's side (`own.*`): the computer, the radio, the others at home,
and the line, each over lines of five makes and to services near and far.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from lab.actions import CpuStarved, Crowd, LinkChange
from lab.outsider.draws import ACCESS, HIGH, LASTS_S, WIFI, in_play, reset
from lab.outsider.own_draws import (
    CROWDED,
    SHARING,
    as_measured,
    crowded,
    evening,
    film,
    laid,
    narrowed,
    noisy,
    sinking,
)

if TYPE_CHECKING:
    from lab.scenarios import Scenario, _Draw

_FIXED: Final = ("adsl", "vdsl", "cable", "fibre")


# -- the computer


def _throttled(draw_: _Draw) -> Scenario:
    """A computer that grows hot and is slowed down, alone or beside another program; over a line
    that could not be better."""
    rng = draw_.rng
    film(draw_, 0.2, 0.8, "highest", "auto")
    draw_.severity = "severe"
    draw_.decode_passes = rng.choice((100, 200))
    hogs = rng.choice((0, 0, 1, 4))
    device = CpuStarved(rng.randrange(14, 34) * (hogs + 1), hogs)
    network = laid(draw_, ("vdsl", "cable", "fibre"))
    return draw_.scenario(
        "device", "overloaded", network, device=device, factor=None,
        onset_s=round(rng.uniform(2, 28), 1),
        variant=f"{device.quota_permille} permille, {hogs} hogs, {draw_.decode_passes} passes",
    )  # fmt: skip


# -- the radio


def _far_room(draw_: _Draw) -> Scenario:
    """A room far from the router: the rate goes up and down as measured on the move, frames are
    late, some are lost."""
    film(draw_, 0.2, 0.7)
    network = laid(draw_, _FIXED, home=True)
    trace, changes = as_measured(draw_, "wifi", ("3G", "4G"),
                                 jitter_ms=round(draw_.rng.uniform(4, 20), 1), codel=0.0,
                                 queue_bytes=float(draw_.rng.choice((45_000, 150_000))),
                                 loss=round(draw_.rng.uniform(0, 0.01), 4))  # fmt: skip
    up = {"jitter_ms": 8.0, "rate_bps": 3e6}
    return draw_.scenario(WIFI, "unsteady", network, variant=f"as {trace} at {draw_.factor}",
                          links_onset=(*changes, LinkChange("wifi.up", up)))  # fmt: skip


def _walks(draw_: _Draw) -> Scenario:
    """The viewer walks away from the router, for ten seconds or twenty."""
    film(draw_, 0.1, 0.5)
    network = laid(draw_, _FIXED, home=True)
    over_s = draw_.rng.choice((10.0, 20.0))
    return draw_.scenario(WIFI, "slow", network, variant=f"in {over_s} s to {draw_.factor}",
                          links_onset=sinking(draw_, "wifi", 12e6, over_s),
                          settle_s=3.0)  # fmt: skip


def _interfered(draw_: _Draw) -> Scenario:
    """Frames are lost for good, one by one or in bursts (a microwave oven, a hidden station)."""
    film(draw_, 0.15, 0.55, "highest", "auto")
    network = laid(draw_, _FIXED, home=True, congestion=draw_.against_crowds())
    told, network, changes = noisy(draw_, network, "wifi")
    return draw_.scenario(WIFI, "lossy", network, variant=told, links_onset=changes)


def _channel(draw_: _Draw) -> Scenario:
    """Other people's networks are on the channel: for moments there is hardly any of it left, in
    both directions, and frames wait for long."""
    rng = draw_.rng
    film(draw_, 0.2, 0.6)
    network = laid(draw_, _FIXED, home=True)
    good = 2.2 * draw_.capacity_bps
    bad = 0.2 * draw_.capacity_bps
    changes, at = [], 0.0
    while at < LASTS_S:
        for rate, lengths in ((bad, (0.3, 2.0)), (good, (0.25, 1.6))):
            waits = {"jitter_ms": round(rng.uniform(10, 60), 1), "queue_bytes": 90_000.0}
            changes.append(
                LinkChange("wifi.both", {**waits, "rate_bps": float(round(rate))}, round(at, 2))
            )
            at += rng.uniform(*lengths)
    return draw_.scenario(WIFI, "unsteady", network, links_onset=tuple(changes),
                          variant=f"channel shared, {draw_.factor}")  # fmt: skip


# -- the others at home


def _household(draw_: _Draw) -> Scenario:
    """Others at home move so much that the film is left too little: downloads, pages, films of
    their own, television that heeds nothing."""
    film(draw_, 0.15, 0.6, *CROWDED)
    network = crowded(draw_, "access", (4.5, 18), (40, 120, 400, 1000), makes=_FIXED, home=True,
                      device=True)  # fmt: skip
    kind, crowds = evening(draw_, "world", "device", network.link("access").down_bps)
    return draw_.scenario(SHARING, "crowded", network, crowds=crowds, settle_s=5.0,
                          truth_among=draw_.same_queue(network),
                          variant=f"{kind}, {_rate(network.link('access').down_bps)}")  # fmt: skip


def _photos(draw_: _Draw) -> Scenario:
    """A telephone at home sends its pictures over a thin way up, whose queue is of seconds."""
    rng = draw_.rng
    film(draw_, 0.3, 0.6, "highest")
    network = laid(draw_, ("adsl", "vdsl", "cable"), home=True, device=True)
    up_bps = round(rng.uniform(0.4, 1.0) * 1e6)
    network = reset(network, "access", up_bps=up_bps, queue_ms=float(rng.choice((1800, 3000))),
                    codel=False)  # fmt: skip
    crowd = Crowd("device", "world", rng.choice((3, 6)), 3_000_000, 100)
    return draw_.scenario(SHARING, "crowded", network, crowds=(crowd,), settle_s=6.0, factor=None,
                          truth_among=draw_.same_queue(network),
                          variant=f"up {_rate(up_bps)}, {network.link('access').queue_ms} ms",
                          )  # fmt: skip


# -- the line


def _rate(bps: float) -> str:
    return f"{bps / 1e6:.1f} Mbit/s"


def _thin(draw_: _Draw) -> Scenario:
    """A line that has never been wide enough for this film (half a megabit to 2.8): long copper."""
    draw_.rendition, draw_.needed_bps = "highest", HIGH
    draw_.named(draw_.service.hosts, live=False)
    draw_.leave(draw_.rng.uniform(0.2, 0.92))
    draw_.severity = "severe" if draw_.factor is not None and draw_.factor < 0.4 else "moderate"
    draw_.before, draw_.onset_s = True, None
    network = laid(draw_, ("adsl",))
    return draw_.scenario(
        ACCESS, "slow", network, variant=f"copper of {_rate(draw_.capacity_bps)}",
        links_onset=(narrowed(draw_, "access"),),
    )  # fmt: skip


def _retrains(draw_: _Draw) -> Scenario:
    """DSL that loses its signal for eight to sixteen seconds and comes back slower."""
    film(draw_, 0.2, 0.65, "highest", "auto")
    in_play(draw_, 8, 18)
    network = laid(draw_, ("adsl", "vdsl"))
    gone_s = round(draw_.rng.uniform(8, 16), 1)
    changes = (
        LinkChange("access.both", {"outage": 1.0}),
        narrowed(draw_, "access"),
        LinkChange("access.both", {"outage": 0.0}, gone_s),
    )
    return draw_.scenario(ACCESS, "slow", network, links_onset=changes,
                          variant=f"gone for {gone_s} s, then {draw_.factor}")  # fmt: skip


def _segment(draw_: _Draw) -> Scenario:
    """An evening on a cable: neighbours fill what all of the street share."""
    film(draw_, 0.15, 0.6, *CROWDED)
    network = crowded(draw_, "access", (9, 24), (30, 100, 300), makes=("cable",), home=None,
                      crowd_on="access", neighbour=True)  # fmt: skip
    rate = network.link("access").down_bps
    kind, crowds = evening(draw_, "crowdsrc", "neighbour", rate)
    among = draw_.same_queue(network) if network.home_ip else ()
    return draw_.scenario(ACCESS, "crowded", network, crowds=crowds, settle_s=6.0,
                          truth_among=among, variant=f"{kind}, {_rate(rate)}")  # fmt: skip


def _impulses(draw_: _Draw) -> Scenario:
    """A noisy line, one packet at a time or in bursts that interleaving can't mend."""
    film(draw_, 0.15, 0.55, "highest", "auto")
    network = laid(draw_, congestion=draw_.against_crowds())
    told, network, changes = noisy(draw_, network, "access")
    return draw_.scenario(ACCESS, "lossy", network, variant=told, links_onset=changes)


def _cell(draw_: _Draw) -> Scenario:
    """A telephone whose rate goes as measured, behind a base station of some buffer or much."""
    film(draw_, 0.2, 0.7)
    network = laid(draw_, ("mobile",), home=False)
    queue_bytes = round(draw_.capacity_bps / 8 * draw_.rng.choice((0.2, 0.6, 1.5)))
    trace, changes = as_measured(draw_, "access", ("3G", "4G"), codel=0.0,
                                 queue_bytes=float(max(12_000, queue_bytes)))  # fmt: skip
    return draw_.scenario(ACCESS, "slow", network, links_onset=changes,
                          variant=f"as {trace} at {draw_.factor}")  # fmt: skip


def _allowance(draw_: _Draw) -> Scenario:
    """The month's volume is spent: a policer lets less through than the film needs."""
    film(draw_, 0.15, 0.75, "highest", "auto")
    network = laid(draw_, ("mobile", "cable", "vdsl"))
    burst = round(draw_.capacity_bps / 8 * draw_.rng.choice((0.1, 0.3, 1.0)))
    values = {"police_burst_bytes": float(max(9_000, burst)), "police_bps": draw_.capacity_bps}
    return draw_.scenario(ACCESS, "limited", network,
                          links_onset=(LinkChange("access.down", values),),
                          variant=f"policed at {draw_.factor}, burst {burst}")  # fmt: skip


def _line_gone(draw_: _Draw) -> Scenario:
    """The line is away, to the end or for half a minute."""
    film(draw_, 0.2, 0.5)
    onset_s = in_play(draw_, 8, 18)
    network = laid(draw_)
    gone = LinkChange("access.both", {"outage": 1.0})
    if draw_.rng.random() < 0.5:
        ends_s = round(onset_s + draw_.rng.uniform(33, 42), 1)
        back = LinkChange("access.both", {"outage": 0.0})
        return draw_.scenario(ACCESS, "unreachable", network, factor=None, links_onset=(gone,),
                              links_end=(back,), ends_s=ends_s,
                              variant=f"line away until {ends_s}")  # fmt: skip
    return draw_.scenario(ACCESS, "unreachable", network, factor=None, links_onset=(gone,),
                          variant="line away")  # fmt: skip


LINES: Final[dict[str, Callable[[_Draw], Scenario]]] = {
    "device.throttled": _throttled,
    "wifi.far-room": _far_room,
    "wifi.walks": _walks,
    "wifi.interfered": _interfered,
    "wifi.channel": _channel,
    "home.household": _household,
    "home.photos": _photos,
    "line.thin": _thin,
    "line.retrains": _retrains,
    "line.segment": _segment,
    "line.impulses": _impulses,
    "line.cell": _cell,
    "line.allowance": _allowance,
    "line.gone": _line_gone,
}
