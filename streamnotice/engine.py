"""The core: observations in, events out. No clock, no input or output, no randomness.

    engine = Engine(Policy().settings())
    for observation in record:
        events += engine.feed(observation)
    events += engine.tick(now_ns)

Two rules hold throughout. (1) *Decision steps lie at whole session seconds*, derived inside: before
an observation stamped at or after the next whole second is taken in, the steps up to it are run.
(2) *Time never goes back*: an observation stamped before the last step is moved to that step, and
counted in `late`. So the same observations and ticks give the same events, byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import attrs

from streamnotice.bottlenecks import UNDETERMINED
from streamnotice.errors import EvidenceError
from streamnotice.estimates import Estimates, sighted
from streamnotice.events import (
    AnyEvent,
    Impact,
    Intensity,
    PlaybackChanged,
    ProbingWanted,
    Verdict,
)
from streamnotice.evidence import RULES, Rule, ask_all
from streamnotice.notices.ids import STRENGTHS
from streamnotice.notices.lifecycle import Life
from streamnotice.observations import (
    Closed,
    Download,
    EchoPair,
    FirstByte,
    HomeRouter,
    HopProbe,
    HostLoad,
    Interface,
    LiveEdge,
    LookUp,
    Observation,
    Playback,
    Radio,
    RequestConnected,
    RequestEnded,
    RequestStarted,
    RoundTrip,
    Route,
    StoredBaseline,
    Transfer,
)
from streamnotice.playback.model import DRAINS_PERMILLE
from streamnotice.policy import S_NS, Settings
from streamnotice.snapshot import pack, stateful, unpack
from streamnotice.verdict.naming import Named, Namer
from streamnotice.verdict.tables import Tables, shipped
from streamnotice.verdict.weigher import Memory, Weigher

ENGINE_VERSION = "0.33.0"
"""Changes whenever the same observations could give other events."""

MOST_STEPS_AT_ONCE: Final = 120
"""After a longer silence (a suspended machine) the steps in between are skipped."""
LEAST_SUPPORT_MDB: Final = dict(STRENGTHS)["weak"]
"""Evidence of less is none on the verbal scale."""
SUSPECT_HOLD_NS: Final = 15 * S_NS
FIRST_LOOK_NS: Final = 10 * S_NS
"""A session begins with a closer look: for baselines, and for trouble that was there first."""


@stateful
@attrs.define
class Mind:
    """All that the engine remembers; what a snapshot holds."""

    memory: Memory
    estimates: Estimates = attrs.Factory(Estimates)
    life: Life = attrs.Factory(Life)
    stepped_ns: int = 0
    fed_ns: int = 0
    late: int = 0
    playback_state: str = ""
    intensity: str = "rest"
    troubled_ns: int | None = None
    closed: bool = False


class Engine:
    """One session's reasoning.

    Args:
        settings: from `Policy.settings()`.
        tables: fitted numbers; the shipped ones by default.
        rules: rules of evidence; the registered ones by default.
    """

    def __init__(
        self,
        settings: Settings,
        tables: Tables | None = None,
        rules: tuple[Rule, ...] = RULES,
    ) -> None:
        self.settings = settings
        self.tables = tables or shipped()
        self._rules = rules
        self._weigher = Weigher(self.tables, Namer.build(self.tables, settings))
        self._mind = Mind(self._weigher.fresh())
        self._take = self._handlers()

    # -- in -----------------------------------------------------------------------------------

    def feed(self, observation: Observation) -> list[AnyEvent]:
        """Take one observation in; the events of all steps that lie before it, and its own."""
        mind = self._mind
        if mind.closed:
            return []
        now = observation.at_ns
        events = self.tick(now)
        if now < mind.stepped_ns:
            mind.late += 1
        fed_ns = max(mind.fed_ns, mind.stepped_ns)
        if now < fed_ns:  # sensors run beside one another; time goes one way
            now = fed_ns
            observation = attrs.evolve(observation, at_ns=now)
        mind.fed_ns = now
        kind = type(observation)
        take = self._take.get(kind)
        if take is not None:
            take(observation)
        if kind is Playback:
            events += self._playback_changed(now)
        elif kind is Closed:
            events += mind.life.close(now, self.settings)
            mind.closed = True
        return events

    def tick(self, now_ns: int) -> list[AnyEvent]:
        """Time has come to *now_ns*: run the decision steps that lie at or before it."""
        mind = self._mind
        if now_ns - mind.stepped_ns < S_NS:
            return []
        events: list[AnyEvent] = []
        due = now_ns // S_NS
        done = mind.stepped_ns // S_NS
        if due - done > MOST_STEPS_AT_ONCE:
            done = due - 1
        for second in range(done + 1, due + 1):
            events += self._step(second * S_NS)
        return events

    # -- memory -------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """All that the engine remembers, as plain data: opens a part of a rotated record."""
        return {"engine": ENGINE_VERSION, "tables": self.tables.hashes(), "mind": pack(self._mind)}

    @classmethod
    def restore(
        cls, snapshot: dict[str, Any], settings: Settings, tables: Tables | None = None
    ) -> Engine:
        """An engine that goes on where *snapshot* was taken; EvidenceError if it can't."""
        engine = cls(settings, tables)
        if snapshot.get("engine") != ENGINE_VERSION:
            raise EvidenceError(
                f"the snapshot is of engine {snapshot.get('engine')!r}, this is {ENGINE_VERSION}"
            )
        if snapshot.get("tables") != engine.tables.hashes():
            raise EvidenceError("the snapshot was taken with other tables")
        mind = unpack(snapshot.get("mind"))
        if not isinstance(mind, Mind):
            raise EvidenceError("not a snapshot of an engine")
        engine._mind = mind
        engine._take = engine._handlers()
        return engine

    @property
    def late(self) -> int:
        """Observations that came after the step they belonged to."""
        return self._mind.late

    @property
    def showing(self) -> bool:
        """A notice is on screen."""
        return self._mind.life.shown is not None

    @property
    def estimates(self) -> Estimates:
        """The present picture; for views and tests, not for keeping."""
        return self._mind.estimates

    def stalls(self) -> tuple[int, int]:
        """(number of stalls, their total length in ns)."""
        return self._mind.estimates.playback.totals(self._mind.stepped_ns)

    # -- one step -----------------------------------------------------------------------------

    def _step(self, now: int) -> list[AnyEvent]:
        mind = self._mind
        mind.stepped_ns = now
        seen = mind.estimates
        seen.requests.account(now)
        seen.playback.step(now)
        stuck = seen.requests.nothing_arrives(now)
        asks = seen.requests.asking() if seen.requests.ever else None
        impact = seen.playback.impact(now, self.settings, asks, stuck)
        outcomes = ask_all(self._rules, seen, now)
        suffering = impact is not None or seen.playback.state == "stalled"
        sees = sighted(seen)
        self._weigher.step(mind.memory, now, outcomes, suffering, sees.boxed, sees.live)
        mind.life.harm(now, impact, self.settings, seen.playback.state)
        says = impact is not None or self.showing
        named = self._weigher.name(mind.memory, sees, says)
        speaks = named if says else None
        since = self._since(now, speaks)
        wants = self._wants(now, impact)
        stall_in_ns = seen.playback.stall_in_ns(now, stuck)

        def verdict_of(name: Named | None, since_ns: int) -> Verdict:
            return self._weigher.verdict(
                mind.memory, now, since_ns, name, impact, stall_in_ns, wants, suffering or says
            )

        verdict = verdict_of(speaks, since)
        if self._bare(verdict, speaks):
            speaks = None
            since = self._since(now, None)
            verdict = verdict_of(None, since)
        key = speaks.key if speaks else verdict.bottleneck
        events: list[AnyEvent] = [*self._playback_changed(now), verdict]
        wrong_ppm = mind.memory.belief.wrong_ppm
        for notice in mind.life.step(now, verdict, key, since, self.settings, wrong_ppm):
            if speaks is not None and notice.state != "resolved":
                ruled = self._weigher.ruled_out(mind.memory, since, speaks)
                notice = attrs.evolve(notice, ruled_out=ruled)
            events.append(notice)
        if wants != mind.intensity:
            mind.intensity = wants
            events.append(ProbingWanted(now, wants))
        return events

    def _bare(self, verdict: Verdict, named: Named | None) -> bool:
        """The name is news, and what would be shown for it hardly speaks for it, or against it.

        What led to it lies before the window then. A notice is never without its evidence.
        """
        if named is None or self._mind.life.shown not in (None, UNDETERMINED):
            return False
        return verdict.weight_mdb < LEAST_SUPPORT_MDB

    def _since(self, now: int, named: Named | None) -> int:
        """The earlier of the first harm and the first step with weight; where the fault has become
        another one, not before that."""
        memory, life = self._mind.memory, self._mind.life
        if life.shown is not None:
            return max(life.since_ns, memory.begun_ns)
        since = life.harmed_ns if life.harmed_ns is not None else now
        if named is not None:
            first = self._weigher.first_weight_ns(memory, named, max(0, since - 30 * S_NS))
            since = since if first is None else min(since, first)
        return max(since, memory.begun_ns)

    def _wants(self, now: int, impact: Impact | None) -> Intensity:
        """How densely to probe: much while playback suffers or may soon, a little at the start."""
        seen = self._mind.estimates
        model = seen.playback
        drain = model.drain_permille(now)
        falls = drain is not None and drain < DRAINS_PERMILLE
        draining = model.state == "playing" and model.wants_data is not False and falls
        trouble = (
            impact is not None
            or draining
            or model.state == "stalled"
            or (model.state == "starting" and model.seen and now - model.since_ns > 2 * S_NS)
            or seen.requests.silent_ns(now) > 1_500_000_000
        )
        if trouble:
            self._mind.troubled_ns = now
        troubled = self._mind.troubled_ns
        if troubled is not None and now - troubled <= SUSPECT_HOLD_NS:
            return "suspect"
        return "watch" if now <= FIRST_LOOK_NS else "rest"

    def _playback_changed(self, now: int) -> list[AnyEvent]:
        model = self._mind.estimates.playback
        if not model.seen or model.state == self._mind.playback_state:
            return []
        self._mind.playback_state = model.state
        return [PlaybackChanged(now, model.state, model.buffer_ns)]

    def _handlers(self) -> dict[type, Callable[[Any], None]]:
        seen = self._mind.estimates
        return {
            Playback: seen.playback.feed,
            RequestStarted: seen.started,
            LookUp: seen.requests.look_up,
            RequestConnected: seen.requests.connected,
            FirstByte: seen.first_byte,
            Transfer: seen.requests.transfer,
            RequestEnded: seen.requests.ended,
            Route: seen.paths.route,
            HopProbe: seen.paths.probe,
            EchoPair: seen.paths.echo_pair,
            RoundTrip: seen.paths.round_trip,
            Download: seen.download,
            HostLoad: seen.load,
            Interface: seen.interface_bytes,
            Radio: seen.radio_link,
            HomeRouter: seen.router_bytes,
            LiveEdge: seen.live_edge,
            StoredBaseline: seen.store,
        }
