"""Films that play well amid restless networks (`odd.well.*`): whatever is told there is false.

Players that hold little, segments of nine seconds, servers that answer late and in time, viewers
that jump about, live streams near their edge. No repair would change what the viewer sees. Where
one thing is odd, and to blame if it were worse, truth is a near miss of its place; else "none".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import attrs

from lab.actions import Crowd, Habit, LinkChange
from lab.outsider.draws import ACCESS, EDGE, HIGH, INTER, LASTS_S, ORIGIN, in_play, plain, shown
from lab.services import DnsFault, ServerFault, SourceFault
from lab.topology import Plan

if TYPE_CHECKING:
    from lab.scenarios import Scenario, _Draw

_SETTLED_S: Final = 15.0
"""What stands before Play begins so much earlier than the film, and must last longer."""
HELD: Final = {"rate_bps": 16_000.0, "queue_bytes": 4e6}
"""Nothing passes, and nothing is lost."""


def well(draw_: _Draw, network: Plan, variant: str, **more: Any) -> Scenario:
    """Nothing is wrong."""
    draw_.severity = "none"
    return draw_.scenario(
        "none", None, network, **{"factor": None, "onset_s": None, "variant": variant, **more}
    )


def near(
    draw_: _Draw, network: Plan, place: str, condition: str, variant: str, **more: Any
) -> Scenario:
    """Something of this place that is borne."""
    draw_.severity = "near_miss"
    return draw_.scenario(
        place, condition, network, **{"factor": None, "onset_s": None, "variant": variant, **more}
    )


def acts(draw_: _Draw, **habit: Any) -> Habit:
    """A player or viewer of this habit; that player does not decode."""
    draw_.decode_passes = 0
    return Habit(**habit)


def _wide(draw_: _Draw, *renditions: str, **wishes: Any) -> Plan:
    """One of these renditions over a line that carries it several times."""
    shown(draw_, *renditions, low=0.9, high=0.95)
    base: dict[str, Any] = {"access_bps": (14_000_000, 25_000_000), "congestion": "cubic"}
    return plain(draw_, **{**base, **wishes})


def _restless(draw_: _Draw, network: Plan) -> tuple[LinkChange, ...]:
    """All of it at once: a jittery Wi-Fi that stands still for moments, late routers, pings that
    are dropped on the way, references in trouble, a route that moves; for a film it suffices."""
    rng, rate = draw_.rng, float(network.link("wifi").down_bps)
    slow = network.link("core2").delay_ms
    changes = [
        LinkChange("wifi.both", {"jitter_ms": round(rng.uniform(4, 15), 1)}),
        LinkChange("inter.lane_down", {"take_tcp": 1.0}),
        LinkChange("inter.down", {"loss": round(rng.uniform(0.1, 0.5), 2)}),
        LinkChange("refa.down", {"rate_bps": 900_000.0, "loss": round(rng.uniform(0.02, 0.1), 2)}),
        LinkChange("refb.both", {"outage": float(rng.random() < 0.5), "jitter_ms": 40.0}),
    ]
    at = rng.uniform(0, 6)
    while at < LASTS_S + _SETTLED_S:
        changes.append(LinkChange("wifi.both", HELD, round(at, 3)))
        at += rng.uniform(0.2, 0.8)
        changes.append(LinkChange("wifi.both", {"rate_bps": rate}, round(at, 3)))
        if rng.random() < 0.3:
            delay_ms = slow if rng.random() < 0.5 else slow + rng.uniform(10, 40)
            changes.append(LinkChange("core2.both", {"delay_ms": round(delay_ms, 1)}, round(at, 3)))
        at += rng.uniform(3, 8)
    return tuple(changes)


def _restless_viewer(draw_: _Draw) -> Scenario:
    """A restless network, and a viewer who jumps, pauses or changes the quality again and again."""
    network = _wide(draw_, "auto", "highest", "lowest", home=True, hops=3, server_router=True)
    router = (draw_.rng.choice(network.hops), round(draw_.rng.uniform(30, 150), 1))
    network = attrs.evolve(network, slow_icmp=(router,))
    before = _restless(draw_, network)
    in_play(draw_, 12.0, 17.0)
    kind = draw_.rng.choice(("seeks", "seeks", "pauses", "picks", "plays"))
    habits: dict[str, dict[str, Any]] = {
        "seeks": {"seek_s": draw_.rng.uniform(18, 25), "again_s": draw_.rng.uniform(16, 22)},
        "pauses": {"paused_s": draw_.rng.uniform(4, 9), "again_s": draw_.rng.uniform(5, 12)},
        "picks": {"choices": (0, 2, 1, 2), "every_s": draw_.rng.uniform(7, 12)},
        "plays": {"target_s": draw_.rng.uniform(9, 14)},
    }
    if kind == "picks":
        draw_.rendition = "auto"
    names = DnsFault("", round(draw_.rng.uniform(0.3, 0.9), 2)) if draw_.service.hosts else None
    return well(draw_, network, kind, links_before=before, dns_fault=names,
                onset_s=draw_.onset_s, habit=acts(draw_, **habits[kind]))  # fmt: skip


def _hiccups(draw_: _Draw) -> Scenario:
    """A link stands still for one to three seconds now and then, and a player that holds eight to
    fourteen bears it."""
    network = _wide(draw_, "highest", "lowest", home=True, hops=3, server_router=True)
    link = draw_.rng.choice(("wifi", "access", "core1", "inter", "srv"))
    in_play(draw_, 12.0, 18.0)
    target_s = round(draw_.rng.uniform(9, 14), 1)
    lossless = draw_.rng.random() < 0.7
    longest_s = min(3.4, target_s - 6.5) if lossless else 1.6
    changes, at = [], 0.0
    while at < LASTS_S:
        length_s = draw_.rng.uniform(0.6 * longest_s, longest_s)
        gone, back = (
            (HELD, {"rate_bps": float(network.link(link).down_bps)})
            if lossless
            else ({"outage": 1.0}, {"outage": 0.0})
        )
        changes.append(LinkChange(f"{link}.both", gone, round(at, 3)))
        changes.append(LinkChange(f"{link}.both", back, round(at + length_s, 3)))
        at += length_s + draw_.rng.uniform(8, 14)
    told = f"{link} {'still' if lossless else 'gone'} {longest_s:.1f} s, target {target_s} s"
    place = EDGE if link == "srv" else network.link(link).place
    return near(draw_, network, place, "unreachable", told, onset_s=draw_.onset_s,
                links_onset=tuple(changes), habit=acts(draw_, target_s=target_s))  # fmt: skip


def _late_answers(draw_: _Draw) -> Scenario:
    """Segments of nine seconds that a server packs when they are asked for: each answer begins
    after some seconds, and then all of it comes at once. The film always has enough."""
    network = _wide(draw_, "highest", "lowest", home=True)
    target_s = round(draw_.rng.uniform(9, 16), 1)
    think_s = round(min(draw_.rng.uniform(3, 6), (target_s - 3) / 1.5), 1)
    draw_.service = attrs.evolve(draw_.service, joined=3, warm=False)
    in_play(draw_, 6.0, 10.0)
    place = draw_.rng.choice((EDGE, ORIGIN))
    fault = {"edge_fault" if place == EDGE else "origin_fault": ServerFault(think_s=think_s)}
    return near(draw_, network, place, "overloaded" if place == EDGE else "slow",
                f"answers after {think_s} s, target {target_s} s", onset_s=draw_.onset_s,
                truth_among=draw_.same_answers(), habit=acts(draw_, target_s=target_s),
                **fault)  # fmt: skip


def _brink(draw_: _Draw) -> Scenario:
    """The same with less in hand, four seconds at worst, and from the same moment on something is
    odd elsewhere: a jittery Wi-Fi, pings that are dropped, references that are down. The film plays
    as if nothing were."""
    network = _wide(draw_, "highest", "lowest", "lowest", home=True, hops=3, server_router=True)
    target_s = round(draw_.rng.uniform(10, 13), 1)
    think_s = round((target_s - 4) / 1.4, 1)
    draw_.service = attrs.evolve(draw_.service, joined=3, warm=False)
    in_play(draw_, 8.0, 14.0)
    odd = draw_.rng.choice(("wifi", "wifi", "pings", "references"))
    before: tuple[LinkChange, ...] = ()
    if odd == "wifi":
        values = {"jitter_ms": round(draw_.rng.uniform(5, 15), 1), "rate_bps": 16_000_000.0}
        changes: tuple[LinkChange, ...] = (LinkChange("wifi.both", values),)
    elif odd == "pings":
        link = draw_.rng.choice(("core1", "inter"))
        before = (LinkChange(f"{link}.lane_down", {"take_tcp": 1.0}),)
        changes = (LinkChange(f"{link}.down", {"loss": round(draw_.rng.uniform(0.2, 0.7), 2)}),)
    else:
        changes = tuple(LinkChange(f"{name}.both", {"outage": 1}) for name in ("refa", "refb"))
    told = f"answers after {think_s} s, target {target_s} s, {odd}"
    return near(draw_, network, EDGE, "overloaded", told, onset_s=draw_.onset_s,
                truth_among=draw_.same_answers(), habit=acts(draw_, target_s=target_s),
                links_before=before, links_onset=changes,
                edge_fault=ServerFault(think_s=think_s))  # fmt: skip


def _long_segments(draw_: _Draw) -> Scenario:
    """Segments of nine seconds over a line of 1.3 to 1.7 times the film: for six seconds of nine
    the level falls as fast as it is played, and then it is back."""
    shown(draw_, "highest", low=0.9, high=0.95)
    over = draw_.rng.uniform(1.3, 1.7)
    bps = round(over * HIGH)
    network = plain(draw_, home=True, access_bps=(bps, bps), rate_of=(("access", bps),))
    target_s = round(9 / over + draw_.rng.uniform(3.5, 8), 1)
    at_once = draw_.rng.choice((1, 1, 2))
    if at_once == 2:
        target_s += 7
    draw_.service = attrs.evolve(draw_.service, joined=3, warm=False)
    return well(draw_, network, f"line {over:.2f}, target {target_s:.1f} s, {at_once} at once",
                habit=acts(draw_, target_s=target_s, at_once=at_once))  # fmt: skip


def _near_live(draw_: _Draw) -> Scenario:
    """Live, six to nine seconds behind: a cache keeps the list for some seconds, the source is
    uneven, the line restless."""
    kind = draw_.rng.choice(("kept", "uneven", "still", "far"))
    network = _wide(draw_, "auto", "highest", "lowest", home=True, hops=3, server_router=True)
    draw_.named(draw_.service.hosts, live=True)
    before = [LinkChange("wifi.both", {"jitter_ms": round(draw_.rng.uniform(3, 12), 1)})]
    more: dict[str, Any] = {}
    place, condition = "none", ""
    if kind == "kept":
        place, condition = EDGE, "failing"
        draw_.service = attrs.evolve(draw_.service, keeps_s=draw_.rng.choice((3, 4, 5)))
    elif kind == "uneven":
        place, condition = "service.source", "late"
        draw_.service = attrs.evolve(draw_.service, keeps_s=2)
        more["source_fault"] = SourceFault("jitter", jitter_s=round(draw_.rng.uniform(1, 2.2), 2))
    elif kind == "still":
        place, condition = ACCESS, "unreachable"
        rate, at = float(network.link("access").down_bps), draw_.rng.uniform(14, 20)
        while at < LASTS_S:
            before.append(LinkChange("access.both", HELD, round(at, 3)))
            at += draw_.rng.uniform(0.8, 1.8)
            before.append(LinkChange("access.both", {"rate_bps": rate}, round(at, 3)))
            at += draw_.rng.uniform(9, 14)
    else:
        far_ms = round(draw_.rng.uniform(70, 140), 1)
        before.append(LinkChange("inter.both", {"delay_ms": far_ms, "jitter_ms": 15}))
    more |= {"links_before": tuple(before), "settle_s": 4.0}
    if place == "none":
        return well(draw_, network, f"live, {kind}", **more)
    return near(draw_, network, place, condition, f"live, {kind}", **more)


def _start(draw_: _Draw) -> Scenario:
    """A far service over a line that suffices and is no wider: start-up takes long, and after each
    jump the buffer fills slowly."""
    shown(draw_, "highest", low=0.9, high=0.95)
    over = draw_.rng.uniform(1.25, 1.55)
    bps = round(over * HIGH)
    network = plain(draw_, access_bps=(bps, bps), rate_of=(("access", bps),), congestion="cubic")
    far = {"delay_ms": round(draw_.rng.uniform(30, 110), 1)}
    in_play(draw_, 13.0, 18.0)
    habit = acts(draw_, seek_s=draw_.rng.uniform(18, 25), again_s=draw_.rng.uniform(18, 24))
    return well(draw_, network, f"line {over:.2f}, inter {far['delay_ms']} ms, seeks", habit=habit,
                onset_s=draw_.onset_s, links_before=(LinkChange("inter.both", far),))  # fmt: skip


def _begins(draw_: _Draw) -> Scenario:
    """Something big begins beside the film, and enough is left: a download over a deep queue, a
    crowd at the border, a route that gets longer; or a VPN leads far away all along."""
    kind = draw_.rng.choice(("download", "download", "border", "route", "vpn"))
    wishes: dict[str, Any] = {"home": True, "device": True, "hops": 3, "server_router": True}
    more: dict[str, Any] = {}
    if kind == "download":
        queue_ms = float(draw_.rng.choice((150, 250, 400)))
        wishes |= {"access_bps": (24_000_000, 32_000_000), "queue_of": (("access", queue_ms),)}
        more["crowds"] = (Crowd("world", draw_.rng.choice(("device", "viewer")), 1),)
    elif kind == "border":
        wishes |= {"crowd_on": "inter", "rate_of": (("inter", 32_000_000),),
                   "queue_of": (("inter", 300.0),)}  # fmt: skip
        more["crowds"] = (Crowd("crowdsrc", "crowdsink", 3),)
    elif kind == "vpn":
        wishes["vpn"] = True
    network = _wide(draw_, "highest", **wishes)
    in_play(draw_, 14.0, 22.0)
    far = {"delay_ms": round(draw_.rng.uniform(50, 120), 1), "jitter_ms": 8.0}
    if kind == "route":
        more["links_onset"] = (LinkChange("core2.both", far),)
    elif kind == "vpn":
        more["links_before"] = (LinkChange("vpnl.both", far),)
    habit = acts(draw_, target_s=round(draw_.rng.uniform(10, 16), 1))
    more |= {"habit": habit, "onset_s": draw_.onset_s}
    told = f"{kind}, target {habit.target_s} s"
    if kind == "download":
        at_home = "network.home.sharing"
        more["truth_among"] = draw_.same_queue(network) if "device" in told else ()
        return near(draw_, network, at_home, "crowded", told, **more)
    if kind == "border":
        return near(draw_, network, INTER, "crowded", told, **more)
    return well(draw_, network, told, **more)


def _moody_server(draw_: _Draw) -> Scenario:
    """A server that has moments: it closes each connection, says 503 to some requests and serves
    them when asked again, is started anew and refuses connections for a second, or leaves what was
    asked in two of its seconds without an end, until the player gives it up."""
    kind = draw_.rng.choice(("closes", "some 503", "started anew", "some stop"))
    network = _wide(draw_, "highest", "lowest", home=True)
    draw_.service = attrs.evolve(draw_.service, closes=kind != "some stop")
    far_ms = round(draw_.rng.uniform(20, 80), 1)
    before = (LinkChange("inter.both", {"delay_ms": far_ms, "jitter_ms": 5.0}),)
    target_s = round(draw_.rng.uniform(12, 18) + (6 if kind == "some stop" else 0), 1)
    more: dict[str, Any] = {}
    in_play(draw_, 12.0, 20.0)
    assert draw_.onset_s is not None
    if kind == "some 503":
        more["edge_fault"] = ServerFault(status=503, hits="some", retry_s=1)
    elif kind == "started anew":
        more |= {"edge_fault": ServerFault(stop=True),
                 "ends_s": round(draw_.onset_s + draw_.rng.uniform(0.5, 2.5), 1)}  # fmt: skip
    elif kind == "some stop":
        more |= {"edge_fault": ServerFault(rate_bps=8, free_bytes=30_000),
                 "ends_s": round(draw_.onset_s + 2.5, 1)}  # fmt: skip
    habit = acts(draw_, target_s=target_s, retry_s=1.0)
    told = f"{kind}, inter {far_ms} ms, target {target_s} s"
    more |= {"habit": habit, "onset_s": draw_.onset_s, "links_before": before}
    if kind == "closes":
        return well(draw_, network, told, **more)
    return near(draw_, network, EDGE, "failing", told, **more)


def _moved(draw_: _Draw) -> Scenario:
    """The film is moved to a second delivery network, and then the way to the first one is gone,
    full or lossy: that is nobody's trouble any more. The line blinks at times, too."""
    network = _wide(draw_, "highest", "lowest", home=True, hops=3, server_router=True)
    draw_.service = attrs.evolve(draw_.service, second_after=draw_.rng.choice((2, 4)), hosts=0)
    in_play(draw_, 18.0, 24.0)
    link = draw_.rng.choice(("inter", "srv"))
    kind, values = draw_.rng.choice((
        ("gone", {"outage": 1.0}), ("lossy", {"loss": 0.3}),
        ("full", {"rate_bps": 40_000.0, "queue_bytes": 20_000.0}),
    ))  # fmt: skip
    changes, at = [LinkChange(f"{link}.both", values)], 3.0
    rate = float(network.link("access").down_bps)
    while at < LASTS_S:
        changes.append(LinkChange("access.both", HELD, round(at, 3)))
        at += draw_.rng.uniform(1.5, 3.0)
        changes.append(LinkChange("access.both", {"rate_bps": rate}, round(at, 3)))
        at += draw_.rng.uniform(8, 13)
    habit = acts(draw_, target_s=round(draw_.rng.uniform(10, 14), 1))
    return well(draw_, network, f"{link} {kind}, target {habit.target_s} s", habit=habit,
                onset_s=draw_.onset_s, links_onset=tuple(changes))  # fmt: skip


PEACE: Final[dict[str, Callable[[_Draw], Scenario]]] = {
    "well.restless": _restless_viewer,
    "well.hiccups": _hiccups,
    "well.late": _late_answers,
    "well.brink": _brink,
    "well.long": _long_segments,
    "well.live": _near_live,
    "well.start": _start,
    "well.begins": _begins,
    "well.moody": _moody_server,
    "well.moved": _moved,
}
