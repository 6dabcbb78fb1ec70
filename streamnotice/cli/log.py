"""`streamnotice log [DIR]`: every notice as it was shown, in a folder of dossiers."""

from __future__ import annotations

import argparse
import json
import os
import textwrap
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from streamnotice.cli import FAILED, OK
from streamnotice.cli.plain import clock, place, say
from streamnotice.cli.signed import add_key, verifier_of
from streamnotice.dossier.bundle import Bundled, bundle
from streamnotice.dossier.instants import instant, last_instant
from streamnotice.dossier.kept import kept_folder
from streamnotice.dossier.log import (
    Session,
    Shown,
    Wanted,
    as_json,
    dossier_files,
    read_log,
)
from streamnotice.dossier.targets import keep_apart

MOST_FINDINGS = 3
_OUTCOMES = {
    "verified": "verified",
    "partial": "holds, but is not the whole session",
    "other_engine": "whole, but of another engine",
    "other_part": "of another engine, and not the whole session",
    "failed": "NOT VERIFIED",
    "unreadable": "NOT READABLE",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", metavar="DIR", nargs="?", help="default: where `watch` keeps its records"
    )
    parser.add_argument("--place", metavar="P", help="this place of the tree and all below it")
    parser.add_argument("--from", dest="since", type=_instant, metavar="T", help="not before (UTC)")
    parser.add_argument(
        "--to",
        dest="until",
        type=_last_instant,
        metavar="T",
        help="not after (UTC); a date: its end",
    )
    add_key(parser, "all")
    parser.add_argument(
        "--partial",
        action="store_true",
        help="records whose start or end is not there may pass",
    )
    parser.add_argument(
        "--bundle", metavar="FILE", help="also put these dossiers and an index into a zip file"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")


def _instant(text: str) -> datetime:
    return _known(instant(text), text)


def _last_instant(text: str) -> datetime:
    return _known(last_instant(text), text)


def _known(found: datetime | None, text: str) -> datetime:
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no date or instant (2026-01-31T20:15)")
    return found


def run(args: argparse.Namespace) -> int:
    wanted = Wanted(args.place, args.since, args.until)
    folder = Path(args.folder) if args.folder is not None else kept_folder()
    verifier = verifier_of(args)
    if args.folder is None and not _is_there(folder):
        if args.json:
            print(json.dumps(as_json([])))
        else:
            say([f"{folder}: no session with a notice was kept yet"])
        return OK
    if args.bundle is not None:  # before the work; `bundle` looks again
        keep_apart(args.bundle, dossier_files(folder), "--bundle")
    sessions = read_log(folder, wanted, verifier, jobs=os.cpu_count() or 1)
    passes = {"verified", "partial"} if args.partial else {"verified"}
    if wanted != Wanted():
        # what can't be read, was touched or isn't all there might hold what is looked for: it is
        # not passed over. Of another engine's record place and time are known.
        sessions = [
            one
            for one in sessions
            if one.shown
            or one.outcome in ("failed", "unreadable")
            or not (args.partial or one.whole)
        ]
    written = None
    if args.bundle is not None:
        written = bundle(sessions, folder, args.bundle)
    if args.json:
        print(json.dumps(as_json(sessions) | _bundled(args.bundle, written)))
    else:
        say(_lines(folder, sessions, "no notice" if wanted == Wanted() else "no notice asked for"))
        if written is not None:
            say([f"{_count(written.files, 'file')} and an index: {args.bundle}"])
            say(f"  not in it: {_name(folder, path)} ({why})" for path, why in written.left_out)
    return OK if all(one.outcome in passes for one in sessions) else FAILED


def _bundled(target: str | None, written: Bundled | None) -> dict[str, Any]:
    if written is None:
        return {}
    left_out = [{"file": str(path), "why": why} for path, why in written.left_out]
    return {"bundle": {"file": target, "files": written.files, "left_out": left_out}}


def _is_there(folder: Path) -> bool:
    try:
        return folder.is_dir()
    except OSError:
        return True  # whoever reads it says why it can't be read


def _lines(folder: Path, sessions: list[Session], nothing: str) -> Iterator[str]:
    count = sum(len({shown.id for shown in one.shown}) for one in sessions)
    yield f"{folder}: {_count(count, 'notice')} in {_count(len(sessions), 'session')}"
    for one in sessions:
        yield ""
        began = f"{one.began:%Y-%m-%d %H:%M:%S} UTC" if one.began else "time not told"
        said = "other_part" if one.outcome == "other_engine" and not one.whole else one.outcome
        yield f"{began}  {_name(folder, one.path)}: {_OUTCOMES[said]}"
        if one.error:
            yield f"  {one.error}"
        elif one.verified is not None:
            found, paths = one.verified.findings, one.verified.paths
            yield from (f"  {place(f, paths)}: {f.text}" for f in found[:MOST_FINDINGS])
            if len(found) > MOST_FINDINGS:
                yield f"  and {len(found) - MOST_FINDINGS} more: streamnotice verify tells them"
            if one.shown and not one.verified.compared:
                yield "  the texts are as recorded: not compared with what was found"
        if not one.shown and not one.error:
            yield f"  {nothing}"
        for shown in one.shown:
            yield from _notice(shown)


def _notice(shown: Shown) -> Iterator[str]:
    at = f"{shown.at:%H:%M:%S}" if shown.at else clock(shown.at_ns).strip()
    state = shown.state + (f" ({shown.reason})" if shown.reason else "")
    name = shown.bottleneck or "no verdict stands behind it"
    name += f", {shown.condition}" if shown.condition else ""
    name += f", among {', '.join(shown.among)}" if shown.among else ""
    name += ", dismissed by the viewer" if shown.dismissed and shown.state != "resolved" else ""
    yield f"  {at}  {shown.id} {state}: {name}"
    yield from textwrap.wrap(shown.text, 88, initial_indent=" " * 12, subsequent_indent=" " * 12)


def _name(folder: Path, path: Path) -> str:
    return path.relative_to(folder).as_posix()


def _count(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
