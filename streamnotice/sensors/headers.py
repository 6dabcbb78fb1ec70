"""What a response's headers say of the servers behind them. Pure; hostile input gives None.

Sources: Cache-Status (RFC 9211, a structured field list whose *last* member is the cache
nearest to us), the older X-Cache family, Age (RFC 9111), Via, Server-Timing (W3C), CMSD-Dynamic
(CTA-5006), X-Accel-Limit-Rate. Structured fields need the extra `headers` (http-sf); without it
they are left out, and `structured_fields()` says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any, Final, Protocol

import attrs

from streamnotice.observations import CacheResult

_LINE_CHARS: Final = 2_048  # structured fields cost 45 µs a usual line: cap what is parsed
_MEMBERS: Final = 32
_MS_NS: Final = 1_000_000
_MAX_MS: Final = 24 * 3600 * 1000
_MAX_AGE_S: Final = 2**31  # RFC 9111 1.2.2: larger deltas count as this
_MAX_BPS: Final = 10**13
_MAX_LENGTH: Final = 2**53 - 1

_HIT: Final = re.compile(r"\b(?:[A-Z_]*_)?HIT\b", re.IGNORECASE)
_MISS: Final = re.compile(
    r"\b(?:[A-Z_]*_)?(?:MISS|EXPIRED|BYPASS|DYNAMIC|PASS|REVALIDATED)\b", re.IGNORECASE
)
_STALE: Final = re.compile(r"\b(?:STALE|UPDATING)\b", re.IGNORECASE)
_CACHE_WORDS: Final = ("x-cache-status", "cf-cache-status", "x-proxy-cache", "x-cache")
_NUMBER: Final = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,9})?\Z")
_EDGE_NAMES: Final = frozenset({"edge", "cdn-edge", "cdn", "proxy"})
_ORIGIN_NAMES: Final = frozenset({"origin", "cdn-origin", "upstream", "cdn-upstream-fbl"})
_CACHE_NAMES: Final = frozenset({"cdn-cache", "cache", "cdn-cache-hit", "cdn-cache-miss"})


class Fields(Protocol):
    """Headers as an HTTP library has them: a mapping, or an object that gives pairs alike."""

    def items(self) -> Iterable[tuple[Any, Any]]:
        """Names and values; of several lines of one name each."""


@attrs.frozen
class HeaderFacts:
    """What the headers told; None is "not said".

    Attributes:
        cache: the cache nearest to us answered by itself ("hit") or had to ask ("miss").
        cache_by: header that said so.
        edge_ns: the edge's own time for this answer.
        origin_ns: time that the edge waited for the server behind it.
        upstream_status: status that the server behind the edge gave.
        age_s: Age header.
        paced_bps: pace that the server keeps to.
        edge_busy: the server says that it is under duress.
        length_bytes: declared body length.
        via: number of proxies named in Via.
    """

    cache: CacheResult | None = None
    cache_by: str | None = None
    edge_ns: int | None = None
    origin_ns: int | None = None
    upstream_status: int | None = None
    age_s: int | None = None
    paced_bps: int | None = None
    edge_busy: bool | None = None
    length_bytes: int | None = None
    via: int | None = None


def structured_fields() -> ModuleType | None:
    """The structured fields parser, None if the extra `headers` is not installed."""
    try:
        return import_module("http_sf")
    except ImportError:
        return None


def as_mapping(headers: object) -> Mapping[str, str]:
    """*headers* of any HTTP library: a mapping, or pairs of names and values (`getheaders()` of
    `http.client`), as text or bytes. What is neither holds none. Never raises."""
    try:
        if not headers:
            return {}
        items = getattr(headers, "items", None)
        pairs: Iterable[tuple[object, object]] = headers if items is None else items()  # type: ignore[assignment]
        folded: dict[str, str] = {}
        for name, value in pairs:
            key, text = _text(name).lower(), _text(value)
            folded[key] = f"{folded[key]}, {text}" if key in folded else text
        return folded
    except Exception:  # by a method of the host's object
        return {}


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def needs_structured_fields(headers: Mapping[str, str]) -> bool:
    """One of these headers can be read only with the extra `headers`."""
    return any(name.lower() in ("cache-status", "cmsd-dynamic") for name in headers)


def read_headers(headers: Mapping[str, str]) -> HeaderFacts:
    """Facts from response headers (any mapping; repeated names by `getall` or joined by commas).

    Never raises; what can't be understood is None.
    """
    fields = _fold(headers)
    cache, cache_by, upstream_status = _cache_status(fields.get("cache-status"))
    edge_ns, origin_ns, timing_cache = _server_timing(fields.get("server-timing"))
    cmsd = _cmsd(fields.get("cmsd-dynamic"))
    age_s = _whole(fields.get("age"), _MAX_AGE_S)

    if cache is None:
        for name in _CACHE_WORDS:
            cache = _cache_word(fields.get(name))
            if cache is not None:
                cache_by = name
                break
    if cache is None and timing_cache is not None:
        cache, cache_by = timing_cache, "server-timing"
    if cache is None and age_s:
        # weak: some cache on the way had it, perhaps not the nearest one
        cache, cache_by = "hit", "age"

    via = fields.get("via")
    return HeaderFacts(
        cache=cache,
        cache_by=cache_by,
        edge_ns=edge_ns if edge_ns is not None else cmsd.edge_ns,
        origin_ns=origin_ns,
        upstream_status=upstream_status,
        age_s=age_s,
        paced_bps=cmsd.paced_bps or _accel_rate(fields.get("x-accel-limit-rate")),
        edge_busy=cmsd.edge_busy,
        length_bytes=_whole(fields.get("content-length"), _MAX_LENGTH),
        via=None if via is None else min(via.count(",") + 1, _MEMBERS),
    )


def _fold(headers: Mapping[str, str]) -> dict[str, str]:
    """Lower-case names, joined repeats (RFC 9110 5.3), bounded lengths."""
    wanted = {
        "cache-status", "server-timing", "cmsd-dynamic", "age", "via", "content-length",
        "x-accel-limit-rate", *_CACHE_WORDS,
    }  # fmt: skip
    folded: dict[str, str] = {}
    try:
        pairs: Iterable[tuple[str, str]] = headers.items()
        for name, value in pairs:
            key = str(name).lower()
            if key in wanted:
                text = str(value)
                if key in folded:
                    text = f"{folded[key]}, {text}"
                # lists are read from their end: keep the end, from a member's beginning
                if len(text) > _LINE_CHARS:
                    text = text[-_LINE_CHARS:].partition(",")[2]
                folded[key] = text.strip()
    except (TypeError, ValueError, AttributeError):
        return {}
    return folded


def _whole(text: str | None, most: int) -> int | None:
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 20:
        return None
    return min(int(text), most)


def _ms_ns(text: str | None) -> int | None:
    if text is None or not _NUMBER.match(text):
        return None
    value_ms = float(text)
    return round(value_ms * _MS_NS) if value_ms <= _MAX_MS else None


def _cache_word(text: str | None) -> CacheResult | None:
    """`TCP_HIT from ...`, `Hit from cloudfront`, `MISS, HIT` (the last is the nearest)."""
    if not text:
        return None
    last = text.rpartition(",")[2].strip()[:64]
    if _STALE.search(last) or _HIT.search(last):
        return "hit"
    return "miss" if _MISS.search(last) else None


def _parse(line: str, kind: str) -> Any:
    sf = structured_fields()
    if sf is None or not line:
        return None
    try:
        return sf.parse(line.encode("ascii"), tltype=kind)
    except (ValueError, TypeError, IndexError, KeyError, RecursionError, OverflowError):
        return None


def _cache_status(line: str | None) -> tuple[CacheResult | None, str | None, int | None]:
    members = _parse(line, "list") if line else None
    if not isinstance(members, list) or not members:
        return None, None, None
    try:
        _, params = members[-1]
    except (TypeError, ValueError):
        return None, None, None
    if not isinstance(params, dict):
        return None, None, None
    status = params.get("fwd-status")
    upstream = (
        status
        if isinstance(status, int) and not isinstance(status, bool) and 100 <= status <= 599
        else None
    )
    if params.get("hit") is True:
        return "hit", "cache-status", upstream
    if "fwd" in params:
        return "miss", "cache-status", upstream
    return None, None, upstream


def _timings(line: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Members of Server-Timing, read forgivingly as its specification asks (W3C, section 4)."""
    for member in line.split(",")[-_MEMBERS:]:
        name, *params = member.split(";")[:8]
        found: dict[str, str] = {}
        for param in params:
            key, _, value = param.partition("=")
            found.setdefault(key.strip().lower(), value.strip().strip('"'))
        yield name.strip().lower(), found


