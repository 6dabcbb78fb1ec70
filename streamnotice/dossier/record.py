"""The running record of a session: bounded in memory, and streamed to a file where one is wanted.

JSON Lines, one object a line, `type` first told apart:

    header       form, part, versions, tables' hashes, settings, policy, what the sensors could see
    state        opens every part but the first: all that the engine remembers there
    observation  what was fed to the engine, as fed
    tick         the engine was told the time (`at_ns`)
    event        what the engine said to the line before
    shown        a notice as the viewer saw it: texts and locale
    dismissed    the viewer waved a notice away, or muted its place
    acted        what a notice offered was carried out, and what followed
    seal         hash chain over the lines before (`streamnotice.dossier.chain`)
    signature    DSSE envelope over the last seal's head (`streamnotice.dossier.signing`)
    truncated    the bound was reached: no observation, tick or event follows
    continued    the part ends, another one follows
    closed       the session was closed; without it the writer was cut off

An engine's answer always stands right behind its cause, so that a record can be replayed
line by line, and any beginning of a record is a record.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from streamnotice.dossier.chain import Chain
from streamnotice.dossier.codec import (
    Json,
    canonical,
    line_of,
    settings_to_plain,
    state_line,
)
from streamnotice.dossier.parts import Files, Memory
from streamnotice.dossier.signing import SIGN_AFTER_NS, Signer, Statement
from streamnotice.errors import HostError
from streamnotice.events import Event
from streamnotice.files import replacing
from streamnotice.notices.muting import Scope
from streamnotice.observations import Observation
from streamnotice.policy import Policy, Settings

if TYPE_CHECKING:
    from streamnotice.notices.shown import ShownNotice

FORMAT: Final = 2
"""Number of the form that is written; readers know the earlier ones as well."""

PART_BYTES: Final = 8 * 1024 * 1024
"""Lines in a part, about; at some 3 kB a second it lasts three quarters of an hour."""
LEAST_PART_BYTES: Final = 2 * 1024 * 1024
"""A part opens with the engine's memory (up to 0.7 MB): a shorter one would hold little else."""
KEEP_PARTS: Final = 64
"""Most parts kept in files: about a day."""
SEAL_AFTER_NS: Final = 4_000_000_000  # and a tick of the next second: five may be lost
SEAL_AFTER_LINES: Final = 256

_ASIDE_BOUND: Final = 1_000  # lines that a full record still takes


def library_version() -> str:
    """Version of the installed library, or "0+unknown" in an uninstalled checkout."""
    try:
        return version("streamnotice")
    except PackageNotFoundError:
        return "0+unknown"


def make_header(
    *,
    settings: Settings,
    engine_version: str,
    tables: Mapping[str, str],
    provisional: bool,
    policy: Policy | None = None,
    catalog_hash: str = "",
    locale: str = "",
    sights: Mapping[str, tuple[bool, str]] | None = None,
    started_utc: str = "",
) -> Json:
    """The header line as a JSON object.

    Args:
        settings: what the engine runs on.
        engine_version: `streamnotice.engine.ENGINE_VERSION`.
        tables: name -> hash of each table that the engine weighs with.
        provisional: the tables are a first, provisional fit.
        policy: what the host wanted. Fractions are written as decimal text: a record holds
            no floats.
        catalog_hash: hash of the message catalog, overrides included.
        locale: language of the texts.
        sights: sensor -> (can it see, why not) at the start.
        started_utc: wall-clock start, ISO 8601; empty if it is not to be told.
    """
    return {
        "type": "header",
        "format": FORMAT,
        "part": 1,
        "previous": "",
        "signed": "",
        "version": library_version(),
        "engine": engine_version,
        "tables": dict(tables),
        "provisional": provisional,
        "settings": settings_to_plain(settings),
        "policy": {} if policy is None else _policy_to_plain(policy),
        "catalog": catalog_hash,
        "locale": locale,
        "sights": {name: list(seen) for name, seen in (sights or {}).items()},
        "started_utc": started_utc,
    }


def _policy_to_plain(policy: Policy) -> Json:
    plain: Json = {}
    for field in attrs.fields(Policy):
        value = getattr(policy, field.name)
        if isinstance(value, float):
            value = repr(value)
        elif isinstance(value, frozenset):
            value = sorted(value)
        plain[field.name] = value
    bars = plain.pop("bars")
    if bars:
        plain["bars"] = {place: repr(float(bar)) for place, bar in bars}
    return plain


