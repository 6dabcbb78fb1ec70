"""The tap proxy: a reverse proxy on loopback through which a player with its own HTTP is seen.

`await proxy.open(url)` gives a local address; what the player fetches by it is fetched here with
a session that carries the watcher's tap. HLS playlists are rewritten so that all they name comes
through here as well; everything else passes as it is: ranges, statuses, errors, truncation. It
listens on 127.0.0.1 only, wants a secret in the path, and fetches nothing but what was opened
and what playlists led to. What fails in the watching never breaks the stream.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import unquote

import aiohttp
import attrs
from aiohttp import hdrs, web
from yarl import URL

from streamnotice.errors import HostError, MediaError, StreamnoticeError
from streamnotice.observations import LiveEdge, RequestRole
from streamnotice.players.proxy_headers import covers_all, player_headers, upstream_headers
from streamnotice.players.proxy_links import Link, Links, inside, local_name
from streamnotice.players.proxy_rewrite import (
    Found,
    LinkKind,
    Rewritten,
    Variant,
    absolute,
    rewrite,
)
from streamnotice.players.proxy_sniff import HEAD_BYTES, HLS_TYPES, Sniffed, content_type, sniff
from streamnotice.sensors.requests import guess_role

if TYPE_CHECKING:
    from streamnotice.watcher import Watcher

MAX_PLAYLIST_BYTES: Final = 4 * 1024 * 1024
CONNECT_TIMEOUT_S: Final = 30.0
SILENCE_TIMEOUT_S: Final = 90.0
"""A server that sends nothing for so long is given up; mpv itself gives up after 60 s."""
MAX_CONNECTIONS: Final = 64
_BUFFER_BYTES: Final = 64 * 1024
_SNIFF_S: Final = 5.0
_MEASURED_SEGMENTS: Final = 4
_HLS_HEAD_BYTES: Final = 16
"""Enough to know an HLS playlist by."""
# Delivery directives of low-latency HLS, which players add to a playlist's address.
_DIRECTIVES: Final = "_HLS_"
_HLS_TYPE: Final = "application/vnd.apple.mpegurl"


@attrs.frozen
class Look:
    """What an opened address gave when the player first asked for it.

    Attributes:
        status: HTTP status; None if no server answered.
        kind: what the body is, by its first bytes; None without one (an error).
    """

    status: int | None
    kind: Sniffed | None


class TapProxy:
    """A tap proxy for the players of one session.

    Use as `async with TapProxy(watcher) as proxy`, or let `Watcher.proxy` keep one.

    Args:
        watcher: whose tap sees the requests.
        silence_timeout_s: a server that sends nothing for so long is given up.

    Attributes:
        ladder_bps: rates (BANDWIDTH) that the last master playlist offered, ascending.
        variants: the same with what else it says of them.
        failures: answers so far that were errors, or never came.
        rendition_bps: rate (BANDWIDTH) of the rendition whose media was last asked for.
        measured_bps: rate of the media, from its first whole segments, or from what the playlist
            tells of them, where no master playlist tells; once known it stays.
        base: scheme, address and port that it listens on; empty before the first `open`.
        live: the last media playlist was one to which segments are still added; None before any.
    """

    def __init__(self, watcher: Watcher, *, silence_timeout_s: float = SILENCE_TIMEOUT_S) -> None:
        self._watcher = watcher
        self._session = watcher.session
        self._silence_timeout_s = silence_timeout_s
        self._secret = secrets.token_urlsafe(24)
        self._links = Links(secrets.token_bytes(32))
        self.base = ""
        self._runner: web.AppRunner | None = None
        self._tapped: aiohttp.ClientSession | None = None
        self._bare: aiohttp.ClientSession | None = None
        self._starting = asyncio.Lock()
        self._closed = False
        self._looks: dict[str, asyncio.Future[Look]] = {}
        self._last: dict[str, Look] = {}
        self._measured: list[tuple[int, float]] = []
        self.variants: tuple[Variant, ...] = ()
        self.failures = 0
        self.rendition_bps: int | None = None
        self.measured_bps: int | None = None
        self.live: bool | None = None
        self._followed: Link | None = None
        self._passed: Link | None = None

    async def __aenter__(self) -> Self:
        await self._start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def ladder_bps(self) -> list[int]:
        return sorted({variant.bandwidth_bps for variant in self.variants})

    async def open(self, url: str) -> str:
        """A local address for *url*, an absolute http or https one.

        The same address gives the same local one. What a playlist behind it names comes through
        the proxy, too.

        Raises:
            HostError: *url* is no such address, or the proxy is closed.
        """
        found = absolute("", url)
        if found is None:
            raise HostError("the proxy opens absolute http and https addresses only")
        await self._start()
        token = self._links.add(found, pinned=True)
        self._looks.setdefault(token, asyncio.get_running_loop().create_future())
        return self._local(token, found, None)

    async def look(self, local_url: str) -> Look:
        """Wait until an opened address has given the player a body, and say what it is.

        Raises:
            HostError: *local_url* is none that `open` gave.
        """
        future = self._looks.get(self._token(local_url))
        if future is None:
            raise HostError("not an address that this proxy opened")
        return await asyncio.shield(future)

    def seen(self, local_url: str) -> Look | None:
        """What an opened address gave last, errors included; None before anything came of it."""
        return self._last.get(self._token(local_url))

    async def close(self) -> None:
        """Stop listening, cut what is under way, forget all addresses."""
        self._closed = True
        async with self._starting:
            runner, self._runner = self._runner, None
            sessions = (self._tapped, self._bare)
            self._tapped = self._bare = None
        if runner is not None:
            await runner.cleanup()
        for session in sessions:
            if session is not None:
                await session.close()
        for future in self._looks.values():
            future.cancel()

    # -- set-up -------------------------------------------------------------------------------

    async def _start(self) -> None:
        async with self._starting:
            if self._closed:
                raise HostError("the proxy is closed")
            if self._runner is not None:
                return
            app = web.Application()
            app.router.add_route(hdrs.METH_GET, "/{secret}/{token}/{tail:.*}", self._serve)
            app.router.add_route(hdrs.METH_HEAD, "/{secret}/{token}/{tail:.*}", self._serve)
            # Cancelling handlers is what cuts the upstream request when the player lets go.
            runner = web.AppRunner(
                app, access_log=None, handler_cancellation=True, shutdown_timeout=0.5
            )
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            try:
                await site.start()
            except OSError as error:
                await runner.cleanup()
                raise HostError(f"the proxy can't listen on 127.0.0.1: {error}") from None
            host, port = runner.addresses[0][:2]
            self.base = f"http://{host}:{port}"
            jar = aiohttp.CookieJar(unsafe=True)  # servers known by address have cookies, too
            self._tapped = self._client(jar, [self._watcher.tap])
            self._bare = self._client(jar, [])
            self._runner = runner

    def _client(
        self, jar: aiohttp.CookieJar, traces: list[aiohttp.TraceConfig]
    ) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            trace_configs=traces,
            auto_decompress=False,  # bodies pass as they are
            cookie_jar=jar,
            connector=aiohttp.TCPConnector(limit=MAX_CONNECTIONS),
            read_bufsize=_BUFFER_BYTES,
            skip_auto_headers=(hdrs.USER_AGENT, hdrs.ACCEPT, hdrs.ACCEPT_ENCODING),
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=CONNECT_TIMEOUT_S, sock_read=self._silence_timeout_s
            ),
        )

    def _local(self, token: str, url: str, kind: LinkKind | None) -> str:
        return f"{self.base}/{self._secret}/{token}/{local_name(url, kind)}"

    def _token(self, local_url: str) -> str:
        return local_url.removeprefix(f"{self.base}/{self._secret}/").partition("/")[0]

    # -- one request --------------------------------------------------------------------------

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        given = request.match_info["secret"].encode("utf-8", "replace")
        if not hmac.compare_digest(given, self._secret.encode("ascii")):
            return _plain(404, "nothing here")
        token = request.match_info["token"]
        link = self._links.get(token)
        if link is None:
            return _plain(404, "not an address of this session")
        url = self._upstream_url(request, link)
        if url is None:
            return _plain(404, "not an address of this session")
        exchange = _Exchange(self, request, link, token)
        try:
            return await exchange.run(url)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # our own mistake: the player gets a clean error
            self._session.failed("proxy", type(error).__name__)
            return exchange.broken(502, "the proxy failed")

    @staticmethod
    def _upstream_url(request: web.Request, link: Link) -> str | None:
        raw_path, _, query = request.rel_url.raw_path_qs.partition("?")
        tail = raw_path.split("/", 3)[3]
        if link.tree is not None and tail != local_name(link.url, link.kind):
            found = inside(link.tree, tail)
            return f"{found}?{query}" if found and query else found
        directives = "&".join(p for p in query.split("&") if p.startswith(_DIRECTIVES))
        if directives:
            return f"{link.url}{'&' if '?' in link.url else '?'}{directives}"
        return link.url

    @asynccontextmanager
    async def fetch(
        self, method: str, url: str, headers: Any, role: RequestRole | None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The upstream answer's headers; its body is cut if it isn't read to the end."""
        if self._tapped is None or self._bare is None:
            raise aiohttp.ClientConnectionError("the proxy is closing")
        target = _target(url)
        if hdrs.AUTHORIZATION in headers:  # the player's own credentials win
            target = target.with_user(None)
        asked: dict[str, Any] = {"headers": headers, "max_redirects": 10}
        context = {"role": role} if role is not None else None
        try:
            answer = await self._tapped.request(method, target, trace_request_ctx=context, **asked)
        except (aiohttp.ClientError, OSError):  # time-outs are among them
            raise
        except Exception as error:  # came out of a trace: watch less, play on
            self._session.failed("proxy.tap", type(error).__name__)
            answer = await self._bare.request(method, target, **asked)
        try:
            yield answer
        finally:
            if not answer.content.at_eof():
                answer.close()  # at once: the player wants no more of it
            else:
                answer.release()

    def last(self, token: str) -> Look | None:
        return self._last.get(token)

    def looked(self, token: str, look: Look) -> None:
        future = self._looks.get(token)
        if future is None:
            return
        self._last[token] = look
        if look.kind is not None and not future.done():
            future.set_result(look)

    def asked_for(self, link: Link) -> None:
        """The player asks for *link*: a segment of which rendition?"""
        if link.kind == "media" and link.bandwidth_bps is not None:
            self.rendition_bps = link.bandwidth_bps

    def came_whole(self, size_bytes: int, link: Link) -> None:
        """A whole body went through: segments are what the media's rate is measured from."""
        duration_s = None if link.found is None else link.found.duration_s
        if duration_s is None or self.variants or self.measured_bps is not None:
            return
        self._measured.append((size_bytes, duration_s))
        if len(self._measured) >= _MEASURED_SEGMENTS:
            size = sum(one for one, _ in self._measured)
            self.measured_bps = round(size * 8 / sum(length for _, length in self._measured))

    def read_playlist(self, body: bytes, base: str, link: Link) -> Rewritten:
        variables: dict[str, str] = {}

        def localise(url: str, found: Found) -> str:
            if link.bandwidth_bps is not None and found.bandwidth_bps is None:
                found = attrs.evolve(found, bandwidth_bps=link.bandwidth_bps)
            handed_on = variables if found.kind == "playlist" else None
            return self._local(self._links.add(url, found, handed_on), url, found.kind)

        made = rewrite(body, base, localise, imported=link.imported)
        variables.update(made.variables)
        if made.master:
            self.variants = made.variants
        else:
            self.live = not made.ended
            if not self.variants and self.measured_bps is None:
                self.measured_bps = made.rate_bps
            if self.live:
                self._tell_live_edge(made, link)
        return made

    def _tell_live_edge(self, made: Rewritten, link: Link) -> None:
        """What a live playlist's newest segment is, as the watcher's own player tells it.

        Of one playlist only, since numbers of two need not agree: that of the video which the
        player follows. Players look into others at their start and when they change renditions;
        one that they load again and again in place of the one before is the one from then on.
        """
        if link.found is not None and link.bandwidth_bps is None:
            return  # sound or subtitles beside the video
        if self._followed is None or self._passed is link:
            self._followed = link
        elif self._followed is not link:
            self._passed = link
            return
        self._passed = None
        if made.newest is not None and made.target_duration_s is not None:
            self._session.emit(
                LiveEdge(
                    self._session.now(),
                    newest=made.newest,
                    target_duration_ns=round(made.target_duration_s * 1e9),
                )
            )


