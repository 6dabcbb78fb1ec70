"""Watch a player that fetches by itself (ffplay). Usage: embed_proxy.py URL [PLAYER ARG...]"""

from __future__ import annotations

import asyncio
import sys

from streamnotice import Watcher
from streamnotice.notices.shown import ShownNotice


async def show(notice: ShownNotice) -> None:
    print(notice.text)


async def main(url: str, command: list[str]) -> None:
    async with Watcher(on_notice=show) as watcher:
        local = await watcher.proxy(url)
        player = await asyncio.create_subprocess_exec(*command, local)
        # A real host says how playback stands: watcher.playback(state=..., buffer_s=...).
        await player.wait()
        seen = watcher.summary()
        print(f"{seen.media_bytes} bytes of media came through", file=sys.stderr)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    asyncio.run(main(sys.argv[1], sys.argv[2:] or ["ffplay", "-autoexit", "-loglevel", "error"]))
