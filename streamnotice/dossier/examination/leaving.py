"""Leave one thing out, and weigh again: each rule, each sensor, each stretch of time.

Rules and times are left out of the weighing. A sensor is left out of the *observations*, and
the engine runs again without it: what it saw is missing from all estimates, and places that only
it could tell apart can't be named.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs

from streamnotice.bottlenecks import is_named
from streamnotice.dossier.examination.reweigh import Change, Fate, Stretch, fate, weigh_again
from streamnotice.dossier.examination.session import Asked, Input, Session
from streamnotice.engine import Engine
from streamnotice.events import Verdict
from streamnotice.evidence import Outcome
from streamnotice.observations import (
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
    TargetRole,
    Transfer,
)
from streamnotice.policy import S_NS
from streamnotice.verdict.naming import SEPARATOR, Named, Namer

MOST_WINDOWS: Final = 12


@attrs.frozen
class LeftOut:
    """One thing left out.

    Attributes:
        name: of the rule or sensor; for a stretch of time empty.
        fate: what became of the verdict.
        weight_mdb: what a rule weighs for the named place against the runner-up, in the notice.
        from_ns, to_ns: the stretch of time, both ends included.
    """

    name: str
    fate: Fate
    weight_mdb: int = 0
    from_ns: int = 0
    to_ns: int = 0


def without(rules: frozenset[str]) -> Change:
    """All answers but those of *rules*."""

    def change(asked: Asked) -> dict[str, Outcome]:
        return {rule: said for rule, said in asked.outcomes.items() if rule not in rules}

    return change


def only(rules: frozenset[str]) -> Change:
    """The answers of *rules* alone."""

    def change(asked: Asked) -> dict[str, Outcome]:
        return {rule: said for rule, said in asked.outcomes.items() if rule in rules}

    return change


def answered(on: Stretch) -> tuple[str, ...]:
    """Rules that the table knows and that answered in the stretch."""
    known = on.weigher.tables.likelihoods
    return tuple(sorted({rule for asked in on.steps for rule in asked.outcomes} & known.keys()))


def rules(on: Stretch, weights_mdb: dict[str, int]) -> tuple[LeftOut, ...]:
    """Each rule left out: those that change the verdict first, then the heaviest."""
    found = [
        LeftOut(
            rule,
            weigh_again(on, without(frozenset({rule})), later=True),
            weights_mdb.get(rule, 0),
        )
        for rule in answered(on)
    ]
    found.sort(key=lambda one: (one.fate.word == "stands", -abs(one.weight_mdb), one.name))
    return tuple(found)


def windows(on: Stretch) -> tuple[LeftOut, ...]:
    """Each stretch of time left out: its seconds count as if no rule had answered."""
    count = len(on.steps)
    parts = min(MOST_WINDOWS, count)
    found = []
    for number in range(parts):
        first, end = number * count // parts, (number + 1) * count // parts
        blind = {asked.at_ns for asked in on.steps[first:end]}
        seen = weigh_again(on, _blind(blind), later=True)
        found.append(LeftOut("", seen, from_ns=min(blind), to_ns=max(blind)))
    return tuple(found)


def _blind(instants: set[int]) -> Change:
    return lambda asked: {} if asked.at_ns in instants else asked.outcomes


# -- sensors ----------------------------------------------------------------------------------

Blind = Callable[[Observation], Observation | None]
"""What is left of an observation; None is nothing."""


def _no(*kinds: type[Observation]) -> Blind:
    return lambda seen: None if isinstance(seen, kinds) else seen


def _frames(seen: Observation) -> Observation:
    if not isinstance(seen, Playback):
        return seen
    return attrs.evolve(seen, dropped_frames=None, decoded_frames=None)


def _headers(seen: Observation) -> Observation:
    if not isinstance(seen, FirstByte):
        return seen
    return FirstByte(seen.at_ns, seen.request, seen.status, seen.ttfb_ns, seen.length_bytes)


def _sockets(seen: Observation) -> Observation:
    if isinstance(seen, Transfer):
        return Transfer(seen.at_ns, seen.request, seen.received_bytes)
    if isinstance(seen, RequestConnected):
        return attrs.evolve(seen, syn_rtt_ns=None)
    return seen


def _path(seen: Observation) -> Observation | None:
    # what goes with it, too: under a tunnel, home router, long pings
    if isinstance(seen, HopProbe | EchoPair | Route):
        return None
    return None if isinstance(seen, RoundTrip) and seen.role == "service" else seen


def _probes_of(role: TargetRole) -> Blind:
    def blind(seen: Observation) -> Observation | None:
        theirs = isinstance(seen, HopProbe | EchoPair | Route) and seen.role == role
        return None if theirs else seen

    return blind


def _reference(seen: Observation) -> Observation | None:
    if isinstance(seen, Download):
        return None
    far = isinstance(seen, Route | RoundTrip) and seen.role == "reference"
    return None if far else seen


SENSORS: Final[dict[str, Blind]] = {
    "path": _path,
    "underlay": _probes_of("underlay"),
    "first-hop": _probes_of("first-hop"),
    "long-echo": _no(EchoPair),
    "reference": _reference,
    "gateway": _no(HomeRouter),
    "interface": _no(Interface),
    "radio": _no(Radio),
    "host": _no(HostLoad),
    "tcp_info": _sockets,
    "headers": _headers,
    "requests": _no(RequestStarted, LookUp, RequestConnected, FirstByte, Transfer, RequestEnded),
    "frames": _frames,
    "live_edge": _no(LiveEdge),
    "baselines": _no(StoredBaseline),
}
"""Sensor -> what is left of the observations without it. (Without playback there is no harm, and
so no notice: it is not among them.)"""


def sensors(
    session: Session,
    start_ns: int,
    notice_ns: int,
    claim: Named | None,
) -> tuple[LeftOut, ...]:
    """Each sensor that saw anything left out of the observations from *start_ns* on."""
    # the engine as it was when the stretch began; each sensor's run starts from there
    engine, inputs = session.engine(), session.inputs
    settings, tables = session.header.settings, session.tables
    number = 0
    for number, fed in enumerate(inputs):  # noqa: B007
        if _at(fed) >= start_ns:
            break
        _give(engine, fed)
    snapshot = engine.snapshot()
    namer = Namer.build(tables, settings)
    rest = [fed for fed in inputs[number:] if _at(fed) <= notice_ns + S_NS]
    found = []
    for name, blind in SENSORS.items():
        left = [fed if isinstance(fed, int) else blind(fed) for fed in rest]
        if all(now is was or now == was for now, was in zip(left, rest, strict=True)):
            continue
        again = Engine.restore(snapshot, settings, tables)
        _forget(again, name)
        last: Verdict | None = None
        for given in left:
            for event in () if given is None else _give(again, given):
                if isinstance(event, Verdict) and event.at_ns <= notice_ns:
                    last = event
        found.append(LeftOut(name, fate(claim, _named(namer, last))))
    found.sort(key=lambda one: one.fate.word == "stands")
    return tuple(found)


def _at(fed: Input) -> int:
    return fed if isinstance(fed, int) else fed.at_ns


def _give(engine: Engine, fed: Observation | int) -> list[object]:
    return [*(engine.tick(fed) if isinstance(fed, int) else engine.feed(fed))]


def _forget(engine: Engine, sensor: str) -> None:
    """What the sensor had seen before the stretch."""
    seen = engine.estimates
    gone = {"path": ("service", "underlay")}.get(sensor, (sensor,))
    seen.paths.forget(gone)
    if sensor in ("path", "first-hop"):
        seen.paths.forget_first_hop()
    if sensor == "long-echo":
        seen.paths.long.clear()
    elif sensor == "reference":
        seen.downloads.clear()
    elif sensor == "gateway":
        seen.home_router.clear()
    elif sensor == "interface":
        seen.interface.clear()
        seen.forget_here()
    elif sensor == "requests":
        seen.forget_here()
    elif sensor == "host":
        seen.loads.clear()
    elif sensor == "live_edge":
        seen.newest.clear()
    elif sensor == "baselines":
        seen.paths.stored.clear()


def _named(namer: Namer, verdict: Verdict | None) -> Named | None:
    """A verdict's name, without its weights."""
    if verdict is None or not is_named(verdict.bottleneck, verdict.among):
        return None
    key = SEPARATOR.join(verdict.among) if verdict.among else verdict.bottleneck
    return Named(
        key, verdict.bottleneck, verdict.among, verdict.condition, verdict.confidence_ppm,
        namer.names[key],
    )  # fmt: skip