class Recorder:
    """Keeps the record of one session.

    Feed it in step with the engine: `observation` or `tick` first, then the `events` that came
    of it. Lines reach the record together, once the next cause begins; they are sealed, and
    written to the file, every four seconds and whenever a viewer sees something.

    Args:
        header: from `make_header`.
        bound_bytes: bound of what is kept in memory, compressed. Beyond it the oldest part is
            dropped; without *snapshot* nothing is recorded any more, but what is shown.
        stream: also write to this file as the session goes (gzip if the name ends in `.gz`),
            earlier parts beside it (`streamnotice.dossier.parts`).
        on_error: told once if the file can't be written any more; memory goes on.
        snapshot: gives all that the engine remembers (`Engine.snapshot`): what opens a part.
        signer: signs the chain's heads.

    Raises:
        HostError: *stream* can't be opened.
        EvidenceError: (from `observation` and `events`) a value can't be recorded. The
            observation must then not be fed: what the engine sees is always on record.
    """

    def __init__(
        self,
        header: Json,
        bound_bytes: int,
        stream: str | os.PathLike[str] | None = None,
        on_error: Callable[[str, BaseException | str], None] | None = None,
        *,
        snapshot: Callable[[], Json] | None = None,
        signer: Signer | None = None,
    ) -> None:
        self.header = header | {"signed": signer.key_id if signer is not None else ""}
        self._snapshot = snapshot
        self._signer = signer
        self._on_error = on_error
        self._bound_bytes = bound_bytes
        self._part_bytes = max(LEAST_PART_BYTES, min(PART_BYTES, bound_bytes))
        self._part = 1
        self._opening_bytes = 0
        self._chain = Chain()
        self._memory = Memory(bound_bytes)
        self._files: Files | None = None
        self._pending: list[bytes] = []  # a cause and its answers
        self._unsealed: list[bytes] = []
        self._at_ns = 0
        self._sealed_ns = 0
        self._signed_ns = 0
        self._aside_left = _ASIDE_BOUND
        self._truncated = False
        self._closed = False
        if stream is not None:
            self._open(Path(stream))
        self._put([canonical(self.header) + b"\n"])
        self._seal(sign=False, strict=True)

    def _open(self, path: Path) -> None:
        try:
            self._files = Files(path, KEEP_PARTS)
        except OSError as error:
            raise _unwritable(path, error) from None

    def take_over(self) -> None:
        """The session is opened in this process, which may be a fork of the one that began it."""
        if self._files is not None:
            self._files.take_over()

    @property
    def truncated(self) -> bool:
        """Recording stopped at its bound."""
        return self._truncated

    @property
    def dropped_parts(self) -> int:
        """How many of the oldest parts are no longer in memory."""
        return self._memory.dropped

    def observation(self, observation: Observation) -> None:
        """Record what is about to be fed."""
        self._begin(line_of(observation), observation.at_ns)

    def tick(self, now_ns: int) -> None:
        """Record that the engine is about to be told the time."""
        self._begin(canonical({"type": "tick", "at_ns": now_ns}) + b"\n", now_ns)

    def events(self, events: Iterable[Event]) -> None:
        """Record what the engine said to the last observation or tick."""
        self._pending += map(line_of, events)

    def shown(self, notice: ShownNotice) -> None:
        """Record a notice as the viewer saw it."""
        event = notice.event
        line = {
            "type": "shown",
            "at_ns": event.at_ns,
            "id": event.id,
            "state": event.state,
            "locale": notice.locale,
            "title": notice.title,
            "sentence": notice.sentence,
            "evidence": notice.evidence_line,
            "text": notice.text,
            "actions": [[action.id, action.text] for action in notice.actions],
        }
        self._aside(line)

    def dismissed(
        self,
        at_ns: int,
        id: str,  # noqa: A002 - as in the line
        bottleneck: str,
        scope: Scope,
        network: str = "",
    ) -> None:
        """Record that the viewer waved a notice away, or muted its place.

        Args:
            at_ns: session instant.
            id: the notice's; empty if a place was muted without one.
            bottleneck: the place that it named.
            scope: this notice alone, this session, or from now on.
            network: salted fingerprint of the network that it holds for; empty for all.
        """
        self._aside(
            {
                "type": "dismissed",
                "at_ns": at_ns,
                "id": id,
                "bottleneck": bottleneck,
                "scope": scope,
                "network": network,
            }
        )

    def acted(self, at_ns: int, action: str, note: str = "") -> None:
        """Record that an action that a notice offered was carried out, or what followed it.

        Args:
            at_ns: session instant.
            action: the action's id.
            note: by whom, and what was seen before and after; no names, no addresses.
        """
        self._aside({"type": "acted", "at_ns": at_ns, "action": action, "note": note})

    def close(self, at_ns: int) -> None:
        """Write the last line and close the file. More calls do nothing."""
        if self._closed:
            return
        self._flush_pending()
        self._closed = True
        self._put([canonical({"type": "closed", "at_ns": at_ns}) + b"\n"])
        self._seal(sign=True)
        if self._files is not None and self._files.packed:
            self._to_file(self._files, self._memory.ending())
        if self._files is not None:
            try:
                self._files.close()
            except OSError as error:
                self._file_failed(error)
            self._files = None

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the record so far to *path*, wholly or not at all (gzip if it ends in `.gz`).

        Raises:
            HostError: it can't be written.
        """
        self.seal()
        target = Path(path)
        body = self._memory.packed() if target.suffix == ".gz" else self._memory.raw()
        try:
            with replacing(target) as file:
                file.write(body)
        except OSError as error:
            raise _unwritable(target, error) from None

    def lines(self) -> list[bytes]:
        """The record so far, each line with its newline."""
        self.seal()
        return self._memory.raw().splitlines(keepends=True)

    def seal(self) -> None:
        """Seal, sign and write to the file what was told so far, without waiting for more."""
        self._flush_pending()
        if self._unsealed:
            self._seal(sign=True)

    # -- inside -------------------------------------------------------------------------------

    def _begin(self, line: bytes, at_ns: int) -> None:
        self._flush_pending()
        self._at_ns = at_ns
        if self._closed:
            return
        if self._memory.raw_bytes - self._opening_bytes >= self._part_bytes:
            self._next_part()
        self._pending.append(line)
        waited_ns = at_ns - self._sealed_ns
        if self._unsealed and (
            waited_ns >= SEAL_AFTER_NS or len(self._unsealed) >= SEAL_AFTER_LINES
        ):
            self._seal(sign=at_ns - self._signed_ns >= SIGN_AFTER_NS)

    def _flush_pending(self) -> None:
        lines, self._pending = self._pending, []
        if not lines or self._truncated:
            return
        if self._snapshot is None and self._memory.raw_bytes >= self._bound_bytes:
            self._truncated = True
            lines = [canonical({"type": "truncated", "at_ns": self._at_ns}) + b"\n"]
        self._put(lines)

    def _aside(self, plain: Json) -> None:
        """A line that the engine has no part in. A viewer sees it: it is sealed at once."""
        line = canonical(plain) + b"\n"
        self._flush_pending()
        if self._closed or (self._truncated and self._aside_left <= 0):
            return
        self._aside_left -= self._truncated
        self._put([line])
        self._seal(sign=True)

    def _put(self, lines: list[bytes]) -> None:
        for line in lines:
            self._chain.add(line)
        self._unsealed += lines

    def _seal(self, *, sign: bool, strict: bool = False) -> None:
        """Seal what is unsealed, sign if wanted, and hand it all to memory and file."""
        lines, self._unsealed = self._unsealed, []
        lines.append(self._chain.seal())
        self._sealed_ns = self._at_ns
        if sign and self._signer is not None:
            statement = Statement(self._chain.head.hex(), self._part)
            envelope = self._signer.envelope(statement)
            lines.append(canonical({"type": "signature", "envelope": envelope}) + b"\n")
            self._chain.add(lines[-1])
            self._signed_ns = self._at_ns
        raw = b"".join(lines)
        packed = self._memory.add(raw)
        if self._files is not None:
            self._to_file(self._files, packed if self._files.packed else raw, strict)

    def _next_part(self) -> None:
        """End this part and open another one with all that the engine remembers."""
        if self._snapshot is None:
            return
        try:
            line = state_line(self._at_ns, self._snapshot())
        except Exception as error:
            # What can't be told can't open a part; this one then goes on to the bound.
            self._snapshot = None
            self._tell(error)
            return
        self._put([canonical({"type": "continued", "at_ns": self._at_ns}) + b"\n"])
        self._seal(sign=True)
        packed = self._memory.next_part()
        if self._files is not None:
            if self._files.packed:
                self._to_file(self._files, packed)
            self._turn()
        self._part += 1
        self._chain = Chain(self._chain.head)
        opening = self.header | {"part": self._part, "previous": self._chain.head.hex()}
        self._put([canonical(opening) + b"\n", line])
        self._seal(sign=True)
        self._opening_bytes = self._memory.raw_bytes

    def _turn(self) -> None:
        if self._files is None:
            return
        try:
            self._files.next_part()
        except OSError as error:
            self._file_failed(error)

    def _to_file(self, files: Files, data: bytes, strict: bool = False) -> None:
        try:
            files.write(data)
        except (OSError, ValueError) as error:
            if strict and isinstance(error, OSError):
                raise _unwritable(files.path, error) from None
            self._file_failed(error)

    def _file_failed(self, error: Exception) -> None:
        files, self._files = self._files, None
        if files is not None:
            with contextlib.suppress(OSError, ValueError):
                files.close()
        self._tell(error)

    def _tell(self, error: Exception) -> None:
        if self._on_error is not None:
            self._on_error("dossier", error)


def _unwritable(path: Path, error: OSError) -> HostError:
    return HostError(f"can't write the dossier {path}: {error.strerror or error}")
