"""Decoding's place in a player that doesn't decode: work to be done on every segment, in time.

A host (or the demo) gives a callable that must go over all media before it is shown: a hash, a
check, a real decoder. It runs on one thread, a slice of a fifth of a second at a time, at most
`AHEAD_S` ahead of the play head, as decoders do. What it can't finish in time counts as dropped
frames; when it lags too far, the buffer clock holds the play head. So the pace really depends
on what the CPU gives.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from streamnotice.players.buffer import BufferClock

Work = Callable[[bytes], object]
"""Called off the event loop with a slice of a segment's bytes; must return."""

SLICE_S: Final = 0.2
AHEAD_S: Final = 1.0
_POLL_S: Final = 0.02


class Decoding:
    """Runs *work* over segments in order, and counts frames as `Playback` does.

    Attributes:
        decoded_frames: frames that the work is done for.
        dropped_frames: those of them that came too late to be shown.
    """

    def __init__(
        self, work: Work, clock: BufferClock, on_error: Callable[[Exception], None]
    ) -> None:
        self._work = work
        self._on_error = on_error
        self._clock = clock
        self._queue: asyncio.Queue[tuple[bytes, float, float]] = asyncio.Queue()
        self._decoded = 0.0
        self._dropped = 0.0

    @property
    def decoded_frames(self) -> int:
        return int(self._decoded)

    @property
    def dropped_frames(self) -> int:
        return int(self._dropped)

    def put(self, body: bytes, duration_s: float, frame_rate: float) -> None:
        """A segment to go over; those before it come first."""
        self._queue.put_nowait((body, duration_s, frame_rate))

    async def run(self) -> None:
        """Go over what is put in, until cancelled."""
        loop = asyncio.get_running_loop()
        thread = ThreadPoolExecutor(1, thread_name_prefix="streamnotice-decoding")
        try:
            while True:
                body, duration_s, frame_rate = await self._queue.get()
                slices = max(1, round(duration_s / SLICE_S))
                for index in range(slices):
                    while self._clock.decoded_s - self._clock.position_s > AHEAD_S:  # noqa: ASYNC110 - a clock has no event
                        await asyncio.sleep(_POLL_S)
                    start = len(body) * index // slices
                    end = len(body) * (index + 1) // slices
                    try:
                        await loop.run_in_executor(thread, self._work, body[start:end])
                    except Exception as error:  # the host's fault; the play head must not hang
                        self._on_error(error)
                    self._clock.advance(loop.time())
                    late_s = self._clock.decode(duration_s / slices)
                    self._decoded += duration_s / slices * frame_rate
                    self._dropped += late_s * frame_rate
        finally:
            thread.shutdown(wait=False, cancel_futures=True)
