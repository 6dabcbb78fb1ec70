"""Play a stream with mpv; notices appear in the picture. Usage: embed_mpv.py URL"""

from __future__ import annotations

import asyncio
import sys

from streamnotice import Watcher
from streamnotice.notices.shown import ShownNotice
from streamnotice.players.mpv import MpvPlayer


async def main(url: str) -> None:
    players: list[MpvPlayer] = []

    async def show(notice: ShownNotice) -> None:
        print(notice.text)
        for player in players:
            player.show(notice)

    async with Watcher(on_notice=show) as watcher:
        players.append(MpvPlayer(watcher))
        await players[0].play(url)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    asyncio.run(main(sys.argv[1]))
