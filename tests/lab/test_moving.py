"""Faults that move: how they are drawn, and how what is said of each is told apart."""

from __future__ import annotations

import attrs
import pytest

from lab.fit.legs import ECHO_S, STALE_S, legs, taken_back_s
from lab.fit.recordings import Run, Then
from lab.fit.score import judge_run
from lab.moving import FAULTS, MOVING
from lab.scenarios import plan
from streamnotice.bottlenecks import FINE, State
from streamnotice.events import Notice, Verdict
from streamnotice.policy import S_NS

WIFI, EDGE = State("network.home.wifi", "slow"), State("service.edge", "slow")
ENDS_S, BEGINS_S = 30, 36


@pytest.mark.parametrize("first", sorted(MOVING))
def test_the_second_is_elsewhere_and_begins_behind_the_end_of_the_first(first: str) -> None:
    for seed in range(1, 25):
        scenario = plan(f"moves.{first}", seed)
        later = scenario.then
        assert later is not None
        assert scenario.ends_s is not None
        assert 0 <= later.onset_s - scenario.ends_s <= 12
        assert {scenario.place, *scenario.truth_among}.isdisjoint({later.place, *later.truth_among})
        changed = {change.direction for change in scenario.links_onset}
        assert changed == {change.direction for change in scenario.links_end}
        assert changed or scenario.edge_fault or scenario.origin_fault


def test_every_fault_is_drawn_as_a_second_one() -> None:
    drawn = [plan(f"moves.{first}", seed).then for first in MOVING for seed in range(1, 25)]
    kinds = {(later.place, later.condition) for later in drawn if later is not None}
    assert len(kinds) == len(FAULTS)


def _notice(second: int, place: str, state: str = "updated") -> Notice:
    return Notice(
        at_ns=second * S_NS, id="n1", state=state, reason=None, since_ns=0, bottleneck=place,  # type: ignore[arg-type]
        among=(), condition=None, impact="stalled", confidence_ppm=990_000, against="none",
        weight_mdb=20_000, items=(), alternatives=(),
    )  # fmt: skip


def _verdict(second: int) -> Verdict:
    return Verdict(
        at_ns=second * S_NS, bottleneck="undetermined", among=(), condition=None, impact="stalled",
        confidence_ppm=0, against="none", weight_mdb=0, alternatives=(), items=(),
        stall_in_ns=None, wants="suspect",
    )  # fmt: skip


def _run(*notices: Notice) -> Run:
    """Harmed from 15 s to the end, at 90 s; the Wi-Fi is slow from 10 s to 30 s, the edge from
    36 s on."""
    seconds = range(91)
    return Run(
        name="made", family="moves.made", seed=1, truth=WIFI, planned=WIFI, among=(), onset_s=10,
        end_s=ENDS_S, before=False, steps={s: {} for s in seconds},
        impacts={s: "stalled" if s >= 15 else None for s in seconds},
        verdicts={s: _verdict(s) for s in seconds}, notices=notices, peaks={},
        then=Then(EDGE, (), BEGINS_S),
    )  # fmt: skip


def _words(run: Run) -> list[tuple[str, str]]:
    return [(j.said, j.worst) for j in map(judge_run, legs(run))]


def test_a_fault_that_stays_is_one_run() -> None:
    run = attrs.evolve(_run(), then=None)
    assert legs(run) == (run,)
    assert taken_back_s(run) is None


def test_each_fault_is_judged_by_what_was_said_while_it_stood() -> None:
    run = _run(
        _notice(20, "network.home.wifi", "raised"),
        _notice(ENDS_S + ECHO_S - 1, "network.home.wifi"),
        _notice(45, "service.edge"),
    )
    assert _words(run) == [("exact", "exact"), ("exact", "exact")]
    assert taken_back_s(run) == 15
    first, second = legs(run)
    assert max(first.verdicts) == ENDS_S
    assert min(second.verdicts) == ENDS_S + ECHO_S


def test_what_goes_on_standing_is_said_again() -> None:
    run = _run(_notice(20, "network.home.wifi", "raised"))
    assert _words(run) == [("exact", "exact"), ("wrong", "wrong")]
    assert taken_back_s(run) == 60
    late = _run(
        _notice(20, "network.home.wifi", "raised"),
        _notice(ENDS_S + STALE_S + 5, "service.edge"),
    )
    assert _words(late) == [("exact", "exact"), ("exact", "wrong")]


def test_what_is_said_anew_of_the_first_is_wrong_of_the_second() -> None:
    run = _run(_notice(ENDS_S + ECHO_S + 1, "network.home.wifi", "raised"))
    assert _words(run) == [("nothing", "nothing"), ("wrong", "wrong")]
    early = _run(_notice(ENDS_S - 5, "service.edge", "raised"))
    assert _words(early) == [("wrong", "wrong"), ("exact", "exact")]


def test_a_name_that_covers_both_is_never_stale() -> None:
    run = attrs.evolve(
        _run(_notice(20, "network", "raised")),
        then=Then(State("network.isp.access", "slow"), (), BEGINS_S),
    )
    assert _words(run) == [("inner", "inner"), ("inner", "inner")]
    assert taken_back_s(run) is None


def test_a_notice_that_is_resolved_says_nothing_of_the_second() -> None:
    run = _run(
        _notice(20, "network.home.wifi", "raised"), _notice(44, "network.home.wifi", "resolved")
    )
    assert _words(run) == [("exact", "exact"), ("nothing", "nothing")]
    assert taken_back_s(run) == 14


def test_a_second_fault_that_harms_nobody_is_none() -> None:
    run = _run()
    calm = attrs.evolve(run, impacts={s: i if s < 38 else None for s, i in run.impacts.items()})
    assert [part.truth for part in legs(calm)] == [WIFI, FINE]
