"""What logic says of other traffic, whatever was counted."""

from __future__ import annotations

import numpy as np
import pytest

from lab.fit.others import ONCE, SHARING, others_by_logic
from streamnotice.bottlenecks import FINE, State
from streamnotice.evidence import Rule
from streamnotice.evidence.others import HERE, HOME
from streamnotice.evidence.pace import RULE as PACE

STATES = (
    FINE,
    State("device", "overloaded"),
    State("network.home.wifi", "slow"),
    State(SHARING, "crowded"),
    State("network.isp.access", "slow"),
    State("network.isp.access", "lossy"),
    State("network.isp.core", "crowded"),
    State("service.edge", "slow"),
)


def logs_of(rule: Rule) -> np.ndarray:
    dice = np.random.default_rng(7)
    return dice.normal(0.0, 2.0, (len(rule.outcomes), len(STATES)))


REST = [at for at, state in enumerate(STATES) if state.place != SHARING]


@pytest.mark.parametrize("rule", [HERE, HOME])
def test_how_many_homes_have_other_traffic_is_no_evidence(rule: Rule) -> None:
    for row in others_by_logic(logs_of(rule), rule, STATES):
        assert np.ptp(row[REST]) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("rule", [HERE, HOME])
def test_it_accuses_once(rule: Rule) -> None:
    before = logs_of(rule)
    made = others_by_logic(before, rule, STATES)
    much, sharing = rule.outcomes.index("much"), STATES.index(State(SHARING, "crowded"))
    likely = np.exp(before[much])
    speaks = np.log(likely[sharing] / likely[REST].mean())
    assert made[much, sharing] - made[much, REST[0]] == pytest.approx(ONCE * speaks)


def test_that_nobody_moves_anything_clears_them_each_time() -> None:
    before = logs_of(HOME)
    made = others_by_logic(before, HOME, STATES)
    none, sharing = HOME.outcomes.index("none"), STATES.index(State(SHARING, "crowded"))
    assert made[none, sharing] == before[none, sharing]


def test_that_this_computer_is_quiet_clears_nobody() -> None:
    made = others_by_logic(logs_of(HERE), HERE, STATES)
    for quiet in ("none", "some"):
        assert not made[HERE.outcomes.index(quiet)].any()


def test_other_rules_are_left_alone() -> None:
    before = logs_of(PACE)
    assert others_by_logic(before, PACE, STATES) is before
