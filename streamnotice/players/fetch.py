"""The own player's downloads: playlists and segments, bounded in time and size.

Every download ends: whole, or with `FetchError` (worth another try), or, for what was to be a
playlist, with the errors of `streamnotice.players.hls`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

import aiohttp
import attrs

from streamnotice.errors import MediaError, NotAManifestError
from streamnotice.players.hls import MAX_PLAYLIST_BYTES, Piece

CONNECT_LIMIT_S: Final = 10.0
SILENCE_LIMIT_S: Final = 10.0
"""A transfer that brings no byte for so long is given up."""
PLAYLIST_LIMIT_S: Final = 30.0
MAX_SEGMENT_BYTES: Final = 512 * 1024 * 1024
_SNIFF_BYTES: Final = 1024
# ValueError: what name encoding and URL parsing raise for addresses that can't be
_FAILURES: Final = (aiohttp.ClientError, TimeoutError, OSError, ValueError)


class FetchError(MediaError):
    """A download failed; it may succeed later. The text is one line without the address."""


@attrs.frozen
class Fetched:
    """What came: the body (None if it wasn't to be kept) and its length."""

    body: bytes | None
    length_bytes: int


async def fetch_playlist(http: aiohttp.ClientSession, url: str) -> tuple[str, str]:
    """Get a playlist's text, and the address that it came from after redirects.

    Raises:
        FetchError: no answer, an HTTP error, or a broken transfer.
        NotAManifestError: the answer is something else, seen from its beginning.
        MediaError: it is longer than `MAX_PLAYLIST_BYTES`, or has no end.
    """
    body = bytearray()
    try:
        async with http.get(
            url, timeout=_limits(PLAYLIST_LIMIT_S), trace_request_ctx={"role": "playlist"}
        ) as response:
            _check_status(response)
            async for chunk in response.content.iter_any():
                sniffed = len(body) >= _SNIFF_BYTES
                body += chunk
                if not sniffed and len(body) >= _SNIFF_BYTES:
                    _check_start(body)
                if len(body) > MAX_PLAYLIST_BYTES:
                    raise MediaError(
                        f"the playlist is longer than {MAX_PLAYLIST_BYTES // 2**20} MiB, "
                        "or has no end"
                    )
            final_url = str(response.url)
    except _FAILURES as error:
        raise FetchError(describe(error)) from error
    _check_start(body)
    return body.decode("utf-8", "replace"), final_url


def _nobody(length: int) -> None:
    """Nobody counts."""


async def fetch_piece(
    http: aiohttp.ClientSession,
    piece: Piece,
    *,
    limit_s: float,
    keep: bool,
    on_bytes: Callable[[int], None] = _nobody,
) -> Fetched:
    """Get a segment (or a range); the body is only kept on demand.

    Args:
        on_bytes: called with the length of each part of it that came.

    Raises:
        FetchError: it didn't come whole within *limit_s*.
    """
    kept = bytearray()
    received = 0
    headers = {"Range": piece.range_header} if piece.range_header else {}
    try:
        async with http.get(
            piece.url,
            headers=headers,
            timeout=_limits(limit_s),
            trace_request_ctx={"role": "media"},
        ) as response:
            _check_status(response)
            # A server may ignore the range and send everything: take the part that was meant.
            skip = (piece.start_byte or 0) if response.status == 200 else 0
            wanted = MAX_SEGMENT_BYTES if piece.length_bytes is None else piece.length_bytes
            async for chunk in response.content.iter_any():
                dropped = min(skip, len(chunk))
                skip -= dropped
                part = chunk[dropped : dropped + wanted - received]
                received += len(part)
                on_bytes(len(part))
                if keep:
                    kept += part
                # A body that was asked for is read to its end, so that the connection is kept.
                if received >= wanted and response.status == 200:
                    break
    except _FAILURES as error:
        raise FetchError(describe(error)) from error
    if piece.length_bytes is None and received >= MAX_SEGMENT_BYTES:
        raise FetchError("the segment has no end")
    if received == 0 or (piece.length_bytes is not None and received < piece.length_bytes):
        raise FetchError(f"the segment came short ({received} bytes)")
    return Fetched(bytes(kept) if keep else None, received)


def describe(error: BaseException) -> str:
    """One line on a failed transfer, without addresses or paths."""
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "the server's name can't be resolved"
    if isinstance(error, aiohttp.ClientSSLError):
        return "no secure connection to the server"
    if isinstance(error, aiohttp.ClientConnectorError):
        # not its strerror: asyncio puts the address there
        number = error.os_error.errno
        return f"no connection to the server ({os.strerror(number) if number else 'refused'})"
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return "no connection to the server in time"
    if isinstance(error, TimeoutError):
        return "the server stopped sending, or was too slow"
    if isinstance(error, aiohttp.ClientPayloadError):
        return "the transfer was cut short"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "the server closed the connection"
    return f"the transfer failed ({type(error).__name__})"


def _limits(total_s: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(
        total=total_s, sock_connect=CONNECT_LIMIT_S, sock_read=SILENCE_LIMIT_S
    )


def _check_status(response: aiohttp.ClientResponse) -> None:
    if response.status not in (200, 206):
        raise FetchError(f"the server answered with HTTP status {response.status}")


def _check_start(body: bytes | bytearray) -> None:
    """Refuse early what can't be a playlist, so that a film isn't downloaded to find out."""
    start = bytes(body[:_SNIFF_BYTES]).removeprefix(b"\xef\xbb\xbf").lstrip()
    if not start.startswith(b"#EXTM3U"):
        raise NotAManifestError("not an HLS playlist: it doesn't begin with #EXTM3U")
