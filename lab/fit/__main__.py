"""Fit the shipped table on recorded runs, and say what it is worth on runs it never saw.

    python -m lab.fit fit  RUNS... --out streamnotice/verdict/fitted.json [--holdout 5]
    python -m lab.fit fit  RUNS... --powers streamnotice/verdict/fitted.json
    python -m lab.fit cross RUNS... [--mask path,reference] [--folds 4]
    python -m lab.fit score RUNS... [--mask path,reference] [--only held-out]

Runs whose seed is a multiple of --holdout are never used by the fit. `cross` fits as many times
as there are folds, each time judging the runs that were left out.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from lab.fit.bystander import with_bystander
from lab.fit.counts import (
    MDB_PER_NAT,
    MEASURED,
    POWER_BY_LOGIC,
    SPEAKS_OF_PLACES,
    Counts,
    caps_nats,
    fit_counts,
)
from lab.fit.inside import with_inside
from lab.fit.recordings import Run, load_runs
from lab.fit.score import false_peaks, judge_run, reliability, summary
from lab.fit.table import BY_LOGIC, caps_of, powers_of, states_of
from lab.fit.temper import Mix, best_cap, best_power, fit_powers, make_folds, one_fault
from lab.fit.tying import CAP
from lab.worlds import HOME
from streamnotice.bottlenecks import FINE, IN_THEIR_NETWORK, OTHER, STATES, State
from streamnotice.engine import ENGINE_VERSION
from streamnotice.evidence import RULES, Rule
from streamnotice.path.localise import STRETCHES
from streamnotice.verdict.filter import Switch
from streamnotice.verdict.tables import Tables

SWITCH = {"onset_ppm": 2000, "end_ppm": 20000, "move_ppm": 500}
GATE_TEMPER_PERMILLE = 1000
GATE_INNER_PERMILLE = 1000
"""Powers of 1: the gate's promise covers nothing above (docs/how-it-weighs.md)."""
CHANGE = {"window_steps": 8, "against_mdb": 6000}
"""What runs with faults that move tell of it: `lab.fit.change`."""
LEAST_RUNS = 2
NAME = "provisional-17"
KEPT = ("cap", "held_out_loss_nats_by_cap_db", "change")
"""Provenance of an earlier table that stays true of new rows."""
UNCALIBRATED = {"temperature_permille": 1000, "unprobed_temperature_permille": 1000}
"""What the temperatures of new rows should be, other runs tell: `lab.fit.calibrate`."""
PRIORS = Path("streamnotice/verdict/priors.json")


def mix_of(states: tuple[State, ...]) -> Mix:
    """The priors as shipped, for *states*."""
    mix = json.loads(PRIORS.read_text())
    weights = np.array([0.0] + [float(mix["weights"][str(s)]) for s in states[1:]])
    prior = weights / weights.sum()
    peace = mix["peace_ppm"] / 1e6
    start = np.concatenate([[peace], (1 - peace) * prior[1:]])
    return Mix(start, prior, Switch(**SWITCH))


def _fittable(runs: list[Run]) -> tuple[State, ...]:
    counts = {state: sum(run.truth == state for run in runs) for state in STATES}
    faults = [s for s in STATES if s != FINE and counts[s] >= LEAST_RUNS]
    return (FINE, *faults, OTHER)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def seen_outcomes(runs: list[Run], rule: str) -> set[str]:
    """Outcomes of *rule* that at least one run showed, or that a place's kin speak for."""
    found = {said[rule] for run in runs for said in run.steps.values() if rule in said}
    return found | set(STRETCHES) if found and rule in SPEAKS_OF_PLACES else found


def rule_part(rule: Rule, counts: Counts, power: float, runs: list[Run]) -> dict[str, Any]:
    """What the table says of *rule*, of the outcomes that *runs* speak for."""
    seen = seen_outcomes(runs, rule.name)
    table = counts.logs[rule.name]
    return {
        "temper_permille": round(power * 1000),
        "cap_mdb": round(counts.caps.get(rule.name, CAP) * MDB_PER_NAT),
        "outcomes": {
            name: [round(float(v) * MDB_PER_NAT) for v in table[i]]
            for i, name in enumerate(rule.outcomes)
            if name in seen  # what no run ever showed says nothing for any state
        },
    }