class _Exchange:
    """One request of the player and its answer."""

    def __init__(self, proxy: TapProxy, request: web.Request, link: Link, token: str) -> None:
        self._proxy = proxy
        self._request = request
        self._link = link
        self._token = token
        self._own = True  # for the link itself, not for a part of a DASH tree below it
        self._out: web.StreamResponse | None = None

    async def run(self, url: str) -> web.StreamResponse:
        request, link = self._request, self._link
        self._own = link.tree is None or url == link.url
        kind = link.kind if self._own else None
        self._proxy.asked_for(link)
        headers = upstream_headers(
            request.headers, local_base=self._proxy.base, whole=kind == "playlist"
        )
        try:
            async with self._proxy.fetch(request.method, url, headers, self._role()) as answer:
                return await self._answer(answer)
        except TimeoutError:
            return self._failed(504, "the server did not answer in time")
        except (aiohttp.ClientError, OSError) as error:
            return self._failed(502, f"the server could not be reached ({type(error).__name__})")
        except StreamnoticeError as error:
            return self._failed(502, str(error))

    def _role(self) -> RequestRole | None:
        """What the tap is told of the request; None leaves it to the address's suffix."""
        if not self._own:
            return None
        if self._link.kind is not None:
            return self._link.kind
        # An opened address without a telling suffix: what it gave before, else it may be the film.
        seen = self._proxy.last(self._token)
        if seen is not None and seen.kind in ("hls", "dash"):
            return "playlist"
        return "media" if guess_role(URL(self._link.url).path) == "other" else None

    def _failed(self, status: int, text: str) -> web.StreamResponse:
        if self._out is None:
            self._looked(None, None)
        return self.broken(status, text)

    def _looked(self, status: int | None, kind: Sniffed | None) -> None:
        if status is None or status >= 400:
            self._proxy.failures += 1
        if self._own and self._request.method != hdrs.METH_HEAD:
            self._proxy.looked(self._token, Look(status, kind))

    def broken(self, status: int, text: str) -> web.StreamResponse:
        """The end of an exchange that went wrong: an error, or a cut body if it had begun."""
        if self._out is None:
            return _plain(status, text)
        # What was sent so far is flushed, the announced length stays unmet: the player notices.
        if self._request.transport is not None:
            self._request.transport.close()
        return self._out

    async def _answer(self, answer: aiohttp.ClientResponse) -> web.StreamResponse:
        whole = answer.status == 200 or (answer.status == 206 and covers_all(answer.headers))
        if self._request.method == hdrs.METH_HEAD or not whole:
            self._looked(answer.status, None if answer.status >= 400 else "unknown")
            return await self._pass(answer, b"")
        head = await self._head(answer)
        declared = answer.headers.get(hdrs.CONTENT_TYPE)
        coding = answer.headers.get(hdrs.CONTENT_ENCODING, "identity").strip().lower()
        if coding != "identity":
            # Only what is said to be a playlist is worth unpacking.
            said = self._own and self._link.kind == "playlist"
            kind: Sniffed = "hls" if said or content_type(declared) in HLS_TYPES else "unknown"
        else:
            kind = sniff(head, declared)
        if kind != "hls":
            if kind == "dash" and self._own:
                self._link.tree = str(answer.url)
            self._looked(answer.status, kind)
            return await self._pass(answer, head, whole=self._own)
        body = await _all(answer, head)
        if coding != "identity":
            body = _unpack(body)
            kind = sniff(body[:HEAD_BYTES], declared)
        if kind == "hls":
            body = self._proxy.read_playlist(body, str(answer.url), self._link).body
        self._looked(answer.status, kind)
        headers = player_headers(answer.headers, rewritten=True)
        headers.setdefault(hdrs.CONTENT_TYPE, _HLS_TYPE)
        # a 206 that covered everything becomes the 200 that it is
        self._out = web.Response(status=200, headers=headers, body=body)
        return self._out

    async def _head(self, answer: aiohttp.ClientResponse) -> bytes:
        """Enough of the body to judge it by, and no more: a slow body must not wait here."""
        wanted = _HLS_HEAD_BYTES if self._link.kind is not None else HEAD_BYTES
        head = bytearray()
        with suppress(TimeoutError):
            async with asyncio.timeout(_SNIFF_S if wanted == HEAD_BYTES else None):
                while len(head) < wanted and (chunk := await answer.content.readany()):
                    head += chunk
        return bytes(head)

    async def _pass(
        self, answer: aiohttp.ClientResponse, head: bytes, *, whole: bool = False
    ) -> web.StreamResponse:
        """The answer as it is; between the sockets there are at most a few buffers of 64 KiB."""
        # The length of a playlist is known only after rewriting it: HEAD doesn't tell.
        changes = (
            self._request.method == hdrs.METH_HEAD
            and answer.ok
            and (self._link.kind == "playlist" or answer.content_type in HLS_TYPES)
        )
        out = web.StreamResponse(
            status=answer.status,
            reason=answer.reason,
            headers=player_headers(answer.headers, rewritten=changes),
        )
        if not changes and hdrs.TRANSFER_ENCODING not in answer.headers:
            out.content_length = answer.content_length
        self._out = out
        await out.prepare(self._request)
        if head:
            await out.write(head)
        while chunk := await answer.content.readany():
            await out.write(chunk)  # waits while the player takes no more
        await out.write_eof()
        if whole and out.content_length:
            self._proxy.came_whole(out.content_length, self._link)
        return out


