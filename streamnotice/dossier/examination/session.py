"""A dossier replayed once, with all that the weighing was given: what every question starts from.

The rules' answers don't depend on what anything weighs (they read the estimates, and those read
the observations alone). So a session is run through the engine once, each rule's answer is noted
at each decision step, and most questions are then put to the weighing alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import attrs

from streamnotice.dossier.chain import UNSEALED
from streamnotice.dossier.codec import Json
from streamnotice.dossier.reader import Dossier, Header, open_dossier
from streamnotice.dossier.replay import Replay, run, state_of
from streamnotice.dossier.signing import Verifier
from streamnotice.dossier.uncovered import uncovered
from streamnotice.engine import ENGINE_VERSION, Engine, Mind
from streamnotice.errors import EvidenceError
from streamnotice.estimates import Estimates, Sighted, sighted
from streamnotice.events import AnyEvent, Impact, Notice, Verdict
from streamnotice.evidence import RULES, Outcome, Rule
from streamnotice.observations import AnyObservation, Observation
from streamnotice.policy import Settings
from streamnotice.snapshot import unpack
from streamnotice.verdict.tables import Tables
from streamnotice.verdict.weigher import Memory, Weigher

Input = AnyObservation | int
"""What an engine is given: an observation, or the time (ns) of a tick."""


class ChangedError(EvidenceError):
    """The record is not what was written: it can't be examined."""


@attrs.frozen(eq=False)
class Asked:
    """One decision step, as the weighing met it.

    Attributes:
        at_ns: session instant.
        outcomes: rule -> its answer; rules without one are not there.
        sighted: leaves that could be told apart.
        suffering: playback suffered or stood.
        impact: what it suffered; None is nothing.
        says: it suffered, or a notice stood: what was named was spoken.
    """

    at_ns: int
    outcomes: dict[str, Outcome]
    sighted: Sighted
    suffering: bool
    impact: Impact | None
    says: bool = True

    @property
    def suffers(self) -> bool:
        """As `Namer.alternatives` asks."""
        return self.suffering or self.says


@attrs.frozen(eq=False)
class Session:
    """A replayed dossier.

    Attributes:
        path: where it was read.
        replay: how the replay compared with the record.
        tables: what this engine weighed with.
        inputs: what was fed, in order.
        steps: decision steps, in order.
        verdicts: what this engine said at each of them.
        notices: what this engine's notices were.
        state: what the engine remembered where the record begins; None at the session's start.
        forgotten: the record begins in the middle, in the memory of another engine that this one
            can't read: this one began there knowing nothing.
        unsigned: (first, last) line behind the last signature, where a key was demanded of a
            record whose end is missing; None if there is none.
    """

    path: str
    replay: Replay
    tables: Tables
    inputs: tuple[Input, ...]
    steps: tuple[Asked, ...]
    verdicts: tuple[Verdict, ...]
    notices: tuple[Notice, ...]
    state: Json | None = None
    forgotten: bool = False
    unsigned: tuple[int, int] | None = None

    @property
    def header(self) -> Header:
        return self.replay.header

    def engine(self) -> Engine:
        """An engine as it was where the record begins."""
        settings = self.header.settings
        if self.state is None:
            return Engine(settings, self.tables)
        return Engine.restore(self.state, settings, self.tables)

    def memory(self, weigher: Weigher) -> Memory:
        """What the weighing remembered where the record begins."""
        mind = None if self.state is None else unpack(self.state["mind"])
        return mind.memory if isinstance(mind, Mind) else weigher.fresh()


@attrs.define
class _Noted:
    """An engine whose rules are listened to; stands in for it in a replay."""

    settings: Settings
    engine: Engine = attrs.field(init=False)
    state: Json | None = None
    answers: dict[str, Outcome] = attrs.Factory(dict)
    steps: list[tuple[int, dict[str, Outcome], Sighted, bool, bool]] = attrs.Factory(list)
    inputs: list[Input] = attrs.Factory(list)
    verdicts: list[Verdict] = attrs.Factory(list)
    notices: list[Notice] = attrs.Factory(list)

    def __attrs_post_init__(self) -> None:
        self.engine = self._heard()(self.settings)

    def restored(self, state: Json) -> _Noted:
        """The same, where the record begins in the middle of a session."""
        self.state = state
        self.engine = self._heard().restore(state, self.settings)
        return self

    def snapshot(self) -> Json:
        return self.engine.snapshot()

    def _heard(self) -> type[Engine]:
        """An engine with the rules as they are, each noting its answer, and one last that says
        nothing."""
        heard = tuple(attrs.evolve(rule, read=self._hear(rule)) for rule in RULES)
        rules = (*heard, Rule("step", (), "playback", self._end))

        class Heard(Engine):
            def __init__(self, settings: Settings, tables: Tables | None = None) -> None:
                super().__init__(settings, tables, rules)

        return Heard

    def _hear(self, rule: Rule) -> Callable[[Estimates, int], Outcome | None]:
        def read(seen: Estimates, now: int) -> Outcome | None:
            outcome = rule.ask(seen, now)
            if outcome is not None:
                self.answers[rule.name] = outcome
            return outcome

        return read

    def _end(self, seen: Estimates, now: int) -> None:
        stands = seen.playback.state == "stalled"
        self.steps.append((now, self.answers, sighted(seen), stands, self.engine.showing))
        self.answers = {}

    def feed(self, observation: Any, /) -> list[Any]:
        self.inputs.append(observation)
        return self._said(self.engine.feed(observation))

    def tick(self, now_ns: int, /) -> list[Any]:
        self.inputs.append(now_ns)
        return self._said(self.engine.tick(now_ns))

    def _said(self, events: list[AnyEvent]) -> list[AnyEvent]:
        for event in events:
            if isinstance(event, Verdict):
                self.verdicts.append(event)
            elif isinstance(event, Notice):
                self.notices.append(event)
        return events


