"""`streamnotice messages`: all texts of notices, a check of your own, and how they look."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from streamnotice.cli import FAILED, OK
from streamnotice.cli.plain import say
from streamnotice.notices.catalog import Catalog, known_ids
from streamnotice.notices.locales import wanted_here
from streamnotice.notices.overrides import read_overrides
from streamnotice.notices.samples import Sample, samples

if TYPE_CHECKING:
    from streamnotice.notices.shown import ShownNotice


def add_arguments(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="what", metavar="list|check|preview", required=True)
    listing = commands.add_parser("list", help="all messages: id, text, what may stand in it")
    check = commands.add_parser("check", help="can the texts of a file be used?")
    preview = commands.add_parser("preview", help="each notice as a viewer would see it")
    for each in (listing, preview):
        each.add_argument("start", nargs="?", default="", metavar="ID", help="only those below ID")
        each.add_argument("--locale", metavar="L", help="language (default: LANG's)")
        each.add_argument("--messages", metavar="FILE", help="with the texts of this file")
    check.add_argument("file", metavar="FILE", help="TOML with texts of your own")
    for each in (listing, check, preview):
        each.add_argument("--json", action="store_true", help="JSON lines")
        each.add_argument(
            "--name-operators", action="store_true", help="as if the policy let operators be named"
        )


def run(args: argparse.Namespace) -> int:
    try:
        code = {"list": _list, "check": _check, "preview": _preview}[args.what](args)
        sys.stdout.flush()
    except BrokenPipeError:
        # the reader has seen enough; nothing is left to flush at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    return code


def _catalog(args: argparse.Namespace) -> Catalog:
    return Catalog(
        args.locale or wanted_here(os.environ), args.messages, name_operators=args.name_operators
    )


def _below(id_: str, start: str) -> bool:
    return not start or id_ == start or id_.startswith(start.rstrip(".") + ".")


def _out(line: dict[str, Any]) -> None:
    print(json.dumps(line, ensure_ascii=False))


def _list(args: argparse.Namespace) -> int:
    catalog = _catalog(args)
    ids = [id_ for id_ in catalog.ids() if _below(id_, args.start) and catalog.templates(id_)]
    for id_ in ids:
        slots = known_ids()[id_]
        if args.json:
            _out(
                {
                    "type": "message",
                    "id": id_,
                    "locale": catalog.locale,
                    "forms": list(catalog.templates(id_)),
                    "permitted": sorted(slots.permitted),
                    "required": sorted(slots.required),
                    "longest": slots.length,
                }
            )
            continue
        names = " ".join(
            f"{{{name}}}{'!' if name in slots.required else ''}" for name in sorted(slots.permitted)
        )
        print(f"{id_}  {names}".rstrip())
        for form in catalog.templates(id_):
            print(f"    {form}")
    if not ids:
        print(f"streamnotice messages: no message is below {args.start!r}", file=sys.stderr)
        return FAILED
    return OK


def _check(args: argparse.Namespace) -> int:
    found, faults = read_overrides(args.file, known_ids(), name_operators=args.name_operators)
    texts = sum(map(len, found.texts.values()))
    if args.json:
        _out(
            {
                "type": "check",
                "file": args.file,
                "usable": texts,
                "languages": sorted(found.languages()),
                "faults": [
                    {"where": one.where, "id": one.id, "language": one.language, "what": one.what}
                    for one in faults
                ],
            }
        )
    else:
        usable = "1 text" if texts == 1 else f"{texts} texts"
        say([*map(str, faults), f"{args.file}: {usable} can be used, {len(faults)} can't"])
    return FAILED if faults else OK


def _preview(args: argparse.Namespace) -> int:
    catalog = _catalog(args)
    wanted = [
        one
        for one in samples(name_operators=args.name_operators)
        if _below(one.message, args.start)
    ]
    if not wanted:
        print(f"streamnotice messages: no notice is below {args.start!r}", file=sys.stderr)
        return FAILED
    shown = ((one, catalog.show(one.event, one.policy, one.context)) for one in wanted)
    if args.json:
        for one, notice in shown:
            _out(
                {"type": "preview", "message": one.message}
                | {"title": notice.title, "sentence": notice.sentence}
                | {key: value for key, value in notice.as_json().items() if key != "type"}
            )
    elif sys.stdout.isatty() and importlib.util.find_spec("rich") is not None:
        _draw(shown)
    else:
        for one, notice in shown:
            print(f"{one.message}\n    {notice.title}\n    {notice.text}")
            for action in notice.actions:
                print(f"    -> {action.text}")
    return OK


def _draw(shown: Iterator[tuple[Sample, ShownNotice]]) -> None:
    """Panels as in the live view, each under its id."""
    from rich.console import Console
    from rich.text import Text

    from streamnotice.cli.view import marks_for, notice_panel

    console = Console(highlight=False)
    marks = marks_for(console.encoding)
    width = min(console.width, 100)
    for one, notice in shown:
        console.print(Text(one.message, style="bold cyan"))
        console.print(notice_panel(notice, width, marks), width=width)
