"""What the rules' answers hold at most: how well programs that learn read the same answers.

    python -m lab.truth.ceiling SHOWN... --on RUNS... [--into docs/truth.md]

Three learners, none of which knows a network, are shown each run of *SHOWN* as three rows of
numbers: how often each answer was given since shortly before the harm, its share of the whole run,
and of its last seconds. Then they, and the engine as it weighs, say of each run of *RUNS* how
likely each place is, at the last second at which it harms. A name is a place, or two, that hold
more than a bar; each reader gets the bar that serves it best in hindsight, with at most so many
names wrong. Where nobody gets further than the engine, weighing otherwise won't help: what is
missing was not seen.

Learners take over how frequent each place is among the runs shown, which is the lab's choice. The
engine goes by the world's shares, so that it is asked a second time with those of the runs shown.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any, Final

import attrs
import numpy as np
from numpy.typing import NDArray

from lab.archive import opened
from lab.fit.counts import judged
from lab.fit.page import between
from lab.fit.recordings import counted, replay_run
from streamnotice.bottlenecks import FINE, NONE, OTHER
from streamnotice.evidence import RULES
from streamnotice.verdict.tables import shipped

BEFORE_S: Final = 10
LAST_S: Final = 15
WRONG: Final = 0.02
"""So many names of a set may be wrong."""
BARS: Final = 1 / (1 + 2.0 ** -np.arange(0, 20, 0.25))
"""From even odds on, by a quarter of a bit: some who learn are surer than others."""
BEGIN, END = "<!-- ceiling -->\n", "<!-- /ceiling -->\n"
Floats = NDArray[np.float64]
_ANSWERS: Final = {
    answer: at for at, answer in enumerate((rule.name, o) for rule in RULES for o in rule.outcomes)
}


@attrs.frozen(eq=False)
class Seen:
    """A harmed run, as it is shown.

    Attributes:
        place: where its fault is.
        right: places that are right of it.
        row: numbers for those that learn.
        told: place -> probability, as the engine has it.
    """

    name: str
    place: str
    right: frozenset[str]
    row: Floats
    told: dict[str, float]


def seen(name: str, truth: dict[str, Any], dossier: Path) -> Seen | None:
    """The run, once replayed; None if it isn't harmed by one fault."""
    run = replay_run(name, truth, dossier, None, frozenset(), RULES)
    harmed = [s for s, state in judged(run).items() if state != FINE and s in run.verdicts]
    if not harmed or run.planned == OTHER or run.then is not None:
        return None
    first, last = min(harmed), max(harmed)
    rows = np.zeros((3, len(_ANSWERS)))
    steps = [second for second in run.steps if second <= last]
    for second in steps:
        said = [_ANSWERS[answer] for answer in run.steps[second].items()]
        rows[0, said] += second >= first - BEFORE_S
        rows[1, said] += 1 / len(steps)
        rows[2, said] += (second >= last - LAST_S) / LAST_S
    rows[0] = np.log1p(rows[0])
    told = {
        place: ppm / 1e6 for place, ppm in run.verdicts[last].alternatives if place != NONE
    }  # fmt: skip
    right = frozenset({run.planned.place, *run.among})
    return Seen(name, run.planned.place, right, rows.ravel(), told)


def named_right(told: Sequence[dict[str, float]], runs: Sequence[Seen]) -> tuple[float, float]:
    """(share of *runs* whose likeliest place is right; share that is named right where at most
    `WRONG` of them are named wrong)."""
    best = 0.0
    for bar in BARS:
        right = wrong = 0
        for chances, run in zip(told, runs, strict=True):
            name = _name(chances, bar)
            right += bool(name & run.right)
            wrong += bool(name) and not name & run.right
        if wrong <= WRONG * len(runs):
            best = max(best, right / len(runs))
    likeliest = sum(
        bool(_name(t, 0, most=1) & run.right) for t, run in zip(told, runs, strict=True)
    )
    return likeliest / len(runs), best


