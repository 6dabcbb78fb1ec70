"""The engine's memory as plain data and back: how a record is opened in the middle.

State lives in attrs classes marked with `@stateful`, whose fields hold ints, strs, bools, None,
tuples, lists, dicts, deques and other stateful objects. `pack` turns such a graph into JSON-able
data, `unpack` makes it again; packing what was unpacked gives the same data. A snapshot may come
from elsewhere: every field must be of the type that its class says, and no integer beyond 53 bits.
"""

from __future__ import annotations

import types
from collections import deque
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, Final, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import attrs

from streamnotice.errors import EvidenceError

T = TypeVar("T")
Fits = Callable[[Any], bool]
"""Is a value of a type?"""
_CLASSES: dict[str, type[Any]] = {}
_FIELDS: dict[type[Any], tuple[tuple[str, ...], tuple[str, ...]]] = {}
"""Names of the fields that are kept, and of those that follow from them."""
_CHECKS: dict[type[Any], tuple[Fits, ...]] = {}
"""How the fields that are kept are checked; made when a class is first unpacked."""
_DERIVED = "derived"
_PLAIN = frozenset((type(None), bool, int, str))
_INT_END: Final = 2**53  # as everywhere in a record


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
    try:
        return _made(data)
    except _Misfit as error:
        raise EvidenceError(f"not a snapshot that this version can open: {error}") from None
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        # the kind of failure alone: its words may hold whatever the data does
        what = type(error).__name__
        raise EvidenceError(f"not a snapshot that this version can open ({what})") from None


class _Misfit(Exception):
    """A field is not of its type; the text says which."""


def _made(data: Any) -> Any:
    if type(data) in _PLAIN:
        return data
    if isinstance(data, list):
        return _unpacked(data)
    if "t" in data:
        return tuple(_unpacked(data["t"]))
    if "q" in data:
        return deque(_unpacked(data["q"]), maxlen=_length(data["n"]))
    if "d" in data:
        return {_made(key): _made(item) for key, item in data["d"]}
    cls = _CLASSES[data["c"]]
    made: Any = object.__new__(cls)
    kept, follow = _FIELDS[cls]
    fields = data["f"]
    for name, fits in zip(kept, _checks(cls), strict=True):
        value = _made(fields[name])
        if not fits(value):
            raise _Misfit(f"{cls.__name__}.{name} is of the wrong type")
        object.__setattr__(made, name, value)
    for name in follow:
        object.__setattr__(made, name, None)
    return made


def _length(told: Any) -> int | None:
    if told is None or (type(told) is int and 0 < told < _INT_END):
        return told
    raise ValueError("the length of a queue")


def _checks(cls: type[Any]) -> tuple[Fits, ...]:
    """How the fields of *cls* that are kept are checked, in their order."""
    made = _CHECKS.get(cls)
    if made is None:
        hints, fields = get_type_hints(cls), attrs.fields_dict(cls)
        made = _CHECKS[cls] = tuple(
            _with_length(_of(hints[name]), fields[name].default) for name in _FIELDS[cls][0]
        )
    return made


def _with_length(fits: Fits, default: Any) -> Fits:
    """A queue must be as long as a new one can get: what is kept would have no bound else."""
    if not isinstance(default, attrs.Factory) or default.takes_self:  # type: ignore[arg-type]
        return fits
    new = default.factory()
    if not isinstance(new, deque):
        return fits
    return lambda value: fits(value) and value.maxlen == new.maxlen


@cache
def _of(hint: Any) -> Fits:
    """How values of an annotation are checked."""
    if hint is Any:
        return lambda value: True
    if hint is int:
        return lambda value: type(value) is int and -_INT_END < value < _INT_END
    if isinstance(hint, type) and get_origin(hint) is None:
        return lambda value: type(value) is hint
    origin, args = get_origin(hint), get_args(hint)
    if origin is Literal:
        return lambda value: type(value) is str and value in args
    if origin in (Union, types.UnionType):
        choices = tuple(map(_of, args))
        return lambda value: any(fits(value) for fits in choices)
    parts = tuple(_of(arg) for arg in args if arg is not Ellipsis)
    if origin is dict:
        key, item = parts
        return lambda value: (
            type(value) is dict and all(key(name) and item(one) for name, one in value.items())
        )
    if origin is tuple and Ellipsis not in args:
        return lambda value: (
            type(value) is tuple
            and len(value) == len(parts)
            and all(fits(one) for fits, one in zip(parts, value, strict=True))
        )
    if origin in (tuple, list, deque):
        return lambda value: type(value) is origin and all(map(parts[0], value))
    raise TypeError(f"{hint} can't be part of a snapshot")


# Most of what is in a memory is plain: it costs no call.
def _packed(items: Iterable[Any]) -> list[Any]:
    return [item if type(item) in _PLAIN else pack(item) for item in items]


def _unpacked(items: Iterable[Any]) -> list[Any]:
    return [item if type(item) in _PLAIN else _made(item) for item in items]
