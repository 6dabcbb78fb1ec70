"""A host with its own aiohttp session: the tap sees its requests. Usage: embed_aiohttp.py URL

URL is an HLS media playlist. What makes a watched player of it is marked with (1) and (2).
"""

from __future__ import annotations

import asyncio
import sys
from urllib.parse import urljoin

import aiohttp

from streamnotice import ShownNotice, Watcher


async def show(notice: ShownNotice) -> None:
    print(notice.text)


def segments(playlist: str, base: str) -> list[tuple[str, float]]:
    """(address, seconds) of each segment."""
    found, duration_s = [], 0.0
    for line in playlist.splitlines():
        if line.startswith("#EXTINF:"):
            duration_s = float(line.removeprefix("#EXTINF:").split(",")[0])
        elif line and not line.startswith("#"):
            found.append((urljoin(base, line), duration_s))
    return found


async def main(url: str) -> None:
    loop = asyncio.get_running_loop()
    async with (
        Watcher(on_notice=show) as watcher,
        aiohttp.ClientSession(trace_configs=[watcher.tap], raise_for_status=True) as http,  # (1)
    ):
        async with http.get(url) as response:
            todo = segments(await response.text(), url)
        began_s, buffered_s = loop.time(), 0.0
        for address, duration_s in todo:
            async with http.get(address) as response:
                await response.read()
            buffered_s += duration_s
            # A real player's clock stops when it stalls; this one only shows where to say it.
            level_s = max(0.0, buffered_s - (loop.time() - began_s))
            watcher.playback(state="playing" if level_s else "stalled", buffer_s=level_s)  # (2)
            await asyncio.sleep(min(duration_s, max(0.0, level_s - 10.0)))
        watcher.playback(state="ended")
        print(f"{watcher.summary().media_bytes} bytes of media came through", file=sys.stderr)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    asyncio.run(main(sys.argv[1]))
