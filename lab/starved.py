"""Was the viewer's computer itself short of processor time, in a run that didn't mean it to be?

Many runs at once, or other work on the machine, starve the player: then a second fault stands
beside the drawn one, and the truth is no longer known. What counts is what the player measured of
itself, whatever it said. The lab's own faults of the device begin at 500 thousandths.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from statistics import fmean

MOST_WAIT_PERMILLE = 400


def waited_permille(dossier: Path) -> float | None:
    """Mean share of its time that the player waited for a processor; None if it couldn't see."""
    with gzip.open(dossier, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines if '"kind":"host-load"' in line]
    waits = [row["cpu_wait_permille"] for row in rows if row.get("cpu_wait_permille") is not None]
    return fmean(waits) if waits else None


def why_void(place: str, dossier: Path) -> list[str]:
    """A reason that a run with its fault at *place* is void, or none."""
    if place == "device" or not dossier.exists():
        return []
    waited = waited_permille(dossier)
    if waited is None or waited <= MOST_WAIT_PERMILLE:
        return []
    return [f"computer starved: {waited:.0f} permille of the time"]


def recheck(folder: Path) -> int:
    """Put that reason into the truth of runs recorded before it was asked; how many were new."""
    found = 0
    for path in sorted(folder.glob("*/truth.json")):
        truth = json.loads(path.read_text(encoding="utf-8"))
        reasons = why_void(truth["truth"]["place"], path.parent / "dossier.jsonl.gz")
        new = [r for r in reasons if r not in truth["void"]]
        if new:
            truth["void"] += new
            path.write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")
            found += 1
    return found
