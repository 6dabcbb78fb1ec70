"""Rows of logs that weigh alike for several states: what the ties by logic have in common."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from streamnotice.bottlenecks import State

Floats = NDArray[np.float64]
CAP: Final = float(np.log(10.0))
"""Most answers weigh no more than ten decibans."""
_ROUNDS: Final = 5000


def tied(logs: Floats, outcomes: Iterable[int], columns: Sequence[int]) -> Floats:
    """*logs* (outcomes, states) where these outcomes say of the states in *columns* what they say
    of them on the mean: of the likelihoods, not of their logs."""
    found = logs.copy()
    if not columns:
        return found
    for outcome in outcomes:
        found[outcome, columns] = np.log(np.exp(logs[outcome, columns]).mean())
    return found


def columns_of(some: tuple[State, ...], states: tuple[State, ...]) -> list[int]:
    """Where they stand among *states*, those that do."""
    return [states.index(state) for state in some if state in states]


def shares_of(logs: Floats) -> Floats:
    """P(answer | state), as (answers, states), from *logs*: ratios of it to each answer's mean.

    The means are those with which every state's answers add up to one, as nearly as can be (least
    Kullback-Leibler divergence, by expectation maximisation: Richardson 1972, Lucy 1974).
    """
    ratios = np.exp(logs).T  # (states, answers)
    means = np.full(logs.shape[0], 1.0 / logs.shape[0])
    whole = ratios.sum(axis=0)
    for _ in range(_ROUNDS):
        means = means * (ratios.T @ (1.0 / (ratios @ means))) / whole
    found = ratios * means
    result: Floats = (found / found.sum(axis=1, keepdims=True)).T
    return result
