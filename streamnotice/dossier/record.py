"""The running record of a session: bounded in memory, and streamed to a file where one is wanted.

JSON Lines, one object a line, `type` first told apart:

    header       form, versions, tables' hashes, settings, policy, what the sensors could see
    observation  what was fed to the engine, as fed
    tick         the engine was told the time (`at_ns`)
    event        what the engine said to the line before
    shown        a notice as the viewer saw it: texts and locale
    dismissed    the viewer waved a notice away, or muted its place
    acted        the host carried out what a notice offered, and what followed
    truncated    the bound was reached: no observation, tick or event follows
    closed       the session was closed; without it the writer was cut off

An engine's answer always stands right behind its cause, so that a record can be replayed
line by line, and any beginning of a record is a record.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Literal, cast

import attrs

from streamnotice.dossier.codec import Json, canonical, settings_to_plain, to_plain
from streamnotice.errors import HostError
from streamnotice.events import Event
from streamnotice.observations import Observation
from streamnotice.policy import Policy, Settings

if TYPE_CHECKING:
    from streamnotice.notices.shown import ShownNotice

FORMAT: Final = 1
"""Number of the written form; readers refuse numbers that they don't know."""

Scope = Literal["notice", "session", "always"]
"""What a dismissal holds for."""

_FLUSH_EVERY_S: Final = 1.0
_LINE_COST_BYTES: Final = 48  # what CPython adds to the bytes of a line, and its place in the list
_FILE_BOUND_BYTES: Final = 1024 * 1024 * 1024
_SHOWN_BOUND: Final = 1_000


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
    return plain


class _Sink:
    """Where lines go, up to a bound; at the bound a last word, then only what was shown."""

    def __init__(self, write: Callable[[bytes], object], bound_bytes: int, cost_bytes: int) -> None:
        self._write = write
        self._left_bytes = bound_bytes
        self._cost_bytes = cost_bytes
        self._shown_left = _SHOWN_BOUND
        self.full = False

    def put(self, lines: list[bytes], at_ns: int) -> None:
        """Write *lines* together or not at all: an answer is never parted from its cause."""
        if self.full:
            return
        need = sum(map(len, lines)) + self._cost_bytes * len(lines)
        if need > self._left_bytes:
            self.full = True
            self._write(canonical({"type": "truncated", "at_ns": at_ns}) + b"\n")
            return
        self._left_bytes -= need
        for line in lines:
            self._write(line)

    def put_shown(self, line: bytes) -> None:
        """What a viewer saw is kept beyond the bound, within a bound of its own."""
        if self._shown_left > 0:
            self._shown_left -= 1
            self._write(line)

    def put_last(self, line: bytes) -> None:
        self._write(line)


