"""Recorded runs and their truth, turned into what the fit needs by replaying them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import attrs

from lab.archive import opened, recorded
from lab.errors import LabError
from lab.worlds import world_of
from streamnotice.bottlenecks import FINE, OTHER, UNDETERMINED, State
from streamnotice.dossier.reader import Dossier, open_dossier
from streamnotice.engine import Engine
from streamnotice.estimates import Estimates
from streamnotice.events import AnyEvent, Notice, Verdict
from streamnotice.evidence import RULES, Rule
from streamnotice.observations import (
    Download,
    EchoPair,
    HomeRouter,
    HopProbe,
    HostLoad,
    Interface,
    Observation,
    Radio,
    RoundTrip,
    Route,
)
from streamnotice.policy import S_NS, Policy, Settings
from streamnotice.verdict.tables import Tables
from streamnotice.verdict.waterfall import Said


@attrs.frozen
class Then:
    """A second fault, behind the end of the first."""

    planned: State
    among: tuple[str, ...]
    onset_s: int


@attrs.frozen(eq=False)
class Run:
    """One recorded run after replay.

    Attributes:
        truth: the fault's state, or FINE if there was none or it harmed nothing; OTHER if two
            faults stood at once.
        among: leaves that are equally right; of two faults at once, both.
        onset_s, end_s: session seconds between which the fault stood (0: before Play).
        phases_s: for a fault that comes and goes: when it was there.
        then: for one that moves: what came behind it (`lab.fit.legs` makes two runs of such).
        steps: instant (s) -> rule -> outcome.
        impacts: instant (s) -> impact or None.
        suspected: steps at which the engine wanted dense probes.
        verdicts, notices: what the engine said with the tables in use.
        peaks: name -> the highest its e-detector came (mdb).
    """

    name: str
    family: str
    seed: int
    truth: State
    planned: State
    among: tuple[str, ...]
    onset_s: int
    end_s: int
    before: bool
    steps: dict[int, dict[str, str]]
    impacts: dict[int, str | None]
    verdicts: dict[int, Verdict]
    notices: tuple[Notice, ...]
    peaks: dict[str, int]
    phases_s: tuple[tuple[float, float], ...] = ()
    then: Then | None = None

    @property
    def suspected(self) -> list[int]:
        return [second for second, v in self.verdicts.items() if v.wants == "suspect"]

    @property
    def harmed(self) -> bool:
        return any(i is not None for i in self.impacts.values())


Step = Callable[[Estimates, Verdict], None]
PROBES: Final = frozenset({"path", "reference", "home"})
"""What is hidden where only the timing of requests and connections is seen."""
Remember = Callable[[dict[str, Any]], Sequence[Observation]]
"""A run's truth -> what was known of its network before."""


def load_runs(
    folders: list[Path],
    tables: Tables | None = None,
    mask: frozenset[str] = frozenset(),
    rules: tuple[Rule, ...] = RULES,
    only: frozenset[str] | None = None,
    watch: Callable[[str], Step] | None = None,
    remember: Remember | None = None,
    world: str | None = None,
) -> Iterator[Run]:
    """All runs below *folders*, or in archives among them, that are not void.

    Args:
        tables: what to replay with; the shipped ones by default.
        mask: kinds of need whose rules are left out (a mode without those sensors).
        only: names of the runs wanted; None is all.
        watch: run's name -> what is called with the estimates at each of its decision steps.
        remember: gives what a run's engine is fed first, as of earlier sessions.
        world: the only one that the runs may be of.

    Raises:
        LabError: a run is of another world.
    """
    for name, truth, dossier in counted(folders):
        if only is not None and name not in only:
            continue
        if world is not None and world_of(truth) != world:
            raise LabError(f"{name} is a run of the world {world_of(truth)}, not {world}")
        step = watch(name) if watch is not None else None
        first = remember(truth) if remember is not None else ()
        yield replay_run(name, truth, dossier, tables, mask, rules, step, first)


def present_settings(recorded: Settings) -> Settings:
    """The default policy as it is now: what is judged is this version, not the recording one."""
    return attrs.evolve(Policy().settings(), subscribed_bps=recorded.subscribed_bps)


