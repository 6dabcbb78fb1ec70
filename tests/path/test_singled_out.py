"""Handshakes that fare worse than probes to the same host: then no server is called slow."""

from __future__ import annotations

import pytest

from streamnotice.estimates import Estimates, sighted
from streamnotice.observations import HopProbe, RoundTrip, Route
from streamnotice.path.singled_out import singled_out

S_NS = 1_000_000_000
MS_NS = 1_000_000
NOW = 60 * S_NS
FAR_TTL = 3


def way(
    *,
    late_ms: int = 0,
    probes_late_ms: int = 0,
    lost: int = 0,
    gone: bool = False,
    probes_lost: int = 0,
    every_s: int = 3,
    complete: bool = True,
) -> Estimates:
    """A minute of both; in the last 20 s the handshakes (and the probes) fare so."""
    seen = Estimates()
    places = ("network.isp.access", "network.isp.core", "network.interconnect")
    labels = ("addr-1", "addr-2", "host-s" if complete else None)
    seen.paths.route(Route(0, "host-s", "service", labels, places, complete, "table"))
    for number, second in enumerate(range(3, 61, every_s)):
        at_ns, trouble = second * S_NS, second > 40
        missing = trouble and (gone or (number % 3 == 0 and lost > 0))
        lost -= missing
        rtt_ns = None if missing else (20 + (late_ms if trouble else 0)) * MS_NS
        why = "timeout" if missing else None
        seen.paths.round_trip(RoundTrip(at_ns, "host-s", "service", rtt_ns, why))  # type: ignore[arg-type]
        missing = trouble and number % 3 == 0 and probes_lost > 0
        probes_lost -= missing
        rtt_ns = None if missing else (21 + (probes_late_ms if trouble else 0)) * MS_NS
        outcome = "lost" if missing else "reached"
        seen.paths.probe(HopProbe(at_ns, "host-s", FAR_TTL, "udp", outcome, rtt_ns))  # type: ignore[arg-type]
    seen.requests.account(NOW)
    return seen


@pytest.mark.parametrize(
    ("seen", "so"),
    [
        (way(), False),
        (way(late_ms=150), True),  # a queue for the service's packets alone
        (way(late_ms=150, probes_late_ms=150), False),  # a queue for all
        (way(late_ms=150, probes_late_ms=60), False),  # which the one met at a worse time
        (way(late_ms=15), False),  # too little to be sure of
        (way(gone=True), True),  # a filter, or a server whose port is closed to all
        (way(gone=True, probes_lost=1), False),  # the way itself loses
        (way(gone=True, every_s=7), False),
        (way(lost=2), False),  # any loss may take these and leave those
        (way(late_ms=150, every_s=7), False),  # too few
        (way(late_ms=150, complete=False), False),  # not known to be its own answers
    ],
)
def test_handshakes_and_probes(seen: Estimates, so: bool) -> None:
    assert singled_out(seen.paths, NOW) is so
    assert sighted(seen).singled_out is so


def test_what_was_found_stands_while_nothing_is_asked_but_not_for_ever() -> None:
    assert singled_out(way(late_ms=150).paths, NOW + 25 * S_NS)
    assert not singled_out(way(late_ms=150).paths, NOW + 65 * S_NS)
    assert not singled_out(Estimates().paths, NOW)
