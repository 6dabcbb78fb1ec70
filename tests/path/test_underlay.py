"""Where trouble lies under a tunnel, and what can be named then that could not be named inside."""

from __future__ import annotations

import pytest

from streamnotice.estimates import Estimates, sighted
from streamnotice.observations import HopProbe, ProbeOutcome, Route
from streamnotice.path import underlay
from streamnotice.path.rounds import Paths

S_NS = 1_000_000_000
MS_NS = 1_000_000
SEGMENTS = (
    "network.home.wifi", "network.isp.access", "network.isp.core", "network.interconnect", "service"
)  # fmt: skip
NOW = 30 * S_NS


def paths(
    seen: Paths | None = None,
    *,
    delayed_from: int = 9,
    lost_from: int = 9,
    complete: bool = True,
    segments: tuple[str | None, ...] = SEGMENTS,
) -> Paths:
    """Probes once a second to each hop of the way to a tunnel's server; trouble from 15 s on."""
    seen = seen if seen is not None else Paths()
    hops = tuple(f"addr-{ttl}" for ttl in range(1, len(segments) + 1))
    seen.route(Route(0, "addr-vpn", "underlay", hops, segments, complete))
    for second in range(30):
        for ttl in range(1, len(segments) + 1):
            trouble = second >= 15
            rtt: int | None = (4 * ttl + second % 3) * MS_NS
            if trouble and ttl >= delayed_from:
                rtt = (rtt or 0) + 120 * MS_NS
            # two in three get lost
            if trouble and ttl >= lost_from and (second + ttl) % 3:
                rtt = None
            outcome: ProbeOutcome = "ttl_exceeded"
            if rtt is None:
                outcome = "lost"
            elif complete and ttl == len(segments):
                outcome = "reached"
            seen.probe(
                HopProbe(
                    second * S_NS, "addr-vpn", ttl, "udp", outcome, rtt, hops[ttl - 1],
                    role="underlay",
                )
            )  # fmt: skip
    return seen


def inside(seen: Paths) -> Paths:
    """The way to the service, all of it behind the tunnel's one link."""
    hops, segments = ("addr-in", "addr-s"), ("network.vpn", None)
    seen.route(Route(0, "host-a", "service", hops, segments, True))
    for second in range(30):
        for ttl, outcome in ((1, "ttl_exceeded"), (2, "reached")):
            seen.probe(
                HopProbe(second * S_NS, "host-a", ttl, "udp", outcome, 30 * MS_NS, hops[ttl - 1])  # type: ignore[arg-type]
            )
    return seen


@pytest.mark.parametrize(
    ("link", "word"),
    list(enumerate(("home", "access", "core", "interconnect", "service"), 1)),
)
def test_a_queue_under_the_tunnel_is_found_on_its_link(link: int, word: str) -> None:
    assert underlay.trouble(paths(delayed_from=link), NOW) == word


@pytest.mark.parametrize("link", [1, 2, 3, 4, 5])
def test_loss_under_the_tunnel_lies_on_a_stretch_with_its_link(link: int) -> None:
    found = underlay.trouble(paths(lost_from=link), NOW)
    assert found is not None
    near, far = underlay.localise.STRETCHES[found]
    assert near <= link - 1 <= far


def test_a_calm_way_to_the_server_is_said() -> None:
    assert underlay.trouble(paths(), NOW) == underlay.CALM


def test_signs_that_point_to_different_places_place_nothing() -> None:
    assert underlay.trouble(paths(delayed_from=1, lost_from=5), NOW) == underlay.UNPLACED


def test_no_tunnel_nothing_is_said() -> None:
    assert underlay.trouble(Paths(), NOW) is None
    assert underlay.trouble(inside(Paths()), NOW) is None


def test_the_way_under_the_tunnel_is_not_taken_for_the_way_to_the_service() -> None:
    seen = inside(paths(delayed_from=2))
    assert underlay.localise.queue(seen, NOW) == underlay.localise.Located("none", 0, 30 * MS_NS)


def test_under_a_tunnel_that_is_seen_places_can_be_named() -> None:
    assert "network.vpn" not in sighted(Estimates(paths=inside(Paths()))).clear
    found = sighted(Estimates(paths=inside(paths()))).clear
    assert {"network.vpn", "network.home.wifi", "network.isp.access"} <= found
    # a server that doesn't answer: what is before it can be told, the tunnel itself can't
    found = sighted(Estimates(paths=inside(paths(complete=False)))).clear
    assert "network.home.wifi" in found
    assert "network.vpn" not in found
    # a tunnel that carries something else is no tunnel of ours
    assert "network.vpn" not in sighted(Estimates(paths=paths())).clear
