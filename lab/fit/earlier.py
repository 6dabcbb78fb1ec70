"""An earlier table as so many runs: what it was fitted on is kept when its recordings are not.

A table holds, for each rule, outcome and state, log p(outcome | state) less the log of its mean
over the states. That mean is one unknown number an outcome, and the probabilities of a state's
outcomes sum to one: with more states than outcomes they follow, by least squares over numbers not
below 0 (multiplicative steps; Lee & Seung, *Algorithms for Non-negative Matrix Factorization*,
NIPS 2000).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lab.fit.counts import INSIDE_TUNNELS, MDB_PER_NAT, Floats, Row
from streamnotice.bottlenecks import State
from streamnotice.evidence import RULES
from streamnotice.path.rounds import TUNNEL

_STEPS: Final = 4000
_EVENLY: Final = 0.02
_SELDOM: Final = 0.002
"""Mean share of an answer at the least: what the table lists was seen, or its kin were."""
_TIED: Final = "vpn"
"""The outcome whose row is tied over places (`counts.tie_tunnel`): it says nothing of the sums."""
WORTH: Final = 0.85
"""Of a run: what its share is counted for, as `counts.fit_counts` weighs runs by their steps."""


def earlier(
    table: dict[str, Any], without: frozenset[str] = frozenset()
) -> dict[str, dict[State, Row]]:
    """What the *table* of an earlier fit says, but for the rules *without*: for `fit_counts`."""
    states = tuple(State(*text.split(":")) for text in table["states"])
    counted = table["provenance"]["runs_by_state"]
    found: dict[str, dict[State, Row]] = {}
    for rule in RULES:
        if rule.name not in table["rules"] or rule.name in without:
            continue
        shares = _shares(rule.outcomes, table["rules"][rule.name]["outcomes"], states, rule.name)
        found[rule.name] = {
            state: (shares[:, column], WORTH * counted[str(state)])
            for column, state in enumerate(states)
            if counted.get(str(state))
        }
    return found


def _shares(
    outcomes: tuple[str, ...], rows: dict[str, list[int]], states: tuple[State, ...], rule: str
) -> Floats:
    tied = rule in INSIDE_TUNNELS
    known = [name for name in outcomes if name in rows and not (tied and name == _TIED)]
    ratios = np.exp(np.array([rows[name] for name in known]) / MDB_PER_NAT)
    inside = np.array([state.place == TUNNEL for state in states])
    means = _not_negative(ratios[:, ~inside] if tied else ratios)
    found = np.zeros((len(outcomes), len(states)))
    for name, row, mean in zip(known, ratios, means, strict=True):
        found[outcomes.index(name)] = row * mean
    if tied and _TIED in outcomes:  # what is left over, inside tunnels
        rest = np.maximum(0.0, 1.0 - found[:, inside].sum(axis=0))
        found[outcomes.index(_TIED), inside] = rest
    shares: Floats = found / found.sum(axis=0)
    return shares


def _not_negative(ratios: Floats) -> NDArray[np.float64]:
    """x > 0 with which each column of *ratios*, weighed by x, sums to 1 as nearly as can be.

    Of outcomes that mean the same for all states any split fits: an even one is preferred a little.
    """
    even = np.full(len(ratios), 1.0 / len(ratios))
    wanted = ratios @ np.ones(ratios.shape[1]) + _EVENLY * even
    square = ratios @ ratios.T + _EVENLY * np.eye(len(ratios))
    found = even.copy()
    for _ in range(_STEPS):
        found *= wanted / (square @ found)
    least: Floats = np.maximum(found, _SELDOM)
    return least
