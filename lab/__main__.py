"""`python -m lab list | build | run | corpus | recheck`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

import attrs

from lab import build, check, corpus, isolation, rootless, run, scenarios, services, starved
from lab.errors import LabError


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lab", description="networks with known faults")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("list", help="the families of scenarios")
    commands.add_parser("check", help="measure the link emulator against what is asked of it")
    commands.add_parser("inside-check")
    commands.add_parser("build", help="compile, encode and warm what runs need")
    again = commands.add_parser("recheck", help="void runs whose computer was starved")
    again.add_argument("folder", type=Path, metavar="DIR")
    show = commands.add_parser("show", help="print a scenario without running it")
    one = commands.add_parser("run", help="one run")
    inside = commands.add_parser("inside")  # `run`, started again in a world of its own
    many = commands.add_parser("corpus", help="many runs, resumable")
    for sub in (show, one, inside):
        sub.add_argument("family", choices=sorted(scenarios.ALL), metavar="FAMILY")
        sub.add_argument("--seed", type=int, default=1)
    for sub in (one, inside, many):
        sub.add_argument("--out", type=Path, required=True, metavar="DIR")
        sub.add_argument("--duration", type=float, default=60.0, metavar="S")
        sub.add_argument("--player", default="none", choices=("none", "mpv"))
        sub.add_argument("--probes", default="all", metavar="LIST")
    many.add_argument("--runs", type=int, required=True, metavar="N")
    many.add_argument("--jobs", type=int, default=6, metavar="J")
    many.add_argument("--first-seed", type=int, default=1, metavar="N")
    many.add_argument("--family", action="append", choices=sorted(scenarios.ALL))
    many.add_argument("--retry-void", action="store_true")
    return parser


def _options(args: argparse.Namespace) -> run.Options:
    return run.Options(duration_s=args.duration, player=args.player, probes=args.probes)


def _make_all() -> None:
    for source in sorted(build.SOURCES.glob("*.c")):
        build.program(source.stem)
    build.media()
    services.make_cache()


def _out(folder: Path) -> Path:
    """The folder for runs, made if it isn't there; LabError if it isn't this user's to write to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LabError(f"{folder} can't be made: {error.strerror}") from None
    if not os.access(folder, os.W_OK):
        raise LabError(f"{folder} isn't yours to write to")
    return folder.resolve()


def main(argv: list[str] | None = None) -> int:
    arguments = sys.argv[1:] if argv is None else argv
    args = _arguments().parse_args(arguments)
    if args.command == "list":
        for family in scenarios.ALL:
            print(family)
        return 0
    if args.command == "show":
        scenario = scenarios.plan(args.family, args.seed)
        print(json.dumps(attrs.asdict(scenario), indent=1))
        return 0
    if args.command == "recheck":
        print(f"{starved.recheck(args.folder)} runs are void now: their computer was starved")
        return 0
    reason = isolation.why_not()
    if reason:
        raise LabError(reason)
    if rootless.wanted():
        again = [sys.executable, "-m", "lab", *arguments]
        rootless.restart(again, isolation.environment(inside=False))
    if args.command == "inside-check":
        print(json.dumps(check.carry_out(), indent=1))
        return 0
    if args.command == "inside":
        truth = run.carry_out(args.family, args.seed, args.out, _options(args))
        print(corpus.in_short(truth))
        return 0
    if args.command == "check":
        build.program("link")
        command = isolation.command(["inside-check"])
        os.execvpe(command[0], command, isolation.environment())
    if args.command == "build":
        _make_all()
        return 0
    out = _out(args.out)
    _make_all()
    if args.command == "corpus":
        return corpus.carry_out(
            args.runs, args.jobs, out, _options(args), first_seed=args.first_seed,
            families=args.family, retry_void=args.retry_void,
        )  # fmt: skip
    command = isolation.command(["inside", *arguments[1:], "--out", str(out)])
    os.execvpe(command[0], command, isolation.environment())


if __name__ == "__main__":
    try:
        code = main()
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)
