"""Reads a dossier once for all that a report shows of it: what is on record, as recorded."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Final

import attrs

from streamnotice.dossier.codec import Json
from streamnotice.dossier.reader import Dossier, Entry, Header, open_dossier
from streamnotice.dossier.regular import open_regular
from streamnotice.errors import EvidenceError
from streamnotice.events import Notice, PlaybackChanged, Verdict
from streamnotice.observations import (
    Download,
    HopProbe,
    Playback,
    RoundTrip,
    Route,
    Sight,
    TargetRole,
)
from streamnotice.path.first_hop import BEFORE_IT, ROLE
from streamnotice.path.rounds import Paths

MOST_POINTS: Final = 400
"""Of a long session each chart's line keeps about so many points: extremes are never lost."""

Point = tuple[float, float]
"""(seconds, value)."""


@attrs.define
class HopDelays:
    """Round trips to one hop of one path.

    Attributes:
        label: the router's label; "" where it stayed silent.
        place: place of the link that ends at it, as recorded; None if not known.
        idle_ms, loaded_ms: round trips without and with our own media under way.
        lost: probes without an answer.
    """

    label: str = ""
    place: str | None = None
    idle_ms: list[float] = attrs.Factory(list)
    loaded_ms: list[float] = attrs.Factory(list)
    lost: int = 0

    def add(self, rtt_ns: int | None, loaded: bool) -> None:
        if rtt_ns is None:
            self.lost += 1
        else:
            (self.loaded_ms if loaded else self.idle_ms).append(rtt_ns / 1e6)

    @property
    def sent(self) -> int:
        return self.lost + len(self.idle_ms) + len(self.loaded_ms)


@attrs.define
class PathDelays:
    """All that was probed towards one target."""

    target: str
    role: TargetRole = "service"
    hops: dict[int, HopDelays] = attrs.Factory(dict)
    far: HopDelays = attrs.Factory(HopDelays)
    route: Route | None = None

    def hop(self, ttl: int) -> HopDelays:
        return self.hops.setdefault(ttl, HopDelays())


@attrs.define
class Recorded:
    """A dossier's contents.

    Attributes:
        header: its first line.
        files: (part, SHA-256) of each file.
        begin_ns: session time of the first line that is there; 0 at the session's start.
        end_ns: session time of the last line.
        buffer: (s, buffer level in s).
        rates: (s, rate asked for in Mbit/s).
        ladder: rates on offer, Mbit/s.
        states: (ns, playback state) at each change.
        verdicts: one a second.
        notices: the engine's, in order.
        shown: as the viewer saw them.
        asides: other lines about notices (dismissed, acted on), as they stand.
        paths: (role, target) -> what was probed.
        ways: the same as the engine saw it.
        downloads: small downloads from references.
        sights: sensor -> (sees, why not), as last told.
        medium: kind of this device's own link.
    """

    header: Header
    files: list[tuple[int, str]] = attrs.Factory(list)
    begin_ns: int = 0
    end_ns: int = 0
    buffer: list[Point] = attrs.Factory(list)
    rates: list[Point] = attrs.Factory(list)
    ladder: tuple[float, ...] = ()
    states: list[tuple[int, str]] = attrs.Factory(list)
    verdicts: list[Verdict] = attrs.Factory(list)
    notices: list[Notice] = attrs.Factory(list)
    shown: list[Json] = attrs.Factory(list)
    asides: list[Json] = attrs.Factory(list)
    paths: dict[tuple[TargetRole, str], PathDelays] = attrs.Factory(dict)
    ways: Paths = attrs.Factory(Paths)
    downloads: list[Download] = attrs.Factory(list)
    sights: dict[str, tuple[bool, str]] = attrs.Factory(dict)
    medium: str | None = None
    observations: int = 0
    cut: str | None = None
    closed: bool = False
    truncated: bool = False

    @property
    def stalls(self) -> list[tuple[float, float]]:
        """(start, end) in seconds of each time that playback stood still after it had begun."""
        return list(self._spans("stalled"))

    def _spans(self, wanted: str) -> Iterable[tuple[float, float]]:
        for at, state, end in self.state_spans():
            if state == wanted and end > at:
                yield at / 1e9, end / 1e9

    def state_spans(self) -> list[tuple[int, str, int]]:
        """(from, state, to) of each playback state, in ns."""
        ends = [at for at, _ in self.states[1:]] + [self.end_ns]
        return [(at, state, end) for (at, state), end in zip(self.states, ends, strict=False)]

    @property
    def started_s(self) -> float | None:
        """Seconds until playback began; None if it never did."""
        return next((at / 1e9 for at, state in self.states if state == "playing"), None)


