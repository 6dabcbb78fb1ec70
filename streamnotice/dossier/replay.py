"""Runs a dossier through the engine again and compares every event, byte by byte.

Replay is the same code path as live: recorded observations and ticks go into a fresh engine
with the recorded settings. Within one engine version the events must come out with the same
bytes. Another version still reads the whole file strictly, says what differs and which
version to install.
"""

from __future__ import annotations

import os
from collections import deque
from typing import Any, Literal, Protocol

import attrs

from streamnotice.dossier.codec import Json
from streamnotice.dossier.reader import Dossier, Entry, Header, open_dossier
from streamnotice.dossier.record import event_line
from streamnotice.events import Event, Notice, PlaybackChanged, Verdict
from streamnotice.observations import Observation

Outcome = Literal["identical", "different", "other_engine"]


class Replayed(Protocol):
    """What replay needs of an engine."""

    def feed(self, observation: Any, /) -> list[Any]: ...

    def tick(self, now_ns: int, /) -> list[Any]: ...


@attrs.frozen
class Difference:
    """The first place where the replayed events are not the recorded ones.

    Attributes:
        line: number of the line in the dossier.
        expected: the recorded line; empty if none was recorded where the engine says one.
        got: what the engine says now; empty if it says nothing.
    """

    line: int
    expected: str
    got: str


@attrs.frozen
class Step:
    """One stretch of the verdict timeline: from `at_ns` on the weighing stood so.

    Attributes:
        impact: what playback suffered; None is nothing.
        confidence_ppm: as the stretch began.
    """

    at_ns: int
    bottleneck: str
    condition: str | None
    among: tuple[str, ...]
    impact: str | None
    confidence_ppm: int


@attrs.define
class Replay:
    """What a replay found.

    Attributes:
        header: the dossier's.
        engine: version of the engine that replayed.
        observations, ticks, events: how many were on record.
        difference: the first one; None if the events are identical.
        tables_differ: names of tables whose hashes are not the recorded ones.
        duration_ns: session time of the last line.
        playback: (at_ns, state) at each change.
        timeline: verdicts as recorded, runs of the same one joined.
        notices: notices as recorded.
        shown: notices as the viewer saw them.
        cut: how the file's end is missing; None if it is whole.
        closed: the session's end is on record.
        truncated: recording stopped at its bound; the replay goes that far.
    """

    header: Header
    engine: str
    observations: int = 0
    ticks: int = 0
    events: int = 0
    difference: Difference | None = None
    tables_differ: tuple[str, ...] = ()
    duration_ns: int = 0
    playback: list[tuple[int, str]] = attrs.field(factory=list)
    timeline: list[Step] = attrs.field(factory=list)
    notices: list[Notice] = attrs.field(factory=list)
    shown: list[Json] = attrs.field(factory=list)
    cut: str | None = None
    closed: bool = False
    truncated: bool = False

    @property
    def outcome(self) -> Outcome:
        if self.difference is None:
            return "identical"
        if self.engine != self.header.engine or self.tables_differ:
            return "other_engine"
        return "different"


def replay(path: str | os.PathLike[str]) -> Replay:
    """Replay the dossier at *path*.

    Raises:
        EvidenceError: the file is no dossier, is damaged, or can't be read.
    """
    from streamnotice.engine import ENGINE_VERSION, Engine

    dossier = open_dossier(path)
    engine = Engine(dossier.header.settings)
    return run(dossier, engine, ENGINE_VERSION, engine.tables.hashes())


def run(dossier: Dossier, engine: Replayed, version: str, tables: dict[str, str]) -> Replay:
    """Feed *dossier* to *engine*, reading it to its end even behind a difference."""
    found = Replay(dossier.header, version)
    recorded = dossier.header.tables
    found.tables_differ = tuple(
        sorted(n for n in recorded.keys() | tables.keys() if recorded.get(n) != tables.get(n))
    )
    owed: deque[bytes] = deque()
    for entry in dossier:
        found.duration_ns = max(found.duration_ns, entry.at_ns)
        if entry.type in ("observation", "tick"):
            if owed:
                _differs(found, entry.line, b"", owed[0])
            # Behind a difference nothing that the engine says can be compared.
            if found.difference is None:
                owed.clear()
                owed.extend(map(event_line, _answer(engine, entry)))
            if entry.type == "tick":
                found.ticks += 1
            else:
                found.observations += 1
        elif entry.type == "event":
            found.events += 1
            if found.difference is None:
                got = owed.popleft() if owed else b""
                if got != entry.raw:
                    _differs(found, entry.line, entry.raw, got)
            _note(found, entry.value)
        elif entry.type == "shown":
            found.shown.append(entry.plain)
    found.cut, found.closed, found.truncated = dossier.cut, dossier.closed, dossier.truncated
    # A killed writer may have lost the answer to its last line; a whole record may not.
    if owed and found.closed and not found.truncated:
        _differs(found, 0, b"", owed[0])
    return found


def _answer(engine: Replayed, entry: Entry) -> list[Event]:
    if isinstance(entry.value, Observation):
        return engine.feed(entry.value)
    return engine.tick(entry.at_ns)


def _differs(found: Replay, line: int, expected: bytes, got: bytes) -> None:
    if found.difference is None:
        found.difference = Difference(
            line, expected.decode("utf-8").rstrip("\n"), got.decode("utf-8").rstrip("\n")
        )


def _note(found: Replay, event: object) -> None:
    if isinstance(event, PlaybackChanged):
        if not found.playback or found.playback[-1][1] != event.state:
            found.playback.append((event.at_ns, event.state))
    elif isinstance(event, Notice):
        found.notices.append(event)
    elif isinstance(event, Verdict):
        step = Step(
            event.at_ns,
            event.bottleneck,
            event.condition,
            event.among,
            event.impact,
            event.confidence_ppm,
        )
        last = found.timeline[-1] if found.timeline else None
        if last is None or attrs.evolve(step, at_ns=0, confidence_ppm=0) != attrs.evolve(
            last, at_ns=0, confidence_ppm=0
        ):
            found.timeline.append(step)
