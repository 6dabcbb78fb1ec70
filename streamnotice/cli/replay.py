"""`streamnotice replay FILE`: is what the dossier says what the engine says to its observations?"""

from __future__ import annotations

import argparse
import json
import textwrap
import unicodedata
from typing import Any

from streamnotice.cli import FAILED, OK
from streamnotice.dossier.replay import Replay, Step, replay

S_NS = 1_000_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a dossier (.jsonl or .jsonl.gz)")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace) -> int:
    found = replay(args.file)
    if args.json:
        print(json.dumps(as_json(found), ensure_ascii=False))
    else:
        print(as_text(found, args.file))
    return OK if found.outcome == "identical" else FAILED


def advice(found: Replay) -> str:
    """What to do about another engine version; empty if there is nothing to do."""
    if found.outcome != "other_engine":
        return ""
    what = f"engine {found.header.engine}; this is engine {found.engine}"
    if found.engine == found.header.engine:
        what = "other tables (" + ", ".join(found.tables_differ) + ")"
    return (
        f"It was recorded with {what}. For an exact replay: "
        f"pip install 'streamnotice=={found.header.version}'"
    )


def as_json(found: Replay) -> dict[str, Any]:
    """The result as one JSON object; times in seconds."""
    difference = None
    if found.difference is not None:
        difference = {
            "line": found.difference.line or None,
            "expected": found.difference.expected or None,
            "got": found.difference.got or None,
        }
    return {
        "type": "replay",
        "outcome": found.outcome,
        "difference": difference,
        "observations": found.observations,
        "ticks": found.ticks,
        "events": found.events,
        "duration_s": _seconds(found.duration_ns),
        "closed": found.closed,
        "cut": found.cut,
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
        "playback": [{"at": _seconds(at), "state": state} for at, state in found.playback],
        "timeline": [
            {
                "at": _seconds(step.at_ns),
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
                "at": _seconds(notice.at_ns),
                "state": notice.state,
                "reason": notice.reason,
                "bottleneck": notice.bottleneck,
                "condition": notice.condition,
            }
            for notice in found.notices
        ],
        "shown": [
            {"at": _seconds(line["at_ns"]), "id": line["id"], "text": line["text"]}
            for line in found.shown
        ],
    }


def as_text(found: Replay, name: str) -> str:
    """The result for a reader."""
    header = found.header
    made = header.plain.get("started_utc") or "a time that isn't told"
    parts = [
        f"Dossier {name}",
        _rows(
            [
                ("recorded", f"{made}, {_clock(found.duration_ns)} long{_end(found)}"),
                ("written by", f"streamnotice {header.version}, engine {header.engine}"),
                (
                    "tables",
                    ", ".join(f"{n} {h[:12]}" for n, h in sorted(header.tables.items()))
                    + (" (provisional)" if header.provisional else ""),
                ),
            ]
        ),
        "\nPlayback\n" + (_playback(found) or "  none on record"),
        "\nWeighing\n" + ("\n".join(map(_step, found.timeline)) or "  no decision on record"),
        "\nNotices\n" + (_notices(found) or "  none"),
        "",
        _closing(found),
    ]
    # A dossier comes from elsewhere: nothing in it may drive the terminal.
    return "\n".join(map(harmless, "\n".join(parts).split("\n")))


def harmless(line: str) -> str:
    """*line* without control and format characters; its layout stays."""
    return "".join(char for char in line if unicodedata.category(char)[0] != "C")


def _closing(found: Replay) -> str:
    counts = (
        f"replayed {found.observations} observations and {found.ticks} ticks, "
        f"{found.events} events: "
    )
    if found.difference is None:
        note = "" if found.engine == found.header.engine else " (by another engine version)"
        return f"{counts}identical{note}"
    at = f"line {found.difference.line}" if found.difference.line else "the end"
    lines = [
        f"{counts}different from {at} on",
        f"  recorded: {_cut(found.difference.expected) or 'nothing'}",
        f"  replayed: {_cut(found.difference.got) or 'nothing'}",
    ]
    return "\n".join([*lines, advice(found)]).rstrip()


def _end(found: Replay) -> str:
    if found.cut:
        return f"; the end is missing ({found.cut})"
    if found.truncated:
        return "; recording stopped at its bound"
    return "" if found.closed else "; the writer did not close it"


def _rows(rows: list[tuple[str, str]]) -> str:
    return "\n".join(f"  {name:<11} {text}" for name, text in rows)


def _playback(found: Replay) -> str:
    lines = []
    ends = [at for at, _ in found.playback[1:]] + [found.duration_ns]
    for (at, state), end in zip(found.playback, ends, strict=True):
        lines.append(f"  {_clock(at)}  {state:<9} {_seconds(end - at):8.1f} s")
    return "\n".join(lines)


def _step(step: Step) -> str:
    name = step.bottleneck + (f", {step.condition}" if step.condition else "")
    among = f" among {', '.join(step.among)}" if step.among else ""
    impact = step.impact.replace("_", " ") if step.impact else "no harm"
    return f"  {_clock(step.at_ns)}  {impact:<12} {step.confidence_ppm / 1e4:5.1f} %  {name}{among}"


def _notices(found: Replay) -> str:
    lines = []
    for notice in found.notices:
        state = notice.state + (f" ({notice.reason})" if notice.reason else "")
        condition = f", {notice.condition}" if notice.condition else ""
        lines.append(
            f"  {_clock(notice.at_ns)}  {notice.id} {state}: {notice.bottleneck}{condition}, "
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
    return "\n".join(lines)


def _cut(text: str) -> str:
    return text if len(text) <= 400 else text[:397] + "..."


def _seconds(ns: int) -> float:
    return round(ns / S_NS, 3)


def _clock(ns: int) -> str:
    minutes, seconds = divmod(ns / S_NS, 60)
    return f"{int(minutes):2d}:{seconds:04.1f}"
