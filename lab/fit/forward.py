"""The filter on many runs at once, in floating point: for fitting alone.

The engine's own filter is integer; a test holds the two together on real runs.
"""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import NDArray

from lab.fit.counts import Counts, judged
from lab.fit.recordings import Run
from streamnotice.bottlenecks import State
from streamnotice.evidence import RULES, Rule
from streamnotice.verdict.filter import Switch
from streamnotice.verdict.waterfall import Repeats

Floats = NDArray[np.float64]


@attrs.frozen(eq=False)
class Batch:
    """Runs as arrays.

    Attributes:
        outcomes: rule -> (runs, steps) outcome index, -1 where there is none.
        said: rule -> (runs, steps) how often that outcome had been said before.
        truth: (runs, steps) state index, -1 where there is none.
        suffering: (runs, steps) impact is there.
        weight: (runs,) weight of each run.
    """

    outcomes: dict[str, NDArray[np.int64]]
    said: dict[str, NDArray[np.int64]]
    truth: NDArray[np.int64]
    suffering: NDArray[np.bool_]
    weight: Floats


def batch(
    runs: list[Run], states: tuple[State, ...], weight: Floats, rules: tuple[Rule, ...] = RULES
) -> Batch:
    """Arrays of *runs*; a truth that is not among *states* counts as none."""
    steps = max((max(run.steps, default=0) for run in runs), default=0) + 1
    where = {state: i for i, state in enumerate(states)}
    truth = np.full((len(runs), steps), -1, dtype=np.int64)
    suffering = np.zeros((len(runs), steps), dtype=np.bool_)
    outcomes = {rule.name: np.full((len(runs), steps), -1, dtype=np.int64) for rule in rules}
    index = {rule.name: {n: i for i, n in enumerate(rule.outcomes)} for rule in rules}
    before = {rule.name: np.zeros((len(runs), steps), dtype=np.int64) for rule in rules}
    for row, run in enumerate(runs):
        repeats = Repeats()
        for second, state in judged(run).items():
            truth[row, second] = where.get(state, -1)
        for second in sorted(run.steps):
            suffering[row, second] = run.impacts.get(second) is not None
            for name, outcome in run.steps[second].items():
                if name in index:
                    outcomes[name][row, second] = index[name][outcome]
                    before[name][row, second] = repeats.counts.get(name, {}).get(outcome, 0)
                    repeats.fresh(name, outcome, 1)
    return Batch(outcomes, before, truth, suffering, weight)


def scores(data: Batch, counts: Counts, powers: dict[str, float], fatigue: float) -> Floats:
    """(runs, steps, states) tempered log likelihoods, each repetition weighing less."""
    shape = (*data.truth.shape, len(counts.states))
    total = np.zeros(shape)
    for name in counts.logs:
        power = powers.get(name, 0.0)
        if power:
            total += rule_scores(data, counts, name, fatigue) * power
    return total


def rule_scores(data: Batch, counts: Counts, rule: str, fatigue: float) -> Floats:
    """What *rule* adds to `scores` at a power of 1: they are linear in the powers."""
    capped = counts.capped(rule)
    padded = np.vstack([capped, np.zeros((1, capped.shape[1]))])
    fresh = fatigue / (fatigue + data.said[rule])
    added: Floats = padded[data.outcomes[rule]] * fresh[..., None]
    return added


def forward(
    likelihoods: Floats, suffering: NDArray[np.bool_], start: Floats, prior: Floats, switch: Switch
) -> Floats:
    """(runs, steps, states) posteriors; the arithmetic of `streamnotice.verdict.filter`."""
    runs, steps, states = likelihoods.shape
    belief = np.tile(start, (runs, 1))
    out = np.zeros((runs, steps, states))
    onset, move = switch.onset_ppm / 1e6, switch.move_ppm / 1e6
    for step in range(steps):
        if step:
            end = np.where(suffering[:, step], 0.0, switch.end_ppm / 1e6)
            fine, faults = belief[:, 0], belief[:, 1:].sum(axis=1)
            ahead = belief * (1 - end - move)[:, None]
            ahead[:, 0] = fine * (1 - onset) + faults * end
            ahead[:, 1:] += (fine * onset + faults * move)[:, None] * prior[None, 1:]
            logs = np.log(np.maximum(ahead, 1e-100)) + likelihoods[:, step]
            logs -= logs.max(axis=1, keepdims=True)
            belief = np.exp(logs)
            belief /= belief.sum(axis=1, keepdims=True)
        out[:, step] = belief
    return out
