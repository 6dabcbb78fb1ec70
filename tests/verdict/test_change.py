"""A fault that is another one by now: what was named falls by the answers of late."""

from __future__ import annotations

import json
from collections import deque

import pytest
from hypothesis import given, settings

from streamnotice.decibans import log_sum, to_ppm
from streamnotice.errors import EvidenceError
from streamnotice.estimates import Sighted
from streamnotice.snapshot import pack, unpack
from streamnotice.verdict.change import Late, begun_anew
from streamnotice.verdict.filter import Filter, Layers
from streamnotice.verdict.tables import shipped
from streamnotice.verdict.waterfall import Said
from streamnotice.verdict.weigher import Memory, Weigher
from tests.verdict import by_hand
from tests.verdict.by_hand import Answers, part

STATES = (
    "none:fine", "network.home.wifi:lossy", "network.isp.access:lossy", "service.edge:slow",
    "undetermined:other",
)  # fmt: skip
RULES = {
    "loss": {
        "wifi": [-8000, 8000, -8000, -8000, 0],
        "access": [-8000, -8000, 8000, -8000, 0],
        "none": [0, -1000, -1000, 1000, 0],
    },
    "pace": {"steady": [0, -500, -500, 1000, 0], "torn": [0, 1000, 1000, -1000, 0]},
    "harm": {"calm": [4000, -4000, -4000, -4000, 0], "stalled": [-9000, 2000, 2000, 2000, 0]},
}
CHANGE = {"window_steps": 8, "against_mdb": 8000}
ALL = Sighted(
    frozenset({"network.home.wifi", "network.isp.access", "service.edge"}), frozenset(), False
)
WIFI: Answers = {"loss": "wifi", "pace": "torn", "harm": "stalled"}
WELL: Answers = {"loss": "none", "pace": "steady", "harm": "calm"}
EDGE: Answers = {"loss": "none", "pace": "steady", "harm": "stalled"}


def weigher(**changes: object) -> Weigher:
    tables = by_hand.table(
        STATES, {rule: part(rows) for rule, rows in RULES.items()}, fatigue_steps=4, **changes
    )
    return by_hand.weigher(tables)


def play(using: Weigher, memory: Memory, steps: list[Answers], first: int = 1) -> list[str | None]:
    """What is named at each of *steps*."""
    said = []
    for second, answers in enumerate(steps, first):
        by_hand.step(using, memory, second, answers)
        named = using.name(memory, ALL)
        said.append(named.key if named else None)
    return said


def _taken_back(said: list[str | None], stood: int) -> int:
    """Steps for which the first name went on being said after *stood* steps."""
    late = said[stood:]
    return next((at for at, key in enumerate(late) if key != said[stood - 1]), len(late))


def test_a_name_that_is_not_true_any_more_falls_in_seconds() -> None:
    steps = [WIFI] * 60 + [EDGE] * 150
    asks, trusts = weigher(change=CHANGE), weigher()
    asked, trusted = play(asks, asks.fresh(), steps), play(trusts, trusts.fresh(), steps)
    assert asked[:60] == trusted[:60]
    assert asked[59] == "network.home.wifi"
    assert _taken_back(asked, 60) <= 8
    assert _taken_back(trusted, 60) > 15
    assert asked[-1] == "service.edge"


def test_what_was_wrong_before_is_not_named_afterwards() -> None:
    """What tells it from its neighbours comes only when the fault is over."""

    def said_late(using: Weigher) -> list[str | None]:
        memory = using.fresh()
        for second, answers in enumerate([WIFI] * 60 + [EDGE] * 8, 1):
            by_hand.step(using, memory, second, answers)
        return play(using, memory, [EDGE] * 4, 69)

    assert set(said_late(weigher())) == {"network.home.wifi"}
    assert "network.home.wifi" not in said_late(weigher(change=CHANGE))


@pytest.mark.parametrize("live", [True, False])
def test_who_makes_a_live_stream_is_no_rival_where_none_was_seen(live: bool) -> None:
    """No evidence could name it then: it takes no name back."""
    states = tuple("service.source:late" if s == "service.edge:slow" else s for s in STATES)
    tables = by_hand.table(
        states, {rule: part(rows) for rule, rows in RULES.items()}, fatigue_steps=4, change=CHANGE
    )
    using = by_hand.weigher(tables)
    memory = using.fresh()
    for second, answers in enumerate([WIFI] * 60 + [EDGE] * 12, 1):
        by_hand.step(using, memory, second, answers, live=live)
        using.name(memory, ALL)
    assert (memory.begun_ns > 0) == live


def test_as_long_as_the_answers_bear_it_a_name_is_left_alone() -> None:
    """A few odd answers are no change."""
    odd = [WIFI, WIFI, WIFI, EDGE] * 15
    asks, trusts = weigher(change=CHANGE), weigher()
    ours, theirs = asks.fresh(), trusts.fresh()
    assert play(asks, ours, odd) == play(trusts, theirs, odd)
    assert ours.belief == theirs.belief
    assert ours.begun_ns == 0


def test_where_nothing_is_named_nothing_is_asked() -> None:
    steps = [WIFI] * 60 + [EDGE] * 60
    asks = weigher(change=CHANGE)
    memory = asks.fresh()
    for second, answers in enumerate(steps, 1):
        by_hand.step(asks, memory, second, answers)
    assert memory.begun_ns == 0


