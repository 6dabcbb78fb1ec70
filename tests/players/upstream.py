"""A real HTTP server on loopback whose answers a test chooses, and what it was asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import attrs
from aiohttp import web
from multidict import CIMultiDictProxy

from streamnotice.demo.clip import Clip

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@attrs.frozen
class Asked:
    method: str
    path_qs: str
    headers: CIMultiDictProxy[str]


class Upstream:
    """Answers by path; what has no answer of its own comes from the demo's clip (24 s)."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.handlers: dict[str, Handler] = {}
        self.let_go: asyncio.Queue[str] = asyncio.Queue()
        self.base = ""
        self._clip = Clip(repeats=1)

    def answer(self, path: str, handler: Handler) -> str:
        self.handlers[path] = handler
        return self.base + path

    def text(self, path: str, text: str, content_type: str = "application/x-mpegurl") -> str:
        async def say(_: web.Request) -> web.Response:
            return web.Response(text=text, content_type=content_type)

        return self.answer(path, say)

    def short(self, path: str = "/short.m3u8", segments: int = 2) -> str:
        """A playlist of the first segments of the clip, two seconds each."""
        lines = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-TARGETDURATION:2"]
        lines += ["#EXT-X-PLAYLIST-TYPE:VOD", '#EXT-X-MAP:URI="low/init.mp4"']
        for number in range(segments):
            lines += ["#EXTINF:2.0,", f"low/{number}.m4s"]
        return self.text(path, "\n".join([*lines, "#EXT-X-ENDLIST", ""]))

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(Asked(request.method, request.path_qs, request.headers))
        try:
            handler = self.handlers.get(request.path)
            if handler is not None:
                return await handler(request)
        except asyncio.CancelledError:
            self.let_go.put_nowait(request.path)
            raise
        found = self._clip.get(request.path)
        if found is None:
            return web.Response(status=404, text="no such thing\n")
        return web.Response(body=found[0], content_type=found[1])


@asynccontextmanager
async def upstream() -> AsyncIterator[Upstream]:
    made = Upstream()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made._serve)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    made.base = f"http://{host}:{port}"
    try:
        yield made
    finally:
        await runner.cleanup()
