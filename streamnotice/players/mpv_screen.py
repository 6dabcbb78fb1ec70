"""The notice in mpv's OSD: one at a time, kept over a restart of mpv."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from streamnotice.players.mpv_ipc import MpvError, MpvIpc
from streamnotice.players.mpv_osd import CANVAS_HEIGHT, DEFAULT_ASPECT, Card, card, draw

if TYPE_CHECKING:
    from streamnotice.notices.shown import ShownNotice
    from streamnotice.watcher import Watcher

_OVERLAY: Final = 1


class MpvScreen:
    """What mpv shows over the picture. All of it runs on the loop; nothing raises or waits."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._ipc: MpvIpc | None = None
        self._card: Card | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._gone: asyncio.TimerHandle | None = None

    def show(self, notice: ShownNotice) -> None:
        try:
            if self._gone is not None:
                self._gone.cancel()
                self._gone = None
            self._card = card(notice)
            if self._ipc is None:
                return
            if self._card.stays_s is not None:
                loop = asyncio.get_running_loop()
                self._gone = loop.call_later(self._card.stays_s, self._clear)
            self._draw()
        except Exception as error:
            self._watcher.session.failed("player.mpv.show", error)

    def attach(self, ipc: MpvIpc) -> None:
        self._ipc = ipc
        if self._card is not None and self._card.stays_s is None:
            self._draw()

    def detach(self, ipc: MpvIpc) -> None:
        if self._ipc is ipc:
            self._ipc = None
        for task in self._tasks:
            task.cancel()
        if self._gone is not None:
            self._gone.cancel()
            self._gone = None

    def _clear(self) -> None:
        self._gone = self._card = None
        if self._ipc is not None:
            self._ipc.start({"name": "osd-overlay", "id": _OVERLAY, "format": "none", "data": ""})

    def _draw(self) -> None:
        assert self._ipc is not None
        task = asyncio.get_running_loop().create_task(self._paint(self._ipc))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _paint(self, ipc: MpvIpc) -> None:
        try:
            aspect = DEFAULT_ASPECT
            size = await ipc.command("get_property", "osd-dimensions")
            if isinstance(size, dict) and size.get("w") and size.get("h"):
                aspect = float(size["w"]) / float(size["h"])
            if self._card is None or ipc is not self._ipc:
                return
            await ipc.command(
                name="osd-overlay",
                id=_OVERLAY,
                format="ass-events",
                data=draw(self._card, aspect),
                res_x=0,
                res_y=CANVAS_HEIGHT,
                z=1000,
            )
        except MpvError as error:
            self._watcher.session.log.info("streamnotice.mpv.show", error=str(error))
        except Exception as error:
            self._watcher.session.failed("player.mpv.show", error)