def gather(path: str | os.PathLike[str]) -> Recorded:
    """Read the dossier at *path*.

    What can't be read, and all behind it, is left out: whether a record holds is not told here.

    Raises:
        EvidenceError: it is none.
    """
    dossier = open_dossier(path)
    found = Recorded(dossier.header)
    for entry in _readable(dossier):
        found.end_ns = max(found.end_ns, entry.at_ns)
        if entry.type == "state" and not found.observations:
            found.begin_ns = entry.at_ns
        value = entry.value
        if entry.type == "shown":
            found.shown.append(entry.plain)
        elif entry.type == "observation":
            found.observations += 1
            observed(found, value)
        elif isinstance(value, Verdict):
            found.verdicts.append(value)
        elif isinstance(value, Notice):
            found.notices.append(value)
        elif isinstance(value, PlaybackChanged):
            if not found.states or found.states[-1][1] != value.state:
                found.states.append((value.at_ns, value.state))
        elif entry.type in ("dismissed", "acted"):
            found.asides.append(entry.plain)
    found.cut, found.closed, found.truncated = dossier.cut, dossier.closed, dossier.truncated
    found.buffer, found.rates = thinned(found.buffer), stepped(found.rates)
    first = dossier.header.part
    found.files = [(first + n, _digest(one)) for n, one in enumerate(dossier.walk.paths)]
    return found


def _readable(dossier: Dossier) -> Iterator[Entry]:
    with suppress(EvidenceError):
        yield from dossier


def _digest(path: str) -> str:
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def observed(found: Recorded, value: object) -> None:
    """Note what the page shows of one observation."""
    match value:
        case Playback():
            at_s = value.at_ns / 1e9
            if value.buffer_ns is not None:
                found.buffer.append((at_s, value.buffer_ns / 1e9))
            if value.rendition_bps is not None:
                found.rates.append((at_s, value.rendition_bps / 1e6))
            if value.ladder_bps:
                found.ladder = tuple(sorted({bps / 1e6 for bps in value.ladder_bps}))[:16]
        case Route():
            found.ways.route(value)
            path = _path(found, value.target, value.role)
            path.route = value
            for ttl, (label, place) in enumerate(
                zip(value.hops, value.segments, strict=False), start=1
            ):
                hop = path.hop(ttl)
                hop.label, hop.place = label or hop.label, place
        case HopProbe():
            found.ways.probe(value)
            known = (value.role, value.target) in found.paths
            # a home router that is silent may be one that never answers
            unheard = value.role == ROLE and value.rtt_ns is None and not known
            if value.outcome != "error" and not unheard:
                path = _path(found, value.target, value.role)
                if value.role == ROLE:
                    hop = path.hop(value.ttl)
                    hop.place = BEFORE_IT
                else:
                    of_far = value.method == "echo" and value.role != "service"
                    hop = path.far if of_far else path.hop(value.ttl)
                hop.add(value.rtt_ns, value.loaded)
        case RoundTrip():
            found.ways.round_trip(value)
            answered = value.failure in (None, "refused") and not value.retransmitted
            far = _path(found, value.target, value.role).far
            far.add(value.rtt_ns if answered else None, value.loaded)
        case Download():
            found.downloads.append(value)
        case Sight():
            found.sights[value.sensor] = (value.sees, value.why)
        case _:
            medium = getattr(value, "medium", None)
            if medium is not None:
                found.medium = medium


def _path(found: Recorded, target: str, role: TargetRole) -> PathDelays:
    return found.paths.setdefault((role, target), PathDelays(target, role))


def thinned(points: list[Point], most: int = MOST_POINTS) -> list[Point]:
    """At most about *most* points with the same look: of each bucket its ends and extremes."""
    if len(points) <= most:
        return points
    size = -(-len(points) * 4 // most)
    kept: list[Point] = []
    for start in range(0, len(points), size):
        bucket = points[start : start + size]
        low = min(bucket, key=lambda point: point[1])
        high = max(bucket, key=lambda point: point[1])
        kept += sorted({bucket[0], low, high, bucket[-1]})
    return kept


def stepped(points: list[Point]) -> list[Point]:
    """Only the points at which the value changes, and the last."""
    kept = [p for i, p in enumerate(points) if i == 0 or points[i - 1][1] != p[1]]
    if points and kept[-1] != points[-1]:
        kept.append(points[-1])
    return kept


def ninth_decile(values: list[float]) -> float:
    """The value that nine in ten are not above; of at least one."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * 9 // 10)]
