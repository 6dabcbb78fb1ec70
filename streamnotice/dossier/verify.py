"""Is a dossier whole, is it signed, and do its verdicts follow from its observations?

Three questions, answered together and for each part on its own: every line fits the chain of
seals (`chain`), every signature fits the chain and the key (`signing`), and the engine, fed with
the recorded observations, says the recorded events, byte for byte (`replay`). A part but the
first starts from the engine's state on record, which the part before must end in; so parts can
be replayed beside one another.
"""

from __future__ import annotations

import gc
import os
from array import array
from collections import deque
from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, Literal

import attrs

from streamnotice.dossier.beside import (
    ANSWER,
    ELSEWHERE,
    OTHER,
    UNSAID,
    by_key,
    key_of,
    unanswered,
)
from streamnotice.dossier.chain import UNSEALED
from streamnotice.dossier.codec import Json
from streamnotice.dossier.reader import Header, of_walk
from streamnotice.dossier.replay import Replay, replay_dossier
from streamnotice.dossier.signing import Verifier
from streamnotice.dossier.uncovered import Place, uncovered
from streamnotice.dossier.walk import Line, Walk, open_walk
from streamnotice.errors import EvidenceError, LineError
from streamnotice.events import Notice

if TYPE_CHECKING:
    from concurrent.futures import Future, ProcessPoolExecutor

Check = Literal["chain", "signature", "form", "replay", "shown", "time", "start", "end"]
Outcome = Literal["verified", "partial", "other_engine", "failed"]

MOST_FINDINGS: Final = 20
"""More than these are counted, not told."""
_AHEAD: Final = 2
"""So many parts for each worker are read before one is told."""
_MOST_IDS: Final = 5
_LONGEST_ID: Final = 40


@attrs.frozen
class Finding:
    """Something that does not hold, and where.

    Attributes:
        check: which question it answers. `start` and `end`: what of the session is not there;
            `shown`: a text that was never a notice, or does not say what it does; `time`: a line
            that can't be of that time, there.
        path: the file.
        first, last: numbers of the lines in question.
        text: what is wrong.
        expected, got: of `replay`: what is on record and what the engine says; else empty.
    """

    check: Check
    path: str
    first: int
    last: int
    text: str
    expected: str = ""
    got: str = ""


@attrs.define
class Verified:
    """What came out.

    Attributes:
        header: of the first part that is there.
        engine: version of the engine that replayed.
        findings: what does not hold, in the order of the lines.
        notes: what the check can't say, in words.
        paths: the files.
        parts, lines, seals, signatures: how many there are.
        observations, ticks, events: how many were replayed.
        duration_ns: session time of the last line.
        head: the chain's last head, in hex; empty in format 1.
        key_id: of the public key that the signatures were checked with; empty if none was given.
        tables_differ: names of tables whose hashes are not the recorded ones.
        notices: what the engine said of them.
        shown: notices as the viewer saw them.
        told: where each of these stands; None where nothing tells any more what it was of.
        seen: where the last line stands of what a viewer saw or did; None if there is none.
        dismissed: what the viewer waved away or muted.
        waved: where each of these stands; None where nothing tells any more what it was of.
        odd: places of lines beside the engine's that can't stand where they do, and why.
        compared: what the texts say was compared with the notices, or there are none.
        begin_ns: session instant at which the record begins; 0 at the session's start.
        closed: the session's end is on record.
        truncated: recording stopped at its bound.
        stopped: something could not be read, and nothing behind it.
        unsigned: (first, last) line of the last file that no signature stands behind, where the
            record says that it is signed; None if there is none.
    """

    header: Header
    engine: str
    findings: list[Finding] = attrs.field(factory=list)
    notes: list[str] = attrs.field(factory=list)
    paths: list[str] = attrs.field(factory=list)
    parts: int = 1
    lines: int = 0
    seals: int = 0
    signatures: int = 0
    observations: int = 0
    ticks: int = 0
    events: int = 0
    duration_ns: int = 0
    head: str = ""
    key_id: str = ""
    tables_differ: tuple[str, ...] = ()
    notices: list[Notice] = attrs.field(factory=list)
    shown: list[Json] = attrs.field(factory=list)
    told: list[Place | None] = attrs.field(factory=list)
    seen: Place | None = None
    dismissed: list[Json] = attrs.field(factory=list)
    waved: list[Place | None] = attrs.field(factory=list)
    odd: list[tuple[Place, str]] = attrs.field(factory=list)
    compared: bool = True
    begin_ns: int = 0
    closed: bool = False
    truncated: bool = False
    stopped: bool = False
    unsigned: tuple[int, int] | None = None

    @property
    def other_engine(self) -> bool:
        """This version's engine or tables are not those of the record."""
        return self.engine != self.header.engine or bool(self.tables_differ)

    @property
    def whole(self) -> bool:
        """All of the session is there, and was read, from its start to its end."""
        gone = any(one.check in ("start", "end") for one in self.findings)
        return self.closed and not gone and not self.stopped

    @property
    def outcome(self) -> Outcome:
        """`verified`; `partial`: it holds, but start or end are not there; `other_engine`: it
        is whole, but only another version can tell whether the verdicts follow; `failed`."""
        checks = {finding.check for finding in self.findings}
        if checks & {"chain", "signature", "form", "shown", "time"}:
            return "failed"
        if "replay" in checks:
            return "other_engine" if self.other_engine else "failed"
        return "partial" if checks else "verified"


