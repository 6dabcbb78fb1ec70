"""HLS playlists (RFC 8216) as plain data: bounded, checked, with absolute addresses.

The grammar is read by the `m3u8` package (extra `player`). Here stands what a careful
client adds: whether it is a playlist at all, bounds on size and count, refusal of what
can't be true (negative lengths, endless numbers) and of addresses that aren't HTTP.
Whatever the input, the outcome is a playlist or one of two errors, `NotAManifestError`
and `MediaError`, each of one line.
"""

from __future__ import annotations

import math
import re
from importlib import import_module
from typing import Any, Final, TypeAlias
from urllib.parse import urljoin, urlsplit

import attrs

from streamnotice.errors import MediaError, MissingExtraError, NotAManifestError

MAX_PLAYLIST_BYTES: Final = 4 * 1024 * 1024
"""Longer playlists are cut off; a day of 2 s segments with long names fits."""
MAX_SEGMENTS: Final = 50_000
MAX_LINE_CHARS: Final = 16_384
MAX_RENDITIONS: Final = 64
MAX_SEGMENT_S: Final = 3_600.0
SHORTEST_S: Final = 0.001
MAX_RATE_BPS: Final = 10_000_000_000
MAX_SEQUENCE: Final = 2**53

_BYTERANGE: Final = re.compile(r"^(\d{1,15})(?:@(\d{1,15}))?$")


@attrs.frozen
class Piece:
    """Something to fetch: a whole resource, or a range of it.

    Attributes:
        url: absolute, http or https.
        start_byte: first byte wanted; None asks for the whole resource.
        length_bytes: how many bytes; None exactly when `start_byte` is None.
    """

    url: str
    start_byte: int | None = None
    length_bytes: int | None = None

    @property
    def range_header(self) -> str | None:
        """The value of the Range header that asks for it (RFC 9110), None for the whole."""
        if self.start_byte is None or self.length_bytes is None:
            return None
        return f"bytes={self.start_byte}-{self.start_byte + self.length_bytes - 1}"


@attrs.frozen
class Segment:
    """One media segment.

    Attributes:
        sequence: media sequence number.
        start_s: where it starts, counted from the start of the first segment on the list.
        duration_s: play-out time.
        piece: what to fetch.
        init: what a decoder needs first (EXT-X-MAP of fMP4), None for self-contained segments.
    """

    sequence: int
    start_s: float
    duration_s: float
    piece: Piece
    init: Piece | None = None


@attrs.frozen
class MediaPlaylist:
    """A list of segments. `live` playlists grow, and have to be loaded again."""

    segments: tuple[Segment, ...]
    target_duration_s: float
    live: bool

    @property
    def first_sequence(self) -> int:
        """Sequence number of the first segment on the list (0 if it is empty)."""
        return self.segments[0].sequence if self.segments else 0

    @property
    def next_sequence(self) -> int:
        """Sequence number that the segment after the last will have (0 if it is empty)."""
        return self.segments[-1].sequence + 1 if self.segments else 0


@attrs.frozen
class Rendition:
    """One quality on offer.

    Attributes:
        url: its media playlist.
        rate_bps: peak rate as declared (BANDWIDTH); None if there is none, or an absurd one.
        frame_rate: frames a second, if declared.
    """

    url: str
    rate_bps: int | None = None
    frame_rate: float | None = None


@attrs.frozen
class MasterPlaylist:
    """The renditions of a presentation, lowest rate first."""

    renditions: tuple[Rendition, ...]


Playlist: TypeAlias = MasterPlaylist | MediaPlaylist


def parse(text: str, base_url: str) -> Playlist:
    """Read a playlist.

    Args:
        text: the playlist as it came.
        base_url: where it came from (after redirects); relative addresses start there.

    Raises:
        NotAManifestError: it isn't a playlist.
        MediaError: it is one, but over a bound, broken, or says what can't be.
        MissingExtraError: `m3u8` isn't installed.
    """
    _check_shape(text)
    grammar = _grammar()
    try:
        read = grammar.loads(text)
    except Exception as error:  # the grammar lets whatever its conversions raise come out
        raise MediaError(f"the playlist is broken ({type(error).__name__}: {error})") from error
    if read.is_variant:
        return _master(read, base_url)
    return _media(read, base_url)


def _grammar() -> Any:
    try:
        return import_module("m3u8")
    except ImportError as error:
        raise MissingExtraError("the own player (HLS)", "player") from error


