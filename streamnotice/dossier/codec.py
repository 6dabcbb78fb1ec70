"""Observations, events and settings as plain JSON objects, and strictly back.

One table per class, made once from its attrs fields and their annotations, serves
both directions. Written form: `{"kind": ..., <field>: ...}` with fields at their
default left out. `canonical` gives the one byte form: sorted keys, no spaces,
integers only, UTF-8. The same value therefore has the same bytes on any machine. These are
the bytes of RFC 8785 (JCS): names are ASCII, and integers stay within 53 bits, where JCS
numbers are exact; a test compares with another implementation.

Reading accepts exactly what writing can produce, plus defaults spelled out; for
anything else there is one error, `EvidenceError`, that names the field.
"""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, Union, cast, get_args, get_origin, get_type_hints

import attrs

from streamnotice import events, observations
from streamnotice.dossier import swift
from streamnotice.errors import EvidenceError
from streamnotice.policy import Settings

Json = dict[str, Any]

_INT_END: Final = 2**53  # what every reader of JSON holds exactly (I-JSON, RFC 7493)
_MAX_LIST: Final = 65_536
_MAX_TEXT: Final = 65_536

_Convert = Callable[[Any], Any]
_Sequence = type[list[Any]] | type[tuple[Any, ...]]


class _Bad(Exception):
    """A value is not of the wanted form; the text says how, without the place."""


@attrs.frozen
class _Field:
    name: str
    default: Any
    required: bool
    write: _Convert
    read: _Convert
    whole: bool
    """Holds an integer: most fields do, and are read without a call."""


@attrs.frozen
class _Table:
    cls: type
    kind: str | None
    fields: tuple[_Field, ...]
    by_name: Mapping[str, _Field]
    required: frozenset[str]


def _same(value: Any) -> Any:
    return value


def _int(value: Any) -> Any:
    if type(value) is not int:
        raise _Bad(f"wants an integer, not {_short(value)}")
    if not -_INT_END < value < _INT_END:
        raise _Bad("integer beyond 53 bits")
    return value


def _bool(value: Any) -> Any:
    if type(value) is not bool:
        raise _Bad(f"wants true or false, not {_short(value)}")
    return value


def _str(value: Any) -> Any:
    if type(value) is not str:
        raise _Bad(f"wants a text, not {_short(value)}")
    if len(value) > _MAX_TEXT:
        raise _Bad(f"text longer than {_MAX_TEXT} characters")
    if not value.isascii():
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise _Bad("text is not valid Unicode") from None
    return value


def _short(value: Any) -> str:
    text = repr(value) if isinstance(value, str | int | float | bool | None) else ""
    return text if 0 < len(text) <= 40 else type(value).__name__


def _literal(choices: tuple[Any, ...]) -> _Convert:
    known = frozenset(choices)
    listed = ", ".join(sorted(map(str, choices)))

    def check(value: Any) -> Any:
        if type(value) is not str or value not in known:
            raise _Bad(f"{_short(value)} is not one of {listed}")
        return value

    return check


def _optional(inner: _Convert) -> _Convert:
    return lambda value: None if value is None else inner(value)


def _listed(inner: _Convert, into: Callable[[Any], Any], source: _Sequence) -> _Convert:
    def convert(value: Any) -> Any:
        if not isinstance(value, source):
            raise _Bad(f"wants a list, not {_short(value)}")
        if len(value) > _MAX_LIST:
            raise _Bad(f"list longer than {_MAX_LIST}")
        return into([inner(v) for v in value])

    return convert


def _fixed(inners: tuple[_Convert, ...], into: Callable[[Any], Any], source: _Sequence) -> _Convert:
    def convert(value: Any) -> Any:
        if not isinstance(value, source) or len(value) != len(inners):
            raise _Bad(f"wants a list of {len(inners)}, not {_short(value)}")
        return into([inner(v) for inner, v in zip(inners, value, strict=True)])

    return convert


def _converters(hint: Any) -> tuple[_Convert, _Convert]:
    """(write, read) for an annotation; TypeError if a field has a type that a record can't hold."""
    if hint is int:
        return _int, _int
    if hint is bool:
        return _bool, _bool
    if hint is str:
        return _str, _str
    origin, args = get_origin(hint), get_args(hint)
    if origin is Literal:
        check = _literal(args)
        return check, check
    if origin in (Union, types.UnionType):
        inner = [a for a in args if a is not type(None)]
        if len(inner) != 1 or len(args) != 2:
            raise TypeError(f"a record can't hold {hint!r}")
        write, read = _converters(inner[0])
        return _optional(write), _optional(read)
    if origin is tuple and len(args) == 2 and args[1] is Ellipsis:
        write, read = _converters(args[0])
        return _listed(write, _same, tuple), _listed(read, tuple, list)
    if origin is tuple:
        pairs = [_converters(a) for a in args]
        return (
            _fixed(tuple(w for w, _ in pairs), _same, tuple),
            _fixed(tuple(r for _, r in pairs), tuple, list),
        )
    if attrs.has(hint):
        table = _table(hint)
        return lambda value: _write(table, value), lambda value: _read(table, value)
    raise TypeError(f"a record can't hold {hint!r}")


