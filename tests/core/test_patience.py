"""Behind a queue of seconds what seems silent or lost is late."""

from __future__ import annotations

import pytest

from streamnotice.estimates import Estimates
from streamnotice.evidence import places, starving
from streamnotice.evidence.patience import may_be_late
from streamnotice.observations import (
    HopProbe,
    Playback,
    RequestStarted,
    Route,
    Transfer,
)
from tests.core.sessions import S_NS

MS_NS = 1_000_000
NOW = 30 * S_NS
HOPS = ("addr-1", "addr-2", "addr-3")


def session(
    *, socket_ms: int | None = None, hop_ms: int | None = None, until_s: int = 20
) -> Estimates:
    """Hops that answer in 20 ms until 20 s, and nobody any more: but for what one of them, or the
    player's own connection, shows of the round trip."""
    seen = Estimates()
    places_ = ("network.home.wifi", "network.isp.access", "service")
    seen.paths.route(Route(0, "host-a", "service", HOPS, places_, True))
    seen.requests.started(RequestStarted(0, 1, "host-a", "media"))
    for second in range(30):
        at_ns = second * S_NS
        seen.playback.feed(
            Playback(at_ns, state="playing", buffer_ns=8 * S_NS, rendition_bps=2_000_000)
        )
        for ttl in (1, 2, 3):
            rtt = 20 * ttl * MS_NS if second < until_s or ttl == 1 else None
            if ttl == 2 and hop_ms is not None and second == 24:
                rtt = hop_ms * MS_NS
            outcome = "lost" if rtt is None else "reached" if ttl == 3 else "ttl_exceeded"
            seen.paths.probe(
                HopProbe(at_ns, "host-a", ttl, "udp", outcome, rtt, HOPS[ttl - 1], ttl - 1)  # type: ignore[arg-type]
            )
        if socket_ms is not None and second >= until_s:
            rtt_ns = socket_ms * MS_NS + second  # each a little other than the one before
            seen.requests.transfer(Transfer(at_ns, 1, second * 1000, "sock", rtt_ns=rtt_ns))
    seen.requests.account(NOW)
    return seen


def test_silence_is_told_where_round_trips_are_short() -> None:
    for seen in (session(), session(socket_ms=60), session(hop_ms=300)):
        assert not may_be_late(seen, NOW)
        assert places.read_reach(seen, NOW).name != "all"  # type: ignore[union-attr]
        assert places.read_loss(seen, NOW).name != "none"  # type: ignore[union-attr]
        assert starving.read(seen, NOW).name == "silent"  # type: ignore[union-attr]


@pytest.mark.parametrize("shown", [{"socket_ms": 1700}, {"hop_ms": 1100}])
def test_it_is_not_where_they_take_half_of_a_probes_time(shown: dict[str, int]) -> None:
    seen = session(**shown)
    assert may_be_late(seen, NOW)
    assert places.read_reach(seen, NOW) is None
    assert places.read_loss(seen, NOW) is None
    assert starving.read(seen, NOW) is None


def test_that_all_is_well_is_told_all_the_same() -> None:
    seen = session(socket_ms=1700, until_s=30)
    assert places.read_reach(seen, NOW).name == "all"  # type: ignore[union-attr]
    assert places.read_loss(seen, NOW).name == "none"  # type: ignore[union-attr]


def test_a_router_that_is_slow_by_itself_makes_nobody_late() -> None:
    seen = session(hop_ms=1100)
    hop = seen.paths.paths["host-a"].hops[2]
    hop.base_ns, hop.calmest_ns = 900 * MS_NS, 60 * MS_NS
    assert not may_be_late(seen, NOW)
