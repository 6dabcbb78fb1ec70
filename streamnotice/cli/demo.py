"""`streamnotice demo`: see a notice within a minute, with nothing beyond this computer."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Final

from streamnotice.cli.running import Plan, add_output_arguments, run_session
from streamnotice.demo.scenarios import SCENARIOS
from streamnotice.demo.stage import Demo
from streamnotice.errors import HostError
from streamnotice.policy import Policy
from streamnotice.watcher import Watcher

DEFAULT_SCENARIO: Final = "edge-slow"
DEFAULT_DOSSIER: Final = "streamnotice-demo.jsonl.gz"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = "scenarios:\n" + "\n".join(
        f"  {name:<17} {scenario.summary}" for name, scenario in SCENARIOS.items()
    )
    parser.add_argument(
        "--scenario",
        choices=tuple(SCENARIOS),
        default=DEFAULT_SCENARIO,
        metavar="NAME",
        help=f"what goes wrong (default: {DEFAULT_SCENARIO})",
    )
    parser.add_argument("--headless", action="store_true", help="plain lines, no live view")
    add_output_arguments(parser)
    parser.set_defaults(dossier=DEFAULT_DOSSIER)


def run(args: argparse.Namespace) -> int:
    _check_place(args.dossier)
    return asyncio.run(_run(args))


async def _run(args: argparse.Namespace) -> int:
    async with Demo(args.scenario) as demo:
        return await run_session(plan(args, demo))


def plan(args: argparse.Namespace, demo: Demo) -> Plan:
    """The plan of one run on the stage *demo*."""
    scenario = demo.scenario

    async def fault(watcher: Watcher) -> None:
        await demo.run_fault()

    return Plan(
        command="demo",
        url=demo.url,
        title=f"{scenario.name}: {scenario.summary}",
        player="none",
        make_player=demo.player,
        # all servers are on loopback: probes leave for nobody
        policy=Policy(probes=scenario.probes),
        references=[demo.reference_url],
        locale=args.locale,
        messages=args.messages,
        dossier=args.dossier,
        sign=args.sign,
        json=args.json,
        quiet=args.quiet,
        faces=args.face,
        live=not args.headless,
        duration_s=scenario.duration_s,
        alongside=fault,
    )


def _check_place(dossier: str) -> None:
    """HostError before a server is up, where the place for the dossier can't be used at all."""
    folder = Path(dossier).parent
    if not folder.is_dir():
        raise HostError(f"can't write the dossier {dossier}: there is no folder {folder}")
