"""How a host is called back: never in the way of playback, never out of order.

Coroutine functions run as tasks on the host's loop. Plain functions run on one daemon thread, or
go through `dispatch` (any callable that takes a callable, e.g. `GLib.idle_add`), so that a callback
that blocks or raises harms nothing. Each hook has a queue of 64; what doesn't fit is dropped,
counted and logged.
"""

from __future__ import annotations

import asyncio
import inspect
import queue
import threading
from collections.abc import Callable
from typing import Any, Final

from streamnotice.log import get_logger

QUEUE: Final = 64
Dispatch = Callable[[Callable[[], None]], Any]


class Hooks:
    """Calls a host's callbacks.

    Args:
        callbacks: name -> callable or None.
        dispatch: runs plain functions where the host wants them; None uses a daemon thread.
    """

    def __init__(
        self,
        callbacks: dict[str, Callable[..., Any] | None],
        dispatch: Dispatch | None = None,
    ) -> None:
        self._callbacks = {name: call for name, call in callbacks.items() if call is not None}
        self._dispatch = dispatch
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: dict[str, set[asyncio.Task[None]]] = {}
        self._waiting: dict[str, int] = {}
        self._jobs: queue.SimpleQueue[tuple[str, Any] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._log = get_logger()
        self.dropped: dict[str, int] = {}

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def wants(self, name: str) -> bool:
        """Somebody listens to *name*."""
        return name in self._callbacks

    def call(self, name: str, value: Any) -> None:
        """Have callback *name* called with *value*, soon. Never raises, never blocks."""
        callback = self._callbacks.get(name)
        if callback is None:
            return
        try:
            if inspect.iscoroutinefunction(callback) or inspect.iscoroutinefunction(
                getattr(callback, "__call__", None)  # noqa: B004 - an object with async __call__
            ):
                self._as_task(name, callback, value)
            else:
                self._as_call(name, value)
        except Exception as error:
            self._failed(name, error)

    def _as_task(self, name: str, callback: Callable[..., Any], value: Any) -> None:
        tasks = self._tasks.setdefault(name, set())
        if len(tasks) >= QUEUE or self._loop is None or self._loop.is_closed():
            self._drop(name)
            return

        async def run() -> None:
            try:
                await callback(value)
            except Exception as error:
                self._failed(name, error)

        task = self._loop.create_task(run(), name=f"streamnotice-{name}")
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    def _as_call(self, name: str, value: Any) -> None:
        with self._lock:
            if self._waiting.get(name, 0) >= QUEUE:
                full = True
            else:
                full = False
                self._waiting[name] = self._waiting.get(name, 0) + 1
        if full:
            self._drop(name)
            return
        if self._dispatch is not None:
            self._dispatch(lambda: self._run(name, value))
            return
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._work, name="streamnotice-hooks", daemon=True
            )
            self._thread.start()
        self._jobs.put((name, value))

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._run(*job)

    def _run(self, name: str, value: Any) -> None:
        with self._lock:
            self._waiting[name] -= 1
        try:
            self._callbacks[name](value)
        except Exception as error:
            self._failed(name, error)

    def _drop(self, name: str) -> None:
        self.dropped[name] = self.dropped.get(name, 0) + 1
        self._log.warning("streamnotice.hook_dropped", hook=name, dropped=self.dropped[name])

    def _failed(self, name: str, error: Exception) -> None:
        self._log.warning("streamnotice.hook_failed", hook=name, error=_safe_repr(error))

    async def close(self, patience_s: float = 1.0) -> None:
        """Let what is queued run, for a short while; leave behind what never returns."""
        pending = [task for tasks in self._tasks.values() for task in tasks]
        current = asyncio.current_task()
        pending = [task for task in pending if task is not current]
        if pending:
            _, late = await asyncio.wait(pending, timeout=patience_s)
            for task in late:
                task.cancel()
        if self._thread is not None:
            self._jobs.put(None)
            for _ in range(max(1, round(patience_s / 0.02))):
                if not self._thread.is_alive() or self._thread is threading.current_thread():
                    break
                await asyncio.sleep(0.02)


def _safe_repr(error: BaseException) -> str:
    try:
        return repr(error)
    except Exception:
        return f"<{type(error).__name__}, and its repr fails>"
