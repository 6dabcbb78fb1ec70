"""One task for what is found now: begun anew when something else is found, or when it has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Generic, TypeVar

from streamnotice.session import Session

T = TypeVar("T")


class Follower(Generic[T]):
    """Follows one thing at a time for a sensor.

    Args:
        session: told if the work fails.
        sensor: its name.
        work: what is done about the thing found, until cancelled.
    """

    def __init__(
        self, session: Session, sensor: str, work: Callable[[T], Coroutine[None, None, None]]
    ) -> None:
        self._session = session
        self._sensor = sensor
        self._work = work
        self._task: asyncio.Task[None] | None = None
        self.followed: T | None = None

    async def turn_to(self, found: T | None) -> T | None:
        """Follow *found* from now on; what was followed before, if that is over."""
        ended = self._task is not None and self._task.done()
        if found == self.followed and not ended:
            return None
        before = self.followed
        await self.end()
        self.followed = found
        if found is not None:
            self._task = asyncio.create_task(
                self._work(found), name=f"streamnotice-{self._sensor}-flow"
            )
            self._task.add_done_callback(partial(self._session.ended, f"sensor.{self._sensor}"))
        return before

    async def end(self) -> None:
        """Follow nothing any more."""
        task, self._task, self.followed = self._task, None, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
