"""Two ways to probe on the same networks and faults: live runs of the same names, one of each.

What is asked can't be scored by replay, since answers to what was never asked aren't there. So each
scenario is played twice, with the budget as ever: once with hops asked in turn, and all else at
fixed periods, once as the engine's suspects make it worth. All records are then judged by the same
engine and table.
"""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any

from lab.archive import recorded
from lab.fit.score import reliability
from lab.truth import measure
from streamnotice.bottlenecks import FINE


def paired(chosen: list[Path], in_turn: list[Path]) -> dict[str, Any]:
    """The figures of both, on scenarios that both have, and that did harm in both or in none."""
    ways = {"by worth": chosen, "in turn": in_turn}
    measured = {name: measure.replay(folders, None, frozenset()) for name, folders in ways.items()}
    fine = {
        name: {j.run.name: j.run.truth == FINE for j in found.judged}
        for name, found in measured.items()
    }
    both = {run for run, calm in fine["by worth"].items() if fine["in turn"].get(run) is calm}
    return {
        "runs": len(both),
        "families": len({run.rpartition("-")[0] for run in both}),
        "modes": {name: measure.figures(_only(measured[name], both)) for name in ways},
        "bytes": {name: _median_bytes(folders, both) for name, folders in ways.items()},
    }


def _only(measured: measure.Measured, runs: set[str]) -> measure.Measured:
    judged = [j for j in measured.judged if j.run.name in runs]
    return measure.Measured(
        measured.runs, judged, measured.seen, reliability([j.run for j in judged])
    )


def _median_bytes(folders: list[Path], runs: set[str]) -> int:
    spent = [
        truth["outcome"]["summary"]["probe_bytes"]
        for folder in folders
        for name, truth, _ in recorded(folder)
        if name in runs and truth["outcome"]["summary"]
    ]
    return round(median(spent)) if spent else 0
