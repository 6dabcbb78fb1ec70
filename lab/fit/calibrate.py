"""The temperature of what is told of untested places (`streamnotice.verdict.calibration`).

    python -m lab.fit.calibrate RUNS... [--into streamnotice/verdict/fitted.json]

Of all on a grid it takes the one with the least Brier score of the likeliest place at the judged
steps of *RUNS*, weighed with the shipped table: none of them may be of those that it was counted
on. With --into it goes into that file, else it is only shown.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, Final

import attrs

from lab.fit.__main__ import runs_used
from lab.fit.counts import judged
from lab.fit.recordings import Run, load_runs
from lab.fit.score import is_right
from streamnotice.bottlenecks import INNER_NAMES, UNDETERMINED, leaves_under
from streamnotice.decibans import PPM, from_ratio, to_ppm
from streamnotice.events import Verdict
from streamnotice.verdict.calibration import calibrated
from streamnotice.verdict.tables import shipped

GRID_PERMILLE: Final = range(1000, 3001, 50)


def untested(verdict: Verdict) -> tuple[str, ...]:
    """Of a verdict's alternatives those that no gate was crossed for, as the engine has it."""
    places = tuple(place for place, _ in verdict.alternatives)
    if verdict.among or verdict.impact is None:
        return ()
    if verdict.bottleneck in INNER_NAMES:
        return tuple(place for place in places if place in leaves_under(verdict.bottleneck))
    return places if verdict.bottleneck == UNDETERMINED else ()


@attrs.frozen
class Told:
    """A step with something untested.

    Attributes:
        weight: each run counts once.
        masses: log probabilities by place, as the filter has them.
        open: those that are untested.
        right: places that would be right.
    """

    weight: float
    masses: dict[str, int]
    open: tuple[str, ...]
    right: frozenset[str]

    def brier(self, temperature_permille: int) -> float:
        told = calibrated(self.masses, self.open, temperature_permille)
        place = max(told, key=lambda one: told[one])
        hit = float(place in self.right)
        return self.weight * (to_ppm(told[place]) / PPM - hit) ** 2


def told_in(run: Run) -> list[Told]:
    """The judged steps of a run that was replayed at a temperature of 1."""
    truth_at = judged(run)
    rows = [(second, v) for second, v in run.verdicts.items() if second in truth_at]
    found = []
    for second, verdict in rows:
        free = untested(verdict)
        if free:
            masses = {place: from_ratio(ppm, PPM) for place, ppm in verdict.alternatives}
            truth = truth_at[second].place
            right = frozenset(place for place in masses if is_right(run, place, truth))
            found.append(Told(1 / len(rows), masses, free, right))
    return found


def fit_temperature(runs: list[Run]) -> dict[int, float]:
    """Mean Brier score of untested steps for each temperature of the grid."""
    rows = [told for run in runs for told in told_in(run)]
    whole = sum(told.weight for told in rows)
    return {t: sum(told.brier(t) for told in rows) / whole for t in GRID_PERMILLE}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m lab.fit.calibrate", description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="RUNS")
    parser.add_argument("--into", type=Path)
    args = parser.parse_args(argv)
    runs = list(load_runs(args.folders, attrs.evolve(shipped(), temperature_permille=1000)))
    scores = fit_temperature(runs)
    for temperature, brier in scores.items():
        print(f"{temperature / 1000:.2f}  {brier:.4f}")
    best = min(scores, key=lambda temperature: scores[temperature])
    print(f"{len(runs)} runs: {best / 1000:.2f}")
    if args.into is not None:
        table: dict[str, Any] = json.loads(args.into.read_text())
        table["temperature_permille"] = best
        table["provenance"]["temperature"] = {
            "command": "python -m lab.fit.calibrate",
            **runs_used(runs),
            "brier_by_temperature": {
                f"{t / 1000:g}": round(scores[t], 4) for t in sorted({1000, best, 2000})
            },
        }
        args.into.write_text(json.dumps(table, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
