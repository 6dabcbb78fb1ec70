"""What is published: how often right, inner, wrong or silent, and calibration."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TypeVar

import attrs

from lab.fit.counts import judged
from lab.fit.recordings import Run
from streamnotice.bottlenecks import (
    FINE,
    INNER_NAMES,
    NONE,
    OTHER,
    answerable_for,
    is_leaf,
    is_named,
    leaves_under,
)
from streamnotice.events import Verdict
from streamnotice.policy import S_NS

Key = TypeVar("Key", int, str)
_Told = tuple[float, Verdict, float, float]


def judge(run: Run, bottleneck: str, among: tuple[str, ...]) -> str:
    """exact, among, inner, silent, wrong or false for one thing that was said.

    `inner` is true but coarse; `false` is any name where nothing was wrong.
    """
    if run.planned == OTHER:
        return _judge_two(run, bottleneck, among)
    if not is_named(bottleneck, among):
        return "silent"
    if run.planned == FINE:
        return "false"
    truth = set(run.among) | {run.planned.place}
    if among:
        if set(among) == truth or (run.planned.place in among and len(among) <= 2):
            return "among"
        return "inner" if run.planned.place in among else "wrong"
    if is_leaf(bottleneck):
        return "exact" if bottleneck == run.planned.place else "wrong"
    if bottleneck in INNER_NAMES:
        return "inner" if run.planned.place in leaves_under(bottleneck) else "wrong"
    return "wrong"


def _judge_two(run: Run, bottleneck: str, among: tuple[str, ...]) -> str:
    """Of two faults at once neither is named alone: what covers both, or `undetermined`."""
    if not is_named(bottleneck, among):
        return "exact"
    if not holds(run, among or leaves_under(bottleneck)):
        return "wrong"
    return "among" if among else "inner"


def holds(run: Run, leaves: tuple[str, ...]) -> bool:
    """What was brought about lies in *leaves*: all of it, where two faults stood at once."""
    if run.planned == OTHER:
        return set(run.among) <= set(leaves)
    return run.planned.place in leaves or bool(set(run.among) & set(leaves))


def blames_third_party(verdict_name: str, among: tuple[str, ...]) -> bool:
    if among:  # each of them is accused
        return "third_party" in answerable_for(among)
    return answerable_for(leaves_under(verdict_name)) == {"third_party"}


@attrs.frozen
class Judged:
    """One run's result.

    Attributes:
        said: judgement of the last word said (raised or updated) in a notice.
        worst: "wrong" or "false" if any word said was, else `said`.
        third_party: a third party was named wrongly at any time.
        innocent: and it had no part in what was wrong: of two faults at once, neither was its own.
        delay_s: from harm to the first right name; None if never.
    """

    run: Run
    said: str
    worst: str
    third_party: bool
    innocent: bool
    delay_s: float | None
    name: str
    condition_right: bool | None


def judge_run(run: Run) -> Judged:
    """Judge all that was said in a run."""
    words = [n for n in run.notices if n.state in ("raised", "updated")]
    kinds = [judge(run, n.bottleneck, n.among) for n in words]
    harms = [second for second, impact in run.impacts.items() if impact is not None]
    right = [n.at_ns / S_NS for n, k in zip(words, kinds, strict=True) if k in ("exact", "among")]
    wrong = [n for n, k in zip(words, kinds, strict=True) if k in ("wrong", "false")]
    blaming = [n for n in wrong if blames_third_party(n.bottleneck, n.among)]
    guilty = set(run.among) if run.planned == OTHER else {run.planned.place}
    last = words[-1] if words else None
    return Judged(
        run=run,
        said=kinds[-1] if kinds else "nothing",
        worst=("false" if run.planned == FINE else "wrong")
        if wrong
        else (kinds[-1] if kinds else "nothing"),
        third_party=bool(blaming),
        innocent=any(guilty.isdisjoint(n.among or leaves_under(n.bottleneck)) for n in blaming),
        delay_s=right[0] - min(harms) if right and harms else None,
        name=""
        if last is None
        else last.bottleneck + (f" among {'/'.join(last.among)}" if last.among else ""),
        condition_right=None
        if last is None or last.condition is None or kinds[-1] != "exact"
        else last.condition == run.planned.condition,
    )


@attrs.frozen
class Reliability:
    """Calibration over decision steps: of the likeliest leaf's probability."""

    ece: float
    brier: float
    bins: tuple[tuple[float, float, int], ...]


