"""What kind of thing a response's first bytes are: a manifest, media, or neither.

Pure. The bytes win over the declared content type, since servers often declare nonsense; the
type decides only where the bytes say nothing.
"""

from __future__ import annotations

from typing import Final, Literal

Sniffed = Literal["hls", "dash", "media", "other", "unknown"]

HEAD_BYTES: Final = 1024
"""Enough of a body to judge by; less is fine."""

HLS_TYPES: Final = frozenset(
    {
        "application/vnd.apple.mpegurl",
        "application/x-mpegurl",
        "audio/mpegurl",
        "audio/x-mpegurl",
        "application/mpegurl",
    }
)
_BOM: Final = b"\xef\xbb\xbf"
_BOXES: Final = frozenset({b"ftyp", b"styp", b"moov", b"moof", b"sidx", b"emsg", b"prft", b"mdat"})
_MAGIC: Final = (
    b"\x1a\x45\xdf\xa3",  # Matroska, WebM
    b"OggS",
    b"fLaC",
    b"FLV\x01",
    b"ID3",
    b"\x00\x00\x01\xba",  # MPEG program stream
    b"\x00\x00\x01\xb3",  # MPEG video
    b"WEBVTT",
)
_NOT_MEDIA: Final = (
    b"<!doctype",
    b"<html",
    b"<head",
    b"<body",
    b"<script",
    b"%pdf",
    b"pk\x03\x04",
    b"\x89png",
    b"gif8",
    b"\xff\xd8\xff",
    b"{",
    b"[",
)
_NOT_MEDIA_TYPES: Final = ("text/html", "application/json", "application/pdf", "image/")
_TS_PACKET_BYTES: Final = 188


def content_type(value: str | None) -> str:
    """The media type of a Content-Type header, lower case and without parameters."""
    return (value or "").partition(";")[0].strip().lower()


def is_hls(head: bytes) -> bool:
    """True if *head* opens an HLS playlist (RFC 8216 section 4.1; a stray BOM is forgiven)."""
    return head.removeprefix(_BOM).startswith(b"#EXTM3U")


def sniff(head: bytes, declared: str | None = None) -> Sniffed:
    """Judge a body by its first bytes and its declared content type.

    Returns:
        "hls" or "dash" for manifests, "media" for a known container, "other" for what is surely
        neither (a web page, JSON, a picture, nothing at all), "unknown" otherwise.
    """
    kind = content_type(declared)
    if is_hls(head):
        return "hls"
    text = head.removeprefix(_BOM).lstrip()
    if not text:
        return "other"
    if b"<MPD" in head:
        return "dash"
    if head[4:8] in _BOXES or head.startswith(_MAGIC) or _is_ts(head) or _is_riff(head):
        return "media"
    if text[:16].lower().startswith(_NOT_MEDIA):
        return "other"
    if kind.startswith(("video/", "audio/")) and kind not in HLS_TYPES:
        return "media"
    if kind.startswith(_NOT_MEDIA_TYPES):
        return "other"
    if len(head) >= 2 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:  # MPEG audio, ADTS
        return "media"
    return "unknown"


def _is_ts(head: bytes) -> bool:
    if not head.startswith(b"G"):
        return False
    return len(head) > _TS_PACKET_BYTES and head[_TS_PACKET_BYTES : _TS_PACKET_BYTES + 1] == b"G"


def _is_riff(head: bytes) -> bool:
    return head.startswith(b"RIFF") and head[8:12] in (b"WAVE", b"AVI ")
