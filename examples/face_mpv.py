"""Notices in mpv's picture; "u" there says that they are understood. Usage: face_mpv.py URL"""

from __future__ import annotations

import asyncio
import sys

from streamnotice import Watcher
from streamnotice.notices.muting import default_path
from streamnotice.players.mpv import MpvPlayer


async def main(url: str) -> None:
    # what `streamnotice mute` keeps silent is silent here, too
    async with Watcher(mutes=default_path()) as watcher:
        player = MpvPlayer(watcher)
        watcher.add_face(player.face)
        await player.play(url)
        print(f"{watcher.summary().notices} notices", file=sys.stderr)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    asyncio.run(main(sys.argv[1]))
