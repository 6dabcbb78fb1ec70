"""`--key`: the public key that a dossier must be signed with, for all commands that take one."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streamnotice.dossier.signing import Verifier


def add_key(parser: argparse.ArgumentParser, what: str = "it") -> None:
    """Add the argument; *what* must be signed."""
    parser.add_argument("--key", metavar="PUB", help=f"public key that {what} must be signed with")


def verifier_of(args: argparse.Namespace) -> Verifier | None:
    """The key that was given; None if none was.

    Raises:
        HostError: it can't be read, or is no public key.
        MissingExtraError: `cryptography` is not installed.
    """
    if args.key is None:
        return None
    from streamnotice.dossier.signing import load_verifier

    return load_verifier(args.key)
