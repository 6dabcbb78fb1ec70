"""`streamnotice key FILE`: makes a pair of keys to sign dossiers with."""

from __future__ import annotations

import argparse

from streamnotice.cli import OK
from streamnotice.cli.plain import say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", metavar="FILE", help="gets the private key; the public one goes to FILE.pub"
    )


def run(args: argparse.Namespace) -> int:
    from streamnotice.dossier.signing import make_key

    private, public, key_id = make_key(args.file)
    say(
        [
            f"key {key_id}",
            f"  {private}  private: sign with it, give it to nobody",
            f"  {public}  public: for those who verify",
        ]
    )
    return OK