def verify(
    path: str | os.PathLike[str], verifier: Verifier | None = None, *, jobs: int = 1
) -> Verified:
    """Verify the dossier at *path*, with the parts that stand beside it.

    Args:
        verifier: the key that it must be signed with.
        jobs: replay so many parts at once, each in a forked process (1: in this one).

    Raises:
        EvidenceError: it can't be read, or is no dossier at all.
    """
    from streamnotice.dossier.claims import odd_claims
    from streamnotice.engine import ENGINE_VERSION

    walk = open_walk(path, verifier)
    header = of_walk(walk).header
    found = Verified(header, ENGINE_VERSION, paths=list(walk.paths))
    if verifier is not None:
        found.key_id = verifier.key_id
    if header.part > 1:
        text = f"it opens with part {header.part}; what came before is not there"
        found.findings.append(Finding("start", walk.paths[0], 1, 1, text))
    if header.format == 1:
        _replayed(found, _replay(walk, None))  # no parts and no chain: as it comes
        found.lines = walk.lines
        if found.closed and walk.behind:
            text = f"something follows the end of the session: {walk.cut}"
            found.findings.append(Finding("form", walk.paths[-1], walk.lines, walk.lines, text))
    else:
        _in_parts(found, walk, jobs)
        _structure(found, walk)
    if verifier is not None and not header.signed:
        text = "the record is not signed"
        found.findings.append(Finding("signature", walk.paths[0], 1, 1, text))
    _texts(found)
    claims = odd_claims(header)
    found.findings += [Finding("form", walk.paths[0], 1, 1, text) for text in claims]
    _notes(found)
    order = {name: number for number, name in enumerate(walk.paths)}
    found.findings.sort(key=lambda one: (order.get(one.path, 0), one.first))
    return found


def _in_parts(found: Verified, walk: Walk, jobs: int) -> None:
    """Walk the record once; each part is replayed as soon as it was read."""
    pool: ProcessPoolExecutor | None = None
    waiting: deque[Future[Any]] = deque()
    try:
        for lines in _parts(found, walk):
            whole = lines[-1].part == lines[0].part and pool is None  # the only one
            if jobs > 1 and not whole and hasattr(os, "fork"):
                pool = pool or _workers(jobs)
                if len(waiting) >= _AHEAD * jobs:  # reading is faster: not all of it in memory
                    _replayed(found, waiting.popleft().result())
                waiting.append(
                    pool.submit(_replay_packed, walk.paths, walk.header, _Packed.of(lines))
                )
            else:
                _replayed(found, _replay(Walk(walk.paths, walk.header), lines))
        while waiting:
            _replayed(found, waiting.popleft().result())
    finally:
        if pool is not None:
            pool.shutdown(cancel_futures=True)


def _parts(found: Verified, walk: Walk) -> Iterator[list[Line]]:
    """The lines of each part, and the first two of the one that follows."""
    lines: list[Line] = []
    try:
        for line in walk:
            if lines and line.part != lines[0].part and lines[-1].part != lines[0].part:
                yield [*lines, line]
                lines = [lines[-1]]
            lines.append(line)
    except EvidenceError as error:
        found.stopped = True
        found.findings.append(_damage(error, walk.paths[-1]))
    if lines:
        yield lines


