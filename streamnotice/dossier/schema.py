"""A JSON Schema (2020-12) of a dossier's lines, made from the classes that are recorded.

    python -m streamnotice.dossier.schema

prints it; `format-2.schema.json` beside this file, which the wheel carries, is that output. Each
kind of line has a definition of its own: `observation.playback`, `event.verdict`, `seal`, ...
"""

from __future__ import annotations

import inspect
import json
import types
from collections.abc import Container
from importlib.resources import files
from typing import Any, Final, Literal, Union, cast, get_args, get_origin, get_type_hints

import attrs

from streamnotice import observations
from streamnotice.dossier.codec import EVENT_CLASSES, LATER_SETTINGS, Json
from streamnotice.dossier.record import FORMAT
from streamnotice.dossier.signing import PAYLOAD_TYPE
from streamnotice.policy import Settings

FILE: Final = f"format-{FORMAT}.schema.json"
_END: Final = 2**53

_INTEGER: Final = {"type": "integer", "exclusiveMinimum": -_END, "exclusiveMaximum": _END}
_TEXT: Final = {"type": "string"}
_HEAD: Final = {"type": "string", "pattern": "^[0-9a-f]{64}$"}


def shipped() -> Json:
    """The schema as the wheel carries it."""
    text = (files("streamnotice.dossier") / FILE).read_text(encoding="utf-8")
    return cast(Json, json.loads(text))


def schema() -> Json:
    """The schema of one line, made from the classes."""
    kinds = {f"observation.{kind}": _of(cls) for kind, cls in observations.KINDS.items()}
    kinds |= {f"event.{cls.kind}": _of(cls) for cls in EVENT_CLASSES}
    defs: Json = {**_LINES, "settings": _body(Settings, unwritten=LATER_SETTINGS)}
    for name, body in kinds.items():
        line, _, kind = name.partition(".")
        body["properties"] |= {"type": {"const": line}, "kind": {"const": kind}}
        body["required"] = sorted({*body["required"], "type", "kind"})
        defs[name] = body
    for line in ("observation", "event"):
        named = {name.partition(".")[2]: name for name in kinds if name.startswith(line)}
        defs[line] = _by("kind", named)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"https://streamnotice.example/dossier/{FILE}",
        "title": f"One line of a streamnotice dossier, format {FORMAT}",
        **_by("type", {name: name for name in (*_LINES, "observation", "event")}),
        "$defs": dict(sorted(defs.items())),
    }


def _by(name: str, definitions: dict[str, str]) -> Json:
    """A choice of definitions by the value of one property."""
    return {
        "type": "object",
        "required": [name],
        "properties": {name: {"enum": sorted(definitions)}},
        "allOf": [
            {
                "if": {"properties": {name: {"const": value}}},
                "then": {"$ref": f"#/$defs/{definition}"},
            }
            for value, definition in sorted(definitions.items())
        ],
    }


def _of(cls: type) -> Json:
    body = _body(cls)
    doc = inspect.getdoc(cls) or ""
    body["description"] = " ".join(doc.split("\n\n")[0].split())
    return body


def _body(cls: type, *, unwritten: Container[str] | None = None) -> Json:
    """What is written of *cls*; defaults are left out, so only fields without one are required.

    Args:
        unwritten: only the defaults of these are left out.
    """
    hints = get_type_hints(cls)
    fields = attrs.fields(cls)
    required = [
        f.name
        for f in fields
        if f.default is attrs.NOTHING or (unwritten is not None and f.name not in unwritten)
    ]
    return {
        "type": "object",
        "properties": {f.name: _value(hints[f.name]) for f in fields},
        "required": sorted(required),
        "additionalProperties": False,
    }


def _value(hint: Any) -> Json:
    simple: dict[Any, Json] = {int: _INTEGER, bool: {"type": "boolean"}, str: _TEXT}
    if hint in simple:
        return dict(simple[hint])
    origin, args = get_origin(hint), get_args(hint)
    if origin is Literal:
        return {"enum": list(args)}
    if origin in (Union, types.UnionType):
        (inner,) = [a for a in args if a is not type(None)]
        return {"anyOf": [_value(inner), {"type": "null"}]}
    if origin is tuple and args[1:] == (Ellipsis,):
        return {"type": "array", "items": _value(args[0])}
    if origin is tuple:
        return _row([_value(a) for a in args])
    return _body(hint)


