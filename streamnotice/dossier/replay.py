"""Runs a dossier through the engine again and compares every event, byte by byte.

Replay is the same code path as live: recorded observations and ticks go into a fresh engine
with the recorded settings. Within one engine version the events must come out with the same
bytes, and at the border of two parts the engine must remember just what the record says. Another
version still reads the whole file strictly, says what differs and which version to install.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Final, Literal, Protocol

import attrs

from streamnotice.dossier.beside import Beside
from streamnotice.dossier.codec import Json, line_of, state_line
from streamnotice.dossier.reader import Dossier, Entry, Header, open_dossier
from streamnotice.dossier.uncovered import Place
from streamnotice.dossier.walk import FaultAt
from streamnotice.errors import EvidenceError
from streamnotice.events import Event, Notice, PlaybackChanged, Verdict
from streamnotice.observations import Observation

Outcome = Literal["identical", "different", "other_engine", "damaged"]
_CAN_NOT_GO_ON: Final = "the engine can't go on from the state on record"


class Replayed(Protocol):
    """What replay needs of an engine."""

    def feed(self, observation: Any, /) -> list[Any]: ...

    def tick(self, now_ns: int, /) -> list[Any]: ...


@attrs.frozen
class Difference:
    """The first place where the replayed events are not the recorded ones.

    Attributes:
        line: number of the line in its file; 0 is the end.
        expected: the recorded line; empty if none was recorded where the engine says one.
        got: what the engine says now; empty if it says nothing.
        path: the file.
        fails: the engine can't go on at this line; why, in words. Empty if it can.
    """

    line: int
    expected: str
    got: str
    path: str = ""
    fails: str = ""


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
        begin_ns: session time at which the record begins; 0 at the session's start.
        duration_ns: session time of the last line.
        playback: (at_ns, state) at each change.
        timeline: verdicts as recorded, runs of the same one joined.
        notices: notices as recorded.
        shown: notices as the viewer saw them.
        told: where each of them stands; None where nothing tells any more of what event it was
            (the bound was reached).
        seen: where the last line stands of what a viewer saw or did; None if there is none.
        dismissed: what the viewer waved away or muted.
        waved: where each of these stands; None where the bound was reached before.
        odd: places of lines beside the engine's that can't stand where they do, and why.
        acted: what was carried out, and what followed.
        damage: what could not be read, and nothing behind it; None if all could.
        cut: how the file's end is missing; None if it is whole.
        closed: the session's end is on record.
        truncated: recording stopped at its bound; the replay goes that far.
        parts: how many parts were read.
        faults: where the chain or a signature does not fit (format 2).
    """

    header: Header
    engine: str
    observations: int = 0
    ticks: int = 0
    events: int = 0
    difference: Difference | None = None
    tables_differ: tuple[str, ...] = ()
    begin_ns: int = 0
    duration_ns: int = 0
    playback: list[tuple[int, str]] = attrs.field(factory=list)
    timeline: list[Step] = attrs.field(factory=list)
    notices: list[Notice] = attrs.field(factory=list)
    shown: list[Json] = attrs.field(factory=list)
    told: list[Place | None] = attrs.field(factory=list)
    seen: Place | None = None
    dismissed: list[Json] = attrs.field(factory=list)
    waved: list[Place | None] = attrs.field(factory=list)
    odd: list[tuple[Place, str]] = attrs.field(factory=list)
    acted: list[Json] = attrs.field(factory=list)
    damage: EvidenceError | None = None
    cut: str | None = None
    closed: bool = False
    truncated: bool = False
    parts: int = 1
    faults: list[FaultAt] = attrs.field(factory=list)

    @property
    def outcome(self) -> Outcome:
        if self.damage is not None:
            return "damaged"
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
    found = replay_dossier(open_dossier(path))
    if found.damage is not None:
        raise found.damage
    return found


def replay_dossier(dossier: Dossier) -> Replay:
    """Replay *dossier* with this version's engine, as far as it can be read."""
    from streamnotice.engine import ENGINE_VERSION, Engine

    settings = dossier.header.settings
    engine = Engine(settings)

    def restore(state: Json) -> Engine:
        return Engine.restore(state, settings)

    return run(dossier, engine, ENGINE_VERSION, engine.tables.hashes(), restore)


def run(
    dossier: Dossier,
    engine: Replayed,
    version: str,
    tables: dict[str, str],
    restore: Callable[[Json], Replayed] | None = None,
) -> Replay:
    """Feed *dossier* to *engine*, reading it to its end even behind a difference.

    What can't be read ends it, and is told in `damage`.

    Args:
        version, tables: of the engine.
        restore: makes an engine of a recorded state, where the session's start is not there.
    """
    found = Replay(dossier.header, version)
    recorded = dossier.header.tables
    found.tables_differ = tuple(
        sorted(n for n in recorded.keys() | tables.keys() if recorded.get(n) != tables.get(n))
    )
    under_way = _UnderWay(found, engine, restore)
    beside = Beside(found.odd)
    for entry in _readable(dossier, under_way.known, found):
        beside.take(entry, full=dossier.truncated)
        under_way.take(entry, full=dossier.truncated)
    found.cut, found.closed, found.truncated = dossier.cut, dossier.closed, dossier.truncated
    found.parts, found.faults = dossier.walk.parts, dossier.faults
    return found


