"""An examination's findings as phrases, for the command line and the report."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from streamnotice.bottlenecks import UNDETERMINED
from streamnotice.dossier.examination import Examined
from streamnotice.dossier.examination.apart import Pair
from streamnotice.dossier.examination.leaving import LeftOut
from streamnotice.dossier.examination.ranges import UnderBar, UnderPrior
from streamnotice.dossier.examination.reweigh import Fate
from streamnotice.dossier.examination.session import Session
from streamnotice.events import Item
from streamnotice.policy import Settings

S_NS: Final = 1_000_000_000

SENSORS: Final = {
    "path": "probes of the path",
    "reference": "references",
    "gateway": "the home router's counters",
    "interface": "this device's interface",
    "host": "this computer's load",
    "tcp_info": "the kernel's view of the sockets",
    "headers": "response headers",
    "requests": "all requests",
    "frames": "frame counts",
    "live_edge": "the live edge",
    "baselines": "baselines of earlier sessions",
}
MIXES: Final = {
    "shipped": "as shipped",
    "alike": "all states alike",
    "third_parties": "third parties four times as often",
}


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


def name(bottleneck: str, among: Iterable[str], condition: str | None) -> str:
    """A name as in a notice: `network.home.wifi, slow`; leaves that pass together are listed."""
    listed = " or ".join(among)
    return listed or bottleneck + (f", {condition}" if condition else "")


def pair(found: Pair) -> str:
    """Two places with the conditions by which they are nearest."""
    return (
        f"{name(found.one, (), found.one_condition)} and "
        f"{name(found.other, (), found.other_condition)}"
    )


def missing(session: Session) -> str:
    """What of the session is not on record, in a line; empty if it is whole."""
    found, parts = session.replay, session.header.part - 1
    lines = []
    if parts:
        gone = "part 1 is" if parts == 1 else f"parts 1 to {parts} are"
        then = (
            f"in the memory of another engine ({session.header.engine}), which this one can't "
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


def fate(found: Fate, condition: str | None) -> str:
    """What became of the verdict.

    Args:
        condition: the one that was said.
    """
    said = name(found.bottleneck, found.among, found.condition)
    if found.word == "stands":
        if found.bottleneck == UNDETERMINED:
            return "still: nothing can be named"
        if found.condition == condition:
            return "stands"
        return "stands, without its condition" if condition else f"stands, as {found.condition}"
    verb = {
        "wider": f"falls back to {said}",
        "finer": f"narrows to {said}",
        "other": f"turns into {said}",
        "nothing": "falls: nothing can be named",
    }[found.word]
    if found.later_ns is not None:
        verb += f"; comes {found.later_ns // S_NS} s later"
    return verb


def standing(found: Iterable[LeftOut]) -> tuple[list[LeftOut], list[LeftOut]]:
    """(those without which the verdict changes, those without which it stands)."""
    changed: list[LeftOut] = []
    same: list[LeftOut] = []
    for one in found:
        (same if one.fate.word == "stands" else changed).append(one)
    return changed, same


def prior(under: UnderPrior) -> str:
    """Which prior it is."""
    if under.mix != "place":
        return MIXES[under.mix]
    times = "ten times" if under.times_permille > 1000 else "a tenth"
    return f"{under.place} {times} as often"


def place_bars(settings: Settings) -> str:
    """The bars of single places, if the host gave any."""
    return ", ".join(f"{place} {percent(bar)}" for place, bar in settings.place_bars_ppm)


def budget(under: UnderBar, settings: Settings) -> str:
    """How rare false names would have to be."""
    text = f"one false name in {under.value:,} s".replace(",", "\u202f")
    return f"{text} (as it was)" if under.value == settings.false_naming_steps else text


def margins(seen: Examined) -> list[str]:
    """How near the verdict was to not being said, in sentences."""
    margin = seen.margin
    if margin is None:
        return []
    bar, sure = percent(margin.bar_ppm), percent(margin.confidence_ppm)
    if seen.carrying is None:
        lacks = []
        if margin.odds_mdb < 0:
            lacks.append(
                f"its probability was {sure}, {bar} is needed ({decibans(-margin.odds_mdb)} short)"
            )
        if margin.gate_mdb < 0:
            lacks.append(f"its sequential test was {decibans(-margin.gate_mdb)} short")
        return [f"nearest to being named was {margin.key}: " + "; ".join(lacks)]
    over = (
        f"{decibans(margin.odds_mdb)} over"
        if margin.odds_mdb >= 0
        else f"{decibans(-margin.odds_mdb)} under"
    )
    test = (
        f"{decibans(margin.gate_mdb)} over its threshold"
        if margin.gate_mdb >= 0
        else f"{decibans(-margin.gate_mdb)} under its threshold; it was passed before"
    )
    return [
        f"probability {sure}, {over} the bar of {bar}; once said, the name falls below "
        f"{percent(margin.hold_ppm)}",
        f"sequential test {test}",
    ]
