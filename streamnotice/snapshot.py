"""The engine's memory as plain data and back: how a record is opened in the middle.

State lives in attrs classes marked with `@stateful`, whose fields hold ints, strs, bools, None,
tuples, lists, dicts, deques and other stateful objects. `pack` turns such a graph into JSON-able
data, `unpack` makes it again; packing what was unpacked gives the same data.
"""

from __future__ import annotations

from collections import deque
from typing import Any, TypeVar

import attrs

from streamnotice.errors import EvidenceError

T = TypeVar("T")
_CLASSES: dict[str, type[Any]] = {}
_FIELDS: dict[type[Any], tuple[str, ...]] = {}
_DERIVED = "derived"
_PLAIN = frozenset((type(None), bool, int, str))


def stateful(cls: type[T]) -> type[T]:
    """Mark an attrs class as part of the engine's memory."""
    _CLASSES[cls.__name__] = cls
    return cls


def derived() -> Any:
    """A field of a `@stateful` class for what follows from the others and was worked out before.

    It is None until then, is not packed, and is None again in what was unpacked.
    """
    return attrs.field(default=None, init=False, eq=False, repr=False, metadata={_DERIVED: True})


def pack(value: Any) -> Any:
    """Plain data for *value*; TypeError for what can't be part of the memory."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is tuple:
        return {"t": [pack(item) for item in value]}
    if kind is list:
        return [pack(item) for item in value]
    if kind is dict:
        return {"d": [[pack(key), pack(item)] for key, item in value.items()]}
    if kind is deque:
        return {"q": [pack(item) for item in value], "n": value.maxlen}
    names = _FIELDS.get(kind)
    if names is None:
        if _CLASSES.get(kind.__name__) is not kind:
            raise TypeError(f"{kind.__name__} can't be part of a snapshot")
        names = _FIELDS[kind] = tuple(
            field.name for field in attrs.fields(kind) if _DERIVED not in field.metadata
        )
    return {"c": kind.__name__, "f": {name: pack(getattr(value, name)) for name in names}}


def unpack(data: Any) -> Any:
    """What *data* was packed from; EvidenceError if it is not a snapshot."""
    if data is None or isinstance(data, bool | int | str):
        return data
    if isinstance(data, list):
        return [unpack(item) for item in data]
    try:
        if "t" in data:
            return tuple(unpack(item) for item in data["t"])
        if "q" in data:
            return deque((unpack(item) for item in data["q"]), maxlen=data["n"])
        if "d" in data:
            return {unpack(key): unpack(item) for key, item in data["d"]}
        cls = _CLASSES[data["c"]]
        made: Any = object.__new__(cls)
        for field in attrs.fields(cls):
            kept = None if _DERIVED in field.metadata else unpack(data["f"][field.name])
            object.__setattr__(made, field.name, kept)
        return made
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise EvidenceError(f"not a snapshot that this version can open: {error!r}") from error
