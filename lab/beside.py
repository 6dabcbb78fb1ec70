"""Something odd that stands beside a run's fault all along, and harms nobody.

Where a film stops, something else is usually odd as well: a backup goes up, a router answers late,
a link on the way is full and enough is left of it. Whoever takes the odd for the cause is wrong.
The families called `beside.<family>` have one such oddity each, at another place than the fault;
which one has nothing to do with it, but that some would add to it, and are not drawn then.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import attrs

from lab.actions import CpuStarved, Crowd, LinkChange
from lab.build import LADDER_BPS
from lab.topology import late_answers

if TYPE_CHECKING:
    from lab.scenarios import Scenario

_HIGH_BPS: Final = LADDER_BPS[-1]
_REFERENCES: Final = ("refa", "refb")
Wishes = dict[str, Any]


@attrs.frozen
class Kind:
    """A kind of oddity.

    Attributes:
        share: how often it is drawn, beside the others.
        not_with: beginnings of the families that it would be a part of, or that need what it needs.
        wishes: what it asks of the network (`lab.topology.Wishes`).
        put: the scenario with it; None where there is no place for it.
    """

    share: int
    not_with: tuple[str, ...]
    wishes: Callable[[random.Random], Wishes]
    put: Callable[[random.Random, Scenario], Scenario | None]


@attrs.frozen
class Oddity:
    """One of them, drawn."""

    name: str
    kind: Kind
    rng: random.Random

    def wishes(self) -> Wishes:
        """What it needs of the network, whatever else is wished."""
        return self.kind.wishes(self.rng)

    def put_beside(self, scenario: Scenario) -> Scenario:
        """*scenario* with it, or with what can stand beside any fault."""
        made = self.kind.put(self.rng, scenario)
        if made is None:
            return attrs.evolve(_reference_poor(self.rng, scenario), beside=_ANYWHERE)
        return attrs.evolve(made, beside=self.name)


def draw(family: str, rng: random.Random) -> Oddity:
    """An oddity for a run of *family* (a plain one)."""
    fit = [name for name, kind in _KINDS.items() if not family.startswith(kind.not_with)]
    name = rng.choices(fit, [_KINDS[name].share for name in fit])[0]
    return Oddity(name, _KINDS[name], rng)


def _nothing(_: random.Random) -> Wishes:
    return {}


def _upload(_: random.Random, scenario: Scenario) -> Scenario:
    """Another device at home sends a little, again and again: at most a fifth of what goes up."""
    mean_bytes = min(80_000, scenario.network.link("access").up_bps * 2 // 5 // 8)
    crowd = Crowd("device", "world", 1, mean_bytes, 2000)
    return attrs.evolve(scenario, crowds_before=(crowd,))


def _busy_computer(rng: random.Random, scenario: Scenario) -> Scenario:
    return attrs.evolve(scenario, device_before=CpuStarved(rng.randrange(600, 900), 1))


def _links_before(scenario: Scenario, *changes: LinkChange) -> Scenario:
    return attrs.evolve(scenario, links_before=(*scenario.links_before, *changes))


def _reference_down(rng: random.Random, scenario: Scenario) -> Scenario:
    change = LinkChange(f"{rng.choice(_REFERENCES)}.both", {"outage": 1})
    return _links_before(scenario, change)


def _reference_poor(rng: random.Random, scenario: Scenario) -> Scenario:
    """One server that the library compares with has troubles of its own."""
    values = {"loss": round(rng.uniform(0.02, 0.06), 3), "jitter_ms": round(rng.uniform(5, 30), 1)}
    return _links_before(scenario, LinkChange(f"{rng.choice(_REFERENCES)}.both", values))


def _poor_wifi(rng: random.Random, scenario: Scenario) -> Scenario:
    """Some loss, which leaves TCP three times the top rendition."""
    loss = min(0.004, scenario.network.loss_for(3 * _HIGH_BPS))
    values = {"loss": round(loss, 5), "jitter_ms": round(rng.uniform(2, 8), 1)}
    return _links_before(scenario, LinkChange("wifi.both", values))


def _late_router(rng: random.Random, scenario: Scenario) -> Scenario | None:
    """A router's own answers come late, not what it forwards; none beside the fault's links."""
    network = scenario.network
    places = {scenario.place, *scenario.truth_among}
    faulty = {e for link in network.links if link.place in places for e in (link.near, link.far)}
    able = [r for r in network.routers if r not in {*network.silent, *faulty}]
    if not able:
        return None
    late = late_answers(rng, able)
    return attrs.evolve(scenario, network=attrs.evolve(network, slow_icmp=(late,)))


def _busy_border(rng: random.Random) -> Wishes:
    rate = rng.randrange(25, 40) * 1_000_000
    return {
        "crowd_on": "inter", "rate_of": (("inter", rate),), "queue_of": (("inter", 40.0),),
        "congestion": "cubic", "long_way_back": False,
    }  # fmt: skip


def _border_crowd(rng: random.Random, scenario: Scenario) -> Scenario:
    """Others fill the link between the networks, and enough is left of it."""
    share = scenario.network.link("inter").down_bps / (_HIGH_BPS * rng.uniform(2.0, 3.0))
    crowd = Crowd("crowdsrc", "crowdsink", max(1, int(share) - 1))
    return attrs.evolve(scenario, crowds_before=(crowd,))


def _paced(rng: random.Random, scenario: Scenario) -> Scenario:
    """The service sends no faster than it must."""
    paced_bps = round(_HIGH_BPS * rng.uniform(1.35, 2.2))
    return attrs.evolve(scenario, service=attrs.evolve(scenario.service, paced_bps=paced_bps))


_ANYWHERE: Final = "a reference in trouble"
_CROWDED: Final = (
    "sharing.", "access.crowded", "core.crowded", "vpn.crowded", "interconnect.crowded",
)  # fmt: skip
_LOSSY: Final = ("wifi.lossy", "access.lossy", "core.lossy", "split.lossy", "vpn.lossy")
"""Others' queue lengthens every round trip, and TCP bears a loss the worse for it: neither may
stand beside the other."""

_KINDS: Final[dict[str, Kind]] = {
    "a small upload at home": Kind(
        3, ("sharing.", "healthy", "vpn.crowded"), lambda _: {"home": True, "device": True}, _upload
    ),
    "a busy computer": Kind(1, ("device.", "healthy"), _nothing, _busy_computer),
    "a reference down": Kind(2, (), _nothing, _reference_down),
    "a reference in trouble": Kind(3, (), _nothing, _reference_poor),
    "a poor Wi-Fi": Kind(
        3, ("wifi.", "two.", "player.misjudged", "healthy", *_CROWDED), lambda _: {"home": True},
        _poor_wifi,
    ),
    "a router that answers late": Kind(2, (), _nothing, _late_router),
    "a busy border": Kind(
        3,
        ("interconnect.", "healthy", "player.misjudged", *_CROWDED, *_LOSSY),
        _busy_border,
        _border_crowd,
    ),
    "a paced server": Kind(
        2, ("edge.", "origin.", "two.", "healthy", "player."), _nothing, _paced
    ),
}  # fmt: skip