def _name(chances: dict[str, float], bar: float, most: int = 2) -> frozenset[str]:
    """The fewest places, at most so many, that hold more than *bar*; none if that isn't enough."""
    ordered = sorted(chances, key=lambda place: -chances[place])
    for many in range(1, most + 1):
        if sum(chances[place] for place in ordered[:many]) > bar:
            return frozenset(ordered[:many])
    return frozenset()


def reweighed(told: dict[str, float], frequent: Counter[str]) -> dict[str, float]:
    """What would be told if each place were as *frequent* as that."""
    moved = {place: p * (frequent[place] + 1) / _expected()[place] for place, p in told.items()}
    whole = sum(moved.values())
    return {place: p / whole for place, p in moved.items()}


@cache
def _expected() -> dict[str, float]:
    """How likely each place is before anything is seen, given that something is wrong."""
    tables = shipped()
    found: dict[str, float] = defaultdict(float)
    for state, prior_mdb in list(zip(tables.states, tables.priors, strict=True))[1:]:
        found[state.place] += 10 ** (prior_mdb / 10_000)
    return found


def learners() -> dict[str, Any]:
    """What learns, by what it is called."""
    from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression

    return {
        "logistic regression": LogisticRegression(C=0.02, max_iter=400),
        "gradient boosting": HistGradientBoostingClassifier(
            max_iter=150, learning_rate=0.08, max_leaf_nodes=12, random_state=1
        ),
        "random trees": ExtraTreesClassifier(1000, random_state=1),
    }


def compared(
    shown: Sequence[Seen], asked: dict[str, list[Seen]]
) -> dict[str, dict[str, tuple[float, float]]]:
    """Who reads -> set of runs -> `named_right`."""
    frequent = Counter(run.place for run in shown)
    found = {
        "the engine": {k: named_right([r.told for r in v], v) for k, v in asked.items()},
        "the engine, with the shares of the runs shown": {
            k: named_right([reweighed(r.told, frequent) for r in v], v) for k, v in asked.items()
        },
    }
    rows, places = np.array([run.row for run in shown]), [run.place for run in shown]
    for name, learner in learners().items():
        learner.fit(rows, places)
        found[name] = {}
        for key, runs in asked.items():
            chances = learner.predict_proba(np.array([run.row for run in runs]))
            told = [dict(zip(learner.classes_, row, strict=True)) for row in chances]
            found[name][key] = named_right(told, runs)
    return found


def table(
    shown: int, sizes: dict[str, int], found: dict[str, dict[str, tuple[float, float]]]
) -> str:
    """The findings in Markdown."""
    lines = [
        f"| {shown} runs shown | " + " | ".join(f"{k}: {n} runs" for k, n in sizes.items()) + " |",
        "|---|" + "---:|" * len(sizes),
    ]
    for name, by_set in found.items():
        cells = (f"{right:.0%} ({likeliest:.0%})" for likeliest, right in by_set.values())
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _all_seen(folders: Sequence[Path]) -> list[Seen]:
    with ExitStack() as unpacked, ProcessPoolExecutor() as others:
        there = [unpacked.enter_context(opened(folder)) for folder in folders]
        runs = list(others.map(seen, *zip(*counted(there), strict=True), chunksize=4))
    return list({run.name: run for run in runs if run is not None}.values())


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m lab.truth.ceiling", description=__doc__)
    parser.add_argument("shown", nargs="+", type=Path, metavar="SHOWN")
    parser.add_argument(
        "--on", nargs="+", action="append", type=Path, metavar="RUNS", required=True,
        help="a set of runs to read; may be given several times",
    )  # fmt: skip
    parser.add_argument("--into", type=Path, metavar="PAGE")
    args = parser.parse_args(argv)
    shown = _all_seen(args.shown)
    names = {run.name for run in shown}
    asked = {}
    for folders in args.on:
        runs = [run for run in _all_seen(folders) if run.name not in names]
        if not runs:
            parser.error(f"no harmed run in {folders[0]} that was not shown")
        asked[" ".join(f"`{folder.name.partition('.')[0]}`" for folder in folders)] = runs
    text = table(len(shown), {k: len(v) for k, v in asked.items()}, compared(shown, asked))
    print(text, end="")
    if args.into is not None:
        page = args.into.read_text()
        args.into.write_text(between(page, BEGIN, text, END))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
