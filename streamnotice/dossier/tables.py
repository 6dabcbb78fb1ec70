"""Frozen attrs objects as plain JSON objects, and strictly back: one table a class.

A table is made once, from the fields of its class and their annotations, and serves both
directions, each in two ways to the same result:

- `write` and `read` look at each value wholly, and name the field that is wrong;
- `write_quick` and `read_quick` are for what orjson has the last word on: it takes no integer
  beyond 53 bits and no text that is not Unicode. That an integer, a text or a truth value is one
  that may stand there is then told by its type, so the types of all values are looked up
  together. Only where a type doesn't tell all (one of some words, a list, an object) is the value
  looked at each time. What they don't take at once, `Bad`, is for the other two.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import product
from operator import attrgetter, itemgetter
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import attrs

Json = dict[str, Any]
Convert = Callable[[Any], Any]

MAX_TEXT: Final = 65_536
"""Longest text, and longest list. The quick way is for lines that are no longer than this."""
_INT_END: Final = 2**53  # what every reader of JSON holds exactly (I-JSON, RFC 7493)
_MOST_SHAPES: Final = 1024  # of a class; a record of hours has some dozens

_Sequence = type[list[Any]] | type[tuple[Any, ...]]
_Shape = tuple[Any, ...]
_Values = Callable[[Any], tuple[Any, ...]]


class Bad(Exception):
    """A value is not of the wanted form; the text says how, without the place."""


@attrs.frozen
class _Form:
    """How the values of one annotation are written and read.

    Attributes:
        write, read: look at a value wholly.
        types: values of these need no more look, where orjson has the last word.
        quick: writes any other value, where orjson has the last word.
    """

    write: Convert
    read: Convert
    types: frozenset[type]
    quick: Convert


@attrs.frozen
class _Field:
    name: str
    default: Any
    required: bool
    form: _Form
    whole: bool
    """Holds an integer: most fields do, and are read without a call."""


class Table:
    """Writes and reads the objects of one class.

    Attributes:
        cls: the class.
        kind: its name in a record; None if it has none.
        fields: its fields.

    Raises:
        TypeError: a field is of a type that a record can't hold.
    """

    def __init__(self, cls: type) -> None:
        self.cls = cls
        self.kind: str | None = getattr(cls, "kind", None)
        self.fields = _fields(cls)
        self._by_name = {field.name: field for field in self.fields}
        self._required = frozenset(field.name for field in self.fields if field.required)
        self._names = tuple(self._by_name)
        self._defaults = tuple(field.default for field in self.fields)
        self._values = _getter(self._names)
        self._to_write = lru_cache(_MOST_SHAPES)(self._left_to_write)
        self._to_read = lru_cache(_MOST_SHAPES)(self._left_to_read)

    def write(self, value: Any) -> Json:
        """*value* as a JSON object, fields at their default left out; `Bad` if it can't be."""
        if type(value) is not self.cls:
            raise Bad(f"wants a {self.cls.__name__}, not {short(value)}")
        written: Json = {}
        for field in self.fields:
            part = getattr(value, field.name)
            # `is` first: the common case. Equality alone would confuse 0 and False, but both are
            # then refused by the field's own type.
            if part is field.default and not field.required:
                continue
            try:
                made = field.form.write(part)
            except Bad as bad:
                raise Bad(f"{field.name}: {bad}") from None
            if field.required or part != field.default:
                written[field.name] = made
        return written

    def read(self, plain: Any, beside: frozenset[str] = frozenset()) -> Any:
        """The object of *plain*, `Bad` if there is none; names in *beside* are passed over."""
        if type(plain) is not dict:
            raise Bad(f"wants an object, not {short(plain)}")
        found: Json = {}
        for name, part in plain.items():
            field = self._by_name.get(name)
            if field is None:
                if name in beside:
                    continue
                raise Bad(f"unknown field {short(name)}")
            if field.whole and type(part) is int and -_INT_END < part < _INT_END:
                found[name] = part
                continue
            try:
                found[name] = field.form.read(part)
            except Bad as bad:
                raise Bad(f"{name}: {bad}") from None
        if not self._required <= found.keys():
            raise Bad(f"{min(self._required - found.keys())}: missing")
        return self.cls(**found)

    def write_quick(self, value: Any) -> Json:
        """As `write`, of what orjson is to write next; what it can write as it is, stays so."""
        if type(value) is not self.cls:
            raise Bad
        values = self._values(value)
        settled, left = self._to_write(tuple(map(type, values)))
        written = {name: values[place] for place, name in settled}
        for place, name, default, write in left:
            made = write(values[place])
            if values[place] != default:
                written[name] = made
        return written

    def read_quick(self, plain: Json, beside: frozenset[str] = frozenset()) -> Any:
        """As `read`, of what orjson read."""
        arrange, left = self._to_read((beside, *plain, *map(type, plain.values())))
        values = [*plain.values(), *self._defaults]
        for place, read in left:
            values[place] = read(values[place])
        return self.cls(*arrange(values))

    def _left_to_write(
        self, shape: _Shape
    ) -> tuple[list[tuple[int, str]], list[tuple[int, str, Any, Convert]]]:
        """Of values of these types: places and names of those to write as they are; and those to
        look at, with their defaults and ways."""
        settled, left = [], []
        for place, (field, kind) in enumerate(zip(self.fields, shape, strict=True)):
            if kind is type(None) and field.default is None:
                continue
            if kind in field.form.types and kind is not type(field.default):
                settled.append((place, field.name))
            else:
                left.append((place, field.name, field.default, field.form.quick))
        return settled, left

    def _left_to_read(self, shape: _Shape) -> tuple[_Values, list[tuple[int, Convert]]]:
        """Of these names, then types of their values: how values, and defaults behind them, come
        into the order of the fields; and places and ways of the values to look at."""
        beside, *rest = shape
        half = len(rest) // 2
        names, kinds = rest[:half], rest[half:]
        places = {name: place for place, name in enumerate(names) if name not in beside}
        if not self._required <= places.keys() <= self._by_name.keys():
            raise Bad
        order = [places.get(name, half + number) for number, name in enumerate(self._names)]
        forms = {place: self._by_name[name].form for name, place in places.items()}
        return _picker(order), [
            (place, form.read) for place, form in forms.items() if kinds[place] not in form.types
        ]


