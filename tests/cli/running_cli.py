"""Runs the command line in a process of its own, as a user would."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import attrs

ROOT = Path(__file__).parents[2]


@attrs.frozen
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["type"] == kind]


def environment(**more: str) -> dict[str, str]:
    """The environment with the checkout importable."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    return {**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "", **more}


async def start(*words: str, **more: str) -> asyncio.subprocess.Process:
    """Start `streamnotice *words*`; *more* are variables of its environment."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "streamnotice.cli", *words,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=environment(**more),
    )  # fmt: skip


async def finish(process: asyncio.subprocess.Process, first: bytes = b"") -> Ran:
    """Wait for it to end by itself; *first* is what was read of its output before."""
    try:
        out, err = await asyncio.wait_for(process.communicate(), 60)
    except TimeoutError:
        process.kill()
        raise
    return Ran(process.returncode or 0, (first + out).decode(), err.decode())


async def run(*words: str, **more: str) -> Ran:
    return await finish(await start(*words, **more))


async def watch(url: str, *words: str) -> Ran:
    """`watch` with the headless player and JSON lines."""
    return await run("watch", url, "--player", "none", "--json", *words)
