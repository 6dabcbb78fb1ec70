"""Downloads and backups in the home: of other programs on the viewer's own computer, or harmless.

In `here.download` and `here.upload` a program on the viewer's computer is the fault: it fills the
home's line, and the film gets what is left. That is other traffic of the home's, and this
computer's own counters see it. In the families called `busy.<family>` such a program, or another
device, moves data all along and harms nobody: enough of the line is left, and the fault, if there
is one, is elsewhere. Both are needed: who has seen only the first takes every download for the
culprit.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import attrs

from lab.actions import Crowd
from lab.beside import Kind, Oddity
from lab.topology import Plan
from lab.upward import fill_line

if TYPE_CHECKING:
    from lab.scenarios import Scenario, _Draw

BEHIND: Final = "world"
"""Where programs get their data from."""
_ENOUGH_BPS: Final = (14_000_000, 20_000_000)
"""Lines on which one or two bulk flows leave the film more than its top rendition needs."""
_NOT_BESIDE: Final = (
    "sharing.", "player.misjudged", "two.", "vpn.", "split.", "healthy.viewer",
)  # fmt: skip
"""A program would be a part of these faults, or its flows go another way, or the line is narrow."""


def may_stand_beside(family: str) -> bool:
    """Whether a program that harms nobody can run all along in a run of *family* (a plain one)."""
    return not family.startswith(_NOT_BESIDE)


def draw(rng: random.Random) -> Oddity:
    """A program, here or on another device, that harms nobody."""
    name = rng.choice(tuple(_KINDS))
    return Oddity(name, _KINDS[name], rng)


def _wishes(_: random.Random) -> dict[str, Any]:
    return {
        "home": True, "device": True, "access_bps": _ENOUGH_BPS, "vpn": False, "split": False,
        "congestion": "cubic",
    }  # fmt: skip


def _kind(crowd_of: Callable[[random.Random, Plan], Crowd]) -> Kind:
    def put(rng: random.Random, scenario: Scenario) -> Scenario:
        return attrs.evolve(scenario, crowds_before=(crowd_of(rng, scenario.network),))

    return Kind(1, _NOT_BESIDE, _wishes, put)


def _bulk(sink: str) -> Callable[[random.Random, Plan], Crowd]:
    def made(rng: random.Random, _: Plan) -> Crowd:
        return Crowd(BEHIND, sink, rng.choice((1, 1, 2)))

    return made


def _in_parts(rng: random.Random, _: Plan) -> Crowd:
    mean_bytes = rng.choice((200_000, 600_000, 1_500_000))
    return Crowd(BEHIND, "viewer", rng.choice((1, 2)), mean_bytes, rng.choice((300, 1000, 3000)))


def _sent_in_parts(rng: random.Random, network: Plan) -> Crowd:
    """At most two fifths of what the line carries upwards, in the mean."""
    pause_ms = rng.choice((1000, 2000))
    most_bytes = network.link("access").up_bps * 2 // 5 // 8 * pause_ms // 1000
    return Crowd("viewer", BEHIND, 1, min(200_000, most_bytes), pause_ms)


_KINDS: Final[dict[str, Kind]] = {
    "a download here": _kind(_bulk("viewer")),
    "a download at home": _kind(_bulk("device")),
    "a download here, in parts": _kind(_in_parts),
    "an upload here, in parts": _kind(_sent_in_parts),
}


def fill_down(draw_: _Draw, sink: str, **wishes: Any) -> Scenario:
    """What *sink* downloads leaves the film too little of the home's line."""
    rng = draw_.rng
    rate = rng.randrange(6, 18) * 1_000_000
    queue_ms = float(rng.choice((60, 120, 200, 300, 500)))
    network = draw_.network(
        home=True, rate_of=(("access", rate),), queue_of=(("access", queue_ms),),
        access_bps=(rate, rate), congestion=draw_.against_crowds(), **wishes,
    )  # fmt: skip
    crowd = draw_.crowd(BEHIND, sink, rate)
    return draw_.scenario(
        "network.home.sharing", "crowded", network, variant=f"{crowd.flows} flows", settle_s=6.0,
        crowds=(crowd,), truth_among=draw_.same_queue(network),
    )  # fmt: skip


def _download(draw_: _Draw) -> Scenario:
    """A program on this computer leaves the film too little of the line."""
    made = fill_down(draw_, "viewer", vpn=False, split=False)
    return attrs.evolve(made, variant=f"{made.variant} here", truth_among=())


def _upload(draw_: _Draw) -> Scenario:
    """A program on this computer fills the line's queue upwards."""
    crowd = Crowd("viewer", BEHIND, draw_.rng.choice((1, 2, 4)))
    made = fill_line(draw_, "network.home.sharing", crowd, home=True, vpn=False, split=False)
    return attrs.evolve(made, truth_among=())


PROGRAMS: Final[dict[str, Callable[[_Draw], Scenario]]] = {
    "download": _download,
    "upload": _upload,
}
