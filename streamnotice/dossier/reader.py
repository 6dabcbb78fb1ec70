"""Reads a dossier strictly, line by line, in bounded memory.

Damage is an `EvidenceError` with file, line and reason. Only what a killed writer leaves is
forgiven, and told: a cut last line, or a gzip stream without its end.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final, Literal, cast

import attrs

from streamnotice.dossier.codec import Json, event_from, observation_from, parse, settings_from
from streamnotice.dossier.record import FORMAT
from streamnotice.errors import EvidenceError
from streamnotice.events import Event
from streamnotice.observations import Observation
from streamnotice.policy import Settings

MAX_LINE_BYTES: Final = 1024 * 1024
MAX_TOTAL_BYTES: Final = 4 * 1024 * 1024 * 1024

EntryType = Literal[
    "observation", "tick", "event", "shown", "dismissed", "acted", "truncated", "closed"
]


@attrs.frozen
class Header:
    """The first line of a dossier.

    Attributes:
        version: of the library that wrote it.
        engine: version of its engine; only the same gives the same bytes.
        tables: name -> hash of the tables that it weighed with.
        provisional: those tables were a first, provisional fit.
        settings: what the engine ran on.
        catalog: hash of the message catalog.
        locale: language of the texts.
        plain: the whole line, for what is only shown.
    """

    version: str
    engine: str
    tables: dict[str, str]
    provisional: bool
    settings: Settings
    catalog: str
    locale: str
    plain: Json


@attrs.frozen
class Entry:
    """One line after the header.

    Attributes:
        line: its number, the header being 1.
        type: what it is.
        at_ns: session instant.
        value: the observation or event; None for other types.
        plain: the line as it stands, for `shown`.
        raw: its bytes, newline included.
    """

    line: int
    type: EntryType
    at_ns: int
    value: Observation | Event | None
    plain: Json
    raw: bytes


@attrs.define
class Dossier:
    """An opened dossier: its header, and its entries by iteration (once).

    Attributes:
        header: the first line.
        cut: after iteration: how the end is missing, in words; None if it is whole.
        closed: after iteration: the session's end is on record.
        truncated: after iteration: recording stopped at its bound.
    """

    path: str
    header: Header
    _lines: Iterator[tuple[int, bytes]]
    _tail: _Tail
    closed: bool = False
    truncated: bool = False

    @property
    def cut(self) -> str | None:
        return self._tail.cut

    def __iter__(self) -> Iterator[Entry]:
        for number, raw in self._lines:
            try:
                entry = _entry(number, raw)
                if self.closed:
                    raise EvidenceError("something follows the end of the session")
                if self.truncated and entry.type not in (*_TEXTS, "closed"):
                    raise EvidenceError("something follows the end of the recording")
            except EvidenceError as error:
                raise EvidenceError(f"{self.path}: line {number}: {error}") from None
            if entry.type == "closed":
                self.closed = True
            elif entry.type == "truncated":
                self.truncated = True
            yield entry


@attrs.define
class _Tail:
    cut: str | None = None


def open_dossier(path: str | os.PathLike[str]) -> Dossier:
    """Open the dossier at *path* (plain or gzip, told by its first bytes) and read its header.

    Raises:
        EvidenceError: it can't be read, is no dossier, or of a form that this version
            doesn't know. Iterating raises the same for later lines.
    """
    name = os.fspath(path)
    tail = _Tail()
    lines = _lines(name, tail)
    first = next(lines, None)
    if first is None:
        raise EvidenceError(f"{name}: " + (tail.cut or "empty, no dossier"))
    try:
        header = _header(first[1])
    except EvidenceError as error:
        raise EvidenceError(f"{name}: line 1: {error}") from None
    return Dossier(name, header, lines, tail)


def _lines(name: str, tail: _Tail) -> Iterator[tuple[int, bytes]]:
    try:
        with Path(name).open("rb") as plain:
            magic = plain.read(2)
            plain.seek(0)
            if magic == b"\x1f\x8b":
                with gzip.GzipFile(fileobj=plain) as unpacked:
                    yield from _bounded(name, cast("IO[bytes]", unpacked), tail)
            else:
                yield from _bounded(name, plain, tail)
    except (gzip.BadGzipFile, zlib.error) as error:
        raise EvidenceError(f"{name}: damaged gzip: {error}") from None
    except OSError as error:
        raise EvidenceError(f"{name}: can't be read: {error.strerror or error}") from None


def _bounded(name: str, file: IO[bytes], tail: _Tail) -> Iterator[tuple[int, bytes]]:
    number = total_bytes = 0
    while True:
        try:
            raw = file.readline(MAX_LINE_BYTES + 1)
        except EOFError:
            tail.cut = "the compressed file ends early"
            return
        if not raw:
            return
        number += 1
        total_bytes += len(raw)
        if len(raw) > MAX_LINE_BYTES:
            raise EvidenceError(f"{name}: line {number}: longer than {MAX_LINE_BYTES} bytes")
        if total_bytes > MAX_TOTAL_BYTES:
            raise EvidenceError(f"{name}: line {number}: more than {MAX_TOTAL_BYTES} bytes in all")
        if not raw.endswith(b"\n"):
            tail.cut = f"line {number} is cut off after {len(raw)} bytes"
            return
        yield number, raw


def _header(raw: bytes) -> Header:
    plain = parse(raw)
    if plain.get("type") != "header":
        raise EvidenceError("no dossier: its first line is no header")
    form = plain.get("format")
    if form != FORMAT or type(form) is not int:
        raise EvidenceError(f"format {form!r} is not known; this version reads format {FORMAT}")
    tables = _get(plain, "tables", dict)
    if not all(isinstance(digest, str) for digest in tables.values()):
        raise EvidenceError("tables: wants texts")
    return Header(
        version=_get(plain, "version", str),
        engine=_get(plain, "engine", str),
        tables=tables,
        provisional=_get(plain, "provisional", bool),
        settings=settings_from(_get(plain, "settings", dict)),
        catalog=_get(plain, "catalog", str),
        locale=_get(plain, "locale", str),
        plain=plain,
    )


def _get(plain: Json, name: str, kind: type) -> Any:
    value = plain.get(name)
    if type(value) is not kind:
        state = "missing" if value is None else "of the wrong type"
        raise EvidenceError(f"{name}: {state}")
    return value


_TEXTS: Final = {
    "shown": ("id", "state", "locale", "title", "sentence", "evidence", "text"),
    "dismissed": ("id", "bottleneck", "scope", "network"),
    "acted": ("action", "note"),
}


def _entry(number: int, raw: bytes) -> Entry:
    plain = parse(raw)
    kind = plain.get("type")
    value: Observation | Event | None = None
    if kind == "observation" or kind == "event":
        body = {name: part for name, part in plain.items() if name != "type"}
        value = observation_from(body) if kind == "observation" else event_from(body)
        at_ns = value.at_ns
    elif kind in ("tick", *_TEXTS, "truncated", "closed"):
        at_ns = _get(plain, "at_ns", int)
        if not -(2**63) < at_ns < 2**63:
            raise EvidenceError("at_ns: integer beyond 63 bits")
        if kind in _TEXTS:
            for name in _TEXTS[kind]:
                _get(plain, name, str)
        elif len(plain) != 2:
            raise EvidenceError(f"{kind}: unknown field")
    else:
        raise EvidenceError(f"{str(kind)[:40]!r} is no known type of line")
    return Entry(number, cast("EntryType", kind), at_ns, value, plain, raw)
