"""Ending tasks: in bounded time, and whatever became of the loop that they ran on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any


def let_go(task: asyncio.Task[Any]) -> None:
    """Cancel *task*. On a loop that is closed there is nothing left to cancel."""
    if not task.get_loop().is_closed():
        task.cancel()


def of_this_loop(tasks: Iterable[asyncio.Task[Any]]) -> set[asyncio.Task[Any]]:
    """Those of *tasks* that the running task can wait for: of its own loop, and not itself."""
    loop, current = asyncio.get_running_loop(), asyncio.current_task()
    return {task for task in tasks if task.get_loop() is loop and task is not current}


async def end(tasks: Iterable[asyncio.Task[Any]], within_s: float) -> None:
    """Cancel *tasks* and wait until they are over, but no longer than *within_s* seconds.

    The task that asks for it is left alone. Those of another loop are not waited for: it runs no
    more, or somewhere else.
    """
    current = asyncio.current_task()
    tasks = [task for task in tasks if task is not current]
    for task in tasks:
        let_go(task)
    here = of_this_loop(tasks)
    if not here:
        return
    done, _ = await asyncio.wait(here, timeout=within_s)
    for task in done:
        if not task.cancelled():
            task.exception()  # looked at: asyncio complains of those that nobody looked at
