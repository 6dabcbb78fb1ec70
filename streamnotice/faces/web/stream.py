"""Server-sent events to many pages: in order, bounded, picked up again where they broke off.

Form: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import deque
from collections.abc import AsyncIterator
from typing import Any, Final

KEPT: Final = 64
QUEUE: Final = 64
MOST_READERS: Final = 32
PING_S: Final = 15.0
_RETRY_MS: Final = 2_000


def encode(event: str, data: Any, id_: str | None = None) -> bytes:
    """One event. JSON has no line ends of its own, so nothing in it can begin another."""
    body = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    head = "" if id_ is None else f"id: {id_}\n"
    return f"{head}event: {event}\ndata: {body}\n\n".encode("utf-8", "replace")


class Stream:
    """What has been said, and who listens.

    Attributes:
        readers: how many pages listen now.
    """

    def __init__(self) -> None:
        self._run = secrets.token_hex(4)
        self._number = 0
        self._kept: deque[tuple[int, bytes]] = deque(maxlen=KEPT)
        self._queues: set[asyncio.Queue[bytes | None]] = set()
        self._over = False

    @property
    def readers(self) -> int:
        return len(self._queues)

    @property
    def full(self) -> bool:
        """No more pages are served."""
        return len(self._queues) >= MOST_READERS

    def send(self, event: str, data: Any) -> None:
        """Tell every page, and keep it for those that come back."""
        self._number += 1
        line = encode(event, data, f"{self._run}-{self._number}")
        self._kept.append((self._number, line))
        for queue in tuple(self._queues):
            self._put(queue, line)

    def _put(self, queue: asyncio.Queue[bytes | None], line: bytes | None) -> None:
        try:
            queue.put_nowait(line)
        except asyncio.QueueFull:
            # It reads too slowly. It is cut off, comes back, and gets what is kept.
            self._queues.discard(queue)
            while not queue.empty():
                queue.get_nowait()
            queue.put_nowait(None)

    async def read(
        self, first: bytes, present: bytes | None, last_id: str | None
    ) -> AsyncIterator[bytes]:
        """What one page is sent, until the session or the page is over.

        Args:
            first: said to each page that comes.
            present: what stands now, for a page that is new or was away for too long.
            last_id: the last event that the page knows.
        """
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(QUEUE)
        self._queues.add(queue)
        try:
            yield f"retry: {_RETRY_MS}\n\n".encode() + first
            missed = self._missed(last_id)
            if missed is not None:
                for line in missed:
                    yield line
            elif present is not None:
                yield present
            while not self._over:
                try:
                    async with asyncio.timeout(PING_S):
                        new = await queue.get()
                except TimeoutError:
                    yield b": still here\n\n"
                    continue
                if new is None:
                    return
                yield new
        finally:
            self._queues.discard(queue)

    def _missed(self, last_id: str | None) -> list[bytes] | None:
        """Events after *last_id*; None if it is not known any more."""
        run, _, number = (last_id or "").partition("-")
        if run != self._run or not number.isascii() or not number.isdigit():
            return None
        known = int(number[:18])
        oldest = self._number - len(self._kept)
        if not oldest <= known <= self._number:
            return None
        return [line for index, line in self._kept if index > known]

    @property
    def now_id(self) -> str:
        """Id of the last event, for what is sent out of turn."""
        return f"{self._run}-{self._number}"

    def close(self) -> None:
        """End every page's stream; no more are served."""
        self._over = True
        for queue in tuple(self._queues):
            self._put(queue, None)
