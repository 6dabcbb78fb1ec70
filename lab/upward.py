"""Faults of the way up: what the viewer sends is held up or lost, not what it gets.

A request, a handshake and the acknowledgements of all that arrives go up, so a home's backup that
fills the line's queue stops a film as surely as a full line down. The library's questions pass both
ways as well, and the place is the same: these families (`up.<family>`) check that no rule hangs on
the way down alone. Of them the fit has seen some runs, and those for one answer only (of
the router's counters).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import attrs

from lab.actions import Crowd, LinkChange, bursts

if TYPE_CHECKING:
    from lab.scenarios import Scenario, Severity, _Draw

_LOSS: Final[dict[Severity, tuple[float, float]]] = {
    "severe": (0.6, 0.8), "moderate": (0.45, 0.6), "near_miss": (0.01, 0.05), "none": (0.0, 0.0)
}  # fmt: skip
"""One acknowledgement stands in for those before it, so it takes many losses to do harm."""
_QUEUE_MS: Final[dict[Severity, tuple[float, float]]] = {
    "severe": (2500, 5000), "moderate": (1000, 2500), "near_miss": (60, 150), "none": (0.0, 0.0)
}  # fmt: skip
"""How long a home's queue upwards is when it is full: modems had seconds (Gettys and Nichols,
*Bufferbloat*, ACM Queue 2011)."""


def _lossy(place: str, name: str | None, **wanted: Any) -> Callable[[_Draw], Scenario]:
    """A loss on the link called *name* (None: one of those of *place*), upwards."""

    def make(draw_: _Draw) -> Scenario:
        network = draw_.network(**wanted)
        link = name or draw_.rng.choice(network.links_at(place))
        loss = round(draw_.rng.uniform(*_LOSS[draw_.severity]), 3)
        values = {"loss": loss}
        if draw_.rng.random() < 0.5:
            bad_loss = 0.9
            values = bursts(loss / bad_loss, draw_.rng.choice((3, 6, 12)), bad_loss)
        change = LinkChange(f"{link}.up", values)
        return draw_.scenario(
            place, "lossy", network, variant=f"{link} up {loss}", links_onset=(change,), factor=None
        )

    return make


def fill_line(draw_: _Draw, place: str, crowd: Crowd, **wishes: Any) -> Scenario:
    """*crowd* fills the line's queue upwards."""
    rng = draw_.rng
    up_bps = rng.randrange(6, 40) * 100_000
    queue_ms = round(rng.uniform(*_QUEUE_MS[draw_.severity]))
    network = draw_.network(congestion=draw_.against_crowds(), **wishes)
    values = {"rate_bps": float(up_bps), "queue_ms": float(queue_ms)}
    return draw_.scenario(
        place, "crowded", network, variant=f"up {crowd.flows} flows, {queue_ms} ms",
        settle_s=6.0, links_before=(LinkChange("access.up", values),), crowds=(crowd,),
        truth_among=draw_.same_queue(network), factor=None,
    )  # fmt: skip


def _sharing(draw_: _Draw) -> Scenario:
    """Another device at home sends all it can."""
    crowd = Crowd("device", "world", draw_.rng.choice((1, 2, 4)))
    return fill_line(draw_, "network.home.sharing", crowd, home=True, device=True)


def _access(draw_: _Draw) -> Scenario:
    """A neighbour on the same line does."""
    crowd = Crowd("neighbour", "crowdsrc", draw_.rng.choice((2, 4, 8)))
    return fill_line(
        draw_, "network.isp.access", crowd, home=True, crowd_on="access", neighbour=True
    )


def _crowded(place: str) -> Callable[[_Draw], Scenario]:
    """Many do, over one link of the provider's or between networks."""

    def make(draw_: _Draw) -> Scenario:
        rng = draw_.rng
        wishes: dict[str, Any] = {}
        link = "inter"
        if place == "network.isp.core":
            wishes["hops"] = rng.choice((2, 3, 4))
            link = f"core{rng.randrange(1, wishes['hops'])}"
        rate = rng.randrange(9, 26) * 1_000_000
        queue_ms = float(rng.choice((250, 500, 1000, 2000)))
        network = draw_.network(
            crowd_on=link, rate_of=((link, rate),), queue_of=((link, queue_ms),),
            congestion=draw_.against_crowds(), **wishes,
        )  # fmt: skip
        crowd = Crowd("crowdsink", "crowdsrc", rng.choice((16, 32, 64)))
        return draw_.scenario(
            place, "crowded", network, variant=f"{link} up {crowd.flows} flows", settle_s=6.0,
            crowds=(crowd,), service=attrs.evolve(draw_.service, warm=True), factor=None,
        )  # fmt: skip

    return make


UPWARD: Final[dict[str, Callable[[_Draw], Scenario]]] = {
    "wifi.lossy": _lossy("network.home.wifi", "wifi", home=True),
    "sharing.crowded": _sharing,
    "access.crowded": _access,
    "access.lossy": _lossy("network.isp.access", "access"),
    "core.crowded": _crowded("network.isp.core"),
    "core.lossy": _lossy("network.isp.core", None, hops=3),
    "interconnect.crowded": _crowded("network.interconnect"),
    "interconnect.lossy": _lossy("network.interconnect", None, server_router=True),
}
