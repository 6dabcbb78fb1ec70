"""Observations, events and settings as lines of a record, and strictly back.

Written form: `{"kind": ..., <field>: ...}` with fields at their default left out
(`streamnotice.dossier.tables`). `canonical` gives the one byte form: sorted keys, no spaces,
integers only, UTF-8. The same value therefore has the same bytes on any machine. These are
the bytes of RFC 8785 (JCS): names are ASCII, and integers stay within 53 bits, where JCS
numbers are exact; a test compares with another implementation.

Reading accepts exactly what writing can produce, plus defaults spelled out; for
anything else there is one error, `EvidenceError`, that names the field.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, cast

from streamnotice import events, observations
from streamnotice.dossier import swift
from streamnotice.dossier.tables import MAX_TEXT, Bad, Table, short
from streamnotice.errors import EvidenceError
from streamnotice.policy import Settings

Json = dict[str, Any]

EVENT_CLASSES: Final = (
    events.PlaybackChanged,
    events.Verdict,
    events.Notice,
    events.ProbingWanted,
)
_OBSERVATIONS: Final = {kind: Table(cls) for kind, cls in observations.KINDS.items()}
_EVENTS: Final = {cls.kind: Table(cls) for cls in EVENT_CLASSES}
_BY_CLASS: Final = {t.cls: t for t in (*_OBSERVATIONS.values(), *_EVENTS.values())}
_SETTINGS: Final = Table(Settings)
LATER_SETTINGS: Final = frozenset(("place_bars_ppm",))
"""Settings that came later: absent where a record is older, or the host has no such wish."""


def to_plain(value: observations.Observation | events.Event) -> Json:
    """*value* as a JSON object with its `kind`.

    Raises:
        EvidenceError: a field holds what a record can't (a float, an integer beyond 53 bits, ...).
    """
    table = _BY_CLASS.get(type(value))
    if table is None:
        raise EvidenceError(f"{type(value).__name__} is no known observation or event")
    try:
        plain = table.write(value)
    except Bad as bad:
        raise EvidenceError(f"{table.kind}: {bad}") from None
    plain["kind"] = table.kind
    return plain


def observation_from(plain: Mapping[str, Any]) -> observations.Observation:
    """The observation that *plain* describes; EvidenceError if it is none."""
    return cast(observations.Observation, _from(_OBSERVATIONS, plain, "observation"))


def event_from(plain: Mapping[str, Any]) -> events.Event:
    """The event that *plain* describes; EvidenceError if it is none."""
    return cast(events.Event, _from(_EVENTS, plain, "event"))


def line_of(value: observations.Observation | events.Event) -> bytes:
    """The line that records *value*, newline included.

    Raises:
        EvidenceError: as `to_plain`.
    """
    made = _written_quick(value) if swift.here() else None
    if made is None:
        plain = to_plain(value)
        plain["type"] = _type_of(value)
        made = canonical(plain)
    return made + b"\n"


def state_line(at_ns: int, memory: Json) -> bytes:
    """The line that opens a later part: all that the engine remembers there.

    Args:
        at_ns: session instant.
        memory: from `Engine.snapshot`.
    """
    plain = {"type": "state", "at_ns": at_ns} | memory
    made = swift.canonical_bytes(plain)
    return (canonical(plain) if made is None else made) + b"\n"


def _written_quick(value: observations.Observation | events.Event) -> bytes | None:
    table = _BY_CLASS.get(type(value))
    if table is None:
        return None
    try:
        plain = table.write_quick(value)
    except Bad:
        return None
    plain["kind"], plain["type"] = table.kind, _type_of(value)
    made = swift.canonical_bytes(plain)
    return made if made is not None and len(made) <= MAX_TEXT else None


def _type_of(value: observations.Observation | events.Event) -> str:
    return "event" if isinstance(value, events.Event) else "observation"


def observation_at_once(line: bytes) -> observations.Observation | None:
    """The observation in *line*, newline included, if that is its canonical form.

    None: it is not, or can't be told so quickly; `parse_canonical` and `observation_from` tell.

    Raises:
        EvidenceError: a field is wrong.
    """
    if swift.OBSERVATION not in line:
        return None
    plain = swift.canonical_object(line)
    if plain is None or plain.get("type") != "observation":
        return None
    kind = plain.get("kind")
    table = _OBSERVATIONS.get(kind) if type(kind) is str else None
    if table is None or len(line) > MAX_TEXT:
        return observation_from(plain)
    try:
        return cast(observations.Observation, table.read_quick(plain, _BESIDE))
    except Bad:
        return observation_from(plain)


_BESIDE: Final = frozenset(("kind", "type"))


def _from(tables: Mapping[str, Table], plain: Mapping[str, Any], what: str) -> Any:
    kind = plain.get("kind")
    table = tables.get(kind) if isinstance(kind, str) else None
    if table is None:
        raise EvidenceError(f"{short(kind)} is no known kind of {what}")
    try:
        return table.read(plain, _BESIDE)
    except Bad as bad:
        raise EvidenceError(f"{kind}: {bad}") from None


def settings_to_plain(settings: Settings) -> Json:
    """The engine's settings as a JSON object; every field is written, defaults too.

    But for those in `LATER_SETTINGS`, which are left out at their default.
    """
    try:
        written = _SETTINGS.write(settings)
    except Bad as bad:
        raise EvidenceError(f"settings: {bad}") from None
    usual = {
        field.name: field.default
        for field in _SETTINGS.fields
        if not field.required and field.name not in LATER_SETTINGS
    }
    return usual | written


def settings_from(plain: Any) -> Settings:
    """Settings from a JSON object; EvidenceError if it is none."""
    try:
        return cast(Settings, _SETTINGS.read(plain))
    except Bad as bad:
        raise EvidenceError(f"settings: {bad}") from None


# One encoder for all: json.dumps() with these options would build it anew each time.
_ENCODER: Final = json.JSONEncoder(
    sort_keys=True,
    separators=(",", ":"),
    ensure_ascii=False,
    allow_nan=False,
    check_circular=False,  # what holds itself ends as too deep
)


def canonical(plain: Any) -> bytes:
    """The canonical bytes of *plain* (no newline); it must hold no floats.

    Raises:
        EvidenceError: *plain* holds what JSON, or a record, can't.
    """
    try:
        return _ENCODER.encode(plain).encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        raise EvidenceError(f"can't be written as JSON: {error}") from None


def _pairs(pairs: list[tuple[str, Any]]) -> Json:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise EvidenceError("a name occurs twice in one object")
    return found


def _no_float(text: str) -> Any:
    raise EvidenceError(f"{text[:40]} is not an integer")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_float=_no_float, parse_constant=_no_float
)
# Several times as fast; that no name is repeated is then seen from the canonical form.
_PLAIN_DECODER: Final = json.JSONDecoder(parse_float=_no_float, parse_constant=_no_float)


def parse_canonical(line: bytes) -> Json:
    """One JSON object from *line*, which must be its canonical form and a newline.

    Raises:
        EvidenceError: it is none, or not in that form.
    """
    text = _text(line)
    found = _parse(text, _PLAIN_DECODER)
    made = swift.canonical_bytes(found)
    same = made + b"\n" == line if made is not None else _ENCODER.encode(found) + "\n" == text
    if not same:
        raise EvidenceError("not in canonical form (RFC 8785)")
    return found


def parse(line: bytes) -> Json:
    """One JSON object from *line*, without floats or repeated names.

    Raises:
        EvidenceError: it is none.
    """
    return _parse(_text(line), _DECODER)


def _text(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise EvidenceError(f"not UTF-8 at byte {error.start}") from None


def _parse(text: str, decoder: json.JSONDecoder) -> Json:
    try:
        found = decoder.decode(text)
    except EvidenceError:
        raise
    except json.JSONDecodeError as error:
        raise EvidenceError(f"not JSON at column {error.colno}: {error.msg}") from None
    except (ValueError, RecursionError):
        raise EvidenceError("not JSON that can be read: a number or nesting too large") from None
    if not isinstance(found, dict):
        raise EvidenceError(f"wants a JSON object, not {short(found)}")
    return found
