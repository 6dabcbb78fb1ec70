"""The log of a folder of dossiers: every notice as it was shown, from verified records."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import attrs

from streamnotice.bottlenecks import INNER_NAMES, UNDETERMINED, is_leaf
from streamnotice.dossier.beside import by_key, key_of
from streamnotice.dossier.codec import Json
from streamnotice.dossier.instants import instant
from streamnotice.dossier.parts import is_earlier_part
from streamnotice.dossier.signing import Verifier
from streamnotice.dossier.verify import Verified, verify
from streamnotice.errors import EvidenceError, HostError
from streamnotice.events import Notice
from streamnotice.notices.figures import seconds

_ENDS: Final = (".jsonl", ".jsonl.gz")


@attrs.frozen
class Wanted:
    """Which notices are wanted; one whose place or time can't be told may be the one.

    Attributes:
        place: a place of the tree, with all below it; None is any.
        since, until: session instants by the clock of the computer that recorded (UTC).
    """

    place: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def __attrs_post_init__(self) -> None:
        if self.since is not None and self.until is not None and self.until < self.since:
            raise HostError(f"--to: {self.until:%Y-%m-%dT%H:%M:%SZ} lies before --from")
        place = self.place
        if place is None or is_leaf(place) or place in (*INNER_NAMES, UNDETERMINED):
            return
        raise HostError(f"--place: {place[:80]!r} is no place of the tree")

    def takes(self, place: str, among: Iterable[str], at: datetime | None) -> bool:
        """Is it wanted, or not known not to be? *place* is "" where it isn't told."""
        if (
            self.place is not None
            and place
            and not any(
                name == self.place or name.startswith(f"{self.place}.") for name in (place, *among)
            )
        ):
            return False
        if at is None:
            return True
        return (self.since is None or at >= self.since) and (self.until is None or at <= self.until)


@attrs.frozen
class Shown:
    """A notice as a viewer saw it.

    Attributes:
        at_ns: session instant.
        at: the same by the clock; None if the record doesn't tell when it began.
        dismissed: the viewer waved it away, or muted its place.
    """

    at_ns: int
    at: datetime | None
    id: str
    state: str
    reason: str | None
    bottleneck: str
    among: tuple[str, ...]
    condition: str | None
    confidence_ppm: int
    locale: str
    text: str
    dismissed: bool


@attrs.frozen
class Session:
    """One dossier of the folder.

    Attributes:
        verified: what the check found; None if it could not be read.
        error: why it could not be read.
        began: by the clock of the computer that recorded; None if not told.
        shown: the notices that are wanted; all of them where the record doesn't hold, since
            neither place nor time can be believed then.
    """

    path: Path
    verified: Verified | None
    error: str
    began: datetime | None
    shown: tuple[Shown, ...]

    @property
    def outcome(self) -> str:
        return "unreadable" if self.verified is None else self.verified.outcome

    @property
    def whole(self) -> bool:
        """All of the session is there."""
        return self.verified is not None and self.verified.whole

    @property
    def paths(self) -> tuple[Path, ...]:
        """Its files, first part first."""
        return (self.path,) if self.verified is None else tuple(map(Path, self.verified.paths))


def read_log(
    folder: str | os.PathLike[str],
    wanted: Wanted,
    verifier: Verifier | None = None,
    *,
    jobs: int = 1,
) -> list[Session]:
    """Verify every dossier below *folder* and gather what was shown, the earliest session first.

    A part that belongs to no last one is a session of its own.

    Raises:
        HostError: it is no folder that can be read.
    """
    last, earlier, closed = _found(Path(folder))
    sessions = [
        Session(path, None, f"the folder can't be read: {why}", None, ())
        for path, why in closed.items()
    ]
    sessions += [_session(path, wanted, verifier, jobs) for path in last]
    taken = {path for one in sessions for path in one.paths}
    sessions += [_session(path, wanted, verifier, jobs) for path in earlier if path not in taken]
    latest = datetime.max.replace(tzinfo=UTC)
    return sorted(sessions, key=lambda one: (one.began or latest, str(one.path)))