def answers(
    engine: Engine, record: Dossier, mask: frozenset[str] = frozenset()
) -> Iterator[list[AnyEvent]]:
    """What *engine* says to each observation and tick of *record* that *mask* leaves."""
    for entry in record:
        if entry.type == "tick":
            yield engine.tick(entry.at_ns)
        elif isinstance(entry.value, Observation) and not _masked(entry.value, mask):
            yield engine.feed(entry.value)


def counted(folders: list[Path]) -> Iterator[tuple[str, dict[str, Any], Path]]:
    """(name, truth, dossier) of all runs below *folders*, or in archives among them, that are not
    void."""
    for folder in folders:
        with opened(folder) as there:
            for name, truth, dossier in recorded(there):
                if dossier is not None and not truth.get("void"):
                    yield name, truth, dossier


def replay_run(
    name: str,
    whole: dict[str, Any],
    dossier: Path,
    tables: Tables | None,
    mask: frozenset[str],
    rules: tuple[Rule, ...],
    step: Step | None = None,
    first: Sequence[Observation] = (),
) -> Run:
    """Feed one recording through an engine and note what each rule said at each step."""
    record = open_dossier(dossier)
    kept = tuple(rule for rule in rules if rule.needs not in mask)
    engine = Engine(present_settings(record.header.settings), tables, kept)
    steps: dict[int, dict[str, str]] = {}
    impacts: dict[int, str | None] = {}
    verdicts: dict[int, Verdict] = {}
    notices: list[Notice] = []
    peaks: dict[str, int] = {}

    def take(events: list[Any]) -> None:
        for event in events:
            if isinstance(event, Verdict):
                second = event.at_ns // S_NS
                impacts[second] = event.impact
                verdicts[second] = event
                if step is not None:
                    step(engine.estimates, event)
                for key, log in engine._mind.memory.gate.logs.items():
                    peaks[key] = max(log, peaks.get(key, log))
            elif isinstance(event, Notice):
                notices.append(event)
        for at, said in list(engine._mind.memory.steps.rows)[-len(events) - 2 :]:
            steps.setdefault(at // S_NS, _outcomes(said))

    for known in first:
        take(engine.feed(known))
    for events in answers(engine, record, mask):
        take(events)
    truth, scenario = whole["truth"], whole["scenario"]
    planned = _planned(truth["place"], truth["condition"])
    onset = max(0, int(truth["onset_s"] or 0))
    end = truth["ends_s"]
    harmed = any(i is not None for second, i in impacts.items() if second >= onset)
    return Run(
        name=name,
        family=scenario["family"],
        seed=scenario["seed"],
        truth=planned if harmed else FINE,
        planned=planned,
        among=tuple(truth["among"]),
        onset_s=onset,
        end_s=10**6 if end is None else int(end),
        before=bool(truth["before"]),
        steps=steps,
        impacts=impacts,
        verdicts=verdicts,
        notices=tuple(notices),
        peaks=peaks,
        phases_s=tuple((float(a), float(b)) for a, b in truth.get("phases_s", ())),
        then=_then(truth.get("then")),
    )


def _then(told: dict[str, Any] | None) -> Then | None:
    if told is None:
        return None
    planned = _planned(told["place"], told["condition"])
    return Then(planned, tuple(told["among"]), int(told["onset_s"]))


def _planned(place: str, condition: str | None) -> State:
    """The state that was brought about."""
    if place == UNDETERMINED:  # two faults at once
        return OTHER
    return FINE if place == "none" else State(place, condition or "")


def _masked(seen: Observation, mask: frozenset[str]) -> bool:
    """What a mode without those sensors would not have been fed."""
    if "path" in mask and isinstance(seen, HopProbe | EchoPair | Route):
        return True
    if "long-echo" in mask and isinstance(seen, EchoPair):
        return True
    role = getattr(seen, "role", None)
    if role in mask:  # "underlay", "first-hop", "reference"
        return True
    if "path" in mask and isinstance(seen, RoundTrip) and role == "service":
        return True
    if "reference" in mask and isinstance(seen, Download):
        return True
    if "home" in mask and isinstance(seen, HomeRouter):
        return True
    return "host" in mask and isinstance(seen, HostLoad | Interface | Radio)


def _outcomes(said: list[Said]) -> dict[str, str]:
    return {answer.rule: answer.outcome for answer in said}
