"""The temperatures of what is told of untested places (`streamnotice.verdict.calibration`).

    python -m lab.fit.calibrate RUNS... [--kind K] [--into streamnotice/verdict/fitted.json]

Replays *RUNS*, which must be none of those that the table was counted on, at each temperature of a
grid, and takes the one with the least Brier score of the likeliest place told at the judged steps,
each run weighing alike. The score is flat around its least: the bootstrap over runs says how far.
Once with all probes, and once with what they saw hidden: the few rules that are left see much the
same, so that their product is the more too sure.
"""

from __future__ import annotations

import argparse
import json
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Final

import attrs
import numpy as np
from numpy.typing import NDArray

from lab.fit.__main__ import runs_used
from lab.fit.page import VERDICT
from lab.fit.recordings import PROBES, Run, load_runs
from lab.fit.score import reliability
from lab.worlds import HOME
from streamnotice.verdict.tables import Tables

GRID_PERMILLE: Final = (1000, 1200, 1400, 1600, 1800, 2000, 2300, 2600, 3000)
KINDS: Final[dict[str, tuple[str, frozenset[str]]]] = {
    "temperature": ("temperature_permille", frozenset()),
    "unprobed_temperature": ("unprobed_temperature_permille", PROBES),
}
"""Name in the table's provenance -> name of the number, and what is hidden to find it."""
RESAMPLES: Final = 2000


@attrs.frozen(eq=False)
class Fitted:
    """What was found.

    Attributes:
        brier: mean Brier score at each temperature of the grid.
        best_permille, from_permille, to_permille: the best one, and the middle 95 % of what the
            best one is on resamples of the runs.
    """

    brier: dict[int, float]
    best_permille: int
    from_permille: int
    to_permille: int


def scored(runs: list[Run]) -> dict[str, float]:
    """Brier score of each run that has judged steps."""
    found = {run.name: reliability([run]) for run in runs}
    return {name: one.brier for name, one in found.items() if one.bins}


def best(scores: dict[int, dict[str, float]]) -> Fitted:
    """The best temperature.

    Args:
        scores: temperature (permille) -> run -> its score.
    """
    grid = sorted(scores)
    names = sorted(scores[grid[0]])
    rows: NDArray[np.float64] = np.array([[scores[t][name] for name in names] for t in grid])
    means = rows.mean(axis=1)
    drawn = np.random.default_rng(1).integers(len(names), size=(RESAMPLES, len(names)))
    again = np.array([grid[rows[:, some].mean(axis=1).argmin()] for some in drawn])
    low, high = np.quantile(again, (0.025, 0.975), method="nearest")
    return Fitted(
        {t: round(float(mean), 4) for t, mean in zip(grid, means, strict=True)},
        grid[int(means.argmin())],
        int(low),
        int(high),
    )


def _scored_at(
    folders: list[Path], file: Path, kind: str, permille: int
) -> tuple[dict[str, float], dict[str, Any]]:
    name, hidden = KINDS[kind]
    tables = Tables.parse(file.read_bytes(), (VERDICT / "priors.json").read_bytes())
    told = attrs.evolve(tables, **{name: permille})
    runs = list(load_runs(folders, told, mask=hidden, world=HOME.name))
    return scored(runs), runs_used(runs)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m lab.fit.calibrate", description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="RUNS")
    parser.add_argument("--kind", choices=[*KINDS], action="append", help="only this one")
    parser.add_argument("--into", type=Path, metavar="TABLE")
    args = parser.parse_args(argv)
    file = args.into or VERDICT / "fitted.json"
    table: dict[str, Any] = json.loads(file.read_text())
    with ProcessPoolExecutor() as others:
        asked = {
            kind: {t: others.submit(_scored_at, args.folders, file, kind, t) for t in GRID_PERMILLE}
            for kind in args.kind or KINDS
        }
        found = {k: {t: one.result() for t, one in each.items()} for k, each in asked.items()}
    for kind, by_temperature in found.items():
        name, _ = KINDS[kind]
        scores = {t: score for t, (score, _) in by_temperature.items()}
        used = by_temperature[GRID_PERMILLE[0]][1]
        if not scores[GRID_PERMILLE[0]]:
            parser.error("no run there has a step that is judged")
        fitted = best(scores)
        print(kind.replace("_", " "))
        for temperature, brier in fitted.brier.items():
            print(f"{temperature / 1000:.1f}  {brier:.4f}")
        print(
            f"{used['runs']} runs: {fitted.best_permille / 1000:g}, 95 % from "
            f"{fitted.from_permille / 1000:g} to {fitted.to_permille / 1000:g}"
        )
        table[name] = fitted.best_permille
        table["provenance"][kind] = {
            "command": "python -m lab.fit.calibrate",
            "archives": [folder.name for folder in args.folders],
            **used,
            "from_permille": fitted.from_permille,
            "to_permille": fitted.to_permille,
            "brier_by_temperature": {f"{t / 1000:g}": b for t, b in fitted.brier.items()},
        }
    if args.into is not None:
        args.into.write_text(json.dumps(table, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
