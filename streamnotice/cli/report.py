"""`streamnotice report FILE`: a dossier as one page of HTML."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from streamnotice.cli import FAILED, OK
from streamnotice.cli.plain import complain, say
from streamnotice.cli.signed import add_key, verifier_of
from streamnotice.dossier.report import report
from streamnotice.dossier.targets import keep_apart
from streamnotice.errors import HostError
from streamnotice.files import handed, replacing


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a dossier (.jsonl or .jsonl.gz)")
    parser.add_argument(
        "-o", "--output", metavar="OUT.html", help="where to write it (default: beside FILE)"
    )
    parser.add_argument(
        "--locale",
        metavar="L",
        help="language of the page (default: the dossier's)",
    )
    add_key(parser)


def run(args: argparse.Namespace) -> int:
    target = Path(args.output) if args.output is not None else beside(args.file)
    keep_apart(target, [args.file], "--output")
    # what it has to say of its cache and its fonts is not the user's affair
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    verifier = verifier_of(args)
    made = report(args.file, args.locale, verifier)
    keep_apart(target, made.integrity.verified.paths, "--output")  # its other parts
    write(target, made.html)
    if handed(target) is None:  # else the page itself is there
        say([f"{target}  ({len(made.html.encode()) / 1000:.0f} kB)"])
    found = made.integrity
    if found.state == "holds":
        return OK
    findings = "; ".join(found.findings)
    complain("report", f"{found.text} {findings}" if findings else found.text)
    return FAILED


def beside(file: str) -> Path:
    """`session.jsonl.gz` -> `session.html`, in the same folder."""
    name = Path(file).name.removesuffix(".gz").removesuffix(".jsonl")
    return Path(file).with_name(f"{name}.html")


def write(target: Path, html: str) -> None:
    """Write the page wholly or not at all.

    Raises:
        HostError: it can't be written.
    """
    try:
        with replacing(target) as file:
            file.write(html.encode("utf-8"))
    except OSError as error:
        raise HostError(f"can't write the report {target}: {error.strerror or error}") from None
