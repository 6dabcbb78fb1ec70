"""A line that several connections share: one rate and one queue towards the viewer.

TCP relays hand their packets-worth of bytes to one `Line`, first in, first out. The line sends
at its rate; while its queue is full nobody may hand in more, so the senders are held back by
their own small socket buffers. That gives what a narrow link gives: a rate that all share, and
bytes that wait behind other people's bytes.

What it can't give: the kernel answers a TCP handshake at once, so connect times show no queue,
and there is no router to ask. With it a slow line is seen as `network`, not a part of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import deque
from typing import Final, Self

from streamnotice.demo.loopback import LOOPBACK, listening_socket

PACKET_BYTES: Final = 1400
_SOCKET_BUFFER_BYTES: Final = 16 * 1024


class Line:
    """The shared line. Run by `async with`.

    Attributes:
        rate_bps: what it carries; None is no limit. May be changed at any time.
        queue_bytes: what waits at most.
    """

    def __init__(self, rate_bps: int | None = None, queue_bytes: int = 4 * 1024) -> None:
        self.rate_bps = rate_bps
        self.queue_bytes = queue_bytes
        self._queue: deque[tuple[asyncio.StreamWriter, bytes]] = deque()
        self._waiting_bytes = 0
        self._changed = asyncio.Condition()
        self._entry = asyncio.Lock()  # serves in order: who keeps sending must not crowd out others
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._send())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def carry(self, data: bytes, to: asyncio.StreamWriter) -> None:
        """Queue *data*; returns when it is in the queue."""
        async with self._entry, self._changed:
            await self._changed.wait_for(
                lambda: self._waiting_bytes + len(data) <= self.queue_bytes
            )
            self._queue.append((to, data))
            self._waiting_bytes += len(data)
            self._changed.notify_all()

    async def emptied(self, to: asyncio.StreamWriter) -> None:
        """Wait until nothing for *to* is in the queue."""
        async with self._changed:
            await self._changed.wait_for(lambda: all(w is not to for w, _ in self._queue))

    async def _send(self) -> None:
        loop = asyncio.get_running_loop()
        free_s = loop.time()
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: bool(self._queue))
                to, data = self._queue[0]
            if self.rate_bps is not None:
                free_s = max(free_s, loop.time()) + len(data) * 8 / self.rate_bps
                await asyncio.sleep(free_s - loop.time())
            if not to.is_closing():
                to.write(data)
            async with self._changed:
                self._queue.popleft()
                self._waiting_bytes -= len(data)
                self._changed.notify_all()


class Relay:
    """Takes connections on a free loopback port and passes them on over a `Line`."""

    def __init__(self, line: Line, port: int) -> None:
        self._line = line
        self._to_port = port
        self._sock = listening_socket()
        # inherited by the connections that it accepts
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SOCKET_BUFFER_BYTES)
        self.port: int = self._sock.getsockname()[1]
        self._server: asyncio.Server | None = None
        self._passing: set[asyncio.Task[None]] = set()

    @property
    def base_url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._accept, sock=self._sock, limit=_SOCKET_BUFFER_BYTES
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for task in list(self._passing):
            task.cancel()
        await asyncio.gather(*self._passing, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._passing.add(task)
        task.add_done_callback(self._passing.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._pass_on(reader, writer)
        except OSError:
            writer.transport.abort()  # the far side is gone: so is this one
        finally:
            writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        sock = socket.socket()
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SOCKET_BUFFER_BYTES)
        try:
            await loop.sock_connect(sock, (LOOPBACK, self._to_port))
        except OSError:
            sock.close()
            raise
        from_server, to_server = await asyncio.open_connection(
            sock=sock, limit=_SOCKET_BUFFER_BYTES
        )
        up = asyncio.create_task(_copy(reader, to_server))
        try:
            while data := await from_server.read(PACKET_BYTES):
                await self._line.carry(data, writer)
                await writer.drain()
            await self._line.emptied(writer)
            with contextlib.suppress(OSError):
                await writer.drain()
        finally:
            up.cancel()
            await asyncio.gather(up, return_exceptions=True)
            to_server.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Requests are small: the way up isn't shaped."""
    while data := await reader.read(PACKET_BYTES):
        writer.write(data)
        await writer.drain()
    writer.write_eof()
