"""The command line: `streamnotice COMMAND`.

argparse, because it is in the standard library: commands with flat options need no more.
To add a command: a file beside this one with `add_arguments(parser)` and `run(args) -> int`,
and a line in `COMMANDS`.

Exit codes: 0 done; 1 a check failed; 2 bad usage or input, with one line on standard error
that says what and where.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from streamnotice.cli.plain import complain, harmless
from streamnotice.errors import StreamnoticeError

# command -> (module, what it does); the module is imported only when its command is wanted
COMMANDS: dict[str, tuple[str, str]] = {
    "watch": ("streamnotice.cli.watch", "play a stream and show notices as they come"),
    "demo": ("streamnotice.cli.demo", "see a notice: a clip over loopback, with a fault put in"),
    "messages": (
        "streamnotice.cli.messages",
        "the texts: list them, check yours, see how they look",
    ),
    "mute": ("streamnotice.cli.mute", "what you don't want to be told again"),
    "replay": ("streamnotice.cli.replay", "run a dossier through the engine again and compare"),
    "verify": ("streamnotice.cli.verify", "is a dossier whole and signed, do its verdicts follow"),
    "log": ("streamnotice.cli.log", "every notice as shown, in a folder of dossiers"),
    "key": ("streamnotice.cli.key", "make a pair of keys to sign dossiers with"),
    "report": ("streamnotice.cli.report", "a dossier as one page of HTML that anybody can read"),
    "examine": ("streamnotice.cli.examine", "cross-examine a notice: what does it rest on?"),
}

OK, FAILED, BAD_USE = 0, 1, 2
NO_READER = 141
"""As a shell has it for a program that SIGPIPE ended."""


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, instead of the whole usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_USE, harmless(f"{self.prog}: {message} (see {self.prog} --help)") + "\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    parser = Parser(
        prog="streamnotice",
        description="Tells the viewer, truly and with evidence, what holds up the stream.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="store_true", help="print the version")
    commands = parser.add_subparsers(dest="command", metavar="command")
    wanted = next((word for word in words if not word.startswith("-")), None)
    run, speaker = None, parser
    for name, (module_name, what) in COMMANDS.items():
        sub = commands.add_parser(name, help=what, description=what, allow_abbrev=False)
        if name == wanted:
            module = import_module(module_name)
            module.add_arguments(sub)
            run, speaker = module.run, sub
    args, unknown = parser.parse_known_args(words)
    if unknown:  # the command itself says so: its help is the one to look at
        speaker.error("unrecognized arguments: " + " ".join(unknown))
    if args.version:
        from streamnotice.dossier.record import library_version

        print(f"streamnotice {library_version()}")
        return OK
    if run is None:
        parser.error("a command is needed: " + ", ".join(COMMANDS))
    try:
        code = int(run(args))
        if sys.stdout is not None:
            sys.stdout.flush()  # a reader that is gone is seen here, not while Python ends
        return code
    except StreamnoticeError as error:
        complain(args.command, error)
        return BAD_USE
    except BrokenPipeError:
        # `| head` has had enough; what Python still holds back must not complain either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NO_READER
    except KeyboardInterrupt:
        return 130
