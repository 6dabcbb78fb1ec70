"""The engine's memory as plain data and back: how a record is opened in the middle.

State lives in attrs classes marked with `@stateful`, whose fields hold ints, strs, bools, None,
tuples, lists, dicts, deques and other stateful objects. `pack` turns such a graph into JSON-able
data, `unpack` makes it again; packing what was unpacked gives the same data.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any, TypeVar, cast

import attrs

from streamnotice.errors import EvidenceError

T = TypeVar("T")
_CLASSES: dict[str, type[Any]] = {}
_FIELDS: dict[type[Any], tuple[tuple[str, ...], tuple[str, ...]]] = {}
"""Names of the fields that are kept, and of those that follow from them."""
_DERIVED = "derived"
_PLAIN = frozenset((type(None), bool, int, str))


def stateful(cls: type[T]) -> type[T]:
    """Mark an attrs class as part of the engine's memory."""
    _CLASSES[cls.__name__] = cls
    fields: Any = attrs.fields(cast("type[Any]", cls))
    _FIELDS[cls] = (
        tuple(field.name for field in fields if _DERIVED not in field.metadata),
        tuple(field.name for field in fields if _DERIVED in field.metadata),
    )
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
        return {"t": _packed(value)}
    if kind is list:
        return _packed(value)
    if kind is dict:
        return {"d": [_packed(pair) for pair in value.items()]}
    if kind is deque:
        return {"q": _packed(value), "n": value.maxlen}
    if _CLASSES.get(kind.__name__) is not kind:
        raise TypeError(f"{kind.__name__} can't be part of a snapshot")
    names, _ = _FIELDS[kind]
    parts = _packed([getattr(value, name) for name in names])
    return {"c": kind.__name__, "f": dict(zip(names, parts, strict=True))}


def unpack(data: Any) -> Any:
    """What *data* was packed from; EvidenceError if it is not a snapshot."""
    if type(data) in _PLAIN:
        return data
    if isinstance(data, list):
        return _unpacked(data)
    try:
        if "t" in data:
            return tuple(_unpacked(data["t"]))
        if "q" in data:
            return deque(_unpacked(data["q"]), maxlen=data["n"])
        if "d" in data:
            return {unpack(key): unpack(item) for key, item in data["d"]}
        cls = _CLASSES[data["c"]]
        made: Any = object.__new__(cls)
        kept, follow = _FIELDS[cls]
        for name in kept:
            object.__setattr__(made, name, unpack(data["f"][name]))
        for name in follow:
            object.__setattr__(made, name, None)
        return made
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise EvidenceError(f"not a snapshot that this version can open: {error!r}") from error


# Most of what is in a memory is plain: it costs no call.
def _packed(items: Iterable[Any]) -> list[Any]:
    return [item if type(item) in _PLAIN else pack(item) for item in items]


def _unpacked(items: Iterable[Any]) -> list[Any]:
    return [item if type(item) in _PLAIN else unpack(item) for item in items]
