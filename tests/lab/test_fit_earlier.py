"""An earlier table stands for the runs that it was fitted on."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from lab.fit.counts import INSIDE_TUNNELS, MDB_PER_NAT, fit_counts
from lab.fit.earlier import WORTH, earlier
from lab.fit.page import VERDICT
from streamnotice.bottlenecks import FINE, State
from streamnotice.evidence import RULES

RULE = next(rule for rule in RULES if rule.name == "rate")


@pytest.fixture(scope="module")
def shipped() -> dict[str, Any]:
    table: dict[str, Any] = json.loads((VERDICT / "fitted.json").read_text(encoding="utf-8"))
    return table


def test_shares_are_found_again_from_logs_against_their_mean(shipped: dict[str, Any]) -> None:
    dice = np.random.default_rng(7)
    columns = len(shipped["states"])
    shares = dice.dirichlet(np.ones(len(RULE.outcomes)), columns).T
    logs = np.log(shares) - np.log(shares.mean(axis=1, keepdims=True))
    rows = [[round(float(v) * MDB_PER_NAT) for v in row] for row in logs]
    made = {
        **shipped,
        "rules": {"rate": {"outcomes": dict(zip(RULE.outcomes, rows, strict=True))}},
    }
    found = earlier(made)["rate"]
    for column, text in enumerate(shipped["states"]):
        state = State(*text.split(":"))
        if state in found:
            assert found[state][0] == pytest.approx(shares[:, column], abs=0.01), text
            runs = shipped["provenance"]["runs_by_state"][text]
            assert found[state][1] == pytest.approx(WORTH * runs)


def test_the_shipped_tables_weights_are_those_of_its_shares(shipped: dict[str, Any]) -> None:
    states = [State(*text.split(":")) for text in shipped["states"]]
    known = earlier(shipped)
    assert known.keys() == shipped["rules"].keys()
    for rule in RULES:
        for state, (shares, _) in known.get(rule.name, {}).items():
            assert shares.sum() == pytest.approx(1.0), (rule.name, state)
            told = shipped["rules"][rule.name]["outcomes"]
            likeliest = int(shares.argmax())
            if rule.name in INSIDE_TUNNELS and rule.outcomes[likeliest] == "vpn":
                continue  # that row is tied over places
            # what a state shows most speaks for it at least as much as for the mean of all
            mean = np.mean([row[0][likeliest] for row in known[rule.name].values()])
            weight = told[rule.outcomes[likeliest]][states.index(state)]
            assert weight == pytest.approx(
                np.log(shares[likeliest] / mean) * MDB_PER_NAT, abs=1500
            ), (rule.name, state)


def test_earlier_runs_count_on_and_rules_can_be_left_out(shipped: dict[str, Any]) -> None:
    states = tuple(State(*text.split(":")) for text in shipped["states"])
    upon = earlier(shipped, frozenset({"underlay"}))
    assert "underlay" not in upon
    alone = fit_counts([], states, 1.5, (RULE,)).logs["rate"]
    counted_on = fit_counts([], states, 1.5, (RULE,), upon).logs["rate"]
    fine = states.index(FINE)
    ample = RULE.outcomes.index("ample")
    assert np.allclose(alone[:, fine], 0.0, atol=0.5), "without runs nothing is told apart"
    told = shipped["rules"]["rate"]["outcomes"]["ample"][fine] / MDB_PER_NAT
    assert counted_on[ample, fine] == pytest.approx(told, abs=0.35)
