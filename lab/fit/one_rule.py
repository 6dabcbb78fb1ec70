"""Rows for one rule that the shipped table does not know yet, all others as they are.

    python -m lab.fit.one_rule RULE RUNS... [--into streamnotice/verdict/fitted.json]
    python -m lab.fit.one_rule RULE RUNS... --answer NAME [--answer NAME]

For a rule that only sessions of one kind answer: they are recorded for it, and the rest of the
table need not be found anew. Its rows are counted as `lab.fit.counts` does, its power is the one
with the least log loss on runs left out (cross-validation by run), next to the others' rows and
powers as shipped, but where logic has it.

With --answer only the rows of these answers are counted, beside the rule's others and its power as
shipped: for an answer that the rule didn't give before, and those that it was taken from.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import attrs

from lab.errors import LabError
from lab.fit.__main__ import mix_of, rule_part, runs_used
from lab.fit.counts import POWER_BY_LOGIC, Counts, fit_counts
from lab.fit.recordings import Run, load_runs
from lab.fit.table import caps_of, logs_of, powers_of, states_of
from lab.fit.temper import Folds, best_power, make_folds, one_fault
from lab.worlds import HOME
from streamnotice.evidence import RULES, Rule


def rule_named(name: str) -> Rule:
    return next(rule for rule in RULES if rule.name == name)


def fit_rule(
    name: str, runs: list[Run], table: dict[str, Any], pretended: float
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The rule's part of the table, and where it comes from: with what each power costs on runs
    left out."""
    states, caps = states_of(table), caps_of(table)
    others = {rule: logs for rule, logs in logs_of(table).items() if rule != name}
    powers = {rule: power for rule, power in powers_of(table).items() if rule in others}

    def among_others(counts: Counts) -> Counts:
        return attrs.evolve(counts, logs={**others, name: counts.logs[name]}, caps=caps)

    folds = make_folds(runs, states, mix_of(states), pretended)
    folds = Folds(
        tuple((among_others(counts), data) for counts, data in folds.parts), states, folds.mix
    )
    best, losses = best_power(folds, powers, name, table["fatigue_steps"])
    usable = one_fault(runs, states)
    rule = rule_named(name)
    counts = attrs.evolve(fit_counts(usable, states, pretended, (rule,)), caps=caps)
    part = rule_part(rule, counts, POWER_BY_LOGIC.get(name, best), usable)
    made = {
        "command": f"python -m lab.fit.one_rule {name}",
        **runs_used(usable),
        "held_out_loss_nats": losses,
    }
    return part, made


def fit_answers(
    name: str, answers: list[str], runs: list[Run], table: dict[str, Any], pretended: float
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The rule's part of the table with new rows for *answers*, and where those come from."""
    states, rule = states_of(table), rule_named(name)
    usable = one_fault(runs, states)
    new = rule_part(rule, fit_counts(usable, states, pretended, (rule,)), 0.0, usable)["outcomes"]
    missing = sorted(set(answers) - new.keys())
    if missing:
        raise LabError(f"in none of these runs rule {name} answers {', '.join(missing)}")
    before = table["rules"][name]
    rows = {**before["outcomes"], **{answer: new[answer] for answer in answers}}
    made = {"command": f"python -m lab.fit.one_rule {name} --answer", **runs_used(usable),
            "answers": answers}  # fmt: skip
    return {**before, "outcomes": {o: rows[o] for o in rule.outcomes if o in rows}}, made


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m lab.fit.one_rule", description=__doc__)
    parser.add_argument("rule", choices=[rule.name for rule in RULES])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--answer", action="append", metavar="NAME")
    parser.add_argument("--into", type=Path, default=Path("streamnotice/verdict/fitted.json"))
    args = parser.parse_args(argv)
    table = json.loads(args.into.read_text())
    pretended = table["provenance"]["pretended_runs"]
    runs = list(load_runs(args.folders, world=HOME.name))
    if args.answer:
        part, made = fit_answers(args.rule, args.answer, runs, table, pretended)
    else:
        part, made = fit_rule(args.rule, runs, table, pretended)
    table["provenance"].setdefault("rules_added", {})[args.rule] = made
    table["rules"][args.rule] = part
    args.into.write_text(json.dumps(table, indent=1) + "\n")
    json.dump(made, sys.stderr, indent=1)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
