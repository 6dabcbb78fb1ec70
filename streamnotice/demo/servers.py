"""Origin, caching edge and reference, each a small aiohttp application with a knob for its fault.

What they say of themselves in headers (X-Cache, Age, Cache-Status, Server-Timing) is what they
did and measured, never what a scenario would like.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Final

import aiohttp
import attrs
from aiohttp import web

from streamnotice.demo.clip import Clip

FRESH_S: Final = 3600
_PACED_STEP_S: Final = 0.1


class Origin:
    """Serves the clip.

    Attributes:
        delay_s: how late it answers for segments.
    """

    def __init__(self, clip: Clip) -> None:
        self._clip = clip
        self.delay_s = 0.0
        self.app = web.Application()
        self.app.router.add_get("/{path:.*}", self._answer)

    async def _answer(self, request: web.Request) -> web.Response:
        found = self._clip.get(request.path)
        if found is None:
            return web.Response(status=404, text="no such resource\n")
        body, content_type = found
        if self.delay_s and request.path.endswith(".m4s"):
            await asyncio.sleep(self.delay_s)
        return web.Response(
            body=body,
            content_type=content_type,
            headers={"Cache-Control": f"public, max-age={FRESH_S}"},
        )


@attrs.frozen
class _Stored:
    body: bytes
    content_type: str
    at_s: float


@attrs.frozen
class _Answer:
    """What the edge has to say to a request, and how it came by it.

    `hit` is None where the edge didn't look: an error of its own is neither hit nor miss.
    """

    status: int
    body: bytes
    content_type: str
    cache_status: str
    hit: bool | None
    age_s: int | None = None
    origin_s: float | None = None


class Edge:
    """A caching delivery server before the origin: real cache, honest headers.

    Attributes:
        late_s: how long it takes before it sends anything (its own overload).
        pace_bps: it sends bodies no faster than this; None is as fast as it can.
        failing: it answers everything with 503.
    """

    def __init__(self, origin_url: str) -> None:
        self._origin_url = origin_url
        self._cache: dict[str, _Stored] = {}
        self._fills: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._http: aiohttp.ClientSession | None = None
        self.late_s = 0.0
        self.pace_bps: int | None = None
        self.failing = False
        self.app = web.Application()
        self.app.router.add_get("/{path:.*}", self._answer)
        self.app.cleanup_ctx.append(self._client)

    async def warm(self, paths: list[str]) -> None:
        """Fill the cache from the origin, as earlier viewers would have."""
        for path in paths:
            await self._look_up(path)

    async def _client(self, _: web.Application) -> AsyncIterator[None]:
        async with aiohttp.ClientSession() as self._http:
            yield

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        try:
            return await self._serve(request)
        except ConnectionResetError:
            # The viewer went away in mid-answer, as viewers do: there is nobody left to tell.
            return web.Response(status=499)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        began_s = time.monotonic()
        if self.late_s:
            await asyncio.sleep(self.late_s)
        if self.failing:
            answer = _Answer(
                503, b"overloaded\n", "text/plain", "demo-edge; detail=overloaded", None
            )
        else:
            answer = await self._look_up(request.path)
        status, body, extra = _part(request, answer)
        response = web.StreamResponse(status=status, headers=extra)
        response.content_type = answer.content_type
        response.content_length = len(body)
        response.headers["Accept-Ranges"] = "bytes"
        if answer.hit is not None:
            response.headers["X-Cache"] = "HIT" if answer.hit else "MISS"
        response.headers["Cache-Status"] = answer.cache_status
        if answer.age_s is not None:
            response.headers["Age"] = str(answer.age_s)
        own_s = time.monotonic() - began_s - (answer.origin_s or 0.0)
        timing = f"edge;dur={own_s * 1000:.1f}"
        if answer.origin_s is not None:
            timing += f", origin;dur={answer.origin_s * 1000:.1f}"
        response.headers["Server-Timing"] = timing
        await response.prepare(request)
        if request.method != "HEAD":
            await self._send(response, body)
        await response.write_eof()
        return response

    async def _send(self, response: web.StreamResponse, body: bytes) -> None:
        sent = 0
        while sent < len(body):
            if self.pace_bps is None:
                await response.write(body[sent : sent + 65_536])
                sent += 65_536
                continue
            size = max(1, round(self.pace_bps / 8 * _PACED_STEP_S))
            await response.write(body[sent : sent + size])
            sent += size
            await asyncio.sleep(_PACED_STEP_S)

    async def _look_up(self, path: str) -> _Answer:
        async with self._fills[path]:  # one request to the origin for many who want the same
            stored = self._cache.get(path)
            if stored is not None:
                age_s = int(time.monotonic() - stored.at_s)
                if age_s < FRESH_S:
                    said = f"demo-edge; hit; ttl={FRESH_S - age_s}"
                    return _Answer(200, stored.body, stored.content_type, said, True, age_s)
            return await self._fill(path)

    async def _fill(self, path: str) -> _Answer:
        assert self._http is not None
        began_s = time.monotonic()
        try:
            async with self._http.get(self._origin_url + path) as response:
                body = await response.read()
                status, content_type = response.status, response.content_type
        except aiohttp.ClientError:
            took_s = time.monotonic() - began_s
            said = "demo-edge; fwd=uri-miss; detail=connection_refused"
            return _Answer(502, b"no origin\n", "text/plain", said, False, None, took_s)
        took_s = time.monotonic() - began_s
        said = f"demo-edge; fwd=uri-miss; fwd-status={status}"
        if status == 200:
            self._cache[path] = _Stored(body, content_type, time.monotonic())
            said += "; stored"
        return _Answer(status, body, content_type, said, False, None, took_s)


def _part(request: web.Request, answer: _Answer) -> tuple[int, bytes, dict[str, str]]:
    """The range that was asked for (RFC 9110, one range only), or the whole."""
    if answer.status != 200 or "Range" not in request.headers:
        return answer.status, answer.body, {}
    total = len(answer.body)
    try:
        wanted = request.http_range
    except ValueError:
        return 200, answer.body, {}  # a malformed Range is ignored
    start, stop, _ = wanted.indices(total)
    if start >= stop:
        return 416, b"", {"Content-Range": f"bytes */{total}"}
    return 206, answer.body[start:stop], {"Content-Range": f"bytes {start}-{stop - 1}/{total}"}


class Reference:
    """A server that has nothing to do with the video: what the rest of the line can carry."""

    SIZE_BYTES: Final = 256 * 1024

    def __init__(self) -> None:
        # not compressible, and the same each time
        self._body = random.Random(1).randbytes(self.SIZE_BYTES)
        self.app = web.Application()
        self.app.router.add_get("/probe.bin", self._answer)

    async def _answer(self, request: web.Request) -> web.Response:
        answer = _Answer(200, self._body, "application/octet-stream", "", False)
        status, body, headers = _part(request, answer)
        return web.Response(
            status=status, body=body, content_type=answer.content_type, headers=headers
        )
