"""Without a tunnel none is to blame; that there is one accuses nobody."""

from __future__ import annotations

import json

from lab.fit.page import VERDICT
from streamnotice.estimates import Estimates
from streamnotice.evidence import tunnel
from streamnotice.observations import HopProbe, Route
from streamnotice.policy import S_NS


def answer(*places: str | None) -> str | None:
    seen = Estimates()
    hops = tuple(f"addr-{number}" for number in range(len(places)))
    seen.paths.route(Route(0, "host-a", "service", hops, places, True))
    seen.paths.probe(HopProbe(1, "host-a", 1, "udp", "ttl_exceeded", 1_000_000, "addr-0"))
    found = tunnel.read(seen, S_NS)
    return None if found is None else found.name


def test_it_is_known_from_the_way() -> None:
    assert answer("network.home.wifi", "network.isp.access", None) == "absent"
    assert answer("network.vpn", None, None) == "there"


def test_nothing_is_said_before_a_way_is_known() -> None:
    assert tunnel.read(Estimates(), S_NS) is None


def test_the_interface_tells_as_well() -> None:
    seen = Estimates()
    seen.medium = "tunnel"
    found = tunnel.read(seen, S_NS)
    assert found is not None
    assert found.name == "there"
    seen.medium = "wifi"  # where no name can be resolved no way is known, but how ways begin is
    found = tunnel.read(seen, S_NS)
    assert found is not None
    assert found.name == "absent"


def test_the_table_says_what_follows_and_no_more() -> None:
    table = json.loads((VERDICT / "fitted.json").read_text(encoding="utf-8"))
    rows = table["rules"]["tunnel"]["outcomes"]
    places = [state.partition(":")[0] for state in table["states"]]
    assert set(rows["there"]) == {0}
    for place, weight in zip(places, rows["absent"], strict=True):
        assert (weight < 0) == (place == "network.vpn")