def reliability(runs: list[Run]) -> Reliability:
    """Expected calibration error and Brier score of the top alternative at each judged step."""
    width = 10
    told = list(_told(runs))
    cells = _cells((min(width - 1, int(row[2] * width)), row) for row in told)
    total = max(sum(weight for weight, *_ in told), 1e-9)
    brier = sum(weight * (p - hit) ** 2 for weight, _, p, hit in told)
    sums = [cells[number] for number in sorted(cells)]
    ece = sum(abs(a - b) for a, b, _ in sums) / total
    bins = tuple((a / w, b / w, round(w * 100)) for a, b, w in sums)
    return Reliability(ece, brier / total, bins)


def by_word(runs: list[Run]) -> dict[str, tuple[float, float, float]]:
    """What was said at a step -> (mean probability told of the likeliest place, share of steps at
    which it was right, weight in runs)."""
    cells = _cells((_word(row[1]), row) for row in _told(runs))
    return {word: (a / w, b / w, w) for word, (a, b, w) in cells.items()}


def _cells(rows: Iterable[tuple[Key, _Told]]) -> dict[Key, list[float]]:
    """Weighted sums (probability told, whether it is right, weight) of the rows of each key."""
    cells: dict[Key, list[float]] = {}
    for key, (weight, _, p, hit) in rows:
        cell = cells.setdefault(key, [0.0, 0.0, 0.0])
        cell[0] += weight * p
        cell[1] += weight * hit
        cell[2] += weight
    return cells


def _word(verdict: Verdict) -> str:
    if verdict.among:
        return "set"
    if is_leaf(verdict.bottleneck):
        return "leaf"
    return verdict.bottleneck if verdict.bottleneck not in INNER_NAMES else "inner"


def _told(runs: list[Run]) -> Iterator[_Told]:
    """(weight, verdict, probability told of the likeliest place, whether it is right) of each
    judged step; all of a run's weigh 1 together."""
    for run in runs:
        truth_at = judged(run)
        rows = [(s, v) for s, v in run.verdicts.items() if s in truth_at]
        for second, verdict in rows:
            place, p = top(verdict)
            hit = float(is_right(run, place, truth_at[second].place))
            yield 1.0 / len(rows), verdict, p, hit


def is_right(run: Run, place: str, truth: str) -> bool:
    """*place* is where it is, or can't be told from that."""
    return place == truth or (place in run.among and truth in run.among)


def top(verdict: Verdict) -> tuple[str, float]:
    """The likeliest place of a step, and its probability."""
    if not verdict.alternatives:
        return NONE, 0.0
    place, ppm = verdict.alternatives[0]
    return place, ppm / 1e6


def false_peaks(run: Run, inner: bool) -> tuple[int, str]:
    """The highest e-detector (mdb) among names that are false of the run, and that name.

    Args:
        inner: look at inner names only; else at leaves and sets of them.
    """
    false = [
        (log, key)
        for key, log in run.peaks.items()
        if run.planned == FINE or not holds(run, _covers(key))
        if (key in INNER_NAMES) == inner
    ]
    return max(false, default=(0, "-"))


def _covers(key: str) -> tuple[str, ...]:
    return tuple(leaf for part in key.split("+") for leaf in leaves_under(part))


def summary(judged: list[Judged]) -> str:
    """A table in words, by family and in all."""
    lines = [f"{'family':28} {'n':>3} {'exact':>5} {'among':>5} {'inner':>5} {'silent':>6} "
             f"{'wrong':>5} {'3rd':>3}  delay"]  # fmt: skip
    families = sorted({j.run.family for j in judged})
    for family in [*families, "ALL FAULTS WITH HARM", "NO FAULT OR NO HARM"]:
        if family.startswith("ALL"):
            rows = [j for j in judged if j.run.truth != FINE]
        elif family.startswith("NO "):
            rows = [j for j in judged if j.run.truth == FINE]
        else:
            rows = [j for j in judged if j.run.family == family and j.run.truth != FINE]
            if not rows:
                continue
        kinds = Counter(j.said for j in rows)
        wrong = sum(j.worst in ("wrong", "false") for j in rows)
        third = sum(j.third_party for j in rows)
        delays = sorted(j.delay_s for j in rows if j.delay_s is not None)
        delay = f"{delays[len(delays) // 2]:.0f} s" if delays else "-"
        quiet = kinds["silent"] + kinds["nothing"]
        lines.append(
            f"{family:28} {len(rows):>3} {kinds['exact']:>5} {kinds['among']:>5} "
            f"{kinds['inner']:>5} {quiet:>6} {wrong:>5} {third:>3}  {delay}"
        )
    return "\n".join(lines)
