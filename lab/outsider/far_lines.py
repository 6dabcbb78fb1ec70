"""Lines that are restless by nature and harm nobody, beside a fault that has nothing to do with
them: a satellite that is another one each quarter of a minute, handovers, a radio that listens
elsewhere at times, a route that moves, a backup that stands in the queue upwards.

What is odd there comes and goes in mid-play, as a fault does, and at the place of one. Truth is the
fault. `kind` of each run is drawn: a server, the player, or another link.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import attrs

from lab.actions import Crowd, Habit, LinkChange
from lab.build import SEGMENT_S
from lab.outsider.draws import EDGE, INTER, LASTS_S, ORIGIN, fault_of, in_play, plain, shown
from lab.services import ServerFault
from lab.topology import Plan

if TYPE_CHECKING:
    from lab.scenarios import Scenario, _Draw

_SERVED: Final = ("edge", "think", "origin", "idle")
_BEFORE_S: Final = 15.0
"""What stands before Play begins so much earlier than the film, and must last longer."""


def elsewhere(draw_: _Draw, network: Plan, kind: str) -> dict[str, Any]:
    """A fault of this kind, as a scenario's values, beside whatever else is odd."""
    same = draw_.same_answers()
    if kind == "think":
        return {"place": EDGE, "condition": "overloaded", "truth_among": same,
                "edge_fault": ServerFault(think_s=draw_.think_s())}  # fmt: skip
    if kind == "origin":
        return {"place": ORIGIN, "condition": "slow", "truth_among": same,
                "origin_fault": ServerFault(rate_bps=draw_.capacity_bps),
                "service": attrs.evolve(draw_.service, warm=False)}  # fmt: skip
    if kind == "idle":
        assert draw_.factor is not None
        pause_s = round(min(25.0, SEGMENT_S / draw_.factor), 2)
        return {"place": "player", "condition": "idle", "habit": Habit(pause_s=pause_s)}
    return fault_of(draw_, network, kind)


def harmful(draw_: _Draw, low: float, high: float, *renditions: str) -> None:
    """A fault that is felt within the minute: a low rendition over a wide line fills its buffer
    first, so there it stands before Play."""
    shown(draw_, *(renditions or ("highest", "highest", "lowest")), low=low, high=high)
    if draw_.rendition != "highest":
        draw_.before, draw_.onset_s = True, None


def made(draw_: _Draw, network: Plan, fault: dict[str, Any], **more: Any) -> Scenario:
    return draw_.scenario(fault.pop("place"), fault.pop("condition"), network, **more, **fault)


def _beside(
    odd: Callable[[_Draw, Plan], tuple[LinkChange, ...]], kinds: tuple[str, ...], **wishes: Any
) -> Callable[[_Draw], Scenario]:
    """A fault of one of *kinds*, and *odd* from before Play to the end."""

    def make(draw_: _Draw) -> Scenario:
        harmful(draw_, 0.2, 0.75)
        network = plain(draw_, hops=3, server_router=True, **wishes)
        changes = odd(draw_, network)
        kind = draw_.rng.choice(kinds)
        return made(draw_, network, elsewhere(draw_, network, kind), links_before=changes,
                    variant=f"{kind} at {draw_.factor}")  # fmt: skip

    return make


def _leo(draw_: _Draw, network: Plan) -> tuple[LinkChange, ...]:
    """Low orbit: each 15 s another satellite, so another delay and rate, and a gap between them
    (as measured on Starlink by Mohan et al., WWW 2024, and Garcia et al., LEO-NET 2023)."""
    rng, rate = draw_.rng, network.link("access").down_bps
    changes, at = [], rng.uniform(0, 15)
    changes.append(LinkChange("access.both", {"delay_ms": 18, "jitter_ms": 6, "queue_ms": 150}))
    while at < LASTS_S + _BEFORE_S:
        changes.append(LinkChange("access.both", {"outage": 1}, round(at, 3)))
        gap_s = rng.uniform(0.06, 0.25)
        delay_ms = round(rng.uniform(11, 42), 1)
        back = {"outage": 0.0, "delay_ms": delay_ms, "jitter_ms": round(rng.uniform(3, 9), 1)}
        changes.append(LinkChange("access.both", back, round(at + gap_s, 3)))
        slower = {"rate_bps": float(round(rate * rng.uniform(0.55, 1.3)))}
        changes.append(LinkChange("access.down", slower, round(at + gap_s, 3)))
        at += 15
    return tuple(changes)


