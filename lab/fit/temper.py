"""Powers on the rules, so that confidence on runs the fit never saw is worth its number.

Rules repeat themselves in time and among siblings; a product of their likelihoods is far too
sure. So each repetition of an answer weighs less (fatigue, one number for all rules), and each
rule has a power. Both are found by coordinate steps that lower the log loss of the true state over
*all* steps of held-out runs (cross-validation by run).
"""

from __future__ import annotations

from collections.abc import Callable

import attrs
import numpy as np
from numpy.typing import NDArray

from lab.fit.counts import MEASURED, Counts, caps_nats, fit_counts
from lab.fit.forward import Batch, batch, forward, rule_scores, scores
from lab.fit.recordings import Run
from streamnotice.bottlenecks import FINE, OTHER, State
from streamnotice.verdict.filter import Switch

Floats = NDArray[np.float64]
FACTORS = (0.0, 0.35, 0.7, 1.4, 2.0)
MOST_POWER, LEAST_POWER = 1.0, 0.02
FATIGUES = (2, 4, 8, 16, 40)
CAPS_DB = (10, 15, 20, 30)
POWERS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8, 1.0)


@attrs.frozen(eq=False)
class Mix:
    """Priors as arrays over the states."""

    start: Floats
    prior: Floats
    switch: Switch


@attrs.frozen(eq=False)
class Folds:
    """Cross-validation: tables fitted without the fold's runs, and the fold's runs as arrays."""

    parts: tuple[tuple[Counts, Batch], ...]
    states: tuple[State, ...]
    mix: Mix

    def with_caps(self, caps: dict[str, float]) -> Folds:
        """The same, where answers of some rules may weigh up to *caps* (nats)."""
        return attrs.evolve(
            self,
            parts=tuple(
                (attrs.evolve(counts, caps={**counts.caps, **caps}), data)
                for counts, data in self.parts
            ),
        )

    def loss(self, powers: dict[str, float], fatigue: float) -> float:
        """Mean negative log probability of the true state, runs weighted."""
        return self.loss_of(self.scores(powers, fatigue))

    def scores(self, powers: dict[str, float], fatigue: float) -> list[Floats]:
        """Of each part's runs, with the table of the others."""
        return [scores(data, counts, powers, fatigue) for counts, data in self.parts]

    def rule_scores(self, rule: str, fatigue: float) -> list[Floats]:
        """What *rule* adds to the scores at a power of 1."""
        return [rule_scores(data, counts, rule, fatigue) for counts, data in self.parts]

    def loss_of(self, found: list[Floats]) -> float:
        """As `loss`, of scores."""
        total = weight = 0.0
        for part, (_, data) in zip(found, self.parts, strict=True):
            posterior = forward(
                part,
                data.suffering,
                self.mix.start,
                self.mix.prior,
                self.mix.switch,
            )
            known = data.truth >= 0
            chosen = np.take_along_axis(posterior, np.maximum(data.truth, 0)[..., None], axis=2)[
                ..., 0
            ]
            loss = -np.log(np.maximum(chosen, 1e-6)) * known
            per_run = loss.sum(axis=1) / np.maximum(1, known.sum(axis=1))
            total += float((per_run * data.weight).sum())
            weight += float(data.weight.sum())
        return total / weight


def run_weights(runs: list[Run], states: tuple[State, ...], prior: Floats, fine: float) -> Floats:
    """Weights under which the runs are mixed as the priors say, softened by a square root.

    The lab plays each fault about equally often, the world does not; the root keeps rare faults
    from being sacrificed.
    """
    where = {state: i for i, state in enumerate(states)}
    counts: dict[State, int] = {}
    for run in runs:
        counts[run.truth] = counts.get(run.truth, 0) + 1
    weights = []
    for run in runs:
        share = fine if run.truth == FINE else (1 - fine) * float(prior[where[run.truth]]) ** 0.5
        weights.append(share / counts[run.truth])
    found: Floats = np.asarray(weights) / np.mean(weights)
    return found


def one_fault(runs: list[Run], states: tuple[State, ...]) -> list[Run]:
    """Runs whose truth is one of *states*: two faults at once are no state that could be learnt."""
    return [run for run in runs if run.truth in states and run.truth != OTHER]


def make_folds(
    runs: list[Run],
    states: tuple[State, ...],
    mix: Mix,
    pretended: float,
    folds: int = 5,
) -> Folds:
    """Folds by run, each state spread over all of them."""
    usable = one_fault(runs, states)
    order = sorted(usable, key=lambda run: (str(run.truth), run.seed, run.name))
    weights = run_weights(order, states, mix.prior, fine=0.5)
    parts = []
    for fold in range(folds):
        inside = [i for i in range(len(order)) if i % folds == fold]
        outside = [order[i] for i in range(len(order)) if i % folds != fold]
        counts = fit_counts(outside, states, pretended)
        parts.append((counts, batch([order[i] for i in inside], states, weights[inside])))
    return Folds(tuple(parts), states, mix)


def fit_powers(
    folds: Folds, rules: list[str], say: Callable[[str], None], rounds: int = 5
) -> tuple[dict[str, float], int, float]:
    """Powers and fatigue with the least held-out loss that coordinate steps find, and that loss."""
    best, powers, fatigue = float("inf"), dict.fromkeys(rules, 0.5), FATIGUES[0]
    for start in (0.15, 0.3, 0.6):
        for steps in FATIGUES:
            tried = dict.fromkeys(rules, start)
            loss = folds.loss(tried, steps)
            if loss < best:
                best, powers, fatigue = loss, tried, steps
    say(f"start: loss {best:.4f}, fatigue {fatigue} steps, power {next(iter(powers.values()))}")
    for number in range(rounds):
        before = best
        standing = folds.scores(powers, fatigue)
        for name in sorted(powers):
            now = powers[name] or 0.05
            added = folds.rule_scores(name, fatigue)
            for factor in FACTORS:
                value = 0.0 if factor == 0 else min(MOST_POWER, max(LEAST_POWER, now * factor))
                by = value - powers[name]
                moved = [part + more * by for part, more in zip(standing, added, strict=True)]
                loss = folds.loss_of(moved)
                if loss < best - 1e-4:
                    best, powers, standing = loss, {**powers, name: value}, moved
        for steps in FATIGUES:
            loss = folds.loss(powers, steps)
            if loss < best - 1e-4:
                best, fatigue = loss, steps
        say(f"round {number + 1}: loss {best:.4f}, fatigue {fatigue} steps")
        if before - best < 0.002:
            break
    return powers, fatigue, best


def best_power(
    folds: Folds, powers: dict[str, float], rule: str, fatigue: float
) -> tuple[float, dict[str, float]]:
    """The power of one *rule* beside the others', and the held-out loss of each that was tried."""
    losses = {
        str(power): round(folds.loss({**powers, rule: power}, fatigue), 4) for power in POWERS
    }
    return float(min(losses, key=lambda power: losses[power])), losses


def best_cap(
    folds: Folds, powers: dict[str, float], fatigue: float
) -> tuple[int, dict[str, float]]:
    """The cap (dB) of the rules that measure a place, and the held-out loss of each tried."""
    losses = {}
    for cap in CAPS_DB:
        tried = folds.with_caps(caps_nats(dict.fromkeys(MEASURED, cap * 1000)))
        losses[cap] = round(tried.loss(powers, fatigue), 4)
    return min(losses, key=losses.__getitem__), {str(cap): loss for cap, loss in losses.items()}
