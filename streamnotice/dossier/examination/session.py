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

from streamnotice.dossier.reader import Header, open_dossier
from streamnotice.dossier.replay import Replay, run
from streamnotice.engine import ENGINE_VERSION, Engine
from streamnotice.errors import EvidenceError
from streamnotice.estimates import Estimates, Sighted, sighted
from streamnotice.events import AnyEvent, Impact, Notice, Verdict
from streamnotice.evidence import RULES, Outcome, Rule
from streamnotice.observations import AnyObservation, Observation
from streamnotice.verdict.tables import Tables

Input = AnyObservation | int
"""What an engine is given: an observation, or the time (ns) of a tick."""


@attrs.frozen(eq=False)
class Asked:
    """One decision step, as the weighing met it.

    Attributes:
        at_ns: session instant.
        outcomes: rule -> its answer; rules without one are not there.
        sighted: leaves that could be told apart.
        suffering: playback suffered or stood.
        impact: what it suffered; None is nothing.
    """

    at_ns: int
    outcomes: dict[str, Outcome]
    sighted: Sighted
    suffering: bool
    impact: Impact | None


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
        buffers: (instant, buffer level in ns or None) at each step.
    """

    path: str
    replay: Replay
    tables: Tables
    inputs: tuple[Input, ...]
    steps: tuple[Asked, ...]
    verdicts: tuple[Verdict, ...]
    notices: tuple[Notice, ...]
    buffers: tuple[tuple[int, int | None], ...]

    @property
    def header(self) -> Header:
        return self.replay.header


@attrs.define
class _Noted:
    """An engine whose rules are listened to; stands in for it in a replay."""

    engine: Engine = attrs.field(init=False)
    answers: dict[str, Outcome] = attrs.Factory(dict)
    steps: list[tuple[int, dict[str, Outcome], Sighted, bool, int | None]] = attrs.Factory(list)
    inputs: list[Input] = attrs.Factory(list)
    verdicts: list[Verdict] = attrs.Factory(list)
    notices: list[Notice] = attrs.Factory(list)

    def listen(self) -> tuple[Rule, ...]:
        """The rules as they are, each noting its answer, and one last that says nothing."""
        heard = tuple(attrs.evolve(rule, read=self._hear(rule)) for rule in RULES)
        return (*heard, Rule("step", (), "playback", self._end))

    def _hear(self, rule: Rule) -> Callable[[Estimates, int], Outcome | None]:
        def read(seen: Estimates, now: int) -> Outcome | None:
            outcome = rule.read(seen, now)
            if outcome is not None:
                self.answers[rule.name] = outcome
            return outcome

        return read

    def _end(self, seen: Estimates, now: int) -> None:
        stands = seen.playback.state == "stalled"
        level = seen.playback.level_ns(now)
        self.steps.append((now, self.answers, sighted(seen), stands, level))
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


def load(path: str | os.PathLike[str]) -> Session:
    """Replay the dossier at *path*, noting all that was weighed.

    A record of another engine, or of other tables, is told again by this one: `replay.outcome`
    says so, and the session is then what this engine makes of the observations.

    Raises:
        EvidenceError: the file is no dossier, is damaged, or was changed: this very engine says
            other things to its observations.
    """
    dossier = open_dossier(path)
    noted = _listening(dossier.header)
    found = run(dossier, noted, ENGINE_VERSION, noted.engine.tables.hashes())
    if found.outcome == "different" and found.difference is not None:
        where = f"line {found.difference.line}" if found.difference.line else "the end"
        raise EvidenceError(
            f"{os.fspath(path)}: {where}: it doesn't say what this engine says to these "
            "observations; replay shows the difference"
        )
    if found.difference is not None:
        # behind the first difference replay stops feeding: tell the whole session again
        again = open_dossier(path)
        noted = _listening(again.header)
        for entry in again:
            if isinstance(entry.value, Observation):
                noted.feed(entry.value)
            elif entry.type == "tick":
                noted.tick(entry.at_ns)
    return _session(os.fspath(path), found, noted)


def _listening(header: Header) -> _Noted:
    noted = _Noted()
    noted.engine = Engine(header.settings, rules=noted.listen())
    return noted


def _session(path: str, found: Replay, noted: _Noted) -> Session:
    steps = tuple(
        Asked(at, answers, sees, stands or verdict.impact is not None, verdict.impact)
        for (at, answers, sees, stands, _), verdict in zip(noted.steps, noted.verdicts, strict=True)
    )
    return Session(
        path=path,
        replay=found,
        tables=noted.engine.tables,
        inputs=tuple(noted.inputs),
        steps=steps,
        verdicts=tuple(noted.verdicts),
        notices=tuple(noted.notices),
        buffers=tuple((at, level) for at, _, _, _, level in noted.steps),
    )