def runs_used(runs: list[Run]) -> dict[str, Any]:
    """The provenance's words for *runs*, replayed with the engine as it is."""
    return names_used(run.name for run in runs)


def names_used(runs: Iterable[str]) -> dict[str, Any]:
    """The same, by the runs' names."""
    names = sorted(runs)
    return {
        "engine": ENGINE_VERSION,
        "runs": len(names),
        "runs_sha256": hashlib.sha256("\n".join(names).encode()).hexdigest(),
    }


def fit(runs: list[Run], pretended: float) -> dict[str, Any]:
    """The table as the JSON object that is shipped."""
    states = _fittable(runs)
    folds = make_folds(runs, states, mix_of(states), pretended)
    usable = one_fault(runs, states)
    counts = fit_counts(usable, states, pretended)
    powers, fatigue, _ = fit_powers(folds, sorted(counts.logs), _say)
    cap_db, losses = best_cap(folds, powers, fatigue)
    _say(f"answers that measure a place: at most {cap_db} dB of {losses}")
    counts = attrs.evolve(counts, caps=caps_nats(dict.fromkeys(MEASURED, cap_db * 1000)))
    folds = folds.with_caps(counts.caps)
    powers, fatigue, _ = fit_powers(folds, sorted(counts.logs), _say)
    powers |= POWER_BY_LOGIC
    loss = folds.loss(powers, fatigue)
    made = {
        "what": "likelihoods and powers fitted on recorded runs of the lab",
        "command": "python -m lab.fit fit",
        **runs_used(usable),
        "runs_by_state": _by_state(usable, states),
        "by_logic": BY_LOGIC,
        "pretended_runs": pretended,
        "held_out_loss_nats": round(loss, 4),
        "held_out_loss_nats_by_cap_db": losses,
    }
    found = {
        "name": NAME,
        "provisional": True,
        "provenance": made,
        "states": [str(state) for state in states],
        "switch": SWITCH,
        "change": CHANGE,
        "gate_temper_permille": GATE_TEMPER_PERMILLE,
        "gate_inner_permille": GATE_INNER_PERMILLE,
        "fatigue_steps": fatigue,
        **UNCALIBRATED,
        "rules": _parts(counts, powers, usable),
    }
    return with_bystander(with_inside(found))


def fit_rows(before: dict[str, Any], runs: list[Run]) -> dict[str, Any]:
    """Rows of *runs*, with the states, powers, caps and fatigue of the table *before*.

    Rules that it doesn't know get the power with the least loss beside the others.
    """
    told = before["provenance"]
    pretended, fatigue = told["pretended_runs"], before["fatigue_steps"]
    states = tuple(state for state in states_of(before) if state not in IN_THEIR_NETWORK)
    usable = one_fault(runs, states)
    caps = caps_of(before)
    counts = attrs.evolve(fit_counts(usable, states, pretended), caps=caps)
    powers = powers_of(before) | POWER_BY_LOGIC
    folds = make_folds(runs, states, mix_of(states), pretended).with_caps(caps)
    for rule in RULES:
        if rule.name not in powers and seen_outcomes(usable, rule.name):
            powers[rule.name], losses = best_power(folds, powers, rule.name, fatigue)
            _say(f"{rule.name}: power {powers[rule.name]} of {losses}")
    made = {
        "what": "likelihoods of recorded runs of the lab; powers of an earlier table, but for "
        "rules that it didn't know",
        "command": "python -m lab.fit fit --powers",
        **runs_used(usable),
        "powers_of": told.get(
            "powers_of", {name: told[name] for name in ("engine", "runs", "runs_sha256")}
        ),
        "runs_by_state": _by_state(usable, states),
        "by_logic": BY_LOGIC,
        "pretended_runs": pretended,
        "held_out_loss_nats": round(folds.loss(powers, fatigue), 4),
        **{key: told[key] for key in KEPT if key in told},
    }
    rules = _parts(counts, powers, usable)
    whole = {**before, "name": NAME, "provenance": made, "states": [*map(str, states)]}
    return with_bystander(with_inside({**whole, "rules": rules, **UNCALIBRATED}))


