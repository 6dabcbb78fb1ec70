"""`streamnotice mute`: what this user doesn't want to be told for good."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime

from streamnotice.cli import BAD_USE, OK
from streamnotice.network import network_label
from streamnotice.notices.muting import Mute, MuteFile, check_place, default_path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "place", nargs="?", metavar="PLACE", help="a name of the tree of places, or all"
    )
    parser.add_argument("--off", action="store_true", help="show notices of PLACE again")
    parser.add_argument(
        "--network",
        choices=("here", "any"),
        default="here",
        help="on the network that this computer is on (default), or on any",
    )
    parser.add_argument("--list", action="store_true", help="what is muted (the default)")
    parser.add_argument("--json", action="store_true", help="the list as one JSON object")
    parser.add_argument("--mutes", metavar="FILE", help="another file than the usual one")


def run(args: argparse.Namespace) -> int:
    file = MuteFile(args.mutes or default_path())
    here = network_label(file.salt)
    if args.place is None:
        if args.off:
            print("streamnotice mute: --off needs a PLACE", file=sys.stderr)
            return BAD_USE
        return _list(file, here, as_json=args.json)
    place = check_place(args.place)
    if args.off:
        gone = file.remove(place)
        print(f"{place}: shown again" if gone else f"{place}: it was not muted")
    else:
        network = here if args.network == "here" else ""
        file.add(Mute(place, network, "always", datetime.now(UTC).date().isoformat()))
        print(f"{place}: muted {_where(network, here)}")
    return _list(file, here, as_json=args.json) if args.list else OK


def _list(file: MuteFile, here: str, *, as_json: bool) -> int:
    mutes = file.mutes()
    if as_json:
        rows = [
            {"place": m.place, "since": m.since, "network": _key(m.network, here)} for m in mutes
        ]
        print(json.dumps({"type": "mutes", "mutes": rows}))
        return OK
    for mute in mutes:
        print(f"{mute.place:<22} {mute.since:<10}  {_where(mute.network, here)}")
    if not mutes:
        print("nothing is muted")
    return OK


def _key(network: str, here: str) -> str:
    return "any" if not network else "here" if network == here else "another"


def _where(network: str, here: str) -> str:
    return {"any": "on any network", "here": "on this network"}.get(
        _key(network, here), "on another network"
    )