def _row(items: list[Json]) -> Json:
    count = len(items)
    return {
        "type": "array",
        "prefixItems": items,
        "items": False,
        "minItems": count,
        "maxItems": count,
    }


def _line(kind: str, what: str, optional: bool = False, **properties: Json) -> Json:
    """A line that is no observation or event; *optional*: newer versions may add names."""
    return {
        "type": "object",
        "description": what,
        "properties": {"type": {"const": kind}} | properties,
        "required": sorted({"type", *properties}),
        "additionalProperties": optional,
    }


_ENVELOPE: Final = {
    "type": "object",
    "properties": {
        "payload": _TEXT,
        "payloadType": {"const": PAYLOAD_TYPE},
        "signatures": _row(
            [
                {
                    "type": "object",
                    "properties": {"keyid": _TEXT, "sig": _TEXT},
                    "required": ["keyid", "sig"],
                    "additionalProperties": False,
                }
            ]
        ),
    },
    "required": ["payload", "payloadType", "signatures"],
    "additionalProperties": False,
}
_OBJECT: Final = {"type": "object"}

_LINES: Final = {
    "header": _line(
        "header",
        "First line of a part.",
        optional=True,
        format={"const": FORMAT},
        part={"type": "integer", "minimum": 1},
        previous={"anyOf": [_HEAD, {"const": ""}]},
        signed=_TEXT,
        version=_TEXT,
        engine=_TEXT,
        tables={"type": "object", "additionalProperties": _TEXT},
        provisional={"type": "boolean"},
        settings={"$ref": "#/$defs/settings"},
        policy=_OBJECT,
        catalog=_TEXT,
        locale=_TEXT,
        sights={
            "type": "object",
            "additionalProperties": _row([{"type": "boolean"}, _TEXT]),
        },
        started_utc=_TEXT,
    ),
    "state": _line(
        "state",
        "Second line of every part but the first: all that the engine remembers there.",
        at_ns=_INTEGER,
        engine=_TEXT,
        tables={"type": "object", "additionalProperties": _TEXT},
        mind=_OBJECT,
    ),
    "tick": _line("tick", "The engine was told the time.", at_ns=_INTEGER),
    "shown": _line(
        "shown",
        "A notice as the viewer saw it.",
        optional=True,
        at_ns=_INTEGER,
        id=_TEXT,
        state=_TEXT,
        locale=_TEXT,
        title=_TEXT,
        sentence=_TEXT,
        evidence=_TEXT,
        text=_TEXT,
        actions={"type": "array", "items": _row([_TEXT, _TEXT])},
    ),
    "dismissed": _line(
        "dismissed",
        "The viewer waved a notice away, or muted its place.",
        optional=True,
        at_ns=_INTEGER,
        id=_TEXT,
        bottleneck=_TEXT,
        scope={"enum": ["notice", "session", "always"]},
        network=_TEXT,
    ),
    "acted": _line(
        "acted",
        "The host carried out what a notice offered.",
        optional=True,
        at_ns=_INTEGER,
        action=_TEXT,
        note=_TEXT,
    ),
    "seal": _line(
        "seal",
        "Hash chain over the lines before.",
        head=_HEAD,
        tags={"type": "string", "pattern": "^([0-9a-f]{3})*$"},
    ),
    "signature": _line("signature", "DSSE over the head of the seal before.", envelope=_ENVELOPE),
    "truncated": _line("truncated", "The bound was reached.", at_ns=_INTEGER),
    "continued": _line("continued", "The part ends, another one follows.", at_ns=_INTEGER),
    "closed": _line("closed", "The session's end.", at_ns=_INTEGER),
}


if __name__ == "__main__":
    import sys

    sys.stdout.write(json.dumps(schema(), indent=1, sort_keys=True) + "\n")
