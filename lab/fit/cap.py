"""How much one answer that measures a place may weigh, by runs that the rows weren't counted on.

    python -m lab.fit.cap RUNS... [--into streamnotice/verdict/fitted.json]

The rows and powers stay as they are, so *RUNS* must be none of those that they are of; `lab.fit
fit` finds the cap by cross-validation instead.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from lab.fit.__main__ import mix_of, runs_used
from lab.fit.counts import MEASURED, Counts
from lab.fit.forward import batch
from lab.fit.recordings import Run, load_runs
from lab.fit.table import caps_of, logs_of, powers_of, states_of
from lab.fit.temper import Folds, best_cap, one_fault, run_weights
from lab.worlds import HOME


def held_out(runs: list[Run], table: dict[str, Any]) -> Folds:
    """One part: *runs*, all of them judged with the table as it stands."""
    states = states_of(table)
    mix = mix_of(states)
    usable = one_fault(runs, states)
    weights = run_weights(usable, states, mix.prior, fine=0.5)
    counts = Counts(states, logs_of(table), caps_of(table))
    return Folds(((counts, batch(usable, states, weights)),), states, mix)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m lab.fit.cap", description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--into", type=Path, default=Path("streamnotice/verdict/fitted.json"))
    args = parser.parse_args(argv)
    table = json.loads(args.into.read_text())
    runs = list(load_runs(args.folders, world=HOME.name))
    folds = held_out(runs, table)
    cap_db, losses = best_cap(folds, powers_of(table), table["fatigue_steps"])
    for rule in MEASURED & table["rules"].keys():
        table["rules"][rule]["cap_mdb"] = cap_db * 1000
    table["provenance"]["cap"] = {
        "command": "python -m lab.fit.cap",
        **runs_used(runs),
        "held_out_loss_nats_by_cap_db": losses,
    }
    args.into.write_text(json.dumps(table, indent=1) + "\n")
    print(f"at most {cap_db} dB; loss by cap: {losses}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
