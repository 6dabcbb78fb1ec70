"""A rule's rows widened by circumstances that none of the table's runs had.

    python -m lab.fit.widen RULE SHARE=RUNS [SHARE=RUNS...] [--into TABLE]

The table says how faults show in homes where nothing else goes on. Where a download runs beside
the fault it shows otherwise, and an answer that "never" comes with such a fault would clear it.
What a state's answers are is then a mixture: of the table's and, in SHARE of the cases, of what
RUNS show. Their rows are counted as all are (`lab.fit.counts`), leaning on their kin the more, as
they are few. Powers and all other rules stay.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import attrs
import numpy as np

from lab.fit.__main__ import NAME, runs_used
from lab.fit.counts import MDB_PER_NAT, fit_counts
from lab.fit.one_rule import rule_named
from lab.fit.recordings import Run, load_runs
from lab.fit.table import logs_of, states_of
from lab.fit.temper import one_fault
from lab.fit.tying import shares_of
from lab.worlds import HOME
from streamnotice.bottlenecks import FINE, OTHER, State
from streamnotice.evidence import RULES

PRETENDED: Final = 4.0
"""So few runs lean on their kin more than a whole table's do."""


@attrs.frozen(eq=False)
class Circumstance:
    """What the table's runs did not have.

    Attributes:
        share: of faults (and of peace) come with it.
        runs: they all have it.
    """

    share: float
    runs: list[Run]

    @property
    def branches(self) -> frozenset[str]:
        """Beginnings of the places whose faults it changes; all others' are left as they are."""
        return frozenset(run.truth.place.partition(".")[0] for run in self.runs)

    def of(self, state: State) -> float:
        """Its share among cases of *state*."""
        known = state in (FINE, OTHER) or state.place.partition(".")[0] in self.branches
        return self.share if known else 0.0


def widen(
    table: dict[str, Any], name: str, circumstances: Sequence[Circumstance]
) -> dict[str, Any]:
    """*table* with rows of the rule *name* that know of *circumstances*."""
    rule = rule_named(name)
    states, part = states_of(table), table["rules"][name]
    known = [at for at, outcome in enumerate(rule.outcomes) if outcome in part["outcomes"]]
    mixed = shares_of(logs_of(table)[name][known])
    for circumstance in circumstances:
        counts = fit_counts(one_fault(circumstance.runs, states), states, PRETENDED, (rule,))
        weights = np.array([circumstance.of(state) for state in states])
        mixed = (1 - weights) * mixed + weights * shares_of(counts.logs[name])[known]
    made = np.log(mixed) - np.log(mixed.mean(axis=1, keepdims=True))
    rows = {
        rule.outcomes[at]: [round(float(v) * MDB_PER_NAT) for v in row]
        for at, row in zip(known, made, strict=True)
    }
    return {**table, "name": NAME, "rules": {**table["rules"], name: {**part, "outcomes": rows}}}


def _archive(runs: Path) -> str:
    return runs.name.partition(".")[0]


def _circumstance(text: str) -> tuple[float, Path]:
    share, sign, path = text.partition("=")
    try:
        found = float(share)
    except ValueError:
        found = 0.0
    if not sign or not 0.0 < found < 1.0:
        raise argparse.ArgumentTypeError(f"{text!r} is not SHARE=RUNS with a share below 1")
    return found, Path(path)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m lab.fit.widen", description=__doc__)
    parser.add_argument("rule", choices=[rule.name for rule in RULES], metavar="RULE")
    parser.add_argument("circumstances", nargs="+", type=_circumstance, metavar="SHARE=RUNS")
    parser.add_argument("--into", type=Path, default=Path("streamnotice/verdict/fitted.json"))
    args = parser.parse_args(argv)
    table = json.loads(args.into.read_text())
    before = table["provenance"]
    known = {was["archive"] for was in before.get("widened", ()) if was["rule"] == args.rule}
    if not known.isdisjoint(map(_archive, (path for _, path in args.circumstances))):
        parser.error(f"{args.into} knows of them already")
    found = [
        Circumstance(share, list(load_runs([path], world=HOME.name)))
        for share, path in args.circumstances
    ]
    made = widen(table, args.rule, found)
    states = states_of(table)
    told = [
        {"share": c.share, "rule": args.rule, "archive": _archive(path),
         "pretended_runs": PRETENDED, **runs_used(one_fault(c.runs, states))}
        for c, (_, path) in zip(found, args.circumstances, strict=True)
    ]  # fmt: skip
    made["provenance"] = {**before, "widened": [*before.get("widened", ()), *told]}
    args.into.write_text(json.dumps(made, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