class Recorder:
    """Keeps the record of one session.

    Feed it in step with the engine: `observation` or `tick` first, then the `events` that came
    of it. Lines reach the record together, once the next cause begins.

    Args:
        header: from `make_header`.
        bound_bytes: bound of what is kept in memory. Beyond it nothing is recorded but what is
            shown; what is there can still be replayed.
        stream: also write to this file as the session goes (gzip if the name ends in `.gz`).
            It is readable at any moment but for the last second.
        on_error: told once if the file can't be written any more; memory goes on.

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
    ) -> None:
        self.header = header
        self._lines: list[bytes] = [canonical(header) + b"\n"]
        self._memory = _Sink(self._lines.append, bound_bytes, _LINE_COST_BYTES)
        self._on_error = on_error
        self._pending: list[bytes] = []
        self._at_ns = 0
        self._closed = False
        self._file: IO[bytes] | None = None
        self._stream: _Sink | None = None
        self._flushed_s = time.monotonic()
        if stream is not None:
            self._open(Path(stream))

    def _open(self, path: Path) -> None:
        try:
            # mtime=0: the same session gives the same file.
            self._file = cast(
                "IO[bytes]",
                gzip.GzipFile(path, "wb", compresslevel=6, mtime=0)
                if path.suffix == ".gz"
                else path.open("wb"),
            )
            self._file.write(self._lines[0])
            self._file.flush()
        except OSError as error:
            raise HostError(f"can't write the dossier {path}: {error.strerror or error}") from None
        self._stream = _Sink(self._file.write, _FILE_BOUND_BYTES, 0)

    @property
    def truncated(self) -> bool:
        """The record in memory has reached its bound."""
        return self._memory.full

    def observation(self, observation: Observation) -> None:
        """Record what is about to be fed."""
        plain = to_plain(observation)
        plain["type"] = "observation"
        self._begin(plain, observation.at_ns)

    def tick(self, now_ns: int) -> None:
        """Record that the engine is about to be told the time."""
        self._begin({"type": "tick", "at_ns": now_ns}, now_ns)

    def events(self, events: Iterable[Event]) -> None:
        """Record what the engine said to the last observation or tick."""
        for event in events:
            self._pending.append(event_line(event))

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
        """Record that the host carried out an action that a notice offered.

        Args:
            at_ns: session instant.
            action: the action's id.
            note: what was seen before and after; no names, no addresses.
        """
        self._aside({"type": "acted", "at_ns": at_ns, "action": action, "note": note})

    def _aside(self, plain: Json) -> None:
        """A line that the engine has no part in."""
        line = canonical(plain) + b"\n"
        self._flush_pending()
        self._memory.put_shown(line)
        self._to_file(lambda sink: sink.put_shown(line))

    def close(self, at_ns: int) -> None:
        """Write the last line and close the file. More calls do nothing."""
        if self._closed:
            return
        self._flush_pending()
        self._closed = True
        line = canonical({"type": "closed", "at_ns": at_ns}) + b"\n"
        self._memory.put_last(line)
        self._to_file(lambda sink: sink.put_last(line))
        if self._file is not None:
            try:
                self._file.close()
            except OSError as error:
                self._file_failed(error)
            self._file = self._stream = None

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the record so far to *path*, wholly or not at all (gzip if it ends in `.gz`).

        Raises:
            HostError: it can't be written.
        """
        self._flush_pending()
        target = Path(path)
        body = b"".join(self._lines)
        if target.suffix == ".gz":
            body = gzip.compress(body, mtime=0)
        # Not tempfile: its files are for the owner alone, a dossier has the user's usual rights.
        temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        try:
            with temporary.open("xb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(target)
        except OSError as error:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise HostError(
                f"can't write the dossier {target}: {error.strerror or error}"
            ) from None

    def lines(self) -> list[bytes]:
        """The record so far, each line with its newline."""
        self._flush_pending()
        return list(self._lines)

    def _begin(self, plain: Json, at_ns: int) -> None:
        line = canonical(plain) + b"\n"
        self._flush_pending()
        self._at_ns = at_ns
        if not self._closed:
            self._pending.append(line)

    def _flush_pending(self) -> None:
        if not self._pending:
            return
        lines, self._pending = self._pending, []
        self._memory.put(lines, self._at_ns)
        self._to_file(lambda sink: sink.put(lines, self._at_ns))

    def _to_file(self, put: Callable[[_Sink], None]) -> None:
        if self._stream is None or self._file is None:
            return
        try:
            put(self._stream)
            now_s = time.monotonic()
            if now_s - self._flushed_s >= _FLUSH_EVERY_S:
                self._flushed_s = now_s
                self._file.flush()
        except (OSError, ValueError) as error:
            self._file_failed(error)

    def _file_failed(self, error: Exception) -> None:
        file, self._file, self._stream = self._file, None, None
        if file is not None:
            with contextlib.suppress(OSError, ValueError):
                file.close()
        if self._on_error is not None:
            self._on_error("dossier", error)


def event_line(event: Event) -> bytes:
    """The line that records *event*, with its newline."""
    plain: dict[str, Any] = to_plain(event)
    plain["type"] = "event"
    return canonical(plain) + b"\n"
