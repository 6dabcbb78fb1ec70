"""When the answers of late stand against what was named: so seldom by chance, and so soon if not.

    python -m lab.fit.change RUNS... [--into streamnotice/verdict/fitted.json]

RUNS are replayed with a table that asks no such question. At each step with a name it is asked what
the answers of the last steps alone say, for several lengths of such a window. The window and the
threshold are taken that find the most steps at which the name had been true and was not any more
(runs whose fault moves), of those that find it in at most one of a hundred runs at a step at which
it was.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import attrs

from lab.fit.__main__ import names_used
from lab.fit.legs import ECHO_S
from lab.fit.recordings import answers, counted, present_settings
from streamnotice.bottlenecks import leaves_under
from streamnotice.dossier.reader import open_dossier
from streamnotice.engine import Engine
from streamnotice.events import Verdict
from streamnotice.policy import S_NS
from streamnotice.verdict.change import Change, Late
from streamnotice.verdict.naming import SEPARATOR
from streamnotice.verdict.tables import Tables

WINDOWS: Final = (6, 8, 10, 12, 15)
AGAINST_MDB: Final = (4000, 6000, 8000, 10_000, 12_000)
CHOICES: Final = tuple(Change(w, a) for w in WINDOWS for a in AGAINST_MDB)
MOST_FALSE: Final = 0.01
"""Share of the runs with a true name in which it may be taken back."""
Seen = frozenset[Change]
"""By which of the choices a name would be taken back at a step."""


@attrs.define
class Found:
    """What was seen at the steps with a name: where it was true, and where not any more.

    Attributes:
        true, stale: run -> its steps.
    """

    true: dict[str, list[Seen]] = attrs.Factory(dict)
    stale: dict[str, list[Seen]] = attrs.Factory(dict)

    def best(self) -> Change:
        """The one with the most stale steps of those with few true runs; of equals the slowest."""
        most = MOST_FALSE * len(self.true)
        rare = [one for one in CHOICES if runs(self.true, one) <= most] or CHOICES[-1:]
        return max(
            rare, key=lambda one: (steps(self.stale, one), one.window_steps, one.against_mdb)
        )


def steps(seen: dict[str, list[Seen]], change: Change) -> float:
    """The share of steps at which *change* is seen."""
    hits = [change in one for run in seen.values() for one in run]
    return sum(hits) / max(1, len(hits))


def runs(seen: dict[str, list[Seen]], change: Change) -> int:
    """In how many runs it is seen at all."""
    return sum(any(change in one for one in run) for run in seen.values())


def look(found: Found, name: str, truth: dict[str, Any], dossier: Path, tables: Tables) -> None:
    """Add what one run shows."""
    for second, key, seen in _named(dossier, tables):
        true = still_true(key, second, truth)
        if true is not None:
            (found.true if true else found.stale).setdefault(name, []).append(seen)


def _named(dossier: Path, tables: Tables) -> Iterator[tuple[int, str, Seen]]:
    """(second, what is named, by which choices it would fall) of each step with a name."""
    record = open_dossier(dossier)
    engine = Engine(present_settings(record.header.settings), tables)
    weigher, memory = engine._weigher, engine._mind.memory
    for events in answers(engine, record):
        # several steps in one answer lie behind one another in silence: the last is as good
        at_ns = max((event.at_ns for event in events if isinstance(event, Verdict)), default=None)
        if at_ns is not None and memory.spoken is not None:
            key, seen = memory.spoken, set[Change]()
            for window in WINDOWS:
                late = Late.of(memory.steps.rows, at_ns, window)
                for against in AGAINST_MDB:
                    if not weigher.outweighed(memory, key, late, against):
                        break  # nor by more
                    seen.add(Change(window, against))
            yield at_ns // S_NS, key, frozenset(seen)


def still_true(key: str, second: int, truth: dict[str, Any]) -> bool | None:
    """What is named is what is there; None where nothing is, or it was never true."""
    named = {leaf for part in key.split(SEPARATOR) for leaf in leaves_under(part)}
    first = bool(named & {truth["place"], *truth["among"]})
    if second < (truth["onset_s"] or 0.0) or not (first or truth.get("then")):
        return None
    if truth["ends_s"] is None or second <= truth["ends_s"]:
        return True if first else None
    later = truth.get("then")
    if later is None or second < later["onset_s"]:
        return None
    if named & {later["place"], *later["among"]}:
        return True
    return False if first and second > truth["ends_s"] + ECHO_S else None


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m lab.fit.change", description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="RUNS")
    parser.add_argument("--into", type=Path, default=Path("streamnotice/verdict/fitted.json"))
    args = parser.parse_args(argv)
    table = json.loads(args.into.read_text())
    plain = {key: part for key, part in table.items() if key != "change"}
    priors = args.into.with_name("priors.json").read_bytes()
    tables = Tables.parse(json.dumps(plain).encode(), priors)
    found, names = Found(), []
    for name, whole, dossier in counted(args.folders):
        names.append(name)
        look(found, name, whole["truth"], dossier, tables)
    for one in CHOICES:
        print(
            f"{one}: {steps(found.true, one):.4%} {runs(found.true, one)}, "
            f"{steps(found.stale, one):.1%} {runs(found.stale, one)}",
            file=sys.stderr,
        )
    best = found.best()
    table["change"] = attrs.asdict(best)
    table["provenance"]["change"] = {
        "command": "python -m lab.fit.change",
        "archives": [folder.name for folder in args.folders],
        **names_used(names),
        **{
            f"{what}_{unit}": count
            for what, seen in (("true", found.true), ("stale", found.stale))
            for unit, count in (
                ("steps", sum(map(len, seen.values()))),
                ("steps_share", round(steps(seen, best), 5)),
                ("runs", len(seen)),
                ("runs_hit", runs(seen, best)),
            )
        },
    }
    args.into.write_text(json.dumps(table, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
