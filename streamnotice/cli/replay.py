"""`streamnotice replay FILE`: is what the dossier says what the engine says to its observations?"""

from __future__ import annotations

import argparse
import json
import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from streamnotice.bottlenecks import spelt
from streamnotice.cli import FAILED, OK
from streamnotice.cli.plain import clock, origin, rows, say, shortened, unlike
from streamnotice.dossier.reader import open_dossier
from streamnotice.dossier.replay import Replay, Step, replay_dossier
from streamnotice.dossier.tables import short
from streamnotice.notices.figures import seconds

if TYPE_CHECKING:
    from streamnotice.dossier.verify import Verified

MOST_FAULTS = 5
_VERSION: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z.!+_-]{0,39}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a dossier (.jsonl or .jsonl.gz)")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace) -> int:
    found = replay_dossier(open_dossier(args.file))
    if args.json:
        print(json.dumps(as_json(found)))
    else:
        say(as_text(found, args.file))
    return OK if found.outcome == "identical" and not found.faults else FAILED


def advice(found: Replay | Verified, purpose: str = "For an exact replay") -> str:
    """What to do about another engine version; empty if there is nothing to do."""
    if found.outcome != "other_engine":
        return ""
    engine, version = found.header.engine, found.header.version
    what = f"engine {_version(engine)}; this is engine {found.engine}"
    if found.engine == engine:
        what = "other tables (" + ", ".join(map(short, found.tables_differ)) + ")"
    # whoever reads this pastes it into a shell: a record's own words have no place there
    how = "install the version that recorded it; the one that the record names is none"
    if _VERSION.fullmatch(version):
        how = f"pip install 'streamnotice=={version}'"
    return f"It was recorded with {what}. {purpose}: {how}"


def _version(told: str) -> str:
    """A version as a record tells it: as it stands if it is one, else quoted."""
    return told if _VERSION.fullmatch(told) else short(told[:30])


def as_json(found: Replay) -> dict[str, Any]:
    """The result as one JSON object; times in seconds."""
    difference = None
    if found.difference is not None:
        difference = {
            "line": found.difference.line,
            "expected": found.difference.expected or None,
            "got": found.difference.got or None,
        }
    return {
        "type": "replay",
        "outcome": found.outcome,
        "difference": difference,
        "damage": str(found.damage) if found.damage is not None else None,
        "observations": found.observations,
        "ticks": found.ticks,
        "events": found.events,
        "duration_s": seconds(found.duration_ns),
        "closed": found.closed,
        "cut": found.cut,
        "chain_faults": [
            {
                "file": one.path,
                "first": one.fault.first,
                "last": one.fault.last,
                "text": one.fault.text,
            }
            for one in found.faults[:MOST_FAULTS]
        ],
        "parts": found.parts,
        "first_part": found.header.part,
        "truncated": found.truncated,
        "recorded": {
            "version": found.header.version,
            "engine": found.header.engine,
            "tables": found.header.tables,
            "provisional": found.header.provisional,
            "locale": found.header.locale,
        },
        "engine": found.engine,
        "tables_differ": list(found.tables_differ),
        "advice": advice(found) or None,
        "playback": [{"at": seconds(at), "state": state} for at, state in found.playback],
        "timeline": [
            {
                "at": seconds(step.at_ns),
                "bottleneck": step.bottleneck,
                "condition": step.condition,
                "among": list(step.among),
                "impact": step.impact,
                "confidence": round(step.confidence_ppm / 1e6, 6),
            }
            for step in found.timeline
        ],
        "notices": [
            {
                "id": notice.id,
                "at": seconds(notice.at_ns),
                "state": notice.state,
                "reason": notice.reason,
                "bottleneck": notice.bottleneck,
                "condition": notice.condition,
            }
            for notice in found.notices
        ],
        "shown": [
            {"at": seconds(line["at_ns"]), "id": line["id"], "text": line["text"]}
            for line in found.shown
        ],
    }


def as_text(found: Replay, name: str) -> list[str]:
    """The result for a reader."""
    header = found.header
    made, by = origin(header)
    tables = ", ".join(f"{name} {digest[:12]}" for name, digest in sorted(header.tables.items()))
    return [
        f"Dossier {name}",
        *rows(
            [
                ("recorded", f"{made}, {clock(found.duration_ns)} long{_end(found)}"),
                ("written by", by),
                ("tables", shortened(tables) + (" (provisional)" if header.provisional else "")),
            ]
        ),
        "",
        "Playback",
        *(_playback(found) or ["  none on record"]),
        "",
        "Weighing",
        *(map(_step, found.timeline) if found.timeline else ["  no decision on record"]),
        "",
        "Notices",
        *(_notices(found) or ["  none"]),
        "",
        *_closing(found),
    ]


def _closing(found: Replay) -> list[str]:
    lines = _compared(found)
    lines += [
        f"  the chain is broken: {Path(one.path).name}, line {one.fault.first}: {one.fault.text}"
        for one in found.faults[:MOST_FAULTS]
    ]
    if found.damage is not None:
        lines.append(f"  damaged, and not read further: {found.damage}")
    more = found.faults or found.damage is not None
    return lines + (["  streamnotice verify says more"] if more else [])


def _compared(found: Replay) -> list[str]:
    counts = (
        f"replayed {found.observations} observations and {found.ticks} ticks, "
        f"{found.events} events: "
    )
    if found.difference is None and found.damage is not None:
        return [f"{counts}identical as far as it can be read"]
    if found.difference is None:
        note = "" if found.engine == found.header.engine else " (by another engine version)"
        return [f"{counts}identical{note}"]
    lines = [
        f"{counts}different from line {found.difference.line} on",
        *unlike(found.difference.expected, found.difference.got),
    ]
    return lines + ([advice(found)] if advice(found) else [])


def _end(found: Replay) -> str:
    if found.cut:
        return f"; the end is missing ({found.cut})"
    if found.truncated:
        return "; recording stopped at its bound"
    if found.header.part > 1:
        return f"; it opens with part {found.header.part}, what came before is not there"
    if found.damage is not None:
        return "; it can't be read to its end"
    return "" if found.closed else "; the writer did not close it"


def _playback(found: Replay) -> list[str]:
    lines = []
    ends = [*(at for at, _ in found.playback[1:]), found.duration_ns]
    for (at, state), end in zip(found.playback, ends, strict=False):  # none: no line
        lines.append(f"  {clock(at)}  {state:<9} {seconds(end - at):8.1f} s")
    return lines


def _step(step: Step) -> str:
    name = spelt(step.bottleneck, (), step.condition)
    among = f" among {', '.join(step.among)}" if step.among else ""
    impact = step.impact.replace("_", " ") if step.impact else "no harm"
    return f"  {clock(step.at_ns)}  {impact:<12} {step.confidence_ppm / 1e4:5.1f} %  {name}{among}"


def _notices(found: Replay) -> list[str]:
    lines = []
    for notice in found.notices:
        state = notice.state + (f" ({notice.reason})" if notice.reason else "")
        name = spelt(notice.bottleneck, notice.among, notice.condition)
        lines.append(
            f"  {clock(notice.at_ns)}  {notice.id} {state}: {name}, "
            f"{notice.weight_mdb / 1000:.1f} dB against {notice.against}"
        )
        for line in found.shown:
            if (line["id"], line["state"], line["at_ns"]) == (
                notice.id,
                notice.state,
                notice.at_ns,
            ):
                lines += textwrap.wrap(
                    line["text"], 88, initial_indent=" " * 9, subsequent_indent=" " * 9
                )
    return lines