def _lte(draw_: _Draw, network: Plan) -> tuple[LinkChange, ...]:
    """A train: handovers in which the base stations keep all packets, grants that come by turns,
    and cells of other delay and rate."""
    rng, rate = draw_.rng, network.link("access").down_bps
    held = {"rate_bps": 16_000.0, "queue_bytes": 2e6}
    changes = [LinkChange("access.both", {"delay_ms": 22, "jitter_ms": 12, "codel": 0})]
    at = rng.uniform(0, 8)
    while at < LASTS_S + _BEFORE_S:
        changes.append(LinkChange("access.both", held, round(at, 3)))
        at += rng.uniform(0.15, 0.6)
        delay_ms, jitter_ms = round(rng.uniform(12, 38), 1), round(rng.uniform(5, 16), 1)
        cell = {"delay_ms": delay_ms, "jitter_ms": jitter_ms}
        changes.append(LinkChange("access.both", cell, round(at, 3)))
        down = {"rate_bps": float(round(rate * rng.uniform(0.6, 1.5)))}
        changes.append(LinkChange("access.down", down, round(at, 3)))
        changes.append(LinkChange("access.up", {"rate_bps": 4e6}, round(at, 3)))
        at += rng.uniform(5, 14)
    return tuple(changes)


def _scan(draw_: _Draw, network: Plan) -> tuple[LinkChange, ...]:
    """A radio that looks for other networks: nothing passes for a moment, nothing is lost."""
    rng, rate = draw_.rng, network.link("wifi").down_bps
    changes, at = [LinkChange("wifi.both", {"jitter_ms": 3})], rng.uniform(0, 5)
    while at < LASTS_S + _BEFORE_S:
        held = {"rate_bps": 16_000.0, "queue_bytes": 2e6}
        changes.append(LinkChange("wifi.both", held, round(at, 3)))
        at += rng.uniform(0.12, 0.45)
        changes.append(LinkChange("wifi.both", {"rate_bps": float(rate)}, round(at, 3)))
        at += rng.uniform(4, 9)
    return tuple(changes)


def _reroute(draw_: _Draw) -> Scenario:
    """The route to the service moves when the harm begins: another edge of the same address, and
    a farther and busier one (anycast, or a provider that moves traffic). Longer is no queue."""
    shown(draw_, "highest", low=0.3, high=0.9)
    in_play(draw_)
    network = plain(draw_, home=True, hops=3, server_router=True)
    link = draw_.rng.choice(("inter", "inter", "core2", "srv"))
    delay_ms = network.link(link).delay_ms
    far = {"delay_ms": round(delay_ms + draw_.rng.uniform(12, 60), 1), "jitter_ms": 1.0}
    kind = draw_.rng.choice(("edge", "think", "origin", "idle", "wifi"))
    fault = elsewhere(draw_, network, kind)
    at_s = draw_.rng.choice((0.0, 0.0, 5.0))
    moves = [LinkChange(f"{link}.both", far, at_s)]
    flaps = draw_.rng.random() < 0.4
    if flaps:
        while at_s < LASTS_S:
            at_s = round(at_s + draw_.rng.uniform(7, 14), 1)
            there = {"delay_ms": delay_ms} if len(moves) % 2 else far
            moves.append(LinkChange(f"{link}.both", there, at_s))
    fault["links_onset"] = (*moves, *fault.get("links_onset", ()))
    told = f"{link} by {far['delay_ms'] - delay_ms:.0f} ms{', flaps' if flaps else ''}"
    return made(draw_, network, fault, variant=f"{kind} at {draw_.factor}, {told}")