@attrs.frozen
class _PartFound:
    """What came out for one part; goes between processes."""

    replay: Replay | None
    finding: Finding | None


@attrs.frozen
class _Packed:
    """Lines on their way to another process: few large pieces travel faster than many small."""

    paths: list[str]
    numbers: list[array[int]]
    parts: list[array[int]]
    raw: list[bytes]

    @classmethod
    def of(cls, lines: list[Line]) -> _Packed:
        packed = cls([], [], [], [])
        for path, some in groupby(lines, attrgetter("path")):
            kept = list(some)
            packed.paths.append(path)
            packed.numbers.append(array("q", [line.number for line in kept]))
            packed.parts.append(array("q", [line.part for line in kept]))
            packed.raw.append(b"".join([line.raw for line in kept]))
        return packed

    def lines(self) -> list[Line]:
        return [
            Line(path, number, part, raw + b"\n")
            for path, numbers, parts, joined in zip(
                self.paths, self.numbers, self.parts, self.raw, strict=True
            )
            # a line ends in the one newline that it holds
            for number, part, raw in zip(numbers, parts, joined.split(b"\n"), strict=False)
        ]


def _replay_packed(paths: list[str], header: Json, packed: _Packed) -> _PartFound:
    return _replay(Walk(paths, header), packed.lines())


def _replay(walk: Walk, lines: list[Line] | None) -> _PartFound:
    try:
        replay = replay_dossier(of_walk(walk, lines))
    except EvidenceError as error:
        return _PartFound(None, _damage(error, walk.paths[-1]))
    if replay.damage is None:
        return _PartFound(replay, None)
    damage, replay.damage = replay.damage, None  # told once, and fit to go between processes
    return _PartFound(replay, _damage(damage, walk.paths[-1]))


def _damage(error: EvidenceError, path: str) -> Finding:
    if isinstance(error, LineError):
        return Finding("form", error.path, error.line, error.line, error.reason)
    return Finding("form", path, 1, 1, str(error).removeprefix(f"{path}: "))


def _replayed(found: Verified, part: _PartFound) -> None:
    if part.finding is not None and part.finding not in found.findings:
        found.findings.append(part.finding)
    replay = part.replay
    if replay is None:
        return
    found.observations += replay.observations
    found.ticks += replay.ticks
    found.events += replay.events
    found.duration_ns = max(found.duration_ns, replay.duration_ns)
    found.tables_differ = replay.tables_differ
    found.notices += replay.notices
    found.shown += replay.shown
    found.told += replay.told
    found.seen = replay.seen or found.seen
    found.dismissed += replay.dismissed
    found.waved += replay.waved
    found.odd += replay.odd
    found.truncated = found.truncated or replay.truncated
    if found.header.part > 1 and not found.begin_ns:  # later parts begin later
        found.begin_ns = replay.begin_ns
    if found.header.format == 1:
        found.closed = replay.closed
        if part.finding is None and (not replay.closed or replay.truncated):
            _end(found, found.paths[-1], replay.cut or _bound(replay.truncated))
    gone = replay.difference
    if gone is not None:
        found.findings.append(
            Finding(
                "replay",
                gone.path or found.paths[-1],
                gone.line,
                gone.line,
                gone.fails or "the engine says something else to the observations before it",
                gone.expected,
                gone.got,
            )
        )


def _structure(found: Verified, walk: Walk) -> None:
    """What the walk found, once it is through."""
    found.parts, found.lines = walk.parts, walk.lines
    found.seals, found.signatures, found.head = walk.seals, walk.signatures, walk.head
    found.closed = walk.closed
    found.unsigned = walk.unsigned
    last = walk.paths[-1]
    for one in walk.faults:
        check: Check = "chain" if one.check == "chain" else "signature"
        fault = one.fault
        found.findings.append(Finding(check, one.path, fault.first, fault.last, fault.text))
    if any(one.check == "form" for one in found.findings):
        return  # the walk did not come to the end
    if not walk.closed or (walk.cut and not walk.behind):
        # of a session whose end is on record, that of the compressed file around it is missing
        _end(found, last, walk.cut or _bound(found.truncated))
    elif found.truncated:
        _end(found, last, _bound(True))
    if walk.unsealed is not None:
        check = "chain" if walk.closed else "end"
        found.findings.append(Finding(check, last, *walk.unsealed, UNSEALED))
    bare = uncovered(walk, found.duration_ns, found.seen)
    if bare is not None:
        check = "end" if bare.excused else "signature"
        found.findings.append(Finding(check, last, bare.first, bare.last, bare.text))