def test_what_is_wrong_stays_as_likely_and_what_is_shown_begins_anew() -> None:
    asks, trusts = weigher(change=CHANGE), weigher()
    ours, theirs = asks.fresh(), trusts.fresh()
    steps = [WIFI] * 60 + [EDGE] * 20
    for second, answers in enumerate(steps, 1):
        play(asks, ours, [answers], second)
        play(trusts, theirs, [answers], second)
        if ours.begun_ns:
            break
    assert abs(ours.belief.wrong_ppm - theirs.belief.wrong_ppm) < 1000
    assert ours.gate == theirs.gate
    assert ours.begun_ns >= 53 * by_hand.S_NS
    named = asks.name(ours, ALL)
    for second in range(81, 231):
        play(asks, ours, [EDGE], second)
        named = asks.name(ours, ALL)
    assert named is not None
    verdict = asks.verdict(ours, 0, 0, named, "stalled", None, "suspect", True)
    assert verdict.bottleneck == "service.edge"
    assert {item.outcome for item in verdict.items} == {"none", "steady"}


def test_that_nothing_is_wrong_any_more_takes_no_name_back() -> None:
    """Signs of peace fit other faults better than the one named; but none fits as peace does."""
    asks, trusts = weigher(change=CHANGE), weigher()
    steps = [WIFI] * 60 + [WELL] * 30
    ours, theirs = asks.fresh(), trusts.fresh()
    assert play(asks, ours, steps) == play(trusts, theirs, steps)
    assert ours.begun_ns == 0


def test_a_trait_of_the_whole_evening_takes_no_name_back_when_a_witness_falls_silent() -> None:
    """It speaks for the edge, in the same words, from before the harm on."""
    trait = {"pace": "steady"}
    asks, trusts = weigher(change=CHANGE), weigher()
    said = {"loss": "wifi", "harm": "stalled", **trait}
    steps = [{**WELL, **trait}] * 60 + [said] * 60 + [{"harm": "stalled", **trait}] * 20
    ours, theirs = asks.fresh(), trusts.fresh()
    mine = play(asks, ours, steps)
    assert mine[119] == "network.home.wifi"
    assert mine == play(trusts, theirs, steps)
    assert ours.begun_ns == 0


def test_a_way_that_is_not_asked_any_more_takes_no_name_back() -> None:
    """The probes have spent their budget: what is left speaks against the name, by itself."""

    def of_the_way(answers: Answers) -> Answers:
        return {"loss_place" if rule == "loss" else rule: said for rule, said in answers.items()}

    rows = of_the_way(RULES)  # type: ignore[arg-type]
    tables = by_hand.table(
        STATES,
        {rule: part(row) for rule, row in rows.items()},  # type: ignore[arg-type]
        fatigue_steps=4, change=CHANGE,
    )  # fmt: skip
    using = by_hand.weigher(tables)
    dark: Answers = {"pace": "steady", "harm": "stalled"}
    before = [of_the_way(WIFI)] * 30
    said = play(using, using.fresh(), before + [dark] * 12)
    assert said[29] == "network.home.wifi"
    assert _taken_back(said, 30) == 12
    said = play(using, using.fresh(), before + [of_the_way(EDGE)] * 12)
    assert _taken_back(said, 30) <= 8


def test_what_is_of_late_is_told_by_the_clock() -> None:
    """Behind a gap, as a computer leaves that slept, nothing from before it is of late."""
    rows = [(second * by_hand.S_NS, [Said("pace", "torn", (), None)]) for second in (1, 2, 3, 60)]
    late = Late.of(deque(rows), 60 * by_hand.S_NS, 8)
    assert (late.began_ns, late.times) == (60 * by_hand.S_NS, {("pace", "torn"): 1})


def test_a_bystander_that_was_there_stays_there() -> None:
    belief = Filter([-60_000, -20_000, -30_000], [-70_000, -5_000, -1_800])
    late = Layers([0, -9000, 0], [0, -9000, 0])
    anew = begun_anew(belief, [0, -3000, -3000], late)
    was, now = (log_sum(one.beside[1:]) - log_sum(one.alone[1:]) for one in (belief, anew))
    assert abs(now - was) < 20
    was, now = (one.logs[0] - log_sum(one.logs[1:]) for one in (belief, anew))
    assert abs(now - was) < 20
    assert anew.beside[2] - anew.beside[1] == 9000


def test_it_goes_on_the_same_from_a_snapshot() -> None:
    using = weigher(change=CHANGE)
    memory = using.fresh()
    play(using, memory, [WIFI] * 60 + [EDGE] * 3)
    again = unpack(json.loads(json.dumps(pack(memory))))
    assert play(using, memory, [EDGE] * 20, 64) == play(using, again, [EDGE] * 20, 64)
    assert again == memory


@pytest.mark.parametrize(
    "change",
    [
        {"window_steps": 0, "against_mdb": 8000},
        {"window_steps": 31, "against_mdb": 8000},
        {"window_steps": 8, "against_mdb": 0},
    ],
)
def test_a_change_that_makes_no_sense_is_refused(change: dict[str, int]) -> None:
    with pytest.raises(EvidenceError, match="a change is seen in"):
        weigher(change=change)


def test_the_shipped_table_asks() -> None:
    assert shipped().change is not None


@settings(max_examples=50, deadline=None)
@given(by_hand.sessions(RULES))
def test_posterior_is_normal_at_every_step(outcomes: list[Answers]) -> None:
    using = weigher(change=CHANGE)
    memory = using.fresh()
    for second, answers in enumerate([WIFI] * 40 + [EDGE] * 12 + outcomes, 1):
        play(using, memory, [answers], second)
        assert abs(sum(to_ppm(log) for log in memory.belief.logs) - 1_000_000) < 2_000
    assert memory.begun_ns > 0
