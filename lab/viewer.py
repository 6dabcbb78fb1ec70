"""The watch command with a headless player that must go over all media in time, as a decoder.

`python -m lab.viewer PASSES watch URL ...` is `streamnotice watch URL ...`, but that the player
called "none" hashes each slice of media PASSES times before it counts as shown. So a computer
that can't keep up really shows: frames come late, and the picture stands with media in hand.
"""

from __future__ import annotations

import hashlib
import sys
from typing import Any

from streamnotice import players
from streamnotice.cli import main
from streamnotice.players.headless import HeadlessPlayer

_passes = 1


def _work(data: bytes) -> None:
    for _ in range(_passes):
        hashlib.blake2b(data).digest()


class WorkingPlayer(HeadlessPlayer):
    """The headless player, with work to do on what it gets."""

    def __init__(self, watcher: Any, **options: Any) -> None:
        super().__init__(watcher, work=_work, **options)


if __name__ == "__main__":
    _passes = int(sys.argv[1])
    # The class must be found here, where the number of passes was set.
    sys.modules["lab.viewer"] = sys.modules["__main__"]
    players.PLAYERS["none"] = "lab.viewer:WorkingPlayer"
    sys.exit(main(sys.argv[2:]))
