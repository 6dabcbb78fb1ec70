"""Desktop notifications (freedesktop.org, extra `desktop`): one at a time, replaced as it changes.

Protocol: https://specifications.freedesktop.org/notification/latest/protocol.html. Bodies can be
markup where the server says so; then every text is escaped, and there is none of ours. Nothing
is ever urgent enough to break through "do not disturb".
"""

from __future__ import annotations

import asyncio
from html import escape
from typing import TYPE_CHECKING, Any, Final

import attrs

from streamnotice.errors import HostError, MissingExtraError
from streamnotice.notices.manners import severity, stays_s

try:
    from dbus_fast import BusType, Message, MessageType, Variant
    from dbus_fast.aio import MessageBus
except ImportError as error:
    raise MissingExtraError("desktop notifications", "desktop") from error

if TYPE_CHECKING:
    from streamnotice.faces import TakenAway
    from streamnotice.notices.actions import Acted
    from streamnotice.notices.shown import ShownNotice
    from streamnotice.watcher import Watcher

_NAME: Final = "org.freedesktop.Notifications"
_PATH: Final = "/org/freedesktop/Notifications"
_CALL_WITHIN_S: Final = 5.0
_QUEUE: Final = 32
_BY_THE_VIEWER: Final = 2  # reason of NotificationClosed
_LOW, _NORMAL = 0, 1
_UNDERSTOOD, _SESSION, _ACT = "understood", "session", "act:"
_WORDS: Final = ("face.understood", "face.hide_session")
_NEVER: Final = 0


@attrs.frozen
class Content:
    """What one notification says."""

    summary: str
    body: tuple[str, ...]
    actions: tuple[tuple[str, str], ...] = ()
    urgency: int = _NORMAL
    expires_ms: int = _NEVER
    transient: bool = False


def content(shown: ShownNotice, words: dict[str, str]) -> Content:
    """*shown* as a notification. Pure."""
    stays = stays_s(shown.event)
    if stays is not None:
        return Content(
            shown.title,
            (shown.sentence,),
            urgency=_LOW,
            expires_ms=round(stays * 1000),
            transient=True,
        )
    advice = [action.advice for action in shown.actions]
    runnable = [(_ACT + action.id, action.label) for action in shown.actions if action.runnable]
    return Content(
        shown.title,
        tuple(text for text in (shown.sentence, shown.evidence_line, *advice) if text),
        (
            (_UNDERSTOOD, words[_WORDS[0]]),
            *runnable,
            (_SESSION, words[_WORDS[1]]),
        ),
        urgency=_LOW if severity(shown.event) == "low" else _NORMAL,
    )