def load(path: str | os.PathLike[str], verifier: Verifier | None = None) -> Session:
    """Replay the dossier at *path*, noting all that was weighed.

    A record of another engine, or of other tables, is told again by this one: `replay.outcome`
    says so, and the session is then what this engine makes of the observations. One whose first
    parts are not there begins with what the engine remembered there.

    Args:
        verifier: the key that it must be signed with.

    Raises:
        ChangedError: a line can't be read or doesn't fit the chain of seals, a signature is not by
            that key or not there, or this very engine says other things to the observations.
        EvidenceError: the file is no dossier.
    """
    dossier = open_dossier(path, verifier)
    noted = _Noted(dossier.header.settings)
    tables = noted.engine.tables
    found = run(dossier, noted, ENGINE_VERSION, tables.hashes(), noted.restored)
    if found.faults:
        fault = found.faults[0]
        raise ChangedError(f"{fault.path}: line {fault.fault.first}: {fault.fault.text}")
    if found.damage is not None:
        raise ChangedError(str(found.damage))
    unsealed = dossier.walk.unsealed
    if found.closed and unsealed is not None:
        first, last = unsealed
        raise ChangedError(f"{dossier.path}: lines {first} to {last}: {UNSEALED}")
    unsigned = _unsigned(dossier, verifier, found)
    if found.outcome == "different" and found.difference is not None:
        where = f"line {found.difference.line}" if found.difference.line else "the end"
        raise ChangedError(
            f"{found.difference.path or os.fspath(path)}: {where}: "
            + (
                found.difference.fails
                or "it doesn't say what this engine says to these observations; "
                "replay shows the difference"
            )
        )
    if found.difference is not None:
        # behind the first difference replay stops feeding: tell the whole session again
        noted, forgotten = _told_again(open_dossier(path))
    else:
        forgotten = False
    return attrs.evolve(
        _session(os.fspath(path), found, noted), forgotten=forgotten, unsigned=unsigned
    )


def _told_again(dossier: Dossier) -> tuple[_Noted, bool]:
    """What this engine makes of the whole record, and whether it had to begin with nothing in
    the middle of the session."""
    noted, forgotten = _Noted(dossier.header.settings), False
    begun = False
    for entry in dossier:
        if isinstance(entry.value, Observation) or entry.type == "tick":
            try:
                if isinstance(entry.value, Observation):
                    noted.feed(entry.value)
                else:
                    noted.tick(entry.at_ns)
            except Exception as error:
                # as in a replay: whatever a made-up record does to it
                raise ChangedError(
                    f"{entry.path}: line {entry.line}: the engine can't take this line in "
                    f"({type(error).__name__})"
                ) from error
        elif entry.type == "state" and not begun:
            try:
                noted = noted.restored(state_of(entry))
            except EvidenceError:
                noted, forgotten = _Noted(dossier.header.settings), True
        begun = True
    return noted, forgotten


def _unsigned(dossier: Dossier, verifier: Verifier | None, found: Replay) -> tuple[int, int] | None:
    """Lines of an open end that no signature covers; ChangedError where one has to.

    None, too, where no key was demanded.
    """
    if verifier is not None and not dossier.header.signed:
        raise ChangedError(f"{dossier.path}: the record is not signed; it was to be, by --key")
    bare = uncovered(dossier.walk, found.duration_ns, found.seen)
    if bare is None:
        return None
    if not bare.excused:
        raise ChangedError(f"{dossier.path}: lines {bare.first} to {bare.last}: {bare.text}")
    return (bare.first, bare.last) if verifier is not None else None


def _session(path: str, found: Replay, noted: _Noted) -> Session:
    steps = tuple(
        Asked(
            at,
            answers,
            sees,
            stands or verdict.impact is not None,
            verdict.impact,
            shows or verdict.impact is not None,
        )
        for (at, answers, sees, stands, shows), verdict in zip(
            noted.steps, noted.verdicts, strict=True
        )
    )
    return Session(
        path=path,
        replay=found,
        tables=noted.engine.tables,
        inputs=tuple(noted.inputs),
        steps=steps,
        verdicts=tuple(noted.verdicts),
        notices=tuple(noted.notices),
        state=noted.state,
    )
