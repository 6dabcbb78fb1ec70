"""Rows widened by circumstances that a table's runs did not have."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pytest

from lab.fit.recordings import load_runs
from lab.fit.table import logs_of, states_of
from lab.fit.tying import shares_of
from lab.fit.widen import Circumstance, _circumstance, widen
from streamnotice.bottlenecks import FINE, State
from streamnotice.evidence.asking import RULE as ASKING

ROOT = Path(__file__).parents[2]
TABLE = json.loads((ROOT / "streamnotice" / "verdict" / "fitted.json").read_text())


def test_shares_are_found_again_in_their_ratios() -> None:
    dice = np.random.default_rng(3)
    shares = dice.dirichlet((1.0, 2.0, 0.5, 3.0), size=30).T
    logs = np.log(shares) - np.log(shares.mean(axis=1, keepdims=True))
    assert np.allclose(shares_of(logs), shares, atol=1e-3)


@pytest.fixture(scope="module")
def edges() -> list[object]:
    only = frozenset(
        path.name for path in (ROOT / "lab" / "recordings").iterdir() if "edge." in path.name
    )
    return list(load_runs([ROOT / "lab" / "recordings"], only=only))


def test_rows_go_a_part_of_the_way(edges: list[object]) -> None:
    states = states_of(TABLE)
    before = shares_of(logs_of(TABLE)[ASKING.name])
    fifth, half = (
        shares_of(logs_of(widen(TABLE, ASKING.name, [Circumstance(s, edges)]))[ASKING.name])  # type: ignore[arg-type]
        for s in (0.2, 0.5)
    )
    column = states.index(State("service.edge", "slow"))
    assert np.abs(half - before)[:, column].max() > 0.01
    expected = before + (half - before) * 0.2 / 0.5
    assert np.allclose(fifth[:, column], expected[:, column], atol=0.01)


def test_what_they_do_not_change_is_left(edges: list[object]) -> None:
    """Runs of servers alone say nothing of how the network's faults show."""
    servers = Circumstance(0.2, edges)  # type: ignore[arg-type]
    assert servers.of(State("network.isp.core", "lossy")) == 0.0
    assert servers.of(State("service.origin", "slow")) == 0.2
    assert servers.of(FINE) == 0.2
    made = widen(TABLE, ASKING.name, [servers])
    before = dict(TABLE["rules"])
    asking = made["rules"].pop(ASKING.name)
    assert asking["outcomes"].keys() == before.pop(ASKING.name)["outcomes"].keys()
    assert made["rules"] == before


@pytest.mark.parametrize("text", ["0.2", "much=runs", "0=runs", "1.5=runs"])
def test_a_share_is_a_part(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="SHARE=RUNS"):
        _circumstance(text)