@attrs.define
class _UnderWay:
    """A replay whose entries are taken in their order.

    Attributes:
        restore: makes an engine of a recorded state; None where that can't be done.
        owed: what the engine said and the record has yet to say, the oldest first.
        begun: an entry was taken.
        restored: the engine was made of a recorded state.
    """

    found: Replay
    engine: Replayed
    restore: Callable[[Json], Replayed] | None
    owed: deque[tuple[bytes, Event]] = attrs.field(factory=deque)
    begun: bool = False
    restored: bool = False

    def known(self, raw: bytes) -> Event | None:
        """The event of the line *raw*, if it is the one owed: then it need not be read."""
        return self.owed[0][1] if self.owed and self.owed[0][0] == raw else None

    def take(self, entry: Entry, *, full: bool) -> None:
        """Take one entry.

        Args:
            full: the bound was reached before it: what it belongs to is not on record.
        """
        found = self.found
        if entry.at_ns > found.duration_ns:
            found.duration_ns = entry.at_ns
        if self.owed and entry.type in ("observation", "tick", "state", "continued", "closed"):
            _differs(found, entry, b"", self.owed[0][0])
        match entry.type:
            case "observation":
                found.observations += 1
                self._feed(entry)
            case "tick":
                found.ticks += 1
                self._feed(entry)
            case "event":
                found.events += 1
                self._compare(entry)
                _note(found, entry.value)
            case "shown":
                found.shown.append(entry.plain)
                found.seen = entry.path, entry.line
                found.told.append(None if full else found.seen)
            case "dismissed":
                found.dismissed.append(entry.plain)
                found.seen = entry.path, entry.line
                found.waved.append(None if full else found.seen)
            case "acted":
                found.acted.append(entry.plain)
                found.seen = entry.path, entry.line
            case "state":
                self._border(entry)
        self.begun = True

    def _feed(self, entry: Entry) -> None:
        if self.found.difference is not None:
            return  # behind a difference nothing that the engine says can be compared
        try:
            for event in _answer(self.engine, entry):
                self.owed.append((line_of(event), event))
        except Exception as error:
            # whatever a made-up record does to it, that is what is wrong with the record
            _fails(self.found, entry, error, self.restored)

    def _compare(self, entry: Entry) -> None:
        if self.found.difference is not None:
            return
        got = self.owed.popleft()[0] if self.owed else b""
        if got != entry.raw:
            _differs(self.found, entry, entry.raw, got)

    def _border(self, entry: Entry) -> None:
        """The engine's state where a part begins: taken up by the first that is there."""
        if self.found.difference is not None:
            return
        first = not self.begun
        if first:
            self.found.begin_ns = entry.at_ns
            if self.restore is None:
                raise EvidenceError(
                    f"{entry.path}: it opens with part {entry.part}, "
                    "and the session's start is not there"
                )
            self.restored = True
        try:
            if first and self.restore is not None:
                self.engine = self.restore(state_of(entry))
            else:
                _same_state(self.engine, entry)
        except EvidenceError as error:
            fails = _CAN_NOT_GO_ON if first else ""
            _differs(self.found, entry, b"the engine's state", str(error).encode(), fails)
        except Exception as error:
            _fails(self.found, entry, error, self.restored)


def _readable(
    dossier: Dossier, known: Callable[[bytes], Event | None], found: Replay
) -> Iterator[Entry]:
    """The entries up to what can't be read, which goes to `found.damage`."""
    try:
        yield from dossier.entries(known)
    except EvidenceError as error:
        found.damage = error


def _answer(engine: Replayed, entry: Entry) -> list[Event]:
    if isinstance(entry.value, Observation):
        return engine.feed(entry.value)
    return engine.tick(entry.at_ns)


def state_of(entry: Entry) -> Json:
    """What the engine remembers at the border of a part, as `Engine.restore` takes it."""
    return {name: part for name, part in entry.plain.items() if name not in ("type", "at_ns")}


def _same_state(engine: Replayed, entry: Entry) -> None:
    """Raises EvidenceError if the engine does not remember what is on record here."""
    snapshot = getattr(engine, "snapshot", None)
    if snapshot is not None and state_line(entry.at_ns, snapshot()) != entry.raw:
        raise EvidenceError("the engine remembers something else here")


def _differs(found: Replay, entry: Entry, expected: bytes, got: bytes, fails: str = "") -> None:
    if found.difference is None:
        found.difference = Difference(
            entry.line,
            expected.decode("utf-8").rstrip("\n"),
            got.decode("utf-8").rstrip("\n"),
            entry.path,
            fails,
        )


def _fails(found: Replay, entry: Entry, error: Exception, restored: bool) -> None:
    what = _CAN_NOT_GO_ON if restored else "the engine can't take this line in"
    # the kind of failure alone: its words may hold whatever the record does
    _differs(found, entry, b"", f"{what} ({type(error).__name__})".encode(), what)


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
        if last is None or _weighing(last) != _weighing(step):
            found.timeline.append(step)


def _weighing(step: Step) -> tuple[object, ...]:
    return step.bottleneck, step.condition, step.among, step.impact
