"""`streamnotice verify FILE`: is the dossier whole, signed, and do its verdicts follow?"""

from __future__ import annotations

import argparse
import gc
import json
import os
from typing import Any

from streamnotice.cli import FAILED, OK, replay
from streamnotice.cli.plain import clock, origin, place, rows, say, unlike
from streamnotice.cli.signed import add_key, verifier_of
from streamnotice.dossier.verify import MOST_FINDINGS, Finding, Verified, verify
from streamnotice.notices.figures import seconds

_WORDS = {
    "verified": "VERIFIED: the record is whole, and its verdicts follow from its observations",
    "partial": "HOLDS AS FAR AS IT GOES: what is there fits, but it is not the whole session",
    "other_engine": "WHOLE, BUT OF ANOTHER ENGINE: only that one can tell if its verdicts follow",
    "failed": "NOT VERIFIED: it is not as it was written, or not what the engine says",
}
_OTHER_PART = (
    "OF ANOTHER ENGINE, AND NOT THE WHOLE SESSION: only that one can tell if its verdicts follow"
)
_CHECK_WORDS = {
    "chain": "chain",
    "signature": "signature",
    "form": "form",
    "replay": "verdicts",
    "shown": "texts",
    "time": "times",
    "start": "start",
    "end": "end",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a dossier (.jsonl or .jsonl.gz)")
    add_key(parser)
    parser.add_argument(
        "--partial",
        action="store_true",
        help="a record whose start or end is not there may pass",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace) -> int:
    verifier = verifier_of(args)
    gc.freeze()  # what was imported stays: no ring is looked for in it again and again
    found = verify(args.file, verifier, jobs=os.cpu_count() or 1)
    if args.json:
        print(json.dumps(as_json(found), ensure_ascii=True))
    else:
        say(as_text(found, args.file))
    passes = ("verified", "partial") if args.partial else ("verified",)
    return OK if found.outcome in passes else FAILED


def advice(found: Verified) -> str:
    """What to do about another engine version; empty if there is nothing to do."""
    return replay.advice(found, "To check the verdicts")


def as_json(found: Verified) -> dict[str, Any]:
    """The result as one JSON object; times in seconds."""
    header = found.header
    return {
        "type": "verify",
        "outcome": found.outcome,
        "findings": [
            {
                "check": one.check,
                "file": one.path,
                "first": one.first,
                "last": one.last,
                "text": one.text,
                "expected": one.expected or None,
                "got": one.got or None,
            }
            for one in found.findings[:MOST_FINDINGS]
        ],
        "findings_count": len(found.findings),
        "notes": found.notes,
        "advice": advice(found) or None,
        "files": found.paths,
        "format": header.format,
        "parts": found.parts,
        "first_part": header.part,
        "lines": found.lines,
        "seals": found.seals,
        "signatures": found.signatures,
        "signed": header.signed or None,
        "key": found.key_id or None,
        "head": found.head or None,
        "observations": found.observations,
        "ticks": found.ticks,
        "events": found.events,
        "notices": len(found.shown),
        "texts_compared": found.compared,
        "duration_s": seconds(found.duration_ns),
        "closed": found.closed,
        "truncated": found.truncated,
        "whole": found.whole,
        "unsigned": list(found.unsigned) if found.unsigned else None,
        "recorded": {
            "version": header.version,
            "engine": header.engine,
            "tables": header.tables,
            "provisional": header.provisional,
        },
        "engine": found.engine,
        "tables_differ": list(found.tables_differ),
    }


def as_text(found: Verified, name: str) -> list[str]:
    """The result for a reader."""
    header = found.header
    made, by = origin(header)
    lines = [
        f"Dossier {name}",
        *rows(
            [
                ("recorded", f"{made}, {clock(found.duration_ns).strip()} long"),
                ("written by", f"{by}, format {header.format}"),
                ("holds", _holds(found)),
            ]
        ),
        "",
        *rows([(f"{_mark(found, what)} {what}", text) for what, text in _questions(found)]),
    ]
    if found.findings:
        lines += ["", "What does not fit"]
        for one in found.findings[:MOST_FINDINGS]:
            lines += _finding(one, found.paths)
        more = len(found.findings) - MOST_FINDINGS
        if more > 0:
            lines.append(f"  and {more} more")
    if found.notes:
        lines += ["", *(f"Note: {note}" for note in found.notes)]
    said = found.outcome
    lines += ["", _OTHER_PART if said == "other_engine" and not found.whole else _WORDS[said]]
    return lines + ([advice(found)] if advice(found) else [])


def _holds(found: Verified) -> str:
    counts = (
        f"{found.lines} lines, {found.observations} observations, {len(found.shown)} notices shown"
    )
    if found.parts > 1 or found.header.part > 1:
        first = found.header.part
        counts += f", parts {first} to {first + found.parts - 1}"
    return counts


_ANSWERED_BY = {
    "chain": ("chain", "form"),
    "signature": ("signature",),
    "verdicts": ("replay", "form", "shown", "time"),
    "session": ("start", "end"),
}
"""What speaks against each."""


def _questions(found: Verified) -> list[tuple[str, str]]:
    header = found.header
    chain = f"{found.seals} seals" + (f", head {found.head}" if found.head else "")
    if header.format == 1:
        chain = "none in this format"
    signature = "not signed"
    if header.signed:
        signature = f"{found.signatures} by the key {header.signed[:16]}"
        if not found.key_id:
            signature += ", not checked"
        if found.stopped:
            signature += ", as far as it could be read"
        elif found.unsigned is not None:
            signature += ", none over lines {} to {}".format(*found.unsigned)
    verdicts = f"{found.events} events, said again by engine {found.engine}"
    whole = "from its start to its end" if found.whole else "not from its start to its end"
    return [
        ("chain", chain),
        ("signature", signature),
        ("verdicts", verdicts),
        ("session", whole),
    ]


def _mark(found: Verified, question: str) -> str:
    """✓ it holds, ✗ it doesn't, · it can't be told, or not of all lines."""
    against = any(one.check in _ANSWERED_BY[question] for one in found.findings)
    if against or (question == "session" and not found.whole):
        return "✗"
    header = found.header
    open_chain = question == "chain" and header.format == 1
    open_signature = question == "signature" and not (
        header.signed and found.key_id and found.unsigned is None and not found.stopped
    )
    return "·" if open_chain or open_signature else "✓"


def _finding(one: Finding, paths: list[str]) -> list[str]:
    lines = [f"  {place(one, paths)}: {one.text} ({_CHECK_WORDS[one.check]})"]
    return lines + unlike(one.expected, one.got)
