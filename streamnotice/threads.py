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


class ThreadWatcher:
    """A `Watcher` whose methods may be called from any thread without a loop.

    Takes the same arguments. Use as `with ThreadWatcher(on_notice=show) as w`. Callbacks that
    are coroutine functions run on the façade's own loop; plain ones on the hooks' thread, or
    through `dispatch`.

    Raises:
        HostError: as `Watcher`, or if used after `close`.
    """

    def __init__(self, **arguments: Any) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="streamnotice-loop", daemon=True
        )
        try:
            self._watcher = Watcher(**arguments)
        except BaseException:
            self._loop.close()
            raise
        self._open = False

    def __enter__(self) -> Self:
        self._thread.start()
        self._open = True
        self._run(self._watcher.__aenter__())
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the session; more calls do nothing."""
        if not self._open:
            return
        self._run(self._watcher.close())
        self._open = False
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE_S)
        if not self._thread.is_alive():
            self._loop.close()

    def playback(self, **told: Any) -> None:
        """As `Watcher.playback`."""
        self._watcher.playback(**told)

    def request(self, url: str, role: Any = None) -> RequestScope:
        """As `Watcher.request`."""
        return self._watcher.request(url, role)

    def proxy(self, url: str) -> str:
        """As `Watcher.proxy`, waiting for the address."""
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

        async def save() -> None:
            self._watcher.save_dossier(path)

        if self._open:
            self._run(save())
        else:
            self._watcher.save_dossier(path)

    def _on_loop(self, call: Callable[[], T]) -> T:
        async def run() -> T:
            return call()

        return self._run(run())

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        if not self._open:
            work.close()
            raise HostError("this ThreadWatcher is not open: use it in a with block")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()
