"""Runs, replayed in one way of seeing, as the figures that are published."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

import attrs

from lab.fit.legs import STALE_S, legs, taken_back_s
from lab.fit.recordings import Remember, Run, Step, load_runs
from lab.fit.score import (
    Judged,
    Reliability,
    by_word,
    false_peaks,
    holds,
    judge_run,
    reliability,
    top,
)
from lab.truth.rivals import RIVALS
from streamnotice.bottlenecks import FINE, OTHER, answerable_for, is_leaf, is_named
from streamnotice.estimates import Estimates
from streamnotice.events import Verdict
from streamnotice.policy import S_NS
from streamnotice.verdict.tables import Tables

LEFT_BUFFER_S = 5
"""Faults that leave so much in the buffer should be told of before the stall."""
NAMED = ("exact", "among")


@attrs.define
class Seen:
    """What else is noted of a run while it is replayed.

    Attributes:
        levels_s: second -> buffer level, where known.
        stalled: seconds at which playback stood.
        rivals: rule -> what it named first.
    """

    levels_s: dict[int, float] = attrs.Factory(dict)
    stalled: list[int] = attrs.Factory(list)
    rivals: dict[str, tuple[str, ...]] = attrs.Factory(dict)

    def within(self, seconds: Container[int]) -> Seen:
        """What was noted in these seconds."""
        levels = {second: level for second, level in self.levels_s.items() if second in seconds}
        return Seen(levels, [second for second in self.stalled if second in seconds], self.rivals)

    def step(self, seen: Estimates, verdict: Verdict) -> None:
        """Note one decision step."""
        second = verdict.at_ns // S_NS
        level = seen.playback.level_ns(verdict.at_ns)
        if level is not None:
            self.levels_s[second] = level / S_NS
        if seen.playback.state == "stalled":
            self.stalled.append(second)
        if verdict.impact is None:
            return
        for rival in RIVALS:
            named = rival.says(seen, verdict.at_ns)
            if named is not None:
                self.rivals.setdefault(rival.name, named)


def share(count: int, whole: int) -> dict[str, Any]:
    """A share with its 95 % interval (Wilson, JASA 1927)."""
    if not whole:
        return {"count": count, "of": whole, "low": None, "high": None}
    z = 1.96
    p = count / whole
    middle = (p + z * z / (2 * whole)) / (1 + z * z / whole)
    half = z * math.sqrt(p * (1 - p) / whole + z * z / (4 * whole**2)) / (1 + z * z / whole)
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    return {"count": count, "of": whole, "low": round(low, 4), "high": round(high, 4)}


def quartiles(values: list[float]) -> dict[str, Any]:
    """Count, median and upper quartile (s)."""
    ordered = sorted(values)
    if not ordered:
        return {"n": 0, "median": None, "upper": None}
    return {
        "n": len(ordered),
        "median": round(ordered[(len(ordered) - 1) // 2], 1),
        "upper": round(ordered[min(len(ordered) - 1, 3 * len(ordered) // 4)], 1),
    }


@attrs.frozen(eq=False)
class Measured:
    """One way of seeing, on all runs; one whose fault moves counts as two."""

    runs: list[Run]
    judged: list[Judged]
    seen: dict[str, Seen]
    calibration: Reliability


def replay(
    folders: list[Path],
    tables: Tables | None,
    mask: frozenset[str],
    remember: Remember | None = None,
) -> Measured:
    """All runs below *folders*, as if only what *mask* leaves had been seen."""
    notes: dict[str, Seen] = {}

    def watch(name: str) -> Step:
        return notes.setdefault(name, Seen()).step

    runs = list(load_runs(folders, tables, mask, watch=watch, remember=remember))
    parts = [(run, part) for run in runs for part in legs(run)]
    seen = {part.name: notes[run.name].within(part.verdicts) for run, part in parts}
    each = [part for _, part in parts]
    return Measured(runs, [judge_run(part) for part in each], seen, reliability(each))


def figures(measured: Measured) -> dict[str, Any]:
    """The published figures of one way of seeing."""
    harmed = [j for j in measured.judged if j.run.truth != FINE]
    calm = [j for j in measured.judged if j.run.truth == FINE]
    said = Counter(j.said for j in harmed)
    right = said["exact"] + said["among"]
    words = [_word(j) for j in harmed]
    likeliest = [_likeliest(j) for j in harmed]
    named = [j for j, word in zip(harmed, words, strict=True) if word == "name"]
    spoken = named + [j for j, word in zip(harmed, words, strict=True) if word == "inner"]
    hours = sum(len(j.run.impacts) for j in calm) / 3600
    notices = sum(any(n.state == "raised" for n in j.run.notices) for j in calm)
    false = [j for j in calm if j.worst in ("false", "wrong")]
    ahead = [lead for j in harmed if (lead := _lead(j, measured.seen[j.run.name])) is not None]
    return {
        "runs": len(measured.judged),
        "harmed": len(harmed),
        "right_leaf_or_among": share(right, len(harmed)),
        "right_leaf_or_among_of_named": share(sum(j.said in NAMED for j in named), len(named)),
        "right_at_least_inner": share(right + said["inner"], len(harmed)),
        "right_at_least_inner_of_named": share(
            sum(j.said in (*NAMED, "inner") for j in spoken), len(spoken)
        ),
        "wrong_at_any_time": share(sum(j.worst == "wrong" for j in harmed), len(harmed)),
        "third_party_blamed_wrongly": share(
            sum(j.third_party for j in measured.judged), len(measured.judged)
        ),
        "third_party_without_part": share(
            sum(j.innocent for j in measured.judged), len(measured.judged)
        ),
        "likeliest_when_harmed": share(sum(likeliest), len(harmed)),
        "likeliest_or_among": share(
            sum(hit or j.said == "among" for hit, j in zip(likeliest, harmed, strict=True)),
            len(harmed),
        ),
        "said_undetermined": share(sum(w == "undetermined" for w in words), len(harmed)),
        "missed": share(sum(w == "nothing" for w in words), len(harmed)),
        "condition": share(
            sum(j.condition_right is True for j in harmed),
            sum(j.condition_right is not None for j in harmed),
        ),
        "calm_runs": len(calm),
        "calm_hours": round(hours, 2),
        "calm_runs_with_notice": notices,
        "calm_runs_with_name": len(false),
        "from_harm_s": quartiles([j.delay_s for j in harmed if j.delay_s is not None]),
        "from_fault_s": quartiles([d for j in harmed if (d := _from_fault(j)) is not None]),
        "before_stall": share(sum(lead > 0 for lead in ahead), len(ahead)),
        "lead_s": quartiles(ahead),
        "ece": round(measured.calibration.ece, 4),
        "brier": round(measured.calibration.brier, 4),
        "bins": [[round(a, 3), round(b, 3), n] for a, b, n in measured.calibration.bins],
        "by_word": {
            word: [round(part, 3) for part in row]
            for word, row in sorted(by_word([j.run for j in measured.judged]).items())
        },
    }


def _word(judged: Judged) -> str:
    """The finest that the last word of a run was."""
    words = [n for n in judged.run.notices if n.state in ("raised", "updated")]
    if not words:
        return "nothing"
    last = words[-1]
    if not is_named(last.bottleneck, last.among):
        return "undetermined"
    return "name" if last.among or is_leaf(last.bottleneck) else "inner"


def _likeliest(judged: Judged) -> bool:
    """The likeliest leaf of the last step with harm is true, or one of those equally right."""
    run = judged.run
    last = max(second for second, impact in run.impacts.items() if impact is not None)
    place, _ = top(run.verdicts[last])
    return place == run.planned.place or place in run.among


def _from_fault(judged: Judged) -> float | None:
    """Seconds from the fault (or the session's start) to the first right name."""
    if judged.delay_s is None:
        return None
    harm = min(s for s, impact in judged.run.impacts.items() if impact is not None)
    return judged.delay_s + harm - (0 if judged.run.before else judged.run.onset_s)


def _lead(judged: Judged, seen: Seen) -> float | None:
    """Seconds between the first notice and the first stall of a fault that leaves some buffer.

    Negative where the stall came first; None where the fault left too little, or no stall came.
    """
    run = judged.run
    stall = min((s for s in seen.stalled if s >= run.onset_s), default=None)
    left = seen.levels_s.get(run.onset_s)
    if run.before or stall is None or left is None or left < LEFT_BUFFER_S:
        return None
    told = min((n.at_ns / S_NS for n in run.notices if n.state == "raised"), default=None)
    return -1.0 if told is None else stall - told


def taken_back(measured: Measured) -> dict[str, Any]:
    """For how long (s) the first of two faults was still named behind its end, and how often for
    longer than such a word may stand."""
    stood = [s for run in measured.runs if (s := taken_back_s(run)) is not None]
    return {**quartiles(stood), "stale": sum(s > STALE_S for s in stood), "most_s": STALE_S}


def confusion(measured: Measured) -> dict[str, dict[str, int]]:
    """True place (or `none`) -> what was said last -> runs."""
    table: dict[str, Counter[str]] = {}
    for j in measured.judged:
        place = "none" if j.run.truth == FINE else j.run.truth.place
        if j.run.truth == OTHER:
            place = "two at once"
        table.setdefault(place, Counter())[j.name or "(nothing)"] += 1
    return {place: dict(sorted(row.items())) for place, row in sorted(table.items())}


def families(measured: Measured, kinds: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """A row a scenario family, harmed runs alone.

    Args:
        kinds: run -> what else it is counted under.
    """
    rows = []
    of = kinds or {j.run.name: j.run.family for j in measured.judged}
    for family in sorted({of[j.run.name] for j in measured.judged}):
        inside = [j for j in measured.judged if of[j.run.name] == family]
        harmed = [j for j in inside if j.run.truth != FINE]
        said = Counter(j.said for j in harmed)
        rows.append({
            "family": family, "runs": len(inside), "harmed": len(harmed),
            **{kind: said[kind] for kind in ("exact", "among", "inner")},
            "unnamed": said["silent"] + said["nothing"],
            "wrong": sum(j.worst == "wrong" for j in harmed),
            "calm_with_notice": sum(
                bool(j.run.notices) for j in inside if j.run.truth == FINE
            ),
            "median_s": quartiles([j.delay_s for j in harmed if j.delay_s is not None])["median"],
        })  # fmt: skip
    return rows


def rivals(measured: Measured) -> list[dict[str, Any]]:
    """What simple rules say of the same runs, by their first word."""
    rows = []
    harmed = [j for j in measured.judged if j.run.truth != FINE]
    for rival in RIVALS:
        said = {
            j.run.name: first
            for j in harmed
            if (first := measured.seen[j.run.name].rivals.get(rival.name))
        }
        named = [j for j in harmed if j.run.name in said]
        wrong = [j for j in named if not holds(j.run, said[j.run.name])]
        third = [j for j in wrong if answerable_for(said[j.run.name]) == {"third_party"}]
        calm = [j for j in measured.judged if j.run.truth == FINE]
        rows.append({
            "rule": rival.name, "about": rival.about,
            "named": share(len(named), len(harmed)),
            "right": share(len(named) - len(wrong), len(named)),
            "provider_blamed_wrongly": len(third),
            "calm_named": sum(rival.name in measured.seen[j.run.name].rivals for j in calm),
        })  # fmt: skip
    return rows


def gate(measured: Measured, bars_mdb: dict[str, int]) -> dict[str, Any]:
    """How often an e-detector of a false name crossed its bar: what the gate promises is rare."""
    steps = sum(len(j.run.impacts) for j in measured.judged)
    crossed = []
    for j in measured.judged:
        for inner in (False, True):
            log, key = false_peaks(j.run, inner)
            if key in bars_mdb and log >= bars_mdb[key]:
                crossed.append(f"{key} in {j.run.name}")
    return {"steps": steps, "false_crossings": len(crossed), "which": crossed}