def _by_state(runs: list[Run], states: tuple[State, ...]) -> dict[str, int]:
    return {str(state): sum(run.truth == state for run in runs) for state in states[:-1]}


def _parts(counts: Counts, powers: dict[str, float], runs: list[Run]) -> dict[str, Any]:
    """What the table says of each rule; of those never answered in the lab nothing: in shadow."""
    parts = {}
    for rule in RULES:
        part = rule_part(rule, counts, powers.get(rule.name, 0.0), runs)
        if part["outcomes"]:
            parts[rule.name] = part
    return parts


def _score(runs: list[Run], verbose: bool) -> None:
    judged = [judge_run(run) for run in runs]
    print(summary(judged))
    if verbose:
        for j in judged:
            if j.worst in ("wrong", "false"):
                said = [
                    (
                        n.at_ns // 10**9,
                        n.state,
                        n.bottleneck,
                        n.condition,
                        n.among,
                        n.confidence_ppm,
                    )
                    for n in j.run.notices
                ]
                where = f"planned {j.run.planned} onset {j.run.onset_s}"
                print(f"{j.worst:6} {j.run.name} {where}: {said}")
    r = reliability(runs)
    print(f"ECE {r.ece:.3f}  Brier {r.brier:.3f}  over decision steps, runs weighted alike")
    for inner in (False, True):
        peaks = sorted((*false_peaks(run, inner), run.name) for run in runs)
        what = "inner names" if inner else "leaves"
        print(f"highest false e-detectors of {what} (dB): " + ", ".join(
            f"{log // 1000} {key} in {name}" for log, key, name in peaks[-7:]
        ))  # fmt: skip
    conditions = [j.condition_right for j in judged if j.condition_right is not None]
    if conditions:
        print(f"condition right in {sum(conditions)} of {len(conditions)} exact names")
    print("reliability (said, true, weight): " + ", ".join(
        f"{p:.2f} {h:.2f} {w}" for p, h, w in r.bins
    ))  # fmt: skip


def _cross(
    folders: list[Path],
    runs: list[Run],
    mask: frozenset[str],
    pretended: float,
    folds: int,
    gate_temper: int,
) -> list[Run]:
    """Every run replayed with a table that was fitted without it."""
    priors = PRIORS.read_bytes()
    order = sorted(runs, key=lambda run: (str(run.planned), run.seed))
    fold_of = {run.name: i % folds for i, run in enumerate(order)}
    judged: list[Run] = []
    for fold in range(folds):
        made = fit([run for run in runs if fold_of[run.name] != fold], pretended)
        made["gate_temper_permille"] = gate_temper
        tables = Tables.parse(json.dumps(made).encode(), priors)
        names = frozenset(name for name, f in fold_of.items() if f == fold)
        judged += load_runs(folders, tables, mask, only=names)
    return judged


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m lab.fit", description=__doc__)
    parser.add_argument("what", choices=("fit", "score", "cross"))
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, default=Path("streamnotice/verdict/fitted.json"))
    parser.add_argument("--powers", type=Path, metavar="TABLE", help="keep its powers")
    parser.add_argument("--holdout", type=int, default=0, metavar="N")
    parser.add_argument("--only", choices=("all", "held-out", "seen"), default="all")
    parser.add_argument("--mask", default="")
    parser.add_argument("--pretended", type=float, default=1.5)
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("--gate-temper", type=int, default=GATE_TEMPER_PERMILLE)
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args(argv)
    mask = frozenset(part for part in args.mask.split(",") if part)
    runs = list(load_runs(args.folders, mask=mask, world=HOME.name))
    held = [run for run in runs if args.holdout and run.seed % args.holdout == 0]
    seen = [run for run in runs if run not in held]
    _say(f"{len(runs)} runs, {len(held)} held out")
    if args.what == "fit":
        if args.powers is None:
            made = fit(seen, args.pretended)
        else:
            made = fit_rows(json.loads(args.powers.read_text()), seen)
        args.out.write_text(json.dumps(made, indent=1) + "\n")
        return 0
    if args.what == "cross":
        runs = _cross(args.folders, runs, mask, args.pretended, args.folds, args.gate_temper)
        _score(runs, args.verbose)
        return 0
    _score({"all": runs, "held-out": held, "seen": seen}[args.only], args.verbose)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