def _check_shape(text: str) -> None:
    """Bounds that hold before the grammar sees anything, so that no input can make it slow."""
    start = text.removeprefix("\ufeff").lstrip()
    if not re.match(r"#EXTM3U(\s|$)", start):
        raise NotAManifestError("not an HLS playlist: it doesn't begin with #EXTM3U")
    if len(text) > MAX_PLAYLIST_BYTES:
        raise MediaError(f"the playlist is longer than {MAX_PLAYLIST_BYTES} characters")
    if text.count("#EXTINF") > MAX_SEGMENTS:
        raise MediaError(f"the playlist lists more than {MAX_SEGMENTS} segments")
    if text.count("#EXT-X-STREAM-INF") > MAX_RENDITIONS:
        raise MediaError(f"the playlist lists more than {MAX_RENDITIONS} renditions")
    longest = max(map(len, text.splitlines()), default=0)
    if longest > MAX_LINE_CHARS:
        raise MediaError(f"the playlist has a line of {longest} characters")


def absolute(uri: object, base_url: str) -> str:
    """The address that *uri* means; only http and https are ever fetched.

    Raises:
        MediaError: it is empty, broken, or of another scheme.
    """
    if not isinstance(uri, str) or not uri.strip():
        raise MediaError("the playlist lists something without an address")
    try:
        url = urljoin(base_url, uri.strip())
        parts = urlsplit(url)
        reachable = parts.scheme in ("http", "https") and bool(parts.hostname)
        _ = parts.port  # raises if it isn't a number
    except ValueError as error:
        raise MediaError(f"the playlist has a broken address: {_short(uri)}") from error
    if not reachable:
        raise MediaError(f"the playlist has an address that isn't http or https: {_short(uri)}")
    return url


def _short(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _master(read: Any, base_url: str) -> MasterPlaylist:
    renditions = []
    for entry in read.playlists:
        info = entry.stream_info
        renditions.append(
            Rendition(
                absolute(entry.uri, base_url),
                _number(info.bandwidth, 1, MAX_RATE_BPS),
                _real(info.frame_rate, 1.0, 1_000.0),
            )
        )
    if not renditions:
        raise MediaError("the playlist lists no rendition")
    # A rate that can't be true says nothing: such renditions are used only if all are like that.
    told = [r for r in renditions if r.rate_bps is not None]
    return MasterPlaylist(tuple(sorted(told or renditions, key=lambda r: r.rate_bps or 0)))


def _number(value: object, low: int, high: int) -> int | None:
    return value if isinstance(value, int) and low <= value <= high else None


def _real(value: object, low: float, high: float) -> float | None:
    try:
        number = float(value)  # type: ignore[arg-type]  # whatever the grammar left
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and low <= number <= high else None


def _media(read: Any, base_url: str) -> MediaPlaylist:
    first = _number(read.media_sequence or 0, 0, MAX_SEQUENCE)
    if first is None:
        raise MediaError(f"the playlist's media sequence is {_short(read.media_sequence)}")
    segments: list[Segment] = []
    ends: dict[str, int] = {}  # where the last range of each resource ended
    start_s = 0.0
    inits: dict[tuple[object, object], Piece | None] = {}
    for index, entry in enumerate(read.segments):
        duration_s = _real(entry.duration, 0.0, MAX_SEGMENT_S)
        if duration_s is None:
            raise MediaError(f"the playlist says segment {index} lasts {_short(entry.duration)} s")
        piece = _piece(entry.uri, entry.byterange, base_url, ends)
        init = None
        if entry.init_section is not None:
            section = entry.init_section
            key = (section.uri, section.byterange)
            if key not in inits:
                inits[key] = _piece(section.uri, section.byterange, base_url, {})
            init = inits[key]
        if duration_s < SHORTEST_S:
            continue  # nothing to play in it; the range was counted
        segments.append(Segment(first + index, start_s, duration_s, piece, init))
        start_s += duration_s
    longest_s = max((s.duration_s for s in segments), default=0.0)
    target_s = _real(read.target_duration, 0.0, MAX_SEGMENT_S) or longest_s
    return MediaPlaylist(tuple(segments), max(target_s, 0.5), live=not read.is_endlist)


def _piece(uri: object, byterange: object, base_url: str, ends: dict[str, int]) -> Piece:
    url = absolute(uri, base_url)
    if not byterange:
        return Piece(url)
    match = _BYTERANGE.match(str(byterange))
    if match is None or int(match[1]) == 0:
        raise MediaError(f"the playlist has a broken byte range: {_short(byterange)}")
    length = int(match[1])
    # RFC 8216, 4.3.2.2: without an offset it begins where the resource's last range ended.
    start = int(match[2]) if match[2] is not None else ends.get(url, 0)
    ends[url] = start + length
    return Piece(url, start, length)
