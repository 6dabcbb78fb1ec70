"""Notices as desktop notifications, with a button for the player. Usage: face_desktop.py URL

Plays with the library's own headless player; "Lower the quality now" starts it again on the
lowest rendition, as a host's own player would switch down.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys

from streamnotice import ShownNotice, Watcher
from streamnotice.faces.desktop import DesktopFace
from streamnotice.notices.actions import Acted
from streamnotice.players.headless import HeadlessPlayer


async def main(url: str) -> None:
    lower = asyncio.Event()

    async def lower_quality(notice: ShownNotice) -> None:
        lower.set()

    async def told(acted: Acted) -> None:
        print(acted.text)

    face = DesktopFace(app_name="Example player")
    async with Watcher(
        faces=[face], actions={"lower_quality": lower_quality}, on_acted=told
    ) as watcher:
        playing = asyncio.create_task(HeadlessPlayer(watcher).play(url))
        asked = asyncio.create_task(lower.wait())
        await asyncio.wait({playing, asked}, return_when=asyncio.FIRST_COMPLETED)
        if not playing.done():
            playing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await playing
            playing = asyncio.create_task(HeadlessPlayer(watcher, rendition="lowest").play(url))
        asked.cancel()
        await playing


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    asyncio.run(main(sys.argv[1]))
