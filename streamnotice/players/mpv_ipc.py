"""A small asyncio client of mpv's JSON IPC: one JSON object a line, requests answered by number.

Own code, since the kept-up Python packages for it work with threads and block. Protocol: mpv
manual, "JSON IPC". Whatever mpv sends is taken: partial, unknown, malformed or huge lines cost a
line, never the connection.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Self

from streamnotice.errors import MediaError

MAX_LINE_BYTES: Final = 1024 * 1024
MAX_UNSENT_BYTES: Final = 256 * 1024
ANSWER_WITHIN_S: Final = 5.0

Message = Mapping[str, Any]


class MpvError(MediaError):
    """mpv refused a command, did not answer, or is gone."""


class LineSplitter:
    """Lines out of pieces, each at most *max_bytes*; longer ones are dropped and counted."""

    def __init__(self, max_bytes: int = MAX_LINE_BYTES) -> None:
        self._max = max_bytes
        self._rest = bytearray()
        self._skipping = False
        self.dropped = 0

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that *data* completes, without their ends."""
        lines: list[bytes] = []
        *complete, rest = data.split(b"\n")
        for part in complete:
            self._take(part)
            if not self._skipping:
                lines.append(bytes(self._rest))
            self._skipping = False
            self._rest.clear()
        self._take(rest)
        return lines

    def _take(self, part: bytes) -> None:
        if self._skipping:
            return
        if len(self._rest) + len(part) > self._max:
            self._skipping = True
            self._rest.clear()
            self.dropped += 1
        else:
            self._rest += part


def parse(line: bytes) -> Message | None:
    """The message in *line*; None if it holds no JSON object."""
    try:
        message = json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) else None


class MpvIpc(asyncio.Protocol):
    """One connection to an mpv.

    Args:
        on_event: called with each event (a property change is one); it must not raise.

    Attributes:
        closed: done when the connection is over, whoever ended it.
    """

    def __init__(self, on_event: Callable[[Message], None]) -> None:
        self._on_event = on_event
        self._lines = LineSplitter()
        self._transport: asyncio.Transport | None = None
        self._number = 0
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @classmethod
    async def over(cls, sock: Any, on_event: Callable[[Message], None]) -> Self:
        """A client on a connected socket, which it takes over."""
        loop = asyncio.get_running_loop()
        _, made = await loop.create_unix_connection(lambda: cls(on_event), sock=sock)
        return made

    @classmethod
    async def connect(
        cls, path: str | os.PathLike[str], on_event: Callable[[Message], None]
    ) -> Self:
        """A client of a running mpv, by the socket that its `--input-ipc-server` made.

        Raises:
            MpvError: nothing listens there.
        """
        loop = asyncio.get_running_loop()
        try:
            _, made = await loop.create_unix_connection(lambda: cls(on_event), os.fspath(path))
        except OSError as error:
            raise MpvError(f"no mpv listens at the socket: {error.strerror or error}") from None
        return made

    # -- asyncio.Protocol ---------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        for line in self._lines.feed(data):
            message = parse(line)
            if message is None:
                continue
            if "event" in message:
                self._on_event(message)
            else:
                self._answered(message)

    def connection_lost(self, exc: Exception | None) -> None:
        waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            if not future.done():
                future.set_exception(MpvError("mpv is gone"))
        if not self.closed.done():
            self.closed.set_result(None)

    def _answered(self, message: Message) -> None:
        number = message.get("request_id")
        future = self._waiting.pop(number, None) if isinstance(number, int) else None
        if future is None or future.done():
            return
        if message.get("error") == "success":
            future.set_result(message.get("data"))
        else:
            future.set_exception(MpvError(f"mpv says: {str(message.get('error'))[:200]}"))

    # -- commands -----------------------------------------------------------------------------

    def start(self, command: Sequence[Any] | Mapping[str, Any]) -> asyncio.Future[Any]:
        """Send *command* (a list, or a mapping with named arguments); the future of its answer.

        Never waits. The future fails with MpvError if mpv refuses, or is or goes away.
        """
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        future.add_done_callback(_seen)
        transport = self._transport
        if transport is None or transport.is_closing() or self.closed.done():
            future.set_exception(MpvError("mpv is gone"))
            return future
        if transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            future.set_exception(MpvError("mpv takes no commands"))
            return future
        self._number += 1
        self._waiting[self._number] = future
        body = dict(command) if isinstance(command, Mapping) else list(command)
        line = json.dumps({"command": body, "request_id": self._number}, separators=(",", ":"))
        transport.write(line.encode("utf-8", "replace") + b"\n")
        return future

    async def command(self, *command: Any, within_s: float = ANSWER_WITHIN_S, **named: Any) -> Any:
        """Send a command and give its answer: `command("get_property", "pause")`, or by name.

        Raises:
            MpvError: mpv refuses it, does not answer within *within_s*, or is gone.
        """
        future = self.start(named or command)
        try:
            async with asyncio.timeout(within_s):
                return await future
        except TimeoutError:
            raise MpvError(f"mpv did not answer within {within_s:g} s") from None
        finally:
            for number, waiting in list(self._waiting.items()):
                if waiting is future:
                    del self._waiting[number]

    def close(self) -> None:
        """End the connection; an mpv that was started with it quits."""
        if self._transport is not None:
            self._transport.close()


def _seen(future: asyncio.Future[Any]) -> None:
    """A command that nobody waits for may fail: that is no error of the loop's."""
    if not future.cancelled():
        future.exception()
