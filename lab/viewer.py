"""The watch command with a headless player of the lab's: it decodes, and may misbehave.

`python -m lab.viewer SPEC watch URL ...` is `streamnotice watch URL ...`, but for the player
called "none". SPEC is JSON:

- `passes`: it hashes each slice of media so many times before it counts as shown, as a decoder
  has work to do. So a computer that can't keep up really shows: frames come late, and the picture
  stands with media in hand. 0: no such work.
- `from_s`: session second from which it misbehaves.
- `holds`: it asks for the highest rendition, whatever comes of it.
- `pause_s`: it waits so long after each segment, however low its buffer.
- `sleep_s`, `awake_s`: by turns it asks for nothing, and for what it needs.
- `paused_s`: the viewer pauses for so long; `seek_s`: jumps so far ahead; `choices`, `every_s`:
  picks these renditions by turns; `again_s`: and again, so long after. Only with `passes` 0.
- `target_s`: it asks for no more from this level on; `at_once`: it fetches so many segments at a
  time (only with `passes` 0); `retry_s`: so long it waits after a 503.

It tells the watcher the truth all along: what it asks for, its level, and that it wants more.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
from typing import Any

from streamnotice import players
from streamnotice.cli import main
from streamnotice.players import hls
from streamnotice.players.fetch import fetch_piece
from streamnotice.players.headless import TICK_S, HeadlessPlayer

_spec: dict[str, Any] = {}


def _work(data: bytes) -> None:
    for _ in range(_spec["passes"]):
        hashlib.blake2b(data).digest()


class LabPlayer(HeadlessPlayer):
    """The headless player, with work to do on what it gets and bad habits."""

    def __init__(self, watcher: Any, **options: Any) -> None:
        if _spec.get("target_s"):
            options["target_s"] = _spec["target_s"]
        super().__init__(watcher, work=_work if _spec["passes"] else None, **options)

    @property
    def _misbehaved_for_s(self) -> float:
        """Seconds since the habits began; negative before."""
        return float(self._watcher.session.now() / 1e9 - _spec.get("from_s", 0.0))

    def _adapt(self) -> None:
        super()._adapt()
        since_s, choices = self._misbehaved_for_s, _spec.get("choices")
        if _spec.get("holds") and since_s >= 0:
            self._current = len(self._renditions) - 1
        elif choices and since_s >= 0:
            self._choice = "highest"  # a rendition that was picked permits no other
            at = min(int(since_s / _spec["every_s"]), len(choices) - 1)
            self._current = min(choices[at], len(self._renditions) - 1)

    async def play(self, url: str) -> None:
        acting = asyncio.create_task(self._act())
        try:
            await super().play(url)
        finally:
            acting.cancel()
            await asyncio.gather(acting, return_exceptions=True)

    async def _act(self) -> None:
        """What the viewer does, once or again and again."""
        again_s = _spec.get("again_s", 0.0)
        await self._act_once()
        while again_s:
            await asyncio.sleep(again_s)
            await self._act_once()

    async def _act_once(self) -> None:
        while self._misbehaved_for_s < 0 or self._clock.state != "playing":  # noqa: ASYNC110 - a clock has no event
            await asyncio.sleep(TICK_S)
        paused_s, seek_s = _spec.get("paused_s", 0.0), _spec.get("seek_s", 0.0)
        clock: Any = self._clock  # it takes words that it doesn't use itself: it stands then
        if paused_s:
            clock.state = "paused"
            await asyncio.sleep(paused_s)
            clock.state = "playing"
        elif seek_s and self._last is not None:
            await self._seek(clock, seek_s)

    async def _seek(self, clock: Any, seek_s: float) -> None:
        segments = self._playlists[self._last_rendition].segments
        wanted_s = clock.position_s + seek_s
        before = [s for s in segments if s.start_s + s.duration_s <= wanted_s]
        clock.state = "seeking"
        clock.position_s = clock.buffered_s = before[-1].start_s + before[-1].duration_s
        self._last = target = before[-1]
        while clock.level_s < self._clock.start_at_s:
            if self._last.start_s < target.start_s:
                # A segment from before the jump came late: it is of no use now.
                self._last, clock.buffered_s = target, clock.position_s
            await asyncio.sleep(TICK_S)
        clock.state = "playing"

    async def _fetch(self, segment: hls.Segment) -> None:
        sleep_s = _spec.get("sleep_s", 0.0)
        if sleep_s and (since_s := self._misbehaved_for_s) >= 0:
            at_s = since_s % (sleep_s + _spec["awake_s"])
            await asyncio.sleep(max(0.0, sleep_s - at_s))
        if (count := _spec.get("at_once", 1)) > 1:
            await self._fetch_together(segment, count)
        else:
            await super()._fetch(segment)
        if self._misbehaved_for_s >= 0:
            await asyncio.sleep(_spec.get("pause_s", 0.0))

    async def _fetch_together(self, segment: hls.Segment, count: int) -> None:
        """Several segments at once, over as many connections, as players do that read ahead."""
        known = self._playlists[self._current].segments
        wanted = [one for one in known if one.sequence >= segment.sequence][:count]
        coming = [
            asyncio.create_task(fetch_piece(self._http, one.piece, limit_s=60.0, keep=False))
            for one in wanted
        ]
        try:
            for one, task in zip(wanted, coming, strict=True):
                fetched = await task
                self._last, self._last_rendition = one, self._current
                self._fetched_bytes += fetched.length_bytes
                self.media_came = True
                self._clock.advance(asyncio.get_running_loop().time())
                self._clock.append(one.duration_s)
        finally:
            for task in coming:
                task.cancel()
            await asyncio.gather(*coming, return_exceptions=True)

    async def _back_off(self, trouble: str) -> None:
        retry_s = _spec.get("retry_s", 0.0)
        if not retry_s or "503" not in trouble:
            await super()._back_off(trouble)
            return
        self.trouble = trouble
        await asyncio.sleep(retry_s)


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    _spec = given if isinstance(given, dict) else {"passes": given}
    # The class must be found here, where the habits were set.
    sys.modules["lab.viewer"] = sys.modules["__main__"]
    players.PLAYERS["none"] = "lab.viewer:LabPlayer"
    sys.exit(main(sys.argv[2:]))