def _table(cls: type) -> _Table:
    hints = get_type_hints(cls)
    fields = []
    for field in attrs.fields(cls):
        if field.name in ("kind", "type"):
            raise TypeError(f"{cls.__name__}.{field.name}: the name is taken by the record's form")
        hint = hints[field.name]
        write, read = _converters(hint)
        required = field.default is attrs.NOTHING
        whole = hint is int or hint == int | None
        fields.append(_Field(field.name, field.default, required, write, read, whole))
    kind = getattr(cls, "kind", None)
    return _Table(
        cls,
        kind,
        tuple(fields),
        {field.name: field for field in fields},
        frozenset(field.name for field in fields if field.required),
    )


def _write(table: _Table, value: Any) -> Json:
    if type(value) is not table.cls:
        raise _Bad(f"wants a {table.cls.__name__}, not {_short(value)}")
    written: Json = {}
    for field in table.fields:
        part = getattr(value, field.name)
        # `is` first: the common case. Equality alone would confuse 0 and False, but both are
        # then refused by the field's own type.
        if part is field.default and not field.required:
            continue
        try:
            made = field.write(part)
        except _Bad as bad:
            raise _Bad(f"{field.name}: {bad}") from None
        if field.required or part != field.default:
            written[field.name] = made
    return written


def _read(table: _Table, plain: Any, beside: frozenset[str] = frozenset()) -> Any:
    """The object of *plain*; names in *beside* are not its fields and are passed over."""
    if type(plain) is not dict:
        raise _Bad(f"wants an object, not {_short(plain)}")
    found: Json = {}
    by_name = table.by_name
    for name, part in plain.items():
        field = by_name.get(name)
        if field is None:
            if name in beside:
                continue
            raise _Bad(f"unknown field {_short(name)}")
        if field.whole and type(part) is int and -_INT_END < part < _INT_END:
            found[name] = part
            continue
        try:
            found[name] = field.read(part)
        except _Bad as bad:
            raise _Bad(f"{name}: {bad}") from None
    if not table.required <= found.keys():
        raise _Bad(f"{min(table.required - found.keys())}: missing")
    return table.cls(**found)


_EVENT_CLASSES: Final = (
    events.PlaybackChanged,
    events.Verdict,
    events.Notice,
    events.ProbingWanted,
)
_OBSERVATIONS: Final = {kind: _table(cls) for kind, cls in observations.KINDS.items()}
_EVENTS: Final = {cls.kind: _table(cls) for cls in _EVENT_CLASSES}
_BY_CLASS: Final = {t.cls: t for t in (*_OBSERVATIONS.values(), *_EVENTS.values())}
_SETTINGS: Final = _table(Settings)
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
        plain = _write(table, value)
    except _Bad as bad:
        raise EvidenceError(f"{table.kind}: {bad}") from None
    plain["kind"] = table.kind
    return plain


def observation_from(plain: Mapping[str, Any]) -> observations.Observation:
    """The observation that *plain* describes; EvidenceError if it is none."""
    return cast(observations.Observation, _from(_OBSERVATIONS, plain, "observation"))


def event_from(plain: Mapping[str, Any]) -> events.Event:
    """The event that *plain* describes; EvidenceError if it is none."""
    return cast(events.Event, _from(_EVENTS, plain, "event"))


_BESIDE: Final = frozenset(("kind", "type"))


def _from(tables: Mapping[str, _Table], plain: Mapping[str, Any], what: str) -> Any:
    kind = plain.get("kind")
    table = tables.get(kind) if isinstance(kind, str) else None
    if table is None:
        raise EvidenceError(f"{_short(kind)} is no known kind of {what}")
    try:
        return _read(table, plain, _BESIDE)
    except _Bad as bad:
        raise EvidenceError(f"{kind}: {bad}") from None


def settings_to_plain(settings: Settings) -> Json:
    """The engine's settings as a JSON object; every field is written, defaults too.

    But for those in `LATER_SETTINGS`, which are left out at their default.
    """
    try:
        written = _write(_SETTINGS, settings)
    except _Bad as bad:
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
        return cast(Settings, _read(_SETTINGS, plain))
    except _Bad as bad:
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


def canonical_typed(plain: Json) -> bytes:
    """`canonical`, of what `to_plain` gave: nothing else is in it than a table has typed."""
    made = swift.typed_bytes(plain)
    return canonical(plain) if made is None else made


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
    known = swift.observation(line)
    if known is not None:
        return known
    text = _text(line)
    found = _parse(text, _PLAIN_DECODER)
    if _ENCODER.encode(found) + "\n" != text:
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
        raise EvidenceError(f"wants a JSON object, not {_short(found)}")
    return found
