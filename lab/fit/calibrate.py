"""The temperature of what is told of untested places (`streamnotice.verdict.calibration`).

    python -m lab.fit.calibrate RUNS... [--into streamnotice/verdict/fitted.json]

Replays *RUNS*, which must be none of those that the table was counted on, at each temperature of a
grid, and takes the one with the least Brier score of the likeliest place told at the judged steps,
each run weighing alike. The score is flat around its least: the bootstrap over runs says how far.
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
from lab.fit.recordings import Run, load_runs
from lab.fit.score import reliability
from lab.worlds import HOME
from streamnotice.verdict.tables import Tables

GRID_PERMILLE: Final = (1000, 1200, 1400, 1600, 1800, 2000, 2300)
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


def _at(folders: list[Path], tables: Tables, temperature: int) -> list[Run]:
    told = attrs.evolve(tables, temperature_permille=temperature)
    return list(load_runs(folders, told, world=HOME.name))


def _scored_at(folders: list[Path], tables: Tables, temperature: int) -> dict[str, float]:
    return scored(_at(folders, tables, temperature))


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m lab.fit.calibrate", description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="RUNS")
    parser.add_argument("--into", type=Path, metavar="TABLE")
    args = parser.parse_args(argv)
    file = args.into or VERDICT / "fitted.json"
    table: dict[str, Any] = json.loads(file.read_text())
    tables = Tables.parse(file.read_bytes(), (VERDICT / "priors.json").read_bytes())
    first, *rest = GRID_PERMILLE
    with ProcessPoolExecutor() as others:  # each replays all runs, as do we
        later = {t: others.submit(_scored_at, args.folders, tables, t) for t in rest}
        runs = _at(args.folders, tables, first)
        scores = {first: scored(runs), **{t: one.result() for t, one in later.items()}}
    if not scores[first]:
        parser.error("no run there has a step that is judged")
    fitted = best(scores)
    for temperature, brier in fitted.brier.items():
        print(f"{temperature / 1000:.1f}  {brier:.4f}")
    print(
        f"{len(runs)} runs: {fitted.best_permille / 1000:g}, 95 % from "
        f"{fitted.from_permille / 1000:g} to {fitted.to_permille / 1000:g}"
    )
    if args.into is not None:
        table["temperature_permille"] = fitted.best_permille
        table["provenance"]["temperature"] = {
            "command": "python -m lab.fit.calibrate",
            "archives": [folder.name for folder in args.folders],
            **runs_used(runs),
            "from_permille": fitted.from_permille,
            "to_permille": fitted.to_permille,
            "brier_by_temperature": {f"{t / 1000:g}": b for t, b in fitted.brier.items()},
        }
        args.into.write_text(json.dumps(table, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
