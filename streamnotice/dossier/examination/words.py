"""An examination's findings as phrases, for the command line and the report."""

from __future__ import annotations

from collections.abc import Iterable

from streamnotice.bottlenecks import is_named, spelt
from streamnotice.dossier.deeds import FIGURES, Deed
from streamnotice.dossier.examination import Examined
from streamnotice.dossier.examination.apart import Pair
from streamnotice.dossier.examination.bystanders import Beside, UnderShare
from streamnotice.dossier.examination.leaving import LeftOut
from streamnotice.dossier.examination.ranges import UnderBar, UnderPrior
from streamnotice.dossier.examination.reweigh import Fate
from streamnotice.dossier.examination.session import Session
from streamnotice.dossier.phrases import Phrases, english
from streamnotice.events import Item
from streamnotice.notices.ids import HOST_ACTIONS
from streamnotice.policy import S_NS, Settings


def clock(ns: int) -> str:
    """Session time as `m:ss`, from an hour on as `h:mm:ss`."""
    minutes, seconds = divmod(ns // S_NS, 60)
    if minutes < 60:
        return f"{minutes}:{seconds:02d}"
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"


def decibans(mdb: int) -> str:
    """A weight with one decimal and its unit."""
    return f"{mdb / 1000:.1f} dB"


def percent(ppm: int) -> str:
    """A probability; never rounded up to 100 %."""
    if 0 < ppm < 1000:
        return "under 0.1 %"
    return f"{ppm // 100 / 100:.2f} %" if ppm > 999_000 else f"{ppm // 1000 / 10:.1f} %"


def named(bottleneck: str, among: Iterable[str], condition: str | None, say: Phrases) -> str:
    """The same in another language: names stay names, what stands between them doesn't."""
    return say.either(among) or bottleneck + (f", {condition}" if condition else "")


def deed(found: Deed, said: str = "", say: Phrases | None = None) -> str:
    """What was done, or what was seen after it, in sentences.

    Args:
        said: the action as the viewer read it; empty if that is not known.
        say: the language; English without it.
    """
    say = say or english()
    label = said or found.action
    if found.by == "host" and found.action in HOST_ACTIONS:
        label = say.catalog.text(f"action.{found.action}")
    label = label.rstrip(".!\u3002")
    if found.state == "noted":
        return say("aside.acted", action=found.action, note=found.note)
    if found.state == "failed":
        return say("aside.failed", action=label)
    if found.state == "done":
        return say("aside.done_host" if found.by == "host" else "aside.done_viewer", action=label)
    parts = [say.catalog.text(f"acted.{found.followed}", {"action": say.value(label)})]
    if found.followed not in ("same", "unknown"):
        parts.append(say.catalog.text("acted.caveat"))
    states = [found.before.get("state"), found.after.get("state")]
    pairs = [("state", [say.get(f"state.{one}", "?") for one in states])] if all(states) else []
    for figure in FIGURES:
        both = [found.before.get(figure), found.after.get(figure)]
        told = [_quantity(figure, one, say) for one in both if isinstance(one, int | float)]
        if len(told) == len(both):
            pairs.append((figure, told))
    for figure, (before, after) in pairs:
        parts.append(say(f"figure.{figure}", before=before, after=after))
    return say.sentences(parts)


def _quantity(figure: str, value: float, say: Phrases) -> str:
    unit_ns = figure.endswith("_s")
    name_ = f"{figure[:-2]}_ns" if unit_ns else figure
    return say.catalog.numbers.words(name_, round(value * (S_NS if unit_ns else 1)))


def pair(found: Pair) -> str:
    """Two places with the conditions by which they are nearest."""
    return (
        f"{spelt(found.one, (), found.one_condition)} and "
        f"{spelt(found.other, (), found.other_condition)}"
    )


def missing(session: Session) -> str:
    """What of the session is not on record, in a line; empty if it is whole."""
    found, parts = session.replay, session.header.part - 1
    lines = []
    if parts:
        gone = "part 1 is" if parts == 1 else f"parts 1 to {parts} are"
        then = (
            f"in the memory of another engine ({session.header.engine[:40]}), which this one can't "
            "read: it begins there knowing nothing"
            if session.forgotten
            else "with what the engine remembered there, which stays as it was"
        )
        lines.append(f"{gone} not there: it begins at {clock(found.begin_ns)}, {then}")
    if not found.closed:
        lines.append("the end is missing: " + (found.cut or "the writer did not close it"))
    elif found.truncated:
        lines.append("recording stopped at its bound; what came later is not there")
    if session.unsigned is not None:
        first, last = session.unsigned
        lines.append(f"no signature stands behind lines {first} to {last}")
    text = "; ".join(lines)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def strongest_against(seen: Examined) -> tuple[str, Item] | None:
    """(the place it speaks for, the item) that weighs most against the name; its weight is
    negative."""
    found = [(one.place, one.strongest) for one in seen.rivals if one.strongest is not None]
    return min(found, key=lambda row: row[1].weight_mdb, default=None)


def fate(found: Fate, condition: str | None, say: Phrases | None = None) -> str:
    """What became of the verdict.

    Args:
        condition: the one that was said.
        say: the language; English by default.
    """
    say = say or english()
    said = named(found.bottleneck, found.among, found.condition, say)
    if found.word == "stands":
        if not is_named(found.bottleneck, found.among):
            return say("fate.still")
        if found.condition == condition:
            return say("fate.stands")
        if condition or not found.condition:
            return say("fate.bare")
        return say("fate.condition", condition=found.condition)
    text = say("fate.nothing") if found.word == "nothing" else say(f"fate.{found.word}", name=said)
    if found.later_ns is not None:
        return say("fate.later", fate=text, length=say.seconds(found.later_ns // S_NS))
    return text


def standing(found: Iterable[LeftOut]) -> tuple[list[LeftOut], list[LeftOut]]:
    """(those without which the verdict changes, those without which it stands)."""
    changed: list[LeftOut] = []
    same: list[LeftOut] = []
    for one in found:
        (same if one.fate.word == "stands" else changed).append(one)
    return changed, same


def prior(under: UnderPrior, say: Phrases | None = None) -> str:
    """Which prior it is."""
    say = say or english()
    if under.mix != "place":
        return say(f"prior.{under.mix}")
    return say("prior.ten" if under.times_permille > 1000 else "prior.tenth", place=under.place)


def place_bars(settings: Settings, say: Phrases | None = None) -> str:
    """The bars of single places, if the host gave any."""
    say = say or english()
    return say.items(
        say("chart.item", name=place, number=say.percent(bar))
        for place, bar in settings.place_bars_ppm
    )


def budget(under: UnderBar, settings: Settings, say: Phrases | None = None) -> str:
    """How rare false names would have to be."""
    say = say or english()
    text = say("budget.rare", length=say.seconds(under.value))
    return say("budget.was", budget=text) if under.value == settings.false_naming_steps else text


def share(under: UnderShare, found: Beside, say: Phrases | None = None) -> str:
    """How often a queue that harms nobody would stand on the line."""
    say = say or english()
    if not under.share_permille:
        return say("share.never")
    text = say("share.of", percent=say.percent(under.share_permille * 1000))
    if under.share_permille != found.expected_permille:
        return text
    return say("share.was", share=text, percent=say.percent(found.there_ppm))


def margins(seen: Examined, say: Phrases | None = None) -> list[str]:
    """How near the verdict was to not being said, in sentences."""
    say, margin = say or english(), seen.margin
    if margin is None:
        return []
    bar, sure = say.percent(margin.bar_ppm), say.percent(margin.confidence_ppm)
    if seen.carrying is None:
        lacks = []
        if margin.odds_mdb < 0:
            weight = say.decibans(-margin.odds_mdb)
            lacks.append(say("margin.lacks_probability", percent=sure, bar=bar, weight=weight))
        if margin.gate_mdb < 0:
            lacks.append(say("margin.lacks_test", weight=say.decibans(-margin.gate_mdb)))
        return [say("margin.nearest", name=margin.key, lacks=say.clauses(lacks))]
    odds, test = say.decibans(abs(margin.odds_mdb)), say.decibans(abs(margin.gate_mdb))
    over, passed = margin.odds_mdb >= 0, margin.gate_mdb >= 0
    return [
        say(
            "margin.over" if over else "margin.under",
            percent=sure, weight=odds, bar=bar, hold=say.percent(margin.hold_ppm),
        ),
        say("margin.test_over" if passed else "margin.test_under", weight=test),
    ]  # fmt: skip