def _backup(draw_: _Draw) -> Scenario:
    """A backup stands in the queue upwards all evening, and the film bears it; a server does not
    deliver."""
    harmful(draw_, 0.15, 0.6, "lowest", "auto")
    network = plain(draw_, home=True, device=True, access_bps=(15_000_000, 25_000_000))
    up = {"rate_bps": float(draw_.rng.randrange(20, 50) * 100_000), "codel": 0.0,
          "queue_ms": float(draw_.rng.choice((80, 150, 250)))}  # fmt: skip
    kind = draw_.rng.choice((*_SERVED, "inter"))
    return made(draw_, network, elsewhere(draw_, network, kind),
                links_before=(LinkChange("access.up", up),),
                crowds_before=(Crowd("device", "world", draw_.rng.choice((1, 2))),),
                variant=f"{kind} at {draw_.factor}, backup in {up['queue_ms']:.0f} ms")  # fmt: skip


def _references(draw_: _Draw) -> Scenario:
    """Both references have an evening of their own: their own links are full. So all that the
    viewer can be compared with is as slow as the film."""
    harmful(draw_, 0.2, 0.75)
    network = plain(draw_, home=True, hops=3, server_router=True)
    changes = []
    for name in ("refa", "refb"):
        rate = float(draw_.rng.choice((700_000, 1_500_000)))
        values = {"rate_bps": rate, "queue_ms": 250.0, "codel": 0.0, "jitter_ms": 15.0}
        if draw_.rng.random() < 0.5:
            values["loss"] = round(draw_.rng.uniform(0.02, 0.08), 3)
        changes.append(LinkChange(f"{name}.down", values))
    kind = draw_.rng.choice((*_SERVED, "wifi", "inter"))
    fault = elsewhere(draw_, network, kind)
    fault["links_onset"] = (*changes, *fault.get("links_onset", ()))
    return made(draw_, network, fault, variant=f"{kind} at {draw_.factor}, references poor")


def _sick(draw_: _Draw) -> Scenario:
    """The edge's host is out of breath: what it serves is slow, and its pings and handshakes are
    late, too. Where it hangs on the border link itself, a late host and a queue before it look
    alike."""
    harmful(draw_, 0.2, 0.7)
    network = plain(draw_, hops=3)
    last = "srv" if network.has("srv") else "inter2" if network.has("inter2") else "inter"
    late = {"delay_ms": round(draw_.rng.uniform(15, 70), 1),
            "jitter_ms": round(draw_.rng.uniform(30, 120), 1)}  # fmt: skip
    kind = draw_.rng.choice(("edge", "think"))
    fault = elsewhere(draw_, network, kind)
    fault["links_onset"] = (LinkChange(f"{last}.down", late),)
    if last != "srv":
        fault["truth_among"] = (EDGE, INTER)
    told = f"{last} late by {late['delay_ms']}, {late['jitter_ms']}"
    return made(draw_, network, fault, variant=f"{kind} at {draw_.factor}, {told}")


def _late_router(draw_: _Draw) -> Scenario:
    """A router near the service answers late all evening, as many do; then the edge's host is out
    of breath. Each tells of itself, and together they look like one queue before the router."""
    shown(draw_, "highest", low=0.2, high=0.7)
    in_play(draw_)
    network = plain(draw_, hops=3, server_router=True, silent=None)
    router = draw_.rng.choice(("srouter", "srouter", "p3"))
    slow = ((router, round(draw_.rng.uniform(25, 90), 1)),)
    silent = tuple(one for one in network.silent if one != router)
    network = attrs.evolve(network, slow_icmp=slow, silent=silent)
    late = {"delay_ms": round(draw_.rng.uniform(15, 50), 1),
            "jitter_ms": round(draw_.rng.uniform(20, 60), 1)}  # fmt: skip
    kind = draw_.rng.choice(("edge", "think"))
    fault = elsewhere(draw_, network, kind)
    fault["links_onset"] = (LinkChange("srv.down", late),)
    told = f"edge late by {late['delay_ms']}, {router} always"
    return made(draw_, network, fault, variant=f"{kind} at {draw_.factor}, {told}")


