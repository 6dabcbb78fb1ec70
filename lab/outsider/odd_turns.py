"""Faults of an odd time, beside odd company, or met by an odd player (`odd.*`), live and not.

They begin late and go, come twice, change in strength; something harmless elsewhere begins with
them; a service under attack lets no pings in; a film is moved to a second delivery network that is
too slow; live streams whose servers, caches or lines are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Literal

import attrs

from lab import link_faults
from lab.actions import Crowd, LinkChange
from lab.build import SEGMENT_S
from lab.outsider.draws import (
    ACCESS,
    EDGE,
    HIGH,
    INTER,
    ORIGIN,
    WIFI,
    fault_of,
    in_play,
    plain,
    shown,
)
from lab.outsider.far_lines import elsewhere, made
from lab.outsider.odd_peace import HELD, acts
from lab.services import ServerFault
from lab.topology import Plan

if TYPE_CHECKING:
    from lab.scenarios import Scenario, _Draw

SOURCE: Final = "service.source"


# -- live


def _live_served(draw_: _Draw) -> Scenario:
    """A live stream whose edge or origin is slow, fails at times, or keeps an old list. All that is
    seen of it is that nothing new comes."""
    kind = draw_.rng.choice(("edge", "think", "origin", "origin thinks", "kept", "errors"))
    shown(draw_, "highest", "lowest", low=0.3, high=0.75)
    draw_.named(draw_.service.hosts, live=True)
    network = plain(draw_, home=True, hops=3)
    if kind in ("edge", "think", "origin"):
        fault = elsewhere(draw_, network, kind)
    elif kind == "origin thinks":
        think_s = round(SEGMENT_S / draw_.factor, 2) if draw_.factor else 5.0
        fault = {"place": ORIGIN, "condition": "slow", "truth_among": draw_.same_answers(),
                 "origin_fault": ServerFault(think_s=think_s),
                 "service": attrs.evolve(draw_.service, warm=False)}  # fmt: skip
    elif kind == "kept":
        # from outside an encoder that stands and catches up looks the same
        keeps_s = draw_.rng.randrange(15, 26)
        fault = {"place": EDGE, "condition": "failing", "truth_among": (EDGE, ORIGIN, SOURCE),
                 "service": attrs.evolve(draw_.service, keeps_s=keeps_s)}  # fmt: skip
        kind = f"kept {keeps_s} s"
        draw_.before, draw_.onset_s = True, None
    else:
        fault = {"place": EDGE, "condition": "failing", "truth_among": draw_.same_answers(),
                 "edge_fault": ServerFault(status=503, hits="most", retry_s=4)}  # fmt: skip
        fault["habit"] = acts(draw_, retry_s=4.0)
    return made(draw_, network, fault, settle_s=4.0, variant=f"live, {kind} at {draw_.factor}")


def _live_lines(draw_: _Draw) -> Scenario:
    """A live stream, nine seconds behind at most, over a line that is narrow, lossy, or stands
    still again and again; half of the sources are uneven, and a cache keeps the list for two."""
    shown(draw_, "highest", "lowest", low=0.3, high=0.85)
    draw_.named(draw_.service.hosts, live=True)
    draw_.service = attrs.evolve(draw_.service, keeps_s=draw_.rng.choice((1, 2, 3)))
    network = plain(draw_, home=True, hops=3, server_router=True, congestion="cubic")
    name, place = draw_.rng.choice((("wifi", WIFI), ("access", ACCESS), ("inter", INTER)))
    kind = draw_.rng.choice(("slow", "lossy", "still"))
    if kind == "still":
        rate, at, changes = float(network.link(name).down_bps), 0.0, []
        while at < 110:
            changes.append(LinkChange(f"{name}.both", HELD, round(at, 3)))
            at += draw_.rng.uniform(4, 9)
            changes.append(LinkChange(f"{name}.both", {"rate_bps": rate}, round(at, 3)))
            at += draw_.rng.uniform(1, 3)
        fault: dict[str, Any] = {"condition": "unsteady", "links_onset": tuple(changes)}
    elif kind == "lossy":
        fault = {"condition": kind, "links_onset": link_faults.lossy(draw_, network, name)[1]}
    else:
        fault = {"condition": "crowded" if name == "inter" else "slow",
                 "links_onset": link_faults.slow(draw_, name)}  # fmt: skip
    fault["place"] = place
    return made(draw_, network, fault, settle_s=4.0,
                variant=f"live, {name} {kind} at {draw_.factor}")  # fmt: skip


# -- late, short, twice


def _late(draw_: _Draw) -> Scenario:
    """Half a minute of peace, then ten to fifteen seconds of a fault; half of them come twice, or
    wax and wane."""
    shown(draw_, "highest", low=0.03, high=0.25)
    network = plain(draw_, home=True, hops=3, server_router=True,
                    access_bps=(round(1.2 * HIGH), round(1.4 * HIGH)))  # fmt: skip
    in_play(draw_, 25.0, 38.0)
    assert draw_.onset_s is not None
    lasts_s = round(draw_.rng.uniform(10, 15), 1)
    kind = draw_.rng.choice(
        ("wifi", "access", "core", "inter", "edge", "think", "origin", "gone wifi", "gone inter")
    )
    gone = kind.startswith("gone ")
    shape = draw_.rng.choice(("once", "twice", "twice" if gone else "wanes"))
    if gone:
        name = kind.removeprefix("gone ")
        fault: dict[str, Any] = {
            "place": WIFI if name == "wifi" else INTER, "condition": "unreachable",
            "links_onset": (LinkChange(f"{name}.both", {"outage": 1}),),
        }  # fmt: skip
    else:
        fault = elsewhere(draw_, network, kind)
    links = fault.get("links_onset", ())
    if not links or shape == "once":
        undone = tuple(_undone(network, one) for one in links)
        return made(draw_, network, fault, ends_s=round(draw_.onset_s + lasts_s, 1),
                    links_end=undone, variant=f"{kind} for {lasts_s} s")  # fmt: skip
    if shape == "twice":
        again_s = round(lasts_s + draw_.rng.uniform(8, 14), 1)
        more = [attrs.evolve(_undone(network, one), after_s=lasts_s) for one in links]
        more += [attrs.evolve(one, after_s=again_s) for one in links]
        fault["phases_s"] = ((0.0, lasts_s), (again_s, 110.0))
    else:
        # a little of it, enough for no film; then more than enough; then hardly enough
        name = links[0].direction.split(".")[0]
        more = [
            LinkChange(f"{name}.down", {"rate_bps": round(part * HIGH)},
                       round(lasts_s * (number + 1) / 2, 1))
            for number, part in enumerate((0.8, 2.5, 0.5))
        ]  # fmt: skip
    fault["links_onset"] = (*links, *more)
    return made(draw_, network, fault, variant=f"{kind} for {lasts_s} s, {shape}")


def _undone(network: Plan, change: LinkChange) -> LinkChange:
    name = change.direction.split(".")[0]
    values = {**link_faults.well(network.link(name)), "outage": 0.0}
    if change.direction.endswith(".both"):
        values = {"outage": 0.0}
    return LinkChange(change.direction, values)


# -- company


def _decoy(draw_: _Draw) -> Scenario:
    """With the fault something else begins, elsewhere, and it harms nobody: a download at home, a
    crowd at the border, a worse Wi-Fi, a router that is late, pings that get lost, references that
    go down."""
    decoy = draw_.rng.choice(
        ("download", "here", "border", "wifi", "wifi", "router", "pings", "references")
    )
    shown(draw_, "highest", low=0.2, high=0.75)
    in_play(draw_, 12.0, 20.0)
    wishes: dict[str, Any] = {"access_bps": (16_000_000, 26_000_000), "congestion": "cubic"}
    if decoy == "border":
        wishes |= {"crowd_on": "inter", "rate_of": (("inter", 30_000_000),),
                   "queue_of": (("inter", 60.0),)}  # fmt: skip
    network = plain(draw_, home=True, device=True, hops=3, server_router=True, **wishes)
    more: dict[str, Any] = {}
    changes: tuple[LinkChange, ...] = ()
    kinds = ["edge", "think", "origin", "idle"]
    if decoy in ("download", "here"):
        more["crowds"] = (Crowd("world", "device" if decoy == "download" else "viewer", 1),)
    elif decoy == "border":
        more["crowds"] = (Crowd("crowdsrc", "crowdsink", 3),)
        kinds.append("wifi")
    elif decoy == "wifi":
        values = {"rate_bps": float(draw_.rng.randrange(9, 16) * 1_000_000), "queue_ms": 60.0,
                  "jitter_ms": round(draw_.rng.uniform(5, 15), 1), "loss": 0.0005}  # fmt: skip
        changes = (LinkChange("wifi.both", values),)
        kinds += ["inter", "core"]
    elif decoy == "router":
        router = draw_.rng.choice(network.routers)
        silent = tuple(one for one in network.silent if one != router)
        network = attrs.evolve(network, slow_icmp=((router, 0.1),), silent=silent)
        late = {"delay_ms": round(draw_.rng.uniform(30, 150), 1), "jitter_ms": 30.0}
        changes = (LinkChange(f"cpu-{router}.up", late),)
    elif decoy == "pings":
        link = draw_.rng.choice(("core1", "core2", "inter"))
        more["links_before"] = (LinkChange(f"{link}.lane_down", {"take_tcp": 1.0}),)
        changes = (LinkChange(f"{link}.down", {"loss": round(draw_.rng.uniform(0.15, 0.6), 2)}),)
        kinds.append("wifi")
    else:
        changes = tuple(LinkChange(f"{name}.both", {"outage": 1}) for name in ("refa", "refb"))
        kinds += ["wifi", "inter"]
    kind = draw_.rng.choice(kinds)
    fault = elsewhere(draw_, network, kind)
    fault["links_onset"] = (*changes, *fault.get("links_onset", ()))
    return made(draw_, network, fault, variant=f"{kind} at {draw_.factor}, decoy {decoy}", **more)


def _attack(draw_: _Draw) -> Scenario:
    """The service is attacked: its edge is out of breath, and what protects it drops pings on the
    border from the same moment on, or leads all that comes through a farther place. Handshakes and
    answers pass."""
    shown(draw_, "highest", low=0.2, high=0.7)
    in_play(draw_)
    network = plain(draw_, home=True, hops=3, server_router=True)
    link = draw_.rng.choice(("inter", "srv"))
    changes = [LinkChange(f"{link}.down", {"loss": draw_.rng.choice((0.5, 0.9, 1.0))})]
    if far := draw_.rng.random() < 0.5:
        delay_ms = round(network.link("inter").delay_ms + draw_.rng.uniform(10, 40), 1)
        moved = {"delay_ms": delay_ms}
        changes += [LinkChange(f"inter.{way}", moved) for way in ("both", "lane_both")]
    before = (LinkChange(f"{link}.lane_down", {"take_tcp": 1.0}),)
    kind = draw_.rng.choice(("edge", "think", "errors"))
    if kind == "errors":
        fault: dict[str, Any] = {
            "place": EDGE, "condition": "overloaded", "truth_among": draw_.same_answers(),
            "edge_fault": ServerFault(status=503, hits="most", retry_s=5),
            "habit": acts(draw_, retry_s=5.0),
        }  # fmt: skip
    else:
        fault = elsewhere(draw_, network, kind)
    fault["links_onset"] = tuple(changes)
    return made(draw_, network, fault, links_before=before,
                variant=f"{kind} at {draw_.factor}, {link} drops pings"
                f"{', far' if far else ''}")  # fmt: skip


def _retry(draw_: _Draw) -> Scenario:
    """An overloaded edge says 503 and when to come again, and closes each connection; the player
    obeys, and asks for nothing until then."""
    shown(draw_, "highest", low=0.2, high=0.6)
    retry_s = draw_.rng.choice((5, 10, 15))
    hits: Literal["most", "all", "third"] = draw_.rng.choice(("most", "all", "third"))
    draw_.service = attrs.evolve(draw_.service, closes=True)
    in_play(draw_)
    network = plain(draw_, home=True)
    fault = ServerFault(status=503, hits=hits, retry_s=retry_s)
    return draw_.scenario(EDGE, "overloaded", network, edge_fault=fault, factor=None,
                          habit=acts(draw_, retry_s=float(retry_s), target_s=14.0),
                          truth_among=draw_.same_answers(),
                          variant=f"503 to {hits}, retry after {retry_s} s")  # fmt: skip


def _second(draw_: _Draw) -> Scenario:
    """The film is moved to a second delivery network that is too slow; the first one is well, or
    its way was lost, which is why. Only the second one's repair would help: all that is asked for
    now is there."""
    shown(draw_, "highest", low=0.2, high=0.75)
    draw_.service = attrs.evolve(
        draw_.service, second_after=draw_.rng.choice((2, 4)), second_bps=draw_.capacity_bps, hosts=0
    )
    draw_.before, draw_.onset_s = True, None
    network = plain(draw_, home=True, hops=3, server_router=True)
    first = draw_.rng.choice(("well", "gone", "lossy", "slow"))
    values: dict[str, float] = {
        "well": {}, "gone": {"outage": 1.0}, "lossy": {"loss": 0.2},
        "slow": {"rate_bps": 100_000.0, "queue_bytes": 30_000.0},
    }[first]  # fmt: skip
    later_s = round(draw_.rng.uniform(16, 20), 1)  # what was asked of the first has come
    changes = (LinkChange("inter.both", values, later_s),) if values else ()
    return draw_.scenario(EDGE, "slow", network, links_onset=changes, truth_among=(EDGE, ORIGIN),
                          variant=f"second at {draw_.factor}, first {first}")  # fmt: skip


def _apart(draw_: _Draw) -> Scenario:
    """Lists come from one host, all media from another network's, as with most services; the second
    is too slow. On the way to the first, which nobody needs any more, pings are lost or wait."""
    shown(draw_, "highest", low=0.2, high=0.75)
    draw_.service = attrs.evolve(
        draw_.service, second_after=0, second_bps=draw_.capacity_bps, hosts=0
    )
    draw_.before, draw_.onset_s = True, None
    network = plain(draw_, home=True, hops=3, server_router=True)
    first = draw_.rng.choice(("lossy", "late", "gone"))
    values: dict[str, float] = {
        "lossy": {"loss": 0.15}, "late": {"jitter_ms": 60.0}, "gone": {"outage": 1.0},
    }[first]  # fmt: skip
    changes = (LinkChange("inter.both", values, 12.0),)
    return draw_.scenario(EDGE, "slow", network, links_onset=changes, truth_among=(EDGE, ORIGIN),
                          variant=f"media apart at {draw_.factor}, lists {first}")  # fmt: skip


# -- the way up, the player


def _up(draw_: _Draw) -> Scenario:
    """What the viewer sends has a few tens of kilobits: a modem that lost its channels upwards, or
    a laptop's weak transmitter. Acknowledgements crawl, and so does all that they call for."""
    shown(draw_, "highest", low=0.2, high=0.6)
    network = plain(draw_, home=True, hops=3, server_router=True)
    name, place = draw_.rng.choice((("access", ACCESS), ("wifi", WIFI), ("inter", INTER)))
    # an acknowledgement of 52 bytes for two segments of 1448
    rate = max(8_000, round(draw_.capacity_bps * 52 / 2896 * draw_.rng.uniform(0.4, 0.9)))
    queue = float(draw_.rng.choice((3_000, 10_000, 30_000)))
    changes = (LinkChange(f"{name}.up", {"rate_bps": float(rate), "queue_bytes": queue}),)
    return draw_.scenario(place, "crowded" if name == "inter" else "slow", network,
                          links_onset=changes, variant=f"{name} up {rate} bit/s")  # fmt: skip