def _plain(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=f"{text}\n")


def _target(url: str) -> URL:
    """*url* for aiohttp, its encoding untouched (a signature may cover it)."""
    try:
        target = URL(url, encoded=True)
        host = target.raw_host
        if host is None:
            raise ValueError("no host")
        return target.with_host(unquote(host)) if "%" in host and ":" not in host else target
    except (ValueError, TypeError):
        raise aiohttp.InvalidURL("an upstream address") from None


async def _all(answer: aiohttp.ClientResponse, head: bytes) -> bytes:
    body = bytearray(head)
    while chunk := await answer.content.readany():
        body += chunk
        if len(body) > MAX_PLAYLIST_BYTES:
            raise MediaError(f"the playlist is larger than {MAX_PLAYLIST_BYTES} bytes")
    return bytes(body)


def _unpack(body: bytes) -> bytes:
    """A gzip or deflate body unpacked, within the same bound."""
    unpacker = zlib.decompressobj(wbits=47)
    try:
        out = unpacker.decompress(body, MAX_PLAYLIST_BYTES)
    except zlib.error:
        raise MediaError("the playlist's content coding can't be read") from None
    if unpacker.unconsumed_tail:
        raise MediaError(f"the playlist is larger than {MAX_PLAYLIST_BYTES} bytes")
    if not unpacker.eof:
        raise MediaError("the playlist's content coding is cut short")
    return out