def _fields(cls: type) -> tuple[_Field, ...]:
    hints = get_type_hints(cls)
    fields = []
    for field in attrs.fields(cls):
        if field.name in ("kind", "type"):
            raise TypeError(f"{cls.__name__}.{field.name}: the name is taken by the record's form")
        hint = hints[field.name]
        required = field.default is attrs.NOTHING
        whole = hint is int or hint == int | None
        fields.append(_Field(field.name, field.default, required, _form(hint), whole))
    return tuple(fields)


def _getter(names: tuple[str, ...]) -> _Values:
    get = attrgetter(*names)
    return get if len(names) > 1 else lambda value: (get(value),)


def _picker(places: list[int]) -> _Values:
    get = itemgetter(*places)
    return get if len(places) > 1 else lambda values: (get(values),)


def _form(hint: Any) -> _Form:
    """How values of an annotation are written and read; TypeError if a record can't hold them."""
    simple = _SIMPLE.get(hint)
    if simple is not None:
        return _Form(simple, simple, frozenset((hint,)), simple)
    origin, args = get_origin(hint), get_args(hint)
    if origin is Literal:
        check = _literal(args)
        return _Form(check, check, frozenset(), check)
    if origin in (Union, types.UnionType):
        inner = [a for a in args if a is not type(None)]
        if len(inner) != 1 or len(args) != 2:
            raise TypeError(f"a record can't hold {hint!r}")
        form = _form(inner[0])
        return _Form(
            _optional(form.write),
            _optional(form.read),
            form.types | {type(None)},
            _optional(form.quick),
        )
    if origin is tuple and len(args) == 2 and args[1] is Ellipsis:
        form = _form(args[0])
        return _Form(
            _listed(form.write, _same, tuple),
            _listed(form.read, tuple, list),
            frozenset(),
            _quick_listed(form),
        )
    if origin is tuple:
        forms = tuple(map(_form, args))
        return _Form(
            _fixed(tuple(form.write for form in forms), _same, tuple),
            _fixed(tuple(form.read for form in forms), tuple, list),
            frozenset(),
            _quick_fixed(forms),
        )
    if attrs.has(hint):
        table = Table(hint)
        return _Form(table.write, table.read, frozenset(), table.write_quick)
    raise TypeError(f"a record can't hold {hint!r}")


def _same(value: Any) -> Any:
    return value


def _int(value: Any) -> Any:
    if type(value) is not int:
        raise Bad(f"wants an integer, not {short(value)}")
    if not -_INT_END < value < _INT_END:
        raise Bad("integer beyond 53 bits")
    return value


def _bool(value: Any) -> Any:
    if type(value) is not bool:
        raise Bad(f"wants true or false, not {short(value)}")
    return value


def _str(value: Any) -> Any:
    if type(value) is not str:
        raise Bad(f"wants a text, not {short(value)}")
    if len(value) > MAX_TEXT:
        raise Bad(f"text longer than {MAX_TEXT} characters")
    if not value.isascii():
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise Bad("text is not valid Unicode") from None
    return value


_SIMPLE: Final[Mapping[Any, Convert]] = {int: _int, bool: _bool, str: _str}


def short(value: Any) -> str:
    """*value*, or its type, in few characters: for what is said of it."""
    text = repr(value) if isinstance(value, str | int | float | bool | None) else ""
    return text if 0 < len(text) <= 40 else type(value).__name__


def _literal(choices: tuple[Any, ...]) -> Convert:
    known = frozenset(choices)
    listed = ", ".join(sorted(map(str, choices)))

    def check(value: Any) -> Any:
        if type(value) is not str or value not in known:
            raise Bad(f"{short(value)} is not one of {listed}")
        return value

    return check


def _optional(inner: Convert) -> Convert:
    return lambda value: None if value is None else inner(value)


def _listed(inner: Convert, into: Convert, source: _Sequence) -> Convert:
    def convert(value: Any) -> Any:
        if not isinstance(value, source):
            raise Bad(f"wants a list, not {short(value)}")
        if len(value) > MAX_TEXT:
            raise Bad(f"list longer than {MAX_TEXT}")
        return into([inner(v) for v in value])

    return convert


def _fixed(inners: tuple[Convert, ...], into: Convert, source: _Sequence) -> Convert:
    def convert(value: Any) -> Any:
        if not isinstance(value, source) or len(value) != len(inners):
            raise Bad(f"wants a list of {len(inners)}, not {short(value)}")
        return into([inner(v) for inner, v in zip(inners, value, strict=True)])

    return convert


def _quick_listed(inner: _Form) -> Convert:
    def convert(value: Any) -> Any:
        if type(value) is not tuple:
            raise Bad
        if inner.types.issuperset(map(type, value)):
            return value
        return [v if type(v) in inner.types else inner.quick(v) for v in value]

    return convert


def _quick_fixed(inners: tuple[_Form, ...]) -> Convert:
    settled = frozenset(product(*(inner.types for inner in inners)))

    def convert(value: Any) -> Any:
        if type(value) is not tuple or len(value) != len(inners):
            raise Bad
        if tuple(map(type, value)) in settled:
            return value
        return [inner.quick(v) for inner, v in zip(inners, value, strict=True)]

    return convert
