"""Reads a dossier strictly, line by line, in bounded memory.

Damage is an `EvidenceError` with file, line and reason. Only what a killed writer leaves is
forgiven, and told: a cut last line, or a gzip stream without its end.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, Literal, NamedTuple, cast

import attrs

from streamnotice.dossier.codec import (
    Json,
    event_from,
    observation_at_once,
    observation_from,
    parse,
    parse_canonical,
    settings_from,
)
from streamnotice.dossier.signing import Verifier
from streamnotice.dossier.tables import short
from streamnotice.dossier.walk import FaultAt, Line, Walk, open_walk
from streamnotice.errors import EvidenceError, LineError
from streamnotice.events import Event, Notice
from streamnotice.notices.muting import SCOPES
from streamnotice.observations import Observation
from streamnotice.policy import Settings

MOST_TOLD: Final = 20_000
"""Most lines of a part that are about notices, each of which readers keep: one a second would be
3000, and a part of nothing else is made up."""

EntryType = Literal[
    "observation",
    "tick",
    "event",
    "shown",
    "dismissed",
    "acted",
    "state",
    "truncated",
    "continued",
    "closed",
]


@attrs.frozen
class Header:
    """The first line of a dossier.

    Attributes:
        format: number of the written form.
        version: of the library that wrote it.
        engine: version of its engine; only the same gives the same bytes.
        tables: name -> hash of the tables that it weighed with.
        provisional: those tables were a first, provisional fit.
        settings: what the engine ran on.
        catalog: hash of the message catalog.
        locale: language of the texts.
        part: number of the first part that is there; 1 is the session's start.
        signed: id of the key that it was signed with; empty if it was not.
        plain: the whole line, for what is only shown.
    """

    format: int
    version: str
    engine: str
    tables: dict[str, str]
    provisional: bool
    settings: Settings
    catalog: str
    locale: str
    part: int
    signed: str
    plain: Json


class Entry(NamedTuple):
    """One line after the header.

    Attributes:
        line: its number in its file, the header being 1.
        type: what it is. `state` opens a part that goes on from another one.
        at_ns: session instant.
        value: the observation or event; None for other types.
        plain: the line as an object; empty for an observation, and an event that was known.
        raw: its bytes, newline included.
        part: number of its part.
        path: its file.
    """

    line: int
    type: EntryType
    at_ns: int
    value: Observation | Event | None
    plain: Json
    raw: bytes
    part: int = 1
    path: str = ""


@attrs.define
class Dossier:
    """An opened dossier: its header, and its entries by iteration (once).

    A record in several parts is read through as one. Where the first part that is there is not
    the session's first, the first entry is a `state`: what the engine remembered.

    Attributes:
        header: the first line.
        cut: after iteration: how the end is missing, in words; None if it is whole.
        closed: after iteration: the session's end is on record.
        truncated: after iteration: recording stopped at its bound.
        walk: chain and signatures, as far as was read.
    """

    path: str
    header: Header
    walk: Walk
    closed: bool = False
    truncated: bool = False
    _lines: Iterable[Line] | None = None

    @property
    def cut(self) -> str | None:
        return self.walk.cut

    @property
    def faults(self) -> list[FaultAt]:
        """What was found not to fit the chain and its signatures so far."""
        return self.walk.faults

    def __iter__(self) -> Iterator[Entry]:
        return self.entries()

    def entries(self, known: Callable[[bytes], Event | None] | None = None) -> Iterator[Entry]:
        """The entries one by one.

        Args:
            known: gives the event that a line is known to hold, so that it need not be read.
        """
        read = parse if self.header.format == 1 else parse_canonical
        fresh = True  # a header was the last line
        part = told = 0
        for line in self.walk if self._lines is None else self._lines:
            if line.part != part:
                part, told, fresh = line.part, 0, True
                continue  # the header itself
            event = known(line.raw) if known is not None else None
            try:
                entry = _entry(line, read) if event is None else _known(line, event)
                self._check(entry, fresh)
            except EvidenceError as error:
                if isinstance(error, LineError):
                    raise
                raise line.error(error) from None
            fresh = False
            told += entry.type in _TEXTS or isinstance(entry.value, Notice)
            if told > MOST_TOLD:
                raise line.error(f"more than {MOST_TOLD} lines of the part are about notices")
            if entry.type == "closed":
                self.closed = True
            elif entry.type == "truncated":
                self.truncated = True
            yield entry

    def _check(self, entry: Entry, fresh: bool) -> None:
        if self.closed:
            raise EvidenceError("something follows the end of the session")
        if self.truncated and entry.type not in (*_TEXTS, "continued", "closed"):
            raise EvidenceError("something follows the end of the recording")
        if (entry.type == "state") != (fresh and entry.part > 1):
            raise EvidenceError("a part but the first opens with the engine's state, only there")


def open_dossier(path: str | os.PathLike[str], verifier: Verifier | None = None) -> Dossier:
    """Open the dossier at *path* (plain or gzip, told by its first bytes) and read its header.

    Raises:
        EvidenceError: it can't be read, is no dossier, or of a form that this version
            doesn't know. Iterating raises the same for later lines.
    """
    return of_walk(open_walk(path, verifier))


def of_walk(walk: Walk, lines: Iterable[Line] | None = None) -> Dossier:
    """The dossier that *walk* is over; its entries are those of *lines* alone, if given."""
    try:
        header = _header(walk.header)
    except EvidenceError as error:
        raise LineError(walk.paths[0], 1, str(error)) from None
    return Dossier(walk.paths[-1], header, walk, lines=lines)


def _header(plain: Json) -> Header:
    tables = _get(plain, "tables", dict)
    if not all(isinstance(digest, str) for digest in tables.values()):
        raise EvidenceError("tables: wants texts")
    return Header(
        format=_get(plain, "format", int),
        version=_get(plain, "version", str),
        engine=_get(plain, "engine", str),
        tables=tables,
        provisional=_get(plain, "provisional", bool),
        settings=settings_from(_get(plain, "settings", dict)),
        catalog=_get(plain, "catalog", str),
        locale=_get(plain, "locale", str),
        part=_get(plain, "part", int),
        signed=_get(plain, "signed", str),
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
_BARE: Final = frozenset(("tick", "truncated", "continued", "closed"))


def _check_actions(actions: Any) -> None:
    pairs = actions if isinstance(actions, list) else [None]
    for pair in pairs:
        if not isinstance(pair, list) or [type(part) for part in pair] != [str, str]:
            raise EvidenceError("actions: wants pairs of id and text")


def _known(line: Line, event: Event) -> Entry:
    return Entry(line.number, "event", event.at_ns, event, {}, line.raw, line.part, line.path)


def _entry(line: Line, read: Any) -> Entry:
    seen = observation_at_once(line.raw)
    if seen is not None:
        return Entry(
            line.number, "observation", seen.at_ns, seen, {}, line.raw, line.part, line.path
        )
    plain = read(line.raw)
    kind = plain.get("type")
    value: Observation | Event | None = None
    if kind == "observation":
        value = observation_from(plain)
        at_ns = value.at_ns
    elif kind == "event":
        value = event_from(plain)
        at_ns = value.at_ns
    elif kind in _TEXTS or kind in _BARE or kind == "state":
        at_ns = _get(plain, "at_ns", int)
        if not -(2**53) < at_ns < 2**53:
            raise EvidenceError("at_ns: integer beyond 53 bits")
        for name in _TEXTS.get(kind, ()):
            _get(plain, name, str)
        if kind == "shown":
            _check_actions(plain.get("actions"))
        if kind == "dismissed" and plain["scope"] not in SCOPES:
            raise EvidenceError(f"scope: {short(plain['scope'])} is none of {', '.join(SCOPES)}")
        if kind in _BARE and len(plain) != 2:
            raise EvidenceError(f"{kind}: unknown field")
    else:
        raise EvidenceError(f"{str(kind)[:40]!r} is no known type of line")
    return Entry(
        line.number, cast("EntryType", kind), at_ns, value, plain, line.raw, line.part, line.path
    )
