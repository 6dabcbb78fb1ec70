"""A queue that harms nobody isn't taken for what harms: on a table to be checked by hand."""

from __future__ import annotations

import json
import math
from importlib.resources import files
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from lab.fit.bystander import SHOWS_AS, with_bystander
from lab.fit.counts import MDB_PER_NAT
from lab.fit.tying import shares_of
from streamnotice.decibans import from_ratio, log_add
from streamnotice.errors import EvidenceError
from streamnotice.estimates import Sighted
from streamnotice.snapshot import pack, unpack
from streamnotice.verdict.tables import Tables
from streamnotice.verdict.weigher import Memory, Weigher
from tests.verdict import by_hand
from tests.verdict.by_hand import weigher

STATES = (
    "none:fine",
    "network.home.wifi:slow",
    "network.home.sharing:crowded",
    "network.interconnect:lossy",
    "service.edge:slow",
    "undetermined:other",
)
#            fine   wifi   share  inter  edge  other
QUEUE = {
    "none": (2000, -8000, -8000, 2000, 2000, 0),
    "home": (-8000, 8000, -8000, -8000, -8000, 0),
    "access": (-8000, -8000, 8000, -8000, -8000, 0),
}
LOSS = {
    "none": (1000, 1000, 1000, -3000, 1000, 0),
    "interconnect": (-3000, -3000, -3000, 6000, -3000, 0),
}
HARM = {
    "calm": (4000, -4000, -4000, -4000, -4000, -1000),
    "stalled": (-9000, 1000, 1000, 1000, 1000, 1000),
}
BYSTANDER: dict[str, Any] = {
    "share_permille": 50,
    "lasts_steps": 500,
    "like": "network.home.sharing:crowded",
    "rules": {
        "queue_place": {
            "shows_as": ["access"],
            "unchanged": ["network.home.wifi:slow"],
            "kept_permille": 30,
        },
        "loss_place": {"shows_as": [], "unchanged": [], "kept_permille": 999},
    },
}
ALL = Sighted(
    frozenset(
        {"network.home.wifi", "network.home.sharing", "network.interconnect", "service.edge"}
    ),
    frozenset(),
)
KEPT = from_ratio(30, 1000)
QUEUED = {"queue_place": "access", "loss_place": "none"}
LOSSY = {"queue_place": "access", "loss_place": "interconnect"}
PEACE = {"queue_place": "none", "loss_place": "none"}


RULES = {
    "queue_place": by_hand.part(QUEUE, cap=30_000),
    "loss_place": by_hand.part(LOSS, 500, 30_000),
    "harm": by_hand.part(HARM, cap=30_000),
}


def table(bystander: object = BYSTANDER) -> Tables:
    return by_hand.table(STATES, RULES, bystander=bystander)


def play(using: Weigher, memory: Memory, steps: list[dict[str, str]]) -> str | None:
    """The name said after the last of *steps*."""
    for answers in steps:
        by_hand.step(using, memory, 0, answers)
    named = using.name(memory, ALL)
    return named.key if named else None


def calm(answers: dict[str, str], steps: int) -> list[dict[str, str]]:
    return [{**answers, "harm": "calm"}] * steps


def stalled(answers: dict[str, str], steps: int) -> list[dict[str, str]]:
    return [{**answers, "harm": "stalled"}] * steps


STOOD_BEFORE = calm(QUEUED, 30) + stalled(LOSSY, 30)


def test_a_queue_that_stood_while_all_was_well_is_not_blamed() -> None:
    knows, ignorant = weigher(table()), weigher(by_hand.table(STATES, RULES))
    assert ignorant.tables.bystander is None
    assert play(ignorant, ignorant.fresh(), STOOD_BEFORE) == "network.home.sharing"
    assert play(knows, knows.fresh(), STOOD_BEFORE) == "network.interconnect"


def test_a_queue_that_comes_with_the_harm_is_blamed_all_the_same() -> None:
    using = weigher(table())
    assert play(using, using.fresh(), calm(PEACE, 30) + stalled(QUEUED, 30)) == (
        "network.home.sharing"
    )


def test_what_was_named_beside_it_is_not_taken_back_for_it() -> None:
    """The losses fall silent, and the queue goes on showing: it has stood there all along."""
    change = {"window_steps": 8, "against_mdb": 6000}
    using = weigher(
        by_hand.table(STATES, RULES, bystander=BYSTANDER, change=change, fatigue_steps=4)
    )
    memory = using.fresh()
    said = []
    steps = STOOD_BEFORE + stalled({"queue_place": "access"}, 14)
    for second, answers in enumerate(steps, 1):
        by_hand.step(using, memory, second, answers)
        named = using.name(memory, ALL)
        said.append(named.key if named else None)
    assert said[59:] == ["network.interconnect"] * 15
    assert memory.begun_ns == 0


def test_where_a_queue_would_not_show_none_is_excused() -> None:
    """A slow Wi-Fi would be met first: that the line shows is no bystander's work."""
    tables = table()
    assert tables.bystander is not None
    rows = tables.bystander.likelihoods["queue_place"]
    wifi, edge = STATES.index("network.home.wifi:slow"), STATES.index("service.edge:slow")
    assert rows["access"][wifi] == tables.likelihoods["queue_place"]["access"][wifi]
    assert rows["access"][edge] == log_add(-8000 + KEPT, 8000)


