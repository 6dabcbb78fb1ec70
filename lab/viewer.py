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
from streamnotice.players.headless import HeadlessPlayer

_spec: dict[str, Any] = {}


def _work(data: bytes) -> None:
    for _ in range(_spec["passes"]):
        hashlib.blake2b(data).digest()


class LabPlayer(HeadlessPlayer):
    """The headless player, with work to do on what it gets and bad habits."""

    def __init__(self, watcher: Any, **options: Any) -> None:
        super().__init__(watcher, work=_work if _spec["passes"] else None, **options)

    @property
    def _misbehaved_for_s(self) -> float:
        """Seconds since the habits began; negative before."""
        return float(self._watcher.session.now() / 1e9 - _spec.get("from_s", 0.0))

    def _adapt(self) -> None:
        super()._adapt()
        if _spec.get("holds") and self._misbehaved_for_s >= 0:
            self._current = len(self._renditions) - 1

    async def _fetch(self, segment: hls.Segment) -> None:
        sleep_s = _spec.get("sleep_s", 0.0)
        if sleep_s and (since_s := self._misbehaved_for_s) >= 0:
            at_s = since_s % (sleep_s + _spec["awake_s"])
            await asyncio.sleep(max(0.0, sleep_s - at_s))
        await super()._fetch(segment)
        if self._misbehaved_for_s >= 0:
            await asyncio.sleep(_spec.get("pause_s", 0.0))


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    _spec = given if isinstance(given, dict) else {"passes": given}
    # The class must be found here, where the habits were set.
    sys.modules["lab.viewer"] = sys.modules["__main__"]
    players.PLAYERS["none"] = "lab.viewer:LabPlayer"
    sys.exit(main(sys.argv[2:]))
