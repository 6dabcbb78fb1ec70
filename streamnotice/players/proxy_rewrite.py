"""HLS playlists, rewritten so that every address in them leads through the tap proxy.

Pure and line-preserving: only addresses change, all else (unknown tags, spacing, line ends,
odd bytes) stays as it came, so that the player sees what the service meant it to see.
Follows RFC 8216 and draft-pantos-hls-rfc8216bis (low-latency parts, variables, steering).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, Literal
from urllib.parse import parse_qs, quote, urljoin, urlsplit

import attrs

from streamnotice.errors import MediaError, NotAManifestError
from streamnotice.players.proxy_sniff import is_hls

LinkKind = Literal["playlist", "media", "other"]

MAX_LINKS: Final = 100_000
"""Addresses in one playlist; 55 hours of two-second segments."""
MAX_URL_CHARS: Final = 8192
MAX_SEQUENCE: Final = 2**53

# Possessive, so that a hostile line costs linear time.
_ATTRIBUTE = re.compile(r'\s*+([A-Za-z0-9-]++)=("[^"]*+"|[^,"]*+)\s*+(?:,|$)')
_JUNK = re.compile(r'(?:[^,"]|"[^"]*+")*+,')
_VARIABLE = re.compile(r"\{\$([A-Za-z0-9_-]+)\}")
_ADDRESS_ATTRIBUTES: Final = frozenset({"URI", "SERVER-URI", "X-ASSET-URI", "X-ASSET-LIST"})
# What isn't named here is "other": keys, data, ... Playback may have to wait for these, too.
_TAG_KINDS: Final[dict[str, LinkKind]] = {
    "#EXT-X-KEY": "other",
    "#EXT-X-SESSION-KEY": "other",
    "#EXT-X-MEDIA": "playlist",
    "#EXT-X-I-FRAME-STREAM-INF": "playlist",
    "#EXT-X-IMAGE-STREAM-INF": "playlist",
    "#EXT-X-RENDITION-REPORT": "playlist",
    "#EXT-X-MAP": "media",
    "#EXT-X-PART": "media",
    "#EXT-X-PRELOAD-HINT": "media",
}
# Everything that may stand in a URL as it is; what is already %-encoded stays so (signed URLs).
_URL_SAFE: Final = "%/:=&?~#+!$,;'@()*[]"


@attrs.frozen
class Variant:
    """One rendition that a master playlist offers.

    Attributes:
        bandwidth_bps: peak rate (BANDWIDTH).
        average_bps: AVERAGE-BANDWIDTH, where given.
        height_px: height of the picture, where given.
    """

    bandwidth_bps: int
    average_bps: int | None = None
    height_px: int | None = None


@attrs.frozen
class Found:
    """What a playlist says of an address in it.

    Attributes:
        kind: a playlist, media, or something else (a key, ...).
        duration_s: length of a segment (EXTINF).
        bandwidth_bps: rate of the rendition (EXT-X-STREAM-INF) that a playlist is for.
    """

    kind: LinkKind
    duration_s: float | None = None
    bandwidth_bps: int | None = None


Localise = Callable[[str, Found], str]
"""Gives the local address that stands for an absolute upstream one."""


@attrs.frozen
class Rewritten:
    """A playlist as it goes to the player, and what was read in passing.

    Attributes:
        body: the new playlist.
        master: it lists renditions, not segments.
        variants: those renditions (I-frame ones left out).
        ended: a media playlist to which nothing will be added (EXT-X-ENDLIST or VOD).
        newest: media sequence number of the last segment that it lists; None without one.
        target_duration_s: EXT-X-TARGETDURATION; None without a sane one.
        rate_bps: of the media, where all segments are byte ranges and so their sizes are told.
        variables: EXT-X-DEFINE values, for playlists that import them.
        links: how many addresses were rewritten.
    """

    body: bytes
    master: bool
    variants: tuple[Variant, ...]
    ended: bool
    newest: int | None
    target_duration_s: float | None
    rate_bps: int | None
    variables: Mapping[str, str]
    links: int


def absolute(base: str, reference: str) -> str | None:
    """The absolute http(s) address that *reference* means in a document from *base*.

    None if it is no such address (data:, skd:, file:, malformed, absurdly long): then it is left
    as it is. Already encoded parts stay untouched, since a signature may cover them.
    """
    try:
        joined = urljoin(base, quote(reference, safe=_URL_SAFE, errors="surrogateescape"))
        parts = urlsplit(joined)
        if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
            return None
        _ = parts.port  # raises ValueError if it is none
    except ValueError:
        return None
    bare = parts.scheme + joined[len(parts.scheme) :].partition("#")[0]
    return bare if len(bare) <= MAX_URL_CHARS else None


def rewrite(
    body: bytes,
    base: str,
    localise: Localise,
    *,
    imported: Mapping[str, str] | None = None,
    max_links: int = MAX_LINKS,
) -> Rewritten:
    """Rewrite the playlist *body*, fetched from *base* (the address after redirects).

    Args:
        body: the playlist as it came.
        base: what relative addresses are relative to.
        localise: gives the local address for each upstream one.
        imported: variables that the playlist may import (EXT-X-DEFINE:IMPORT).
        max_links: bound of the work, and of what the result may grow to.

    Raises:
        NotAManifestError: *body* is no HLS playlist.
        MediaError: it holds more addresses than *max_links*.
    """
    if not is_hls(body):
        raise NotAManifestError("not an HLS playlist: it doesn't begin with #EXTM3U")
    pass_ = _Pass(base, localise, imported or {}, max_links)
    # Surrogate escapes carry bytes that aren't UTF-8 through unchanged.
    lines = body.decode("utf-8", "surrogateescape").split("\n")
    out = "\n".join(pass_.line(line) for line in lines)
    return Rewritten(
        body=out.encode("utf-8", "surrogateescape"),
        master=pass_.master,
        variants=tuple(pass_.variants),
        ended=pass_.ended,
        newest=pass_.newest,
        target_duration_s=pass_.target_duration_s,
        rate_bps=pass_.rate_bps,
        variables=pass_.variables,
        links=pass_.links,
    )


_MEDIA: Final = Found("media")


class _Pass:
    """State of one walk through a playlist."""

    def __init__(
        self, base: str, localise: Localise, imported: Mapping[str, str], max_links: int
    ) -> None:
        self._base = base
        self._localise = localise
        self._imported = imported
        self._max_links = max_links
        self._next = _MEDIA
        self.master = False
        self.variants: list[Variant] = []
        self.ended = False
        self.target_duration_s: float | None = None
        self._first = 0
        self._segments = 0
        self._ranges = 0
        self._range_bytes: int | None = None
        self._ranged_bytes = 0
        self._ranged_s = 0.0
        self.variables: dict[str, str] = {}
        self.links = 0

    @property
    def rate_bps(self) -> int | None:
        """Of segments that are all told of with their sizes and lengths."""
        if not self._ranges or self._ranges != self._segments:
            return None
        return round(self._ranged_bytes * 8 / self._ranged_s)

    @property
    def newest(self) -> int | None:
        """The last segment's number, if there is one that can be counted."""
        newest = self._first + self._segments - 1
        return newest if self._segments and newest < MAX_SEQUENCE else None

    def line(self, line: str) -> str:
        text = line.strip()
        if not text:
            return line
        if not text.removeprefix("\ufeff").startswith("#"):
            found, self._next = self._next, _MEDIA
            if found.kind == "media":
                self._segment(found.duration_s)
            return line.replace(text, self._link(text, found), 1)
        tag, colon, rest = line.partition(":")
        tag = tag.strip()
        if tag == "#EXT-X-ENDLIST" or (
            tag == "#EXT-X-PLAYLIST-TYPE" and rest.strip().upper() == "VOD"
        ):
            self.ended = True
        elif tag == "#EXTINF":
            self._next = Found("media", duration_s=_seconds(rest))
        elif tag == "#EXT-X-TARGETDURATION":
            self.target_duration_s = _seconds(rest)
        elif tag == "#EXT-X-MEDIA-SEQUENCE":
            self._first = _whole(rest.strip()) or 0
        elif tag == "#EXT-X-BYTERANGE":
            self._range_bytes = _whole(rest.partition("@")[0].strip())
        if not tag.startswith("#EXT-X-") or not colon:
            return line
        return f"{line[: len(line) - len(rest)]}{self._attributes(tag, rest)}"

    def _segment(self, duration_s: float | None) -> None:
        self._segments += 1
        if self._range_bytes and duration_s:
            self._ranges += 1
            self._ranged_bytes += self._range_bytes
            self._ranged_s += duration_s
        self._range_bytes = None

    def _attributes(self, tag: str, rest: str) -> str:
        """The attribute list *rest*, its addresses replaced; what can't be parsed stays."""
        out: list[str] = []
        seen: dict[str, str] = {}
        at = 0
        while at < len(rest):
            match = _ATTRIBUTE.match(rest, at)
            if match is None:
                junk = _JUNK.match(rest, at)
                if junk is None:
                    break
                out.append(junk[0])
                at = junk.end()
                continue
            name, raw = match.group(1), match.group(2)
            value = raw.strip().strip('"')
            seen.setdefault(name, value)
            if name in _ADDRESS_ATTRIBUTES and raw.startswith('"'):
                found = Found("playlist" if name == "X-ASSET-URI" else _TAG_KINDS.get(tag, "other"))
                start, end = match.span(2)
                out += (rest[at : start + 1], self._link(value, found), rest[end - 1 : match.end()])
            else:
                out.append(match[0])
            at = match.end()
        self._note(tag, seen)
        return "".join(out) + rest[at:]

    def _note(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "#EXT-X-STREAM-INF":
            self.master = True
            bandwidth = _whole(attributes.get("BANDWIDTH"))
            self._next = Found("playlist", bandwidth_bps=bandwidth)
            if bandwidth:
                self.variants.append(
                    Variant(
                        bandwidth,
                        _whole(attributes.get("AVERAGE-BANDWIDTH")),
                        _whole(attributes.get("RESOLUTION", "").partition("x")[2]),
                    )
                )
        elif tag == "#EXT-X-MEDIA":
            self.master = True
        elif tag == "#EXT-X-DEFINE":
            self._define(attributes)
        elif tag == "#EXT-X-SKIP":  # of a delta update: these are left out
            self._segments += _whole(attributes.get("SKIPPED-SEGMENTS")) or 0

    def _define(self, attributes: Mapping[str, str]) -> None:
        if "NAME" in attributes:
            self.variables[attributes["NAME"]] = attributes.get("VALUE", "")
        elif name := attributes.get("IMPORT"):
            if name in self._imported:
                self.variables[name] = self._imported[name]
        elif name := attributes.get("QUERYPARAM"):
            values = parse_qs(urlsplit(self._base).query).get(name)
            if values:
                self.variables[name] = values[0]

    def _link(self, reference: str, found: Found) -> str:
        filled = _VARIABLE.sub(lambda m: self.variables.get(m[1], m[0]), reference)
        url = absolute(self._base, filled)
        if url is None:
            return reference
        self.links += 1
        if self.links > self._max_links:
            raise MediaError(f"the playlist holds more than {self._max_links} addresses")
        return self._localise(url, found)


def _whole(value: str | None) -> int | None:
    """A decimal-integer of RFC 8216 section 4.2 (below 2^64), or None."""
    if value and len(value) <= 20 and value.isascii() and value.isdigit():
        return int(value)
    return None


def _seconds(rest: str) -> float | None:
    """The duration of an EXTINF tag, if it is a sane one."""
    try:
        value = float(rest.partition(",")[0])
    except ValueError:
        return None
    return value if 0 < value < 3600 else None
