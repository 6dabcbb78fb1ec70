"""A façade for hosts without asyncio: the same Watcher, on a loop of its own in a daemon thread."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Literal, Self, TypeVar

from streamnotice.errors import HostError
from streamnotice.events import Verdict
from streamnotice.faces import Face
from streamnotice.notices.actions import HostAction
from streamnotice.notices.muting import Mute, Scope
from streamnotice.notices.shown import ShownNotice
from streamnotice.sensors.requests import RequestScope
from streamnotice.watcher import Summary, Watcher

T = TypeVar("T")
_PATIENCE_S = 10.0
"""So long a call waits for the loop, which some callback may hold up."""
_SAVE_WITHIN_S = 60.0
_CLOSE_WITHIN_S = 20.0


class ThreadWatcher:
    """A `Watcher` whose methods may be called from any thread without a loop.

    Takes the same arguments. Use as `with ThreadWatcher(on_notice=show) as w`. Callbacks that
    are coroutine functions run on the façade's own loop; plain ones on the hooks' thread, or
    through `dispatch`. Coroutines, and faces, may call all methods but `proxy` and `close`: these
    wait for the loop that they would hold up.

    Raises:
        HostError: as `Watcher`; or used before the block, after `close`, in a second block, or
            by a callback on the loop that waits for it; or the loop doesn't answer.
    """

    def __init__(self, **arguments: Any) -> None:
        self._watcher = Watcher(**arguments)
        self._thread = threading.Thread(target=self._serve, name="streamnotice-loop", daemon=True)
        self._loop: asyncio.AbstractEventLoop  # from the block's begin until its thread closes it
        self._lock = threading.Lock()
        self._entered = False
        self._open = False
        self._closing = False
        self._over = False
        self._process = os.getpid()

    def __enter__(self) -> Self:
        with self._lock:
            if self._entered:
                raise HostError("a ThreadWatcher watches one session: make another for the next")
            self._entered = True
        self._process = os.getpid()
        self._loop = asyncio.new_event_loop()
        self._thread.start()
        self._open = True
        try:
            self._run(self._watcher.__aenter__())
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the session; more calls do nothing but wait until it has ended.

        Takes `_CLOSE_WITHIN_S` at most: a loop that a callback holds up for longer is left behind,
        and ends the session once it goes on.
        """
        if not self._open or os.getpid() != self._process:
            return
        self._check_thread("close")
        with self._lock:
            first, self._closing = not self._closing, True
        if first:
            asyncio.run_coroutine_threadsafe(self._end(), self._loop)
        self._thread.join(_CLOSE_WITHIN_S)
        if not first:
            return
        self._open = False
        if self._thread.is_alive():
            why = f"no end within {_CLOSE_WITHIN_S:g} s: a callback of the host holds up the loop"
            self._watcher.session.failed("threads.close", why)

    async def _end(self) -> None:
        try:
            await self._watcher.close()
        finally:
            self._over = True
            self._loop.call_soon(self._loop.stop)

    def _serve(self) -> None:
        """The loop's thread. What a callback means for its own thread (`sys.exit`) ends no loop."""
        while not self._over:
            try:
                self._loop.run_forever()
            except BaseException as error:
                self._watcher.session.failed("threads", error)
        self._loop.close()  # here: a loop that was left behind is closed, too, once it goes on

    def playback(self, **told: Any) -> None:
        """As `Watcher.playback`."""
        self._watcher.playback(**told)

    def request(self, url: str, role: Any = None) -> RequestScope:
        """As `Watcher.request`."""
        return self._watcher.request(url, role)

    def proxy(self, url: str) -> str:
        """As `Watcher.proxy`, waiting for the address."""
        self._check_thread("proxy")
        return self._run(self._watcher.proxy(url))

    def sockets_of(self, pid: int, hosts: Sequence[str] = ()) -> None:
        """As `Watcher.sockets_of`."""
        self._on_loop(lambda: self._watcher.sockets_of(pid, hosts))

    def coverage(self) -> dict[str, bool | str]:
        """As `Watcher.coverage`."""
        return self._watcher.coverage()

    def explain(self) -> Verdict | None:
        """As `Watcher.explain`."""
        return self._watcher.explain()

    @property
    def on_screen(self) -> ShownNotice | None:
        """As `Watcher.on_screen`."""
        return self._watcher.on_screen

    def add_action(self, action: str, call: HostAction) -> None:
        """As `Watcher.add_action`."""
        self._on_loop(lambda: self._watcher.add_action(action, call))

    def add_face(self, face: Face) -> None:
        """As `Watcher.add_face`; the face is told on the façade's own loop."""
        self._on_loop(lambda: self._watcher.add_face(face))

    def dismiss(self, notice_id: str, scope: Scope = "notice", *, face: str = "") -> bool:
        """As `Watcher.dismiss`."""
        return self._on_loop(lambda: self._watcher.dismiss(notice_id, scope, face=face))

    def mute(
        self, place: str, scope: Scope = "session", *, network: Literal["here", "any"] = "here"
    ) -> Mute:
        """As `Watcher.mute`."""
        return self._on_loop(lambda: self._watcher.mute(place, scope, network=network))

    def unmute(self, place: str) -> int:
        """As `Watcher.unmute`."""
        return self._on_loop(lambda: self._watcher.unmute(place))

    def muted(self) -> tuple[Mute, ...]:
        """As `Watcher.muted`."""
        return self._on_loop(self._watcher.muted)

    def act(self, notice_id: str, action_id: str) -> bool:
        """As `Watcher.act`."""
        return self._on_loop(lambda: self._watcher.act(notice_id, action_id))

    def summary(self) -> Summary:
        """As `Watcher.summary`."""
        return self._watcher.summary()

    def save_dossier(self, path: str | os.PathLike[str]) -> None:
        """As `Watcher.save_dossier`."""
        if self._open:
            self._on_loop(lambda: self._watcher.save_dossier(path), _SAVE_WITHIN_S)
        else:
            self._watcher.save_dossier(path)

    def _on_loop(self, call: Callable[[], T], within_s: float | None = None) -> T:
        if self._open and threading.current_thread() is self._thread:
            return call()  # by a callback that runs there

        async def run() -> T:
            return call()

        return self._run(run(), within_s)

    def _run(self, work: Coroutine[Any, Any, T], within_s: float | None = None) -> T:
        within_s = within_s or _PATIENCE_S
        try:
            if not self._open:
                raise HostError("this ThreadWatcher is not open: use it in a with block")
            if os.getpid() != self._process:  # its loop runs there, and nobody would answer here
                raise HostError(
                    "this ThreadWatcher belongs to the process that this one is a fork of"
                )
            coming = asyncio.run_coroutine_threadsafe(work, self._loop)
        except RuntimeError:  # the loop was closed this moment
            work.close()
            raise HostError("this ThreadWatcher is closed") from None
        except HostError:
            work.close()
            raise
        try:
            return coming.result(within_s)
        except TimeoutError:
            if coming.done():  # it is what came of the work
                raise
            coming.cancel()
            raise HostError(
                f"the loop of this ThreadWatcher did not answer within {within_s:g} s: "
                "a callback of the host holds it up"
            ) from None

    def _check_thread(self, what: str) -> None:
        if threading.current_thread() is self._thread:
            raise HostError(
                f"{what}() waits for the ThreadWatcher's own loop, and a callback on that loop "
                "called it: call it from another thread, as by asyncio.to_thread"
            )
