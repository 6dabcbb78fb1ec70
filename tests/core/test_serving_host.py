"""The way that is asked about is the one that the film comes by, not the one that is asked most."""

from __future__ import annotations

from streamnotice.estimates import Estimates
from streamnotice.observations import HopProbe, RequestStarted, Route
from streamnotice.path.rounds import MOVED_AFTER
from streamnotice.policy import S_NS

LEFT, NOW = "host-left", "host-now"


def asks(seen: Estimates, *hosts: str, role: str = "media") -> str | None:
    """Requests to these hosts in a row; whose way is asked about then."""
    for host in hosts:
        number = len(seen.requests.under_way)
        seen.started(RequestStarted(S_NS, number, host, role))  # type: ignore[arg-type]
    found = seen.paths.busiest()
    return next((label for label, path in seen.paths.paths.items() if path is found), None)


def probed(**often: int) -> Estimates:
    """So many probes of the way to each host."""
    seen = Estimates()
    for name, count in often.items():
        host = f"host-{name}"
        hops = ("addr-1", f"addr-{name}")
        places = ("network.home.wifi", "network.isp.access")
        seen.paths.route(Route(0, host, "service", hops, places, True))
        for at_ns in range(count):
            seen.paths.probe(HopProbe(at_ns, host, 2, "udp", "reached", 1_000_000, hops[1]))
    return seen


def test_a_host_that_was_left_is_asked_about_no_more() -> None:
    """A second delivery network: the way to the first one may be gone since."""
    seen = probed(left=20, now=3)
    assert asks(seen, LEFT, LEFT) == LEFT
    assert asks(seen, *[NOW] * (MOVED_AFTER - 1)) == LEFT, "one segment from elsewhere is no move"
    assert asks(seen, NOW) == NOW
    assert asks(seen, LEFT, role="playlist") == NOW, "lists may come from anywhere"


def test_players_that_take_turns_stay_with_one() -> None:
    """Sound from one host, the picture from another."""
    seen = probed(left=3, now=20)
    for _ in range(10):
        assert asks(seen, LEFT, NOW) == LEFT


def test_a_host_without_a_way_of_its_own_shares_that_which_is_asked_most() -> None:
    """Several names at one address, or the one behind a redirect."""
    seen = probed(left=20, now=3)
    assert asks(seen, *["host-other"] * 4) == LEFT
    assert asks(probed(left=20, now=3)) == LEFT, "nothing was asked for yet"
