"""What servers do: a bit too slow, slow for some segments only, silent in mid-body; late names."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Literal

import attrs

from lab.actions import LinkChange
from lab.outsider.draws import EDGE, ORIGIN, fault_of, in_play, plain, shown
from lab.outsider.ways import in_orbit
from lab.services import SERVICE_ZONE, DnsFault, ServerFault

if TYPE_CHECKING:
    from lab.scenarios import Scenario, _Draw

_SOME_ERRORS: Final[tuple[tuple[int, Literal["most", "third"]], ...]] = (
    (503, "most"), (503, "third"), (404, "third"), (502, "most"),
)  # fmt: skip


def _marginal(draw_: _Draw) -> Scenario:
    shown(draw_, "highest", "lowest", low=0.86, high=0.99)
    return draw_.scenario(EDGE, "slow", plain(draw_), variant=f"paced at {draw_.factor}",
                          edge_fault=ServerFault(rate_bps=draw_.capacity_bps),
                          truth_among=draw_.same_answers())  # fmt: skip


def _uplink(draw_: _Draw) -> Scenario:
    """The edge's own link to the world carries hardly what the film needs."""
    shown(draw_, "highest", "lowest", low=0.8, high=0.98)
    network = plain(draw_, server_router=True)
    rate = draw_.capacity_bps
    queue_s = draw_.rng.choice((0.05, 0.2, 1.0))
    queue_bytes = float(max(6000, round(rate * queue_s / 8)))
    values = {"rate_bps": float(rate), "queue_bytes": queue_bytes}
    return draw_.scenario(EDGE, "slow", network,
                          links_onset=(LinkChange("srv.down", values),),
                          variant=f"srv at {draw_.factor}, queue {queue_s} s")  # fmt: skip


def _third(draw_: _Draw) -> Scenario:
    shown(draw_, "highest", "lowest", low=0.07, high=0.25)
    return draw_.scenario(EDGE, "slow", plain(draw_), truth_among=draw_.same_answers(),
                          edge_fault=ServerFault(rate_bps=draw_.capacity_bps, hits="third"),
                          variant="each third segment")  # fmt: skip


def _midbody(draw_: _Draw) -> Scenario:
    """Some answers stop in the middle, and the connection stays."""
    shown(draw_, "highest", "auto", low=0.2, high=0.5)
    in_play(draw_)
    after = draw_.rng.choice((20_000, 60_000))
    return draw_.scenario(EDGE, "slow", plain(draw_), factor=None,
                          edge_fault=ServerFault(rate_bps=8, free_bytes=after, hits="some"),
                          truth_among=draw_.same_answers(),
                          variant=f"stops after {after}")  # fmt: skip


def _errors(draw_: _Draw) -> Scenario:
    """Errors for some segments, of the edge or of the server behind it."""
    shown(draw_, "highest", "auto", low=0.2, high=0.5)
    in_play(draw_)
    at = draw_.rng.choice((EDGE, ORIGIN))
    status, hits = draw_.rng.choice(_SOME_ERRORS)
    more: dict[str, Any] = {
        "edge_fault" if at == EDGE else "origin_fault": ServerFault(status=status, hits=hits)
    }
    return draw_.scenario(at, "failing", plain(draw_), factor=None,
                          truth_among=draw_.same_answers(), variant=f"{status} {hits}",
                          service=attrs.evolve(draw_.service, warm=at == EDGE), **more)  # fmt: skip


def _names(draw_: _Draw) -> Scenario:
    """The name server is late, and some questions it never gets."""
    shown(draw_, "highest", "auto", low=0.3, high=0.6)
    draw_.named(draw_.rng.choice((12, 60)), live=False)
    zone = draw_.rng.choice((SERVICE_ZONE, ""))
    fault = DnsFault(zone, round(draw_.rng.uniform(1.5, 3.0), 2), "silent", 0.35)
    return draw_.scenario("service.dns", "slow", plain(draw_), dns_fault=fault, factor=None,
                          variant="late, and drops a third")  # fmt: skip


def _names_in_orbit(draw_: _Draw) -> Scenario:
    """A satellite, names, and a fault elsewhere, or none."""
    shown(draw_, "lowest", "highest", "auto", low=0.2, high=0.7)
    draw_.named(draw_.rng.choice((3, 8, 12)), live=False)
    network = plain(draw_, home=True, hops=3, server_router=True, congestion="cubic",
                    access_bps=(12_000_000, 25_000_000))  # fmt: skip
    before = (in_orbit(draw_),)
    kind = draw_.rng.choice(("none", "wifi", "edge", "inter", "edge"))
    if kind == "none":
        draw_.severity = "none"
        return draw_.scenario("none", None, network, links_before=before, factor=None,
                              onset_s=None, variant="satellite, names")  # fmt: skip
    made = fault_of(draw_, network, kind)
    return draw_.scenario(made.pop("place"), made.pop("condition"), network, links_before=before,
                          variant=f"{kind} at {draw_.factor}, satellite, names",
                          **made)  # fmt: skip


def _far_names(draw_: _Draw) -> Scenario:
    """Each new name takes some 0.7 s, which harms nobody; a fault elsewhere does."""
    shown(draw_, "lowest", "highest", low=0.2, high=0.7)
    draw_.named(draw_.rng.choice((3, 8)), live=False)
    network = plain(draw_, home=True, hops=3, server_router=True)
    kinds = ("wifi", "access", "core", "inter", "edge")
    made = fault_of(draw_, network, draw_.rng.choice(kinds))
    fault = DnsFault("", round(draw_.rng.uniform(0.65, 0.8), 2))
    draw_.before, draw_.onset_s = True, None
    return draw_.scenario(made.pop("place"), made.pop("condition"), network, dns_fault=fault,
                          variant=f"names after {fault.delay_s} s, at {draw_.factor}",
                          **made)  # fmt: skip


SERVERS: Final[dict[str, Callable[[_Draw], Scenario]]] = {
    "edge.marginal": _marginal,
    "edge.uplink": _uplink,
    "edge.third": _third,
    "edge.midbody": _midbody,
    "some.errors": _errors,
    "dns.drops": _names,
    "sat.named": _names_in_orbit,
    "dns.far": _far_names,
}
