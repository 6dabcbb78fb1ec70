"""How often something is said where nothing is wrong: hours of playback without a fault.

Such runs are needed in numbers that one page's own never have, so all that were ever recorded are
counted, of whichever page or fit: nothing of them is fitted but that they are fine. Some were
harmed all the same (a crowd that was to be harmless and was not): they are told apart, since a
notice is then no false alarm.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs

from lab.archive import opened
from lab.fit.recordings import Run, counted, load_runs
from streamnotice.bottlenecks import is_named


@attrs.define
class Tally:
    """Runs of one kind.

    Attributes:
        told: runs in which a notice was raised.
        named: those of them in which it named something.
    """

    runs: int = 0
    seconds: int = 0
    told: list[str] = attrs.Factory(list)
    named: list[str] = attrs.Factory(list)

    def add(self, run: Run) -> None:
        """Count one more."""
        self.runs += 1
        self.seconds += len(run.steps)
        shown = [notice for notice in run.notices if notice.state != "resolved"]
        if shown:
            self.told.append(run.name)
        if any(is_named(notice.bottleneck, notice.among) for notice in shown):
            self.named.append(run.name)

    def figures(self) -> dict[str, Any]:
        """For the page's data."""
        return {
            "runs": self.runs, "hours": round(self.seconds / 3600, 2), "told": self.told,
            "named": self.named,
        }  # fmt: skip


def calm(archives: list[Path]) -> dict[str, Any]:
    """The runs of *archives* that no fault was planned for, each name once."""
    unharmed, harmed = Tally(), Tally()
    seen: set[str] = set()
    for archive in archives:
        with opened(archive) as folder:
            names = {
                name
                for name, truth, _ in counted([folder])
                if truth["truth"]["place"] == "none" and name not in seen
            }
            seen |= names
            for run in load_runs([folder], only=frozenset(names)):
                suffered = any(impact is not None for impact in run.impacts.values())
                (harmed if suffered else unharmed).add(run)
    return {"unharmed": unharmed.figures(), "harmed": harmed.figures()}
