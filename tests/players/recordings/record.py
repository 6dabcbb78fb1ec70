"""Records what a real mpv says by IPC: `python tests/players/recordings/record.py` (needs mpv).

Writes `starved.jsonl` (a stall, a pause, a seek, the end) and `no_cache_pause.jsonl` (the same
starvation with `--cache-pause=no`) beside itself. One line a message: [seconds, message], where a
polled property looks like an observed one.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

from aiohttp import web

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from upstream import upstream  # noqa: E402

from streamnotice.demo.clip import Clip  # noqa: E402
from streamnotice.players.mpv_ipc import MpvError  # noqa: E402
from streamnotice.players.mpv_process import launch, stop  # noqa: E402
from streamnotice.players.mpv_state import OBSERVED, POLLED  # noqa: E402


async def record(name: str, *options: str) -> None:
    lines: list[str] = []
    started = time.monotonic()
    ended = asyncio.Event()

    def keep(message: Any) -> None:
        lines.append(json.dumps([round(time.monotonic() - started, 3), message]))
        if message.get("event") == "end-file":
            ended.set()

    async with upstream() as up:
        clip = Clip(repeats=1)

        async def paced(request: web.Request) -> web.StreamResponse:
            body, kind = clip.get(request.path) or (b"", "video/mp4")
            out = web.StreamResponse(headers={"Content-Type": kind})
            out.content_length = len(body)
            await out.prepare(request)
            for at in range(0, len(body), 3000):
                await out.write(body[at : at + 3000])
                if request.path == "/low/2.m4s":  # comes in 7 s, with 4 s in the buffer
                    await asyncio.sleep(0.4)
            return out

        for number in range(5):
            up.answer(f"/low/{number}.m4s", paced)
        url = up.short(segments=5)
        master = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=300000\nshort.m3u8\n"
        url = up.text("/master-short.m3u8", master)
        command = ["mpv", "--no-config", "--no-terminal", "--vo=null", "--ao=null", "--idle=yes"]
        process, ipc = await launch([*command, "--ytdl=no", *options], keep)
        try:
            for number, prop in enumerate(OBSERVED, 1):
                await ipc.command("observe_property", number, prop)
            await ipc.command("loadfile", url)
            began = time.monotonic()
            did = set()
            while not ended.is_set() and time.monotonic() - began < 40:
                for prop in POLLED:
                    try:
                        value = await ipc.command("get_property", prop)
                    except MpvError:
                        value = None
                    keep({"event": "property-change", "name": prop, "data": value})
                if "--cache-pause=no" not in options:
                    at = time.monotonic() - began
                    for when, what in (
                        (8.5, ("set_property", "pause", True)),
                        (9.2, ("set_property", "pause", False)),
                        (10.0, ("seek", 8.5, "absolute")),
                    ):
                        if at > when and when not in did:
                            did.add(when)
                            await ipc.command(*what)
                await asyncio.sleep(0.25)
        finally:
            await stop(process, ipc)
    (HERE / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    print(name, len(lines), "messages", flush=True)


async def main() -> None:
    await record("starved")
    await record("no_cache_pause", "--cache-pause=no")


if __name__ == "__main__":
    asyncio.run(main())