class DesktopFace:
    """Shows notices by the desktop's notification service; its buttons answer them.

    Args:
        app_name: whose notification it is, for the viewer.
        icon: name of an icon of the theme, or its file's URI.
    """

    name = "desktop"

    def __init__(self, app_name: str = "streamnotice", icon: str = "") -> None:
        self._app_name = app_name
        self._icon = icon
        self._watcher: Watcher | None = None
        self._words: dict[str, str] = {}
        self._bus: MessageBus | None = None
        self._can: frozenset[str] = frozenset()
        self._jobs: asyncio.Queue[Content | None] = asyncio.Queue(_QUEUE)
        self._worker: asyncio.Task[None] | None = None
        self._number = 0  # the service's id of what it shows
        self._standing: str | None = None  # the notice's id
        self._last: Content | None = None

    # -- a face -------------------------------------------------------------------------------

    async def open(self, watcher: Watcher) -> None:
        """Raises HostError if there is no notification service in this session."""
        self._watcher = watcher
        self._words = watcher.words(*_WORDS)
        await self._connect()
        self._worker = asyncio.create_task(self._work(), name="streamnotice-desktop")

    def notice(self, shown: ShownNotice) -> None:
        self._standing = None if shown.event.state == "resolved" else shown.event.id
        self._last = content(shown, self._words)
        self._put(self._last)

    def taken_away(self, what: TakenAway) -> None:
        if self._standing == what.notice_id:
            self._standing = self._last = None
            self._put(None)

    def acted(self, acted: Acted) -> None:
        if self._standing != acted.notice_id or self._last is None:
            return
        self._put(attrs.evolve(self._last, body=(*self._last.body[:1], acted.text)))

    async def close(self) -> None:
        """Take away what stands; the end of a notice is left to go by itself."""
        if self._worker is not None:
            if self._standing is not None:
                self._standing = None
                self._put(None)
            try:
                async with asyncio.timeout(1.0):
                    await self._jobs.join()
            finally:
                self._worker.cancel()
        if self._bus is not None:
            self._bus.disconnect()
            self._bus = None

    # -- the service --------------------------------------------------------------------------

    def _put(self, job: Content | None) -> None:
        if self._jobs.full():  # only the newest state matters
            self._jobs.get_nowait()
            self._jobs.task_done()
        self._jobs.put_nowait(job)

    async def _work(self) -> None:
        assert self._watcher is not None
        while True:
            job = await self._jobs.get()
            try:
                if self._bus is None or not self._bus.connected:
                    await self._connect()
                await (self._remove() if job is None else self._show(job))
            except Exception as error:
                self._bus = None
                what = str(error) if isinstance(error, HostError) else repr(error)
                self._watcher.session.failed("face.desktop", what)
            finally:
                self._jobs.task_done()

    async def _connect(self) -> None:
        try:
            bus = await MessageBus(bus_type=BusType.SESSION).connect()
        except Exception as error:
            raise HostError(
                f"there is no session bus for desktop notifications ({type(error).__name__})"
            ) from None
        self._bus, self._number = bus, 0
        bus.add_message_handler(self._heard)
        rule = f"type='signal',sender='{_NAME}',path='{_PATH}',interface='{_NAME}'"
        await self._call("AddMatch", "s", [rule], of="org.freedesktop.DBus")
        # asks the bus to start the service where it is one that can be started
        self._can = frozenset((await self._call("GetCapabilities"))[0])

    async def _call(
        self, member: str, signature: str = "", body: list[Any] | None = None, *, of: str = _NAME
    ) -> list[Any]:
        assert self._bus is not None
        message = Message(
            destination=of,
            path=_PATH if of == _NAME else "/org/freedesktop/DBus",
            interface=of,
            member=member,
            signature=signature,
            body=body or [],
        )
        async with asyncio.timeout(_CALL_WITHIN_S):
            answer = await self._bus.call(message)
        if answer is None or answer.message_type is MessageType.ERROR:
            why = answer.error_name if answer is not None else "no answer"
            raise HostError(f"the desktop's notification service refused {member}: {why}")
        return list(answer.body)

    async def _show(self, what: Content) -> None:
        lines = [escape(line, quote=False) for line in what.body] if self._markup else what.body
        flat = [text for action in what.actions for text in action]
        hints = {
            "urgency": Variant("y", what.urgency),
            "category": Variant("s", "network"),
            "transient": Variant("b", what.transient),
        }
        answer = await self._call(
            "Notify",
            "susssasa{sv}i",
            [
                self._app_name,
                self._number,
                self._icon,
                what.summary,
                "\n".join(lines),
                flat if "actions" in self._can else [],
                hints,
                what.expires_ms,
            ],
        )
        self._number = int(answer[0])

    @property
    def _markup(self) -> bool:
        return "body-markup" in self._can

    async def _remove(self) -> None:
        number, self._number = self._number, 0
        if number:
            await self._call("CloseNotification", "u", [number])

    # -- what the viewer answers --------------------------------------------------------------

    def _heard(self, message: Message) -> None:
        """A signal of the service; never raises."""
        try:
            if message.message_type is MessageType.SIGNAL and message.path == _PATH:
                self._answered(message.member or "", list(message.body))
        except Exception as error:
            if self._watcher is not None:
                self._watcher.session.failed("face.desktop", error)

    def _answered(self, member: str, body: list[Any]) -> None:
        if self._watcher is None or len(body) != 2 or body[0] != self._number or not self._number:
            return
        standing = self._standing
        if member == "NotificationClosed":
            self._number = 0
            if body[1] == _BY_THE_VIEWER and standing is not None:
                self._watcher.dismiss(standing, face=self.name)
        elif member == "ActionInvoked" and standing is not None:
            key = str(body[1])
            if key == _UNDERSTOOD:
                self._watcher.dismiss(standing, face=self.name)
            elif key == _SESSION:
                self._watcher.dismiss(standing, "session", face=self.name)
            elif key.startswith(_ACT):
                self._watcher.act(standing, key.removeprefix(_ACT))
