"""Waiting for what signals nothing to tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def until(holds: Callable[[], object], limit_s: float = 15) -> None:
    """Return once *holds* does; TimeoutError where it never does, which fails the test."""
    async with asyncio.timeout(limit_s):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