def test_a_bystander_takes_no_other_sign_away() -> None:
    """What it can't show as comes less often, and so alike whatever the fault."""
    tables = table()
    assert tables.bystander is not None
    for rule, rows, power in (("queue_place", QUEUE, 1000), ("loss_place", LOSS, 500)):
        change = BYSTANDER["rules"][rule]
        kept = from_ratio(change["kept_permille"], 1000)
        for outcome in rows.keys() - set(change["shows_as"]):
            assert tables.bystander.likelihoods[rule][outcome] == tuple(
                (log + kept * (state not in change["unchanged"])) * power // 1000
                for state, log in zip(STATES, rows[outcome], strict=True)
            )


def test_the_waterfall_compares_each_place_as_it_is_likelier() -> None:
    using = weigher(table())
    memory = using.fresh()
    play(using, memory, STOOD_BEFORE)
    named = using.name(memory, ALL)
    assert named is not None
    verdict = using.verdict(memory, 0, 0, named, "stalled", None, "suspect", True)
    assert (verdict.bottleneck, verdict.against) == ("network.interconnect", "network.home.sharing")
    assert verdict.weight_mdb == sum(item.weight_mdb for item in verdict.items)
    weights = {item.rule: item.weight_mdb for item in verdict.items}
    assert weights["loss_place"] > 20_000
    lossy, crowd = named.members[0], STATES.index("network.home.sharing:crowded")
    weigh = using.contrast(memory.belief, lossy, crowd)
    # beside a bystander the queue says little against the border; without one, 16 decibans
    assert weigh("queue_place", "access") == log_add(-8000 + KEPT, 8000) - log_add(
        8000 + KEPT, 8000
    )
    assert weigh("loss_place", "interconnect") == 4500
    assert weigh("no_such_rule", "odd") is None


def test_what_is_remembered_survives_a_snapshot() -> None:
    using = weigher(table())
    memory = using.fresh()
    play(using, memory, STOOD_BEFORE[:45])
    again = unpack(json.loads(json.dumps(pack(memory))))
    assert again == memory
    assert again.belief.beside == memory.belief.beside != []
    play(using, memory, STOOD_BEFORE[45:])
    play(using, again, STOOD_BEFORE[45:])
    assert again == memory


def test_other_priors_move_both_cases_alike() -> None:
    using = weigher(table())
    memory = using.fresh()
    play(using, memory, STOOD_BEFORE)
    belief = memory.belief
    same = belief.moved([0] * len(STATES))
    assert max(abs(a - b) for a, b in zip(same.logs, belief.logs, strict=True)) < 5
    more = belief.moved([0, 10_000, 0, 0, 0, 0])
    odds = belief.logs[1] - belief.logs[2]
    assert abs(more.logs[1] - more.logs[2] - odds - 10_000) < 5


def test_the_shipped_table_says_of_bystanders_what_the_fit_does() -> None:
    fitted = json.loads((files("streamnotice.verdict") / "fitted.json").read_bytes())
    assert fitted["bystander"]["rules"].keys() == SHOWS_AS.keys()
    assert with_bystander(fitted) == fitted
    fewer = {**fitted, "states": fitted["states"][:3]}
    assert "bystander" not in with_bystander(fewer)


def test_in_the_shipped_table_answers_beside_one_are_as_many_as_without() -> None:
    """What is added to the queue's answers is taken from all: each state's shares make one."""
    fitted = json.loads((files("streamnotice.verdict") / "fitted.json").read_bytes())
    for rule, change in fitted["bystander"]["rules"].items():
        rows = fitted["rules"][rule]["outcomes"]
        shares = shares_of(np.array(list(rows.values())) / MDB_PER_NAT)
        like = fitted["states"].index(fitted["bystander"]["like"])
        added = [
            share * (outcome in change["shows_as"])
            for outcome, share in zip(rows, shares[:, like], strict=True)
        ]
        whole = shares * change["kept_permille"] / 1000 + np.array(added)[:, None]
        assert whole.sum(axis=0) == pytest.approx(1.0, abs=0.003)


QUEUE_CHANGE = BYSTANDER["rules"]["queue_place"]


@pytest.mark.parametrize(
    "change",
    [
        {"share_permille": 0},
        {"share_permille": 1000},
        {"share_permille": "some"},
        {"lasts_steps": 0},
        {"lasts_steps": -3},
        {"lasts_steps": 10**9},
        {"lasts_steps": math.inf},
        {"share_permille": math.inf},
        {"share_permille": 50.5},
        {"like": "moon:full"},
        {"like": 3},
        {"rules": {"no_such_rule": QUEUE_CHANGE}},
        {"rules": []},
        {"rules": {"queue_place": 3}},
        {"rules": {"queue_place": {**QUEUE_CHANGE, "shows_as": "access"}}},
        {"rules": {"queue_place": {**QUEUE_CHANGE, "shows_as": ["acc"]}}},
        {"rules": {"queue_place": {**QUEUE_CHANGE, "unchanged": ["network.home.wifi"]}}},
        {"rules": {"queue_place": {**QUEUE_CHANGE, "kept_permille": 0}}},
        {"rules": {"queue_place": {**QUEUE_CHANGE, "kept_permille": None}}},
    ],
)
def test_a_damaged_bystander_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(EvidenceError):
        table({**BYSTANDER, **change})


@pytest.mark.parametrize("told", [None, [], 3, {}, "much"])
def test_a_bystander_that_is_none_is_refused(told: object) -> None:
    with pytest.raises(EvidenceError):
        table(told)


@settings(max_examples=50, deadline=None)
@given(by_hand.sessions({"queue_place": QUEUE, "loss_place": LOSS, "harm": HARM}))
def test_posterior_is_normal_at_every_step(steps: list[dict[str, str]]) -> None:
    by_hand.stays_normal(weigher(table()), steps)
