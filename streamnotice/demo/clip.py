"""The demo's clip as a presentation: playlists and segments, repeated without a gap.

The files under `clip/` are 24 s of fragmented MP4 in two renditions (`clip/make.sh` made
them). A repetition is the same fragment with its decode time (`tfdt`, ISO/IEC 14496-12,
8.8.12) moved on by whole clips: no discontinuity, so any player plays it as one film.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from importlib.resources import files
from typing import Final

import attrs

SEGMENT_S: Final = 2
SEGMENTS: Final = 12
CLIP_S: Final = SEGMENT_S * SEGMENTS
FRAME_RATE: Final = 25


@attrs.frozen
class Quality:
    """A rendition of the clip, as its master playlist declares it."""

    name: str
    peak_bps: int
    width: int
    height: int
    codecs: str


QUALITIES: Final = (
    Quality("low", 300_000, 320, 180, "avc1.640015,mp4a.40.2"),
    Quality("high", 820_000, 640, 360, "avc1.64001f,mp4a.40.2"),
)


class Clip:
    """Gives each resource of the presentation by its path, e.g. `/low/7.m4s`.

    Args:
        repeats: how often the clip is repeated.
    """

    def __init__(self, repeats: int = 5) -> None:
        root = files("streamnotice.demo") / "clip"
        self.segments = SEGMENTS * repeats
        self.duration_s = CLIP_S * repeats
        self._texts = {"/master.m3u8": _master()}
        self._inits: dict[str, bytes] = {}
        self._fragments: dict[str, list[bytes]] = {}
        self._timescales: dict[str, dict[int, int]] = {}
        for quality in QUALITIES:
            folder = root / quality.name
            init = (folder / "init.mp4").read_bytes()
            self._inits[quality.name] = init
            self._timescales[quality.name] = timescales(init)
            self._fragments[quality.name] = [
                (folder / f"{index}.m4s").read_bytes() for index in range(SEGMENTS)
            ]
            self._texts[f"/{quality.name}/index.m3u8"] = _media(self.segments)

    def get(self, path: str) -> tuple[bytes, str] | None:
        """The resource's bytes and content type; None if there is no such resource."""
        if path in self._texts:
            return self._texts[path].encode(), "application/vnd.apple.mpegurl"
        _, _, rest = path.partition("/")
        name, _, leaf = rest.partition("/")
        if name not in self._inits:
            return None
        if leaf == "init.mp4":
            return self._inits[name], "video/mp4"
        number, dot, suffix = leaf.partition(".")
        if f"{dot}{suffix}" != ".m4s" or not (number.isascii() and number.isdigit()):
            return None
        sequence = int(number[:9])
        if str(sequence) != number or sequence >= self.segments:
            return None
        return self._segment(name, sequence), "video/iso.segment"

    def _segment(self, name: str, sequence: int) -> bytes:
        repeat, index = divmod(sequence, SEGMENTS)
        fragment = self._fragments[name][index]
        if repeat == 0:
            return fragment
        return moved(fragment, sequence + 1, repeat * CLIP_S, self._timescales[name])


def _master() -> str:
    lines = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-INDEPENDENT-SEGMENTS"]
    for quality in QUALITIES:
        lines.append(
            f"#EXT-X-STREAM-INF:BANDWIDTH={quality.peak_bps},"
            f"RESOLUTION={quality.width}x{quality.height},"
            f'FRAME-RATE={FRAME_RATE}.000,CODECS="{quality.codecs}"'
        )
        lines.append(f"{quality.name}/index.m3u8")
    return "\n".join(lines) + "\n"


def _media(segments: int) -> str:
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        f"#EXT-X-TARGETDURATION:{SEGMENT_S}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        '#EXT-X-MAP:URI="init.mp4"',
    ]
    for index in range(segments):
        lines += [f"#EXTINF:{SEGMENT_S}.000,", f"{index}.m4s"]
    return "\n".join([*lines, "#EXT-X-ENDLIST"]) + "\n"


# The few boxes of ISO/IEC 14496-12 that matter here.


def _boxes(data: bytes | bytearray, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(type, start of the content, end) of the boxes between two offsets."""
    while start + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, start)
        if size < 8 or start + size > end:
            raise ValueError(f"a broken box at byte {start}")
        yield kind, start + 8, start + size
        start += size


def _inside(
    data: bytes | bytearray, span: tuple[int, int], *path: bytes
) -> Iterator[tuple[int, int]]:
    """Where the boxes at *path* below *span* have their contents."""
    if not path:
        yield span
        return
    for kind, start, end in _boxes(data, *span):
        if kind == path[0]:
            yield from _inside(data, (start, end), *path[1:])


def timescales(init: bytes) -> dict[int, int]:
    """Track number -> ticks a second, from an initialisation segment (version 0 headers)."""
    found = {}
    for track in _inside(init, (0, len(init)), b"moov", b"trak"):
        (header, _), *_ = _inside(init, track, b"tkhd")
        (media, _), *_ = _inside(init, track, b"mdia", b"mdhd")
        (number,) = struct.unpack_from(">I", init, header + 12)
        (ticks,) = struct.unpack_from(">I", init, media + 12)
        found[number] = ticks
    return found


def moved(fragment: bytes, sequence: int, later_s: int, ticks: dict[int, int]) -> bytes:
    """The fragment, *later_s* seconds later, with another sequence number."""
    data = bytearray(fragment)
    for moof in _inside(data, (0, len(data)), b"moof"):
        for start, _ in _inside(data, moof, b"mfhd"):
            struct.pack_into(">I", data, start + 4, sequence)
        for traf in _inside(data, moof, b"traf"):
            (header, _), *_ = _inside(data, traf, b"tfhd")
            (track,) = struct.unpack_from(">I", data, header + 4)
            for start, _ in _inside(data, traf, b"tfdt"):
                # version 1: 64 bits, as the clip's maker writes them
                (time,) = struct.unpack_from(">Q", data, start + 4)
                struct.pack_into(">Q", data, start + 4, time + later_s * ticks[track])
    return bytes(data)
