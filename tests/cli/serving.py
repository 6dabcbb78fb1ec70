"""A small real HLS server on loopback for the command-line tests; its pace can be changed."""

from __future__ import annotations

import asyncio
from typing import Self

from aiohttp import web

SEGMENT_S = 2
MASTER = """#EXTM3U
#EXT-X-STREAM-INF:BANDWIDTH=400000,CODECS="avc1.42c01e"
low.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=1200000,CODECS="avc1.42c01e"
high.m3u8
"""
RATES_BPS = {"low": 400_000, "high": 1_200_000}


class Server:
    """Serves `/master.m3u8`, whose segments are as large as their rendition says.

    Attributes:
        rate_bps: pace of each segment's body; None is as fast as it goes, 0 sends nothing.
        status: status of segments.
        count: segments in the stream.
        dry_after: this many segments are sent, then nothing more comes.
    """

    def __init__(
        self,
        *,
        rate_bps: int | None = None,
        status: int = 200,
        count: int = 30,
        dry_after: int | None = None,
    ) -> None:
        self.dry_after = dry_after
        self.rate_bps = rate_bps
        self.status = status
        self.count = count
        app = web.Application()
        app.router.add_get("/master.m3u8", self._master)
        app.router.add_get("/page.html", self._page)
        app.router.add_get("/{name:low|high}.m3u8", self._playlist)
        app.router.add_get("/{name:low|high}-{number:[0-9]+}.ts", self._segment)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/master.m3u8"

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _master(self, request: web.Request) -> web.Response:
        return web.Response(text=MASTER, content_type="application/vnd.apple.mpegurl")

    async def _page(self, request: web.Request) -> web.Response:
        return web.Response(text="<html>not a stream</html>", content_type="text/html")

    async def _playlist(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        lines = ["#EXTM3U", f"#EXT-X-TARGETDURATION:{SEGMENT_S}", "#EXT-X-PLAYLIST-TYPE:VOD"]
        for number in range(self.count):
            lines += [f"#EXTINF:{SEGMENT_S}.0,", f"{name}-{number}.ts"]
        lines.append("#EXT-X-ENDLIST\n")
        return web.Response(text="\n".join(lines), content_type="application/vnd.apple.mpegurl")

    async def _segment(self, request: web.Request) -> web.StreamResponse:
        if self.status != 200:
            return web.Response(status=self.status, text="no")
        if self.dry_after is not None:
            self.dry_after -= 1
            if self.dry_after < 0:
                self.rate_bps = 0
        left = RATES_BPS[request.match_info["name"]] * SEGMENT_S // 8
        response = web.StreamResponse(headers={"X-Cache": "HIT"})
        response.content_type = "video/mp2t"
        response.content_length = left
        await response.prepare(request)
        while left > 0:
            if self.rate_bps == 0:
                await asyncio.sleep(0.1)
                continue
            piece = left if self.rate_bps is None else min(left, self.rate_bps // 8 // 20 + 1)
            await response.write(b"\x47" * piece)
            left -= piece
            if self.rate_bps is not None:
                await asyncio.sleep(0.05)
        await response.write_eof()
        return response
