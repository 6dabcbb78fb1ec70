"""Where a queue may be hidden in what seems to be a long link, "no queue" isn't said."""

from __future__ import annotations

import pytest

from streamnotice.estimates import Estimates
from streamnotice.evidence import places
from streamnotice.observations import HopProbe, ProbeOutcome, Route
from streamnotice.path.rounds import Paths

S_NS = 1_000_000_000
MS_NS = 1_000_000
NOW = 30 * S_NS
PLACES = ("network.home.wifi", "network.isp.access", "service")
HOPS = ("addr-1", "addr-2", "addr-3")


def paths(line_ms: int, later_ms: int = 0) -> Paths:
    """A line so long from the start; the far end's answers come later from 20 s on."""
    seen = Paths()
    seen.route(Route(0, "host-a", "service", HOPS, PLACES, True))
    for second in range(30):
        late = later_ms if second >= 20 else 0
        for ttl, rtt in enumerate((2, line_ms, line_ms + 8 + late), 1):
            outcome: ProbeOutcome = "reached" if ttl == 3 else "ttl_exceeded"
            seen.probe(
                HopProbe(second * S_NS, "host-a", ttl, "udp", outcome, rtt * MS_NS, HOPS[ttl - 1])
            )
    return seen


def word(seen: Paths) -> str | None:
    found = places.QUEUE.ask(Estimates(paths=seen), NOW)
    return None if found is None else found.name


@pytest.mark.parametrize(
    ("line_ms", "name"), [(20, "none"), (80, "none"), (90, None), (300, None), (600, None)]
)
def test_a_long_link_is_no_sign_of_none(line_ms: int, name: str | None) -> None:
    assert word(paths(line_ms)) == name


def test_a_queue_that_shows_is_said_all_the_same() -> None:
    assert word(paths(300, later_ms=200)) == "service"


def test_where_the_usual_is_known_nothing_is_hidden() -> None:
    known = paths(300)
    known.store("far end", 308 * MS_NS)
    assert word(known) == "none"


def test_a_lull_after_a_routers_answer_does_not_clear_it() -> None:
    """The far end was late when the router answered, though it was not known yet to be the far end:
    that it is early a moment later says nothing of the router's answer."""
    seen = Paths()

    def answered(second: float, ttl: int, rtt_ms: int) -> None:
        outcome: ProbeOutcome = "reached" if ttl == 3 else "ttl_exceeded"
        seen.probe(
            HopProbe(
                int(second * S_NS), "host-a", ttl, "udp", outcome, rtt_ms * MS_NS, HOPS[ttl - 1]
            )
        )

    answered(1.0, 3, 260)
    answered(1.5, 2, 190)
    seen.route(Route(int(1.6 * S_NS), "host-a", "service", HOPS, PLACES, True))
    answered(2.0, 3, 65)  # a moment without a queue
    for second in range(20, 30):
        answered(second, 1, 2)
        answered(second + 0.2, 2, 200 + second % 3 * 20)
        answered(second + 0.4, 3, 280)
    assert word(seen) not in ("service", "interconnect_or_service", "core_to_service")
    path = seen.busiest()
    assert path is not None
    assert path.hops[2].late is False
