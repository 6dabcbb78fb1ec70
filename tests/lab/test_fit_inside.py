"""Links in the server's network: what a table says of them, and under which names they weigh."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest

from lab.fit.inside import with_inside
from lab.fit.page import VERDICT
from streamnotice.bottlenecks import IN_THEIR_NETWORK, is_leaf
from streamnotice.decibans import from_ratio
from streamnotice.estimates import MADE_LIVE, Estimates, sighted
from streamnotice.policy import Policy
from streamnotice.verdict.filter import Filter
from streamnotice.verdict.naming import Namer
from streamnotice.verdict.tables import shipped

TABLE: dict[str, Any] = json.loads((VERDICT / "fitted.json").read_text())
INSIDE = [str(state) for state in IN_THEIR_NETWORK]


def weight(rule: str, outcome: str, state: str) -> int:
    row: list[int] = TABLE["rules"][rule]["outcomes"][outcome]
    return row[TABLE["states"].index(state)]


def test_the_shipped_table_follows_it_already() -> None:
    assert with_inside(TABLE) == TABLE


@pytest.mark.parametrize("condition", ["crowded", "lossy"])
def test_it_shows_as_a_link_between_networks_one_place_farther(condition: str) -> None:
    inside, between = f"service:{condition}", f"network.interconnect:{condition}"
    for rule in ("queue_place", "spread_place", "loss_place", "reach_place"):
        at_end = weight(rule, "service", inside)
        assert at_end == weight(rule, "interconnect", between), "an answer that ends at it"
        for open_to_both in ("core_to_service", "interconnect_or_service", "none", "all"):
            if open_to_both in TABLE["rules"][rule]["outcomes"]:
                assert weight(rule, open_to_both, inside) == weight(rule, open_to_both, between)
    assert weight("queue_place", "interconnect", inside) < -10_000, "too near for it"
    assert weight("queue_place", "core_or_interconnect", inside) < -10_000
    for rule in ("starving", "contrast", "flow_start", "underlay", "tunnel"):
        for outcome in TABLE["rules"][rule]["outcomes"]:
            assert weight(rule, outcome, inside) == weight(rule, outcome, between)


def test_it_weighs_as_service_and_between_its_ends_and_accuses_no_leaf() -> None:
    namer = Namer.build(shipped(), Policy().settings())
    inside = {i for i, state in enumerate(shipped().states) if str(state) in INSIDE}
    assert len(inside) == len(INSIDE)
    with_it = {key for key, members in namer.names.items() if inside & set(members)}
    assert with_it == {
        "service",
        "network.interconnect+service.edge",
        "network.isp.core+network.interconnect+service.edge",
    }
    assert all(inside <= set(namer.names[key]) for key in with_it)
    assert not any(is_leaf(key) for key in with_it)
    assert inside <= set(namer.faults), "something is wrong, whatever is named"


@pytest.mark.parametrize("blind", ["boxed", "singled_out"])
def test_where_the_way_is_not_seen_it_carries_no_word_on_servers(blind: str) -> None:
    """It is the way as much as any link is."""
    tables = shipped()
    namer = Namer.build(tables, Policy().settings())
    inside = [i for i, state in enumerate(tables.states) if str(state) in INSIDE]
    rest = from_ratio(1, 1_000)
    belief = Filter([-3_100 if i in inside else rest for i in range(len(tables.states))])
    sees = sighted(Estimates())
    assert namer.sayable("service", attrs.evolve(sees, clear=frozenset({MADE_LIVE})), belief)
    unseen = attrs.evolve(sees, clear=frozenset({MADE_LIVE}), **{blind: True})
    assert not namer.sayable("service", unseen, belief)


def test_a_table_that_knows_no_links_between_networks_knows_none_there() -> None:
    known = [at for at, name in enumerate(TABLE["states"]) if "interconnect" not in name]
    rules = {
        rule: {
            **part,
            "outcomes": {o: [row[at] for at in known] for o, row in part["outcomes"].items()},
        }
        for rule, part in TABLE["rules"].items()
    }
    made = with_inside({**TABLE, "states": [TABLE["states"][at] for at in known], "rules": rules})
    assert not set(INSIDE) & set(made["states"])
