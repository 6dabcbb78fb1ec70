"""`streamnotice watch URL`: plays a stream and shows notices as they come."""

from __future__ import annotations

import argparse
from typing import Any
from urllib.parse import urlsplit

from streamnotice.baselines import BaselineFile
from streamnotice.baselines import default_path as default_baselines
from streamnotice.cli.running import Plan, add_output_arguments, parse_probes, seconds
from streamnotice.cli.running import run as run_plan
from streamnotice.errors import HostError
from streamnotice.notices.muting import default_path
from streamnotice.players import PLAYERS, load_player
from streamnotice.policy import Policy
from streamnotice.watcher import check_reference


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("url", metavar="URL", help="a stream (HLS playlist) by http or https")
    parser.add_argument(
        "--player",
        default="mpv",
        metavar="NAME",
        help=f"{', '.join(sorted(PLAYERS))}; none plays headless (default: mpv)",
    )
    parser.add_argument("--duration", type=seconds, metavar="S", help="end after so many seconds")
    parser.add_argument(
        "--probes",
        default="off",
        metavar="LIST",
        help="off (default), all, or a list of path,reference,gateway: packets of our own",
    )
    parser.add_argument(
        "--reference",
        action="append",
        default=[],
        metavar="URL",
        help="a server that a healthy line reaches as well (repeatable)",
    )
    parser.add_argument(
        "--networks",
        metavar="FILE",
        help="CSV network,asn,operator (asn 0 is the viewer's own), or an MMDB file",
    )
    parser.add_argument("--rendition", choices=("auto", "highest", "lowest"), default="auto")
    parser.add_argument(
        "--bar",
        action="append",
        default=[],
        type=_bar,
        metavar="PLACE=B",
        help="confidence that this place needs to be named, like network.isp=0.995 (repeatable)",
    )
    parser.add_argument(
        "--mutes",
        metavar="FILE",
        help="what you don't want to be told again (default: the usual file; off: none)",
    )
    parser.add_argument(
        "--baselines",
        metavar="FILE",
        help="remember what was normal on this network, and go by it (auto: the usual file)",
    )
    add_output_arguments(parser)
    parser.add_argument(
        "--no-record",
        action="store_true",
        help="without --dossier: write no record even if a notice was shown",
    )


def run(args: argparse.Namespace) -> int:
    return run_plan(plan(args))


def plan(args: argparse.Namespace) -> Plan:
    """The plan that the arguments ask for; HostError if they can't be used."""
    host = _host(args.url)
    references = [check_reference(url) for url in args.reference]
    baselines, without = _baselines(args.baselines)
    player: Any = load_player(args.player)
    return Plan(
        command="watch",
        url=args.url,
        title=f"watching {host}",
        player=args.player,
        make_player=lambda watcher: player(watcher, rendition=args.rendition),
        policy=Policy(probes=parse_probes(args.probes, references), bars=args.bar),
        references=references,
        networks=args.networks,
        locale=args.locale,
        messages=args.messages,
        dossier=args.dossier,
        sign=args.sign,
        keep=not args.no_record,
        json=args.json,
        quiet=args.quiet,
        faces=args.face,
        mutes=_mutes(args.mutes),
        baselines=baselines,
        without=without,
        duration_s=args.duration,
        needs_viewer=args.player != "none",
    )


def _bar(text: str) -> tuple[str, float]:
    place, _, bar = text.partition("=")
    try:
        return place, float(bar)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r:.80} is not PLACE=0.95") from None


def _baselines(given: str | None) -> tuple[BaselineFile | str | None, tuple[str, ...]]:
    """The baselines to go by, and what to say where the usual ones can't be had."""
    if given != "auto":
        return given, ()
    try:
        return BaselineFile(default_baselines()), ()
    except HostError as error:
        return None, (f"baselines: {error}",)


def _mutes(given: str | None) -> str | None:
    """The file of mutes to be used; None where there is to be none, or can't be one."""
    if given is not None:
        return None if given == "off" else given
    try:
        return str(default_path())
    except HostError:
        return None  # a user without a home has muted nothing


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        host = None
    if host is None or parts.scheme not in ("http", "https"):
        raise HostError(f"not an http or https address: {url[:200]!r}")
    return host
