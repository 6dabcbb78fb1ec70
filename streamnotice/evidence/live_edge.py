"""Live: does the newest segment come when it is due."""

from __future__ import annotations

from streamnotice.estimates import Estimates
from streamnotice.evidence.rule import Outcome, Rule


def read(seen: Estimates, now: int) -> Outcome | None:
    rows = list(seen.newest)
    if len(rows) < 2:
        return None
    newest = rows[-1].newest
    first = next(row.at_ns for row in rows if row.newest == newest)
    stood = rows[-1].at_ns - first
    due = rows[-1].target_duration_ns
    if due <= 0:
        return None
    name = "late" if stood > 2 * due else "moving"
    return Outcome(name, (("stood_ns", stood),), (("due_ns", due),))


RULE = Rule("live_edge", ("moving", "late"), "requests", read)