def dossier_files(folder: str | os.PathLike[str]) -> list[Path]:
    """All files below *folder* that go by the name of a dossier, or of a part of one.

    Raises:
        HostError: it is no folder that can be read.
    """
    last, earlier, _ = _found(Path(folder))
    return [*last, *earlier]


def _found(folder: Path) -> tuple[list[Path], list[Path], dict[Path, str]]:
    """Dossiers, their earlier parts, and folders that can't be looked into, with why; links to
    folders are not followed."""
    closed: dict[Path, str] = {}
    paths: list[Path] = []

    def shut(error: OSError) -> None:
        closed[Path(error.filename or folder)] = error.strerror or str(error)

    try:
        if not folder.is_dir():
            raise HostError(f"{folder}: not a folder")
    except OSError as error:
        shut(error)
    for place, _, names in os.walk(folder, onerror=shut):
        paths += [Path(place) / name for name in names if name.endswith(_ENDS)]
    if folder in closed:
        raise HostError(f"can't read the folder {folder}: {closed[folder]}")
    paths.sort()
    return (
        [path for path in paths if not is_earlier_part(path)],
        [path for path in paths if is_earlier_part(path)],
        closed,
    )


def _session(path: Path, wanted: Wanted, verifier: Verifier | None, jobs: int) -> Session:
    try:
        found = verify(path, verifier, jobs=jobs)
    except EvidenceError as error:
        return Session(path, None, str(error).removeprefix(f"{path}: "), None, ())
    began = instant(str(found.header.plain.get("started_utc", "")))
    if found.outcome == "failed":
        wanted = Wanted()
    events = by_key(found.notices)
    dismissed = {line["id"] for line in found.dismissed}
    shown = []
    for line in found.shown:
        one = _shown(line, events.get(key_of(line)), began, line["id"] in dismissed)
        if wanted.takes(one.bottleneck, one.among, one.at):
            shown.append(one)
    return Session(path, found, "", began, tuple(shown))


def _shown(line: Json, event: Notice | None, began: datetime | None, dismissed: bool) -> Shown:
    at: datetime | None = None
    if began is not None:
        with contextlib.suppress(OverflowError):
            at = began + timedelta(microseconds=line["at_ns"] // 1000)
    # a text that no event stands behind is listed: it was shown
    place, among = ("", ()) if event is None else (event.bottleneck, event.among)
    return Shown(
        at_ns=line["at_ns"],
        at=at,
        id=line["id"],
        state=line["state"],
        reason=None if event is None else event.reason,
        bottleneck=place,
        among=tuple(among),
        condition=None if event is None else event.condition,
        confidence_ppm=0 if event is None else event.confidence_ppm,
        locale=line["locale"],
        text=line["text"],
        dismissed=dismissed,
    )


def as_json(sessions: Iterable[Session]) -> Json:
    """The log as one JSON object; also the bundle's index."""
    return {
        "type": "log",
        "sessions": [
            {
                "file": str(one.path),
                "outcome": one.outcome,
                "error": one.error or None,
                "began": None if one.began is None else one.began.isoformat(),
                "duration_s": None if one.verified is None else seconds(one.verified.duration_ns),
                "head": None if one.verified is None else one.verified.head or None,
                "signed": None if one.verified is None else one.verified.header.signed or None,
                "texts_compared": one.verified is not None and one.verified.compared,
                "findings": []
                if one.verified is None
                else [
                    {
                        "check": f.check,
                        "file": Path(f.path).name,
                        "first": f.first,
                        "last": f.last,
                        "text": f.text,
                    }
                    for f in one.verified.findings[:20]
                ],
                "notices": [_notice(shown) for shown in one.shown],
            }
            for one in sessions
        ],
    }


def _notice(shown: Shown) -> dict[str, Any]:
    return {
        "at": seconds(shown.at_ns),
        "at_utc": None if shown.at is None else shown.at.isoformat(timespec="milliseconds"),
        "id": shown.id,
        "state": shown.state,
        "reason": shown.reason,
        "bottleneck": shown.bottleneck or None,
        "among": list(shown.among),
        "condition": shown.condition,
        "confidence": round(shown.confidence_ppm / 1e6, 6),
        "locale": shown.locale,
        "text": shown.text,
        "dismissed": shown.dismissed,
    }
