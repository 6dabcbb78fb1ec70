"""The last router with a network's address may be its neighbour's."""

from __future__ import annotations

from collections.abc import Sequence

from streamnotice.path.borders import with_border

WIFI, ACCESS, CORE = "network.home.wifi", "network.isp.access", "network.isp.core"
BETWEEN, SERVICE = "network.interconnect", "service"
CORE_OR_BETWEEN, BETWEEN_OR_SERVICE = f"{CORE}|{BETWEEN}", f"{BETWEEN}|{SERVICE}"
LABELS = ("a", "b", "c", "d", "e")


def bordered(
    labels: tuple[str | None, ...],
    places: tuple[str | None, ...],
    elsewhere: Sequence[tuple[str | None, ...]],
    *,
    complete: bool = True,
) -> tuple[str | None, ...]:
    return with_border(labels, places, elsewhere, complete=complete)


def test_a_router_that_other_ways_pass_is_the_providers() -> None:
    places = (WIFI, ACCESS, CORE, CORE, BETWEEN)
    assert bordered(LABELS, places, [("a", "b", "c", "d", "other")]) == places


def test_one_that_two_ways_leave_by_the_same_router_is_not_known_to_be() -> None:
    """It may be the border router of what carries both."""
    places = (WIFI, ACCESS, CORE, CORE, BETWEEN)
    assert bordered(LABELS, places, [("a", "b", "c", "d", "e", "other")]) != places
    assert bordered(LABELS, places, [("a", "b", "c", "d", None, "other")]) != places


def test_one_that_leads_to_this_server_alone_may_be_either() -> None:
    places = (WIFI, ACCESS, CORE, CORE, BETWEEN)
    opened = (WIFI, ACCESS, CORE, CORE_OR_BETWEEN, BETWEEN_OR_SERVICE)
    assert bordered(LABELS, places, [("a", "b", "c", "other")]) == opened
    assert bordered(LABELS, places, []) == opened


def test_a_server_inside_the_providers_network_is_behind_no_border() -> None:
    places = (WIFI, ACCESS, CORE, CORE)
    assert bordered(LABELS[:4], places, []) == places


def test_a_silent_router_before_it_does_not_hide_the_border() -> None:
    places = (WIFI, None, None, BETWEEN, SERVICE)
    opened = (WIFI, None, None, BETWEEN_OR_SERVICE, SERVICE)
    assert bordered(("a", None, "c", "d", "e"), places, []) == opened


def test_behind_a_silent_router_the_next_link_stays_open_too() -> None:
    places = (WIFI, ACCESS, CORE, CORE_OR_BETWEEN, BETWEEN)
    opened = bordered(("a", "b", "c", None, "e"), places, [("a", "b", "other")])
    assert opened == (
        WIFI,
        ACCESS,
        CORE_OR_BETWEEN,
        f"{CORE_OR_BETWEEN}|{SERVICE}",
        BETWEEN_OR_SERVICE,
    )


def test_the_line_is_the_providers_in_any_case() -> None:
    places = (WIFI, ACCESS, BETWEEN, SERVICE)
    assert bordered(LABELS[:4], places, []) == places


def test_a_way_whose_labels_and_places_differ_in_number_is_left_alone() -> None:
    assert bordered(("a",), (WIFI, ACCESS, CORE, BETWEEN), []) == (
        WIFI,
        ACCESS,
        CORE,
        BETWEEN,
    )
    assert bordered((), (), []) == ()


def test_a_silent_router_behind_the_last_known_one_makes_nothing_surer() -> None:
    """Had it answered, the link before it would be open: less known is not more certain."""
    places = (WIFI, ACCESS, CORE, CORE, CORE_OR_BETWEEN, BETWEEN_OR_SERVICE)
    labels = ("a", "b", "c", "d", None, "f")
    opened = bordered(labels, places, [("a", "b", "c", "other")])
    assert opened[3] == CORE_OR_BETWEEN
    assert opened[4] == f"{CORE_OR_BETWEEN}|{SERVICE}"
    assert opened[:3] == places[:3]


def test_the_servers_border_router_may_answer_from_an_exchanges_address() -> None:
    """Then the link behind it is the server's own already."""
    places = (WIFI, ACCESS, CORE, BETWEEN, BETWEEN)
    ways = [("a", "b", "c", "other")]  # the provider's border is certain
    assert bordered(LABELS, places, ways) == (*places[:4], BETWEEN_OR_SERVICE)
    inside = (WIFI, ACCESS, BETWEEN, BETWEEN, SERVICE)
    opened = (WIFI, ACCESS, BETWEEN, BETWEEN_OR_SERVICE, SERVICE)
    assert bordered(LABELS, inside, [("a", "b", "other")]) == opened


def test_it_is_the_exchanges_where_ways_part_behind_it() -> None:
    places = (WIFI, ACCESS, CORE, BETWEEN, BETWEEN)
    ways = [("a", "b", "c", "d", "other"), ("a", "b", "c", "another")]
    assert bordered(LABELS, places, ways) == places


def test_where_the_server_was_not_reached_no_link_is_known_to_lead_to_it() -> None:
    places = (WIFI, ACCESS, CORE, BETWEEN, BETWEEN)
    assert bordered(LABELS, places, [("a", "b", "c", "other")], complete=False) == places
