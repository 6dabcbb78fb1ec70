"""The log of a folder of dossiers: every notice as it was shown, from verified records."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import zipfile
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import attrs

from streamnotice.bottlenecks import INNER_NAMES, UNDETERMINED, is_leaf
from streamnotice.dossier.codec import Json
from streamnotice.dossier.parts import is_earlier_part
from streamnotice.dossier.signing import Verifier
from streamnotice.dossier.verify import Verified, verify
from streamnotice.errors import EvidenceError, HostError
from streamnotice.files import replacing

_ENDS: Final = (".jsonl", ".jsonl.gz")
_ZIP_TIME: Final = (1980, 1, 1, 0, 0, 0)  # the same dossiers give the same bundle


@attrs.frozen
class Wanted:
    """Which notices are wanted.

    Attributes:
        place: a place of the tree, with all below it; None is any.
        since, until: session instants by the clock of the computer that recorded (UTC).
    """

    place: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def __attrs_post_init__(self) -> None:
        place = self.place
        if place is None or is_leaf(place) or place in (*INNER_NAMES, UNDETERMINED):
            return
        raise HostError(f"--place: {place[:80]!r} is no place of the tree")

    @property
    def all(self) -> bool:
        return self.place is None and self.since is None and self.until is None

    def takes(self, place: str, among: Iterable[str], at: datetime | None) -> bool:
        if self.place is not None and not any(
            name == self.place or name.startswith(f"{self.place}.") for name in (place, *among)
        ):
            return False
        if self.since is None and self.until is None:
            return True
        if at is None:
            return False
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
        shown: the notices that are wanted.
    """

    path: Path
    verified: Verified | None
    error: str
    began: datetime | None
    shown: tuple[Shown, ...]

    @property
    def outcome(self) -> str:
        return "unreadable" if self.verified is None else self.verified.outcome


def read_log(
    folder: str | os.PathLike[str],
    wanted: Wanted,
    verifier: Verifier | None = None,
    *,
    jobs: int = 1,
) -> list[Session]:
    """Verify every dossier below *folder* and gather what was shown, the earliest session first.

    Raises:
        HostError: it is no folder that can be read.
    """
    place = Path(folder)
    try:
        if not place.is_dir():
            raise HostError(f"{place}: not a folder")
        paths = sorted(
            path
            for path in place.rglob("*")
            if path.name.endswith(_ENDS) and not is_earlier_part(path) and path.is_file()
        )
    except OSError as error:
        raise HostError(f"can't read the folder {place}: {error.strerror or error}") from None
    sessions = [_session(path, wanted, verifier, jobs) for path in paths]
    latest = datetime.max.replace(tzinfo=UTC)
    return sorted(sessions, key=lambda one: (one.began or latest, str(one.path)))


def _session(path: Path, wanted: Wanted, verifier: Verifier | None, jobs: int) -> Session:
    try:
        found = verify(path, verifier, jobs=jobs)
    except EvidenceError as error:
        return Session(path, None, str(error).removeprefix(f"{path}: "), None, ())
    began = instant(str(found.header.plain.get("started_utc", "")))
    shown = [one for line in found.shown if (one := _shown(found, line, began, wanted))]
    return Session(path, found, "", began, tuple(shown))


def _shown(found: Verified, line: Json, began: datetime | None, wanted: Wanted) -> Shown | None:
    key = (line["id"], line["state"], line["at_ns"])
    event = next((n for n in found.notices if (n.id, n.state, n.at_ns) == key), None)
    at: datetime | None = None
    if began is not None:
        with contextlib.suppress(OverflowError):
            at = began + timedelta(microseconds=line["at_ns"] // 1000)
    # a text that no event stands behind is listed: it was shown
    place, among = ("", ()) if event is None else (event.bottleneck, event.among)
    if not wanted.takes(place, among, at):
        return None
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
        dismissed=any(one["id"] == line["id"] for one in found.dismissed),
    )


def instant(text: str) -> datetime | None:
    """A date or an instant (ISO 8601; UTC where no zone is given), or None."""
    try:
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


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
                "duration_s": None if one.verified is None else _seconds(one.verified.duration_ns),
                "head": None if one.verified is None else one.verified.head or None,
                "signed": None if one.verified is None else one.verified.header.signed or None,
                "findings": []
                if one.verified is None
                else [
                    {"check": f.check, "first": f.first, "last": f.last, "text": f.text}
                    for f in one.verified.findings[:20]
                ],
                "notices": [_notice(shown) for shown in one.shown],
            }
            for one in sessions
        ],
    }


def _notice(shown: Shown) -> dict[str, Any]:
    return {
        "at": _seconds(shown.at_ns),
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


def _seconds(ns: int) -> float:
    return round(ns / 1e9, 3)


def bundle(
    sessions: Iterable[Session], folder: str | os.PathLike[str], target: str | os.PathLike[str]
) -> int:
    """Put the dossiers of *sessions*, every part of them, and an index into one zip file.

    The index is the log, with the SHA-256 of every file. Written wholly or not at all.

    Returns:
        How many dossier files are in it.

    Raises:
        HostError: a file can't be read, or the target can't be written.
    """
    chosen = list(sessions)
    out = Path(target)
    digests: dict[str, str] = {}
    try:
        with replacing(out) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
            for session in chosen:
                paths = session.verified.paths if session.verified else [str(session.path)]
                for path in paths:
                    name = Path(path).relative_to(folder).as_posix()
                    data = Path(path).read_bytes()
                    digests[name] = hashlib.sha256(data).hexdigest()
                    packed.writestr(zipfile.ZipInfo(name, _ZIP_TIME), data)
            index = as_json(chosen) | {"files": digests}
            for one in index["sessions"]:
                one["file"] = Path(one["file"]).relative_to(folder).as_posix()
            text = json.dumps(index, indent=1, ensure_ascii=False)
            packed.writestr(zipfile.ZipInfo("index.json", _ZIP_TIME), text)
    except OSError as error:
        raise HostError(f"can't write the bundle {out}: {error.strerror or error}") from None
    return len(digests)