def _texts(found: Verified) -> None:
    """What was shown must be what the engine said; what it said need not have been shown."""
    if any(one.check == "form" for one in found.findings):
        found.compared = not found.shown
        return  # what it was said of may stand behind what can't be read
    said = by_key(found.notices)
    elsewhere = {place for place, why in found.odd if why == ELSEWHERE}
    others, found.compared = _other_words(found)
    for number, (line, place) in enumerate(zip(found.shown, found.told, strict=True)):
        if place is None:
            continue
        # what was said before the record begins is not there
        known = key_of(line) in said or (found.header.part > 1 and line["at_ns"] <= found.begin_ns)
        if not known:
            _odd(found, "shown", place, UNSAID)
        elif place in elsewhere:
            _odd(found, "shown", place, ELSEWHERE)
        elif number in others:
            _odd(found, "shown", place, OTHER)
    for place in unanswered(
        found.dismissed, found.waved, found.notices, from_start=found.header.part == 1
    ):
        _odd(found, "shown", place, ANSWER)
    for place, why in dict.fromkeys(found.odd):  # a state is looked at with both its parts
        if why != ELSEWHERE:
            _odd(found, "time", place, why)


def _other_words(found: Verified) -> tuple[set[int], bool]:
    """Numbers of the texts that don't say what their notices do; False: not all can be told."""
    if not found.shown:
        return set(), True
    from streamnotice.dossier.texts import catalog_of, unlike  # only now: most records have none

    header = found.header
    catalog = catalog_of(header)
    if catalog is None:
        shown = enumerate(found.shown)
        return {n for n, line in shown if line["locale"] != header.locale}, False
    return unlike(catalog, header, found.shown, found.notices), True


def _odd(found: Verified, check: Check, place: Place, text: str) -> None:
    found.findings.append(Finding(check, place[0], place[1], place[1], text))


def _bound(truncated: bool) -> str | None:
    return "recording stopped at its bound" if truncated else None


def _end(found: Verified, path: str, cut: str | None) -> None:
    line = max(1, found.lines)
    text = "the end is missing: " + (cut or "the writer did not close it, or it was cut off")
    found.findings.append(Finding("end", path, line, line, text))


def _notes(found: Verified) -> None:
    header = found.header
    if header.format == 1:
        found.notes.append(
            "no chain in format 1: that the verdicts follow from the observations is all that "
            "can be checked"
        )
    elif not header.signed:
        found.notes.append(
            "not signed: a careful forger can make such a record; the chain finds accidents and "
            "careless edits"
        )
    elif not found.key_id:
        found.notes.append(f"signed by the key {header.signed[:64]}, which was not checked: --key")
    if found.other_engine and found.outcome in ("verified", "partial"):
        found.notes.append(
            "the record names another engine or other tables than these, which say the same"
        )
    if header.part > 1:
        found.notes.append(
            "what the engine remembered where the record begins is taken as it stands: what the "
            "verdicts owe to it can't be checked"
        )
    if not found.compared and not any(one.check == "form" for one in found.findings):
        found.notes.append(
            "whether the texts shown say what was found is not checked: they are of another "
            "catalog than this version's, or may name network operators"
        )
    behind = sum(place is None for place in found.told)
    if behind:
        found.notes.append(
            "recording stopped at its bound: nothing on record tells what the "
            f"{'text' if behind == 1 else f'{behind} texts'} shown behind it rested on"
        )
    shown = {line["id"] for line in found.shown}
    never = [id_ for id_ in dict.fromkeys(one.id for one in found.notices) if id_ not in shown]
    if never:
        listed = ", ".join(id_[:_LONGEST_ID] for id_ in never[:_MOST_IDS])
        found.notes.append(
            f"no text is on record for {listed}{' and others' if never[_MOST_IDS:] else ''}: "
            "never shown (the policy or a mute may hold a notice back), or taken out"
        )


def _workers(jobs: int) -> ProcessPoolExecutor:
    from concurrent.futures import ProcessPoolExecutor  # only now: most records are one part
    from multiprocessing import get_context

    # no collection of rings: a worker lives for a few parts, and it costs an eighth
    return ProcessPoolExecutor(jobs, get_context("fork"), initializer=gc.disable)
