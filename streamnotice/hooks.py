"""How a host is called back: never in the way of playback, never out of order.

Coroutine functions run as tasks on the host's loop. Plain functions run on one daemon thread, or
go through `dispatch` (any callable that takes a callable, e.g. `GLib.idle_add`), so that a callback
that blocks or raises harms nothing; a coroutine that one gives back is run as a task, too. Each
hook has a queue of 64; what doesn't fit is dropped, counted and logged. What goes wrong in a hook
is told to the hook "error", but for that one's own failures.
"""

from __future__ import annotations

import asyncio
import inspect
import queue
import threading
from collections.abc import Awaitable, Callable
from typing import Any, Final

from streamnotice.log import get_logger
from streamnotice.tasks import end, of_this_loop

QUEUE: Final = 64
ERROR: Final = "error"
"""The hook that is told what goes wrong in the others."""
_CANCEL_WITHIN_S: Final = 0.1
_LOOK_AGAIN_S: Final = 0.02
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
        self._unfinished = 0  # functions that the thread has to run, and runs
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._log = get_logger()
        self.dropped: dict[str, int] = {}

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Coroutines run on *loop* from now on."""
        self._loop = loop

    def wants(self, name: str) -> bool:
        """Somebody listens to *name*."""
        return name in self._callbacks

    def call(self, name: str, value: Any) -> None:
        """Have callback *name* called with *value*, soon. From any thread; never raises or blocks.

        Where the loop has ended, coroutine functions are dropped.
        """
        callback = self._callbacks.get(name)
        if callback is None:
            return
        try:
            if is_coroutine_function(callback):
                self._on_loop(name, _Later(callback, value))
            else:
                self._as_call(name, callback, value)
        except (Exception, SystemExit) as error:
            self._failed(name, error)

    # -- on the loop --------------------------------------------------------------------------

    def _on_loop(self, name: str, work: Awaitable[Any]) -> None:
        """Await *work* in a task of the loop, whatever thread this is."""
        loop = self._loop
        try:
            if loop is None or loop.is_closed():
                self._drop(name, work)
            elif loop is _running_loop():
                self._as_task(loop, name, work)
            else:
                loop.call_soon_threadsafe(self._as_task, loop, name, work)
        except RuntimeError:  # it was closed this moment
            self._drop(name, work)

    def _as_task(self, loop: asyncio.AbstractEventLoop, name: str, work: Awaitable[Any]) -> None:
        tasks = self._tasks.setdefault(name, set())
        if len(tasks) >= QUEUE:
            self._drop(name, work)
            return

        async def run() -> None:
            try:
                await work
            except (Exception, SystemExit) as error:  # sys.exit in a hook must not end the loop
                self._failed(name, error)

        task = loop.create_task(run(), name=f"streamnotice-{name}")
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    # -- plain functions ----------------------------------------------------------------------

    def _as_call(self, name: str, callback: Callable[..., Any], value: Any) -> None:
        with self._lock:
            full = self._waiting.get(name, 0) >= QUEUE
            if not full:
                self._waiting[name] = self._waiting.get(name, 0) + 1
        if full:
            self._drop(name)
            return
        job = _Job(self, name, callback, value)
        if self._dispatch is not None:
            try:
                self._dispatch(job.run)
            except BaseException:
                self._take(job)  # it never gets there: its place in the queue is free again
                raise
            return
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._work, name="streamnotice-hooks", daemon=True
            )
            self._thread.start()
        with self._lock:
            self._unfinished += 1
        self._jobs.put(job)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                job.run()
            except BaseException as error:  # the thread is ours, and others wait for it
                self._failed(job.name, error)
            with self._lock:
                self._unfinished -= 1

    def _take(self, job: _Job) -> bool:
        """*job* leaves the queue; False if it had left before."""
        with self._lock:
            if job.taken:
                return False
            job.taken = True
            self._waiting[job.name] -= 1
            return True

    def _drop(self, name: str, work: Awaitable[Any] | None = None) -> None:
        if inspect.iscoroutine(work):
            work.close()  # else Python complains that nobody awaited it
        self.dropped[name] = self.dropped.get(name, 0) + 1
        self._log.warning("streamnotice.hook_dropped", hook=name, dropped=self.dropped[name])

    def _failed(self, name: str, error: BaseException) -> None:
        what = safe_repr(error)
        self._log.warning("streamnotice.hook_failed", hook=name, error=what)
        if name != ERROR:
            self.call(ERROR, (f"hook.{name}", what))

    async def close(self, patience_s: float = 1.0) -> None:
        """Let what is queued run, for a short while; leave behind what never returns."""
        loop = asyncio.get_running_loop()
        until = loop.time() + patience_s
        while True:
            # a function that is through has left its work to the loop, where it begins in a turn:
            # asked the other way round, it could be through and not begun, between the two
            through = not self._unfinished
            await asyncio.sleep(0)
            running = self._on_this_loop()
            # and what was running may have left a failure to a function
            if (through and not running and not self._unfinished) or loop.time() >= until:
                break
            await asyncio.sleep(_LOOK_AGAIN_S)
        await end(running, _CANCEL_WITHIN_S)
        if self._thread is not None:
            self._jobs.put(None)

    def _on_this_loop(self) -> set[asyncio.Task[None]]:
        return of_this_loop([task for tasks in self._tasks.values() for task in tasks])


class _Later:
    """A coroutine function and what it is called with once somebody awaits."""

    def __init__(self, callback: Callable[..., Any], value: Any) -> None:
        self._callback = callback
        self._value = value

    def __await__(self) -> Any:
        return self._callback(self._value).__await__()


class _Job:
    """One call of a plain function: it runs once, and holds its place in the queue until then."""

    def __init__(self, hooks: Hooks, name: str, callback: Callable[..., Any], value: Any) -> None:
        self._hooks = hooks
        self._callback = callback
        self._value = value
        self.name = name
        self.taken = False

    def run(self) -> None:
        """Call, on whatever thread this is."""
        if not self._hooks._take(self):
            return
        try:
            came = self._callback(self._value)
            # a future goes on by itself, on whatever loop
            if inspect.isawaitable(came) and not asyncio.isfuture(came):
                self._hooks._on_loop(self.name, came)
        except (Exception, SystemExit) as error:
            self._hooks._failed(self.name, error)


def is_coroutine_function(call: Callable[..., Any]) -> bool:
    """*call*, or its own `__call__`, is a coroutine function."""
    return inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(
        getattr(call, "__call__", None)  # noqa: B004 - an object with async __call__
    )


def safe_repr(error: BaseException) -> str:
    """`repr`, whatever the error's own does."""
    try:
        return repr(error)
    except Exception:
        return f"<{type(error).__name__}, and its repr fails>"


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
