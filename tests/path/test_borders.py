"""The last router with a provider's address may be its neighbour's."""

from __future__ import annotations

from streamnotice.path.borders import with_border

WIFI, ACCESS, CORE = "network.home.wifi", "network.isp.access", "network.isp.core"
BETWEEN, SERVICE = "network.interconnect", "service"
CORE_OR_BETWEEN, BETWEEN_OR_SERVICE = f"{CORE}|{BETWEEN}", f"{BETWEEN}|{SERVICE}"
LABELS = ("a", "b", "c", "d", "e")


def test_a_router_that_other_ways_pass_is_the_providers() -> None:
    places = (WIFI, ACCESS, CORE, CORE, BETWEEN)
    assert with_border(LABELS, places, {"a", "b", "c", "d"}) == places


def test_one_that_leads_to_this_server_alone_may_be_either() -> None:
    places = (WIFI, ACCESS, CORE, CORE, BETWEEN)
    opened = (WIFI, ACCESS, CORE, CORE_OR_BETWEEN, BETWEEN_OR_SERVICE)
    assert with_border(LABELS, places, {"a", "b", "c"}) == opened
    assert with_border(LABELS, places, set()) == opened


def test_behind_a_silent_router_the_next_link_stays_open_too() -> None:
    places = (WIFI, ACCESS, CORE, CORE_OR_BETWEEN, BETWEEN)
    opened = with_border(("a", "b", "c", None, "e"), places, {"a", "b"})
    assert opened == (
        WIFI,
        ACCESS,
        CORE_OR_BETWEEN,
        f"{CORE_OR_BETWEEN}|{SERVICE}",
        BETWEEN_OR_SERVICE,
    )


def test_the_line_is_the_providers_in_any_case() -> None:
    places = (WIFI, ACCESS, BETWEEN, SERVICE)
    assert with_border(LABELS[:4], places, set()) == places


def test_a_way_whose_labels_and_places_differ_in_number_is_left_alone() -> None:
    assert with_border(("a",), (WIFI, ACCESS, CORE, BETWEEN), set()) == (
        WIFI,
        ACCESS,
        CORE,
        BETWEEN,
    )
    assert with_border((), (), set()) == ()