def _server_timing(line: str | None) -> tuple[int | None, int | None, CacheResult | None]:
    edge_ns = origin_ns = None
    cache: CacheResult | None = None
    for name, params in _timings(line) if line else ():
        took_ns = _ms_ns(params.get("dur"))
        if name in _EDGE_NAMES:
            edge_ns = took_ns if took_ns is not None else edge_ns
        elif name in _ORIGIN_NAMES:
            origin_ns = took_ns if took_ns is not None else origin_ns
        if name in _CACHE_NAMES:
            cache = _cache_word(params.get("desc") or name.replace("-", " ")) or cache
    return edge_ns, origin_ns, cache


@attrs.frozen
class _Cmsd:
    edge_ns: int | None = None
    paced_bps: int | None = None
    edge_busy: bool | None = None


def _cmsd(line: str | None) -> _Cmsd:
    """CMSD-Dynamic: a list of servers, nearest last; `rd` ms, `mb` kbit/s, `du` true or absent."""
    members = _parse(line, "list") if line else None
    if not isinstance(members, list) or not members:
        return _Cmsd()
    try:
        _, params = members[-1]
    except (TypeError, ValueError):
        return _Cmsd()
    if not isinstance(params, dict):
        return _Cmsd()

    def number(key: str, most: int) -> int | None:
        value = params.get(key)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
            return None
        return value

    delay_ms = number("rd", _MAX_MS)
    max_kbps = number("mb", _MAX_BPS // 1000)
    busy = params.get("du")
    return _Cmsd(
        edge_ns=None if delay_ms is None else delay_ms * _MS_NS,
        paced_bps=max_kbps * 1000 if max_kbps else None,
        edge_busy=busy if isinstance(busy, bool) else None,
    )


def _accel_rate(text: str | None) -> int | None:
    """X-Accel-Limit-Rate: bytes a second, 0 or "off" is no limit."""
    rate = _whole(text, _MAX_BPS // 8)
    return rate * 8 if rate else None
