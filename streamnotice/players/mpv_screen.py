"""mpv's OSD as a face: one notice at a time, kept over a restart of mpv, answered by a key."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from streamnotice.players.mpv_ipc import Message, MpvError, MpvIpc
from streamnotice.players.mpv_osd import CANVAS_HEIGHT, DEFAULT_ASPECT, Card, card, draw

if TYPE_CHECKING:
    from streamnotice.faces import TakenAway
    from streamnotice.notices.actions import Acted
    from streamnotice.notices.shown import ShownNotice
    from streamnotice.watcher import Watcher

_OVERLAY: Final = 1
KEY: Final = "u"
"""Answers a notice while it stands; at other times it keeps its own meaning in mpv."""
_SECTION: Final = "streamnotice"
_UNDERSTOOD: Final = "understood"


class MpvScreen:
    """What mpv shows over the picture. All of it runs on the loop; nothing raises or waits."""

    name = "mpv"

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._ipc: MpvIpc | None = None
        self._card: Card | None = None
        self._notice: ShownNotice | None = None  # the one that stands
        self._hint = ""
        self._tasks: set[asyncio.Task[None]] = set()
        self._gone: asyncio.TimerHandle | None = None

    # -- a face -------------------------------------------------------------------------------

    async def open(self, watcher: Watcher) -> None:
        self._hint = f"[{KEY}] {watcher.words('face.understood')['face.understood']}"

    def notice(self, shown: ShownNotice) -> None:
        self.show(shown)

    def taken_away(self, what: TakenAway) -> None:
        if self._notice is not None and self._notice.event.id == what.notice_id:
            self._clear()

    def acted(self, acted: Acted) -> None:
        if self._notice is not None and self._notice.event.id == acted.notice_id:
            self._card = card(self._notice, self._hint, acted.text)
            if self._ipc is not None:
                self._draw()

    async def close(self) -> None:
        return None  # mpv goes, and the overlay with it

    def show(self, notice: ShownNotice) -> None:
        try:
            if self._gone is not None:
                self._gone.cancel()
                self._gone = None
            stands = notice.event.state != "resolved"
            self._notice = notice if stands else None
            self._card = card(notice, self._hint)
            if self._ipc is None:
                return
            self._keys(on=stands)
            if self._card.stays_s is not None:
                loop = asyncio.get_running_loop()
                self._gone = loop.call_later(self._card.stays_s, self._clear)
            self._draw()
        except Exception as error:
            self._watcher.session.failed("player.mpv.show", error)

    def heard(self, message: Message) -> None:
        """A message that a key of ours sent."""
        if message.get("args") == [_SECTION, _UNDERSTOOD] and self._notice is not None:
            self._watcher.dismiss(self._notice.event.id, face=self.name)

    def _keys(self, *, on: bool) -> None:
        if self._ipc is None:
            return
        if not on:
            self._ipc.start(["disable-section", _SECTION])
            return
        line = f"{KEY} script-message {_SECTION} {_UNDERSTOOD}\n"
        self._ipc.start(["define-section", _SECTION, line, "force"])
        self._ipc.start(["enable-section", _SECTION])

    # -- mpv ----------------------------------------------------------------------------------

    def attach(self, ipc: MpvIpc) -> None:
        self._ipc = ipc
        if self._card is not None and self._card.stays_s is None:
            self._keys(on=True)
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
        if self._gone is not None:
            self._gone.cancel()
        self._gone = self._card = self._notice = None
        self._keys(on=False)
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