def _made(draw_: _Draw) -> Scenario:
    """An ordinary fault, and a player of another make: segments of nine seconds, a buffer of eight,
    several connections at once, or a server that closes each."""
    shown(draw_, "highest", low=0.2, high=0.75)
    network = plain(draw_, home=True, hops=3, server_router=True)
    make = draw_.rng.choice(("long", "long", "small", "several", "closes"))
    habits: dict[str, dict[str, Any]] = {"long": {"target_s": 20.0}, "small": {"target_s": 8.0},
             "several": {"at_once": 3}, "closes": {"target_s": 12.0}}  # fmt: skip
    if make in ("long", "closes"):
        draw_.service = attrs.evolve(
            draw_.service, joined=3 if make == "long" else 1, closes=make == "closes",
            warm=draw_.service.warm and make != "long",
        )  # fmt: skip
    in_play(draw_)
    kind = draw_.rng.choice(("wifi", "access", "core", "inter", "edge", "think"))
    fault = elsewhere(draw_, network, kind) if kind == "think" else fault_of(draw_, network, kind)
    return made(draw_, network, fault, variant=f"{kind} at {draw_.factor}, {make}",
                habit=acts(draw_, **habits[make]))  # fmt: skip


TURNS: Final[dict[str, Callable[[_Draw], Scenario]]] = {
    "live.served": _live_served,
    "live.lines": _live_lines,
    "late": _late,
    "decoy": _decoy,
    "attack": _attack,
    "retry": _retry,
    "second": _second,
    "apart": _apart,
    "up": _up,
    "made": _made,
}