def _busy_router(draw_: _Draw) -> Scenario:
    """A cheap home router answers pings late, and forwards at once. The trouble is behind it."""
    harmful(draw_, 0.2, 0.75)
    network = plain(draw_, home=True, hops=3, server_router=True, second_router=False)
    slow = ("home", round(draw_.rng.uniform(20, 70), 1))
    network = attrs.evolve(network, slow_icmp=(slow,))
    kind = draw_.rng.choice(("access", "inter", "edge", "think", "idle"))
    fault = elsewhere(draw_, network, kind)
    return made(draw_, network, fault, variant=f"{kind} at {draw_.factor}, router by {slow[1]} ms")


def _doze(draw_: _Draw) -> Scenario:
    """A radio that sleeps between packets, as phones and laptops on battery do: single small
    packets wait for the next beacon, and what comes in bulk keeps it awake. The trouble leaves it
    idle."""
    harmful(draw_, 0.2, 0.7)
    network = plain(draw_, home=True, hops=3, server_router=True)
    bulk = LinkChange("wifi.lane_down", {"take_tcp": 1.0, "take_over_bytes": 200.0})
    sleeps = LinkChange("wifi.down", {"jitter_ms": round(draw_.rng.uniform(40, 102), 1)})
    kind = draw_.rng.choice(("think", "idle", "think origin"))
    if kind == "think origin":
        fault: dict[str, Any] = {
            "place": ORIGIN, "condition": "slow", "truth_among": draw_.same_answers(),
            "origin_fault": ServerFault(think_s=draw_.think_s()),
            "service": attrs.evolve(draw_.service, warm=False),
        }  # fmt: skip
    else:
        fault = elsewhere(draw_, network, kind)
    told = f"{kind} at {draw_.factor}, beacons {sleeps.values['jitter_ms']}"
    return made(draw_, network, fault, links_before=(bulk, sleeps), variant=told)


def _icmp(draw_: _Draw) -> Scenario:
    """A network polices pings that pass through it and nothing else. TCP is untouched."""
    harmful(draw_, 0.2, 0.75)
    network = plain(draw_, home=True, hops=3, server_router=True)
    link = draw_.rng.choice(("inter", "inter", "core1", "core2"))
    lane = LinkChange(f"{link}.lane_down", {"take_tcp": 1.0})
    less = {"loss": round(draw_.rng.uniform(0.08, 0.35), 3)}
    if draw_.rng.random() < 0.5:
        less |= {"jitter_ms": 40.0}
    kind = draw_.rng.choice((*_SERVED, "wifi"))
    told = f"{kind} at {draw_.factor}, {link} drops {less} of pings"
    return made(draw_, network, elsewhere(draw_, network, kind), variant=told,
                links_before=(lane, LinkChange(f"{link}.down", less)))  # fmt: skip


_WIDE: Final[dict[str, Any]] = {"access_bps": (18_000_000, 30_000_000), "congestion": "cubic"}

LINES: Final[dict[str, Callable[[_Draw], Scenario]]] = {
    "leo": _beside(_leo, (*_SERVED, "inter", "wifi"), home=True, **_WIDE),
    "lte": _beside(_lte, (*_SERVED, "inter"), **_WIDE),
    "scan": _beside(_scan, (*_SERVED, "access", "inter"), home=True),
    "reroute": _reroute,
    "backup": _backup,
    "refs": _references,
    "sick": _sick,
    "late-router": _late_router,
    "busy-router": _busy_router,
    "doze": _doze,
    "icmp": _icmp,
}
