"""The words around the evidence, in one language: for the report, and English for `examine`.

They stand in gettext catalogs of their own (`report.po`, beside the notices'), so that a better
word in a report changes no record's catalog hash. Numbers are written as in the notices.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache, reduce
from typing import Final

from streamnotice.notices.catalog import Catalog
from streamnotice.notices.locales import SOURCE_LANGUAGE
from streamnotice.notices.placeholders import ISOLATE, fill, isolated
from streamnotice.notices.shipped import REPORT, Shipped, shipped

_KNOWN: Final = "known."
"""Start of entries for texts that come from a record or a check, where they are in English."""


class Phrases:
    """Phrases by id, and numbers, times and lists as the language writes them.

    Args:
        locale: wanted language; without texts for it, it is English.

    Attributes:
        catalog: the notices' words in the same language.
        locale, direction: the language's tag, and "ltr" or "rtl".

    Raises:
        MessageError: what is no language tag.
    """

    def __init__(self, locale: str = SOURCE_LANGUAGE) -> None:
        self.catalog = Catalog(locale)
        self.locale, self.direction = self.catalog.locale, self.catalog.direction
        self._numbers = self.catalog.numbers
        self._layers: tuple[Shipped, ...] = tuple(
            shipped(tag, REPORT) for tag in dict.fromkeys((self.locale, SOURCE_LANGUAGE))
        )

    def __call__(self, id_: str, /, **values: str | int) -> str:
        """The text *id_*; whole numbers among the values are written as such, and pick its
        plural form.

        Raises:
            KeyError: there is no such text, or a value is missing.
        """
        counts = {name: value for name, value in values.items() if isinstance(value, int)}
        texts = {name: self.value(value) for name, value in values.items()}
        found = fill(self.template(id_, counts), texts)
        if found is None:
            raise KeyError(f"{id_}: a value is missing")
        return found

    def known(self, text: str) -> str | None:
        """*text*, which is English as the library says it, in this language; None if it is no
        text that is known."""
        id_ = _known().get(text.strip())
        return None if id_ is None else self(id_)

    def get(self, id_: str, otherwise: str) -> str:
        """The text *id_*, or *otherwise* if there is none."""
        return self(id_) if any(id_ in layer.texts for layer in self._layers) else otherwise

    def value(self, value: str | int) -> str:
        """*value* as it stands in a text."""
        text = self._numbers.number(value) if isinstance(value, int) else value
        # what was put together from values has its isolates already
        alone = self.direction == "rtl" and ISOLATE not in text
        return isolated(text) if alone else text

    def template(self, id_: str, counts: Mapping[str, int] | None = None) -> str:
        """The text *id_* with its placeholders; *counts* pick the plural form.

        Raises:
            KeyError: there is no such text.
        """
        for layer in self._layers:
            template = layer.template(id_, counts or {})
            if template is not None:
                return template
        raise KeyError(id_)

    # -- numbers and times --------------------------------------------------------------------

    def number(self, value: float, decimals: int = 0) -> str:
        """A plain number."""
        return self._numbers.number(value, decimals)

    def signed(self, value: float) -> str:
        """A number with its sign and one decimal; nothing is neither + nor -."""
        text = self.number(abs(value), 1)
        if text == self.number(0, 1):
            return text
        return f"{'+' if value > 0 else MINUS}{text}"

    def share(self, value: float) -> str:
        """A share of 1 in whole per cent."""
        return self._numbers.in_unit(100 * value, "percent")

    def percent(self, ppm: int) -> str:
        """A probability; never rounded up to 100 %."""
        if 0 < ppm < 1000:
            return self._numbers.under(self._numbers.in_unit(0.1, "percent", 1))
        if ppm > 999_000:
            return self._numbers.in_unit(ppm // 100 / 100, "percent", 2)
        return self._numbers.in_unit(ppm // 1000 / 10, "percent", 1)

    def certainty(self, ppm: int) -> str:
        """A probability as a viewer is told it."""
        return self._numbers.certainty(ppm)

    def decibans(self, mdb: int) -> str:
        """A weight with one decimal and its unit."""
        sign = MINUS if mdb < 0 else ""
        number = f"{sign}{self.number(abs(mdb) / 1000, 1)}"
        return fill(self.template("unit.db"), {"number": number}) or number

    def rate(self, mbps: float) -> str:
        """A rate in megabits a second."""
        return self._numbers.in_unit(mbps, "mbps", 1)

    def milliseconds(self, value: float) -> str:
        """A short time in whole milliseconds."""
        return self._numbers.in_unit(value, "ms")

    def seconds(self, count: int) -> str:
        """So many seconds."""
        return self._numbers.in_unit(count, "s")

    def length(self, value_s: float) -> str:
        """A length of time: "3.4 s", "35 s", "2 min 5 s", "1 h 3 min"."""
        unit = self._numbers.in_unit
        if value_s < 10:
            return unit(value_s, "s", 1)
        whole = round(value_s)
        if whole < 60:
            return unit(whole, "s")
        if whole < 3600:
            first, rest = unit(whole // 60, "min"), unit(whole % 60, "s")
            return first if not whole % 60 else self("join.sentences", first=first, last=rest)
        hours = self("unit.h", number=self.number(whole // 3600))
        return self("join.sentences", first=hours, last=unit(whole % 3600 // 60, "min"))

    def moment(self, at: datetime) -> str:
        """A wall-clock instant."""
        return self(
            "fact.moment", day=str(at.day), month=self(f"month.{at.month}"), year=str(at.year),
            time=f"{at:%H:%M}", zone="UTC" if not at.utcoffset() else f"UTC{at:%z}",
        )  # fmt: skip

    # -- lists --------------------------------------------------------------------------------

    def sentences(self, parts: Iterable[str]) -> str:
        """Sentences behind one another."""
        return self._joined("join.sentences", parts)

    def items(self, parts: Iterable[str]) -> str:
        """ "a, b, c"."""
        return self._joined("join.items", map(self.value, parts))

    def clauses(self, parts: Iterable[str]) -> str:
        """ "a; b; c"."""
        return self._joined("join.clauses", map(self.value, parts))

    def either(self, parts: Iterable[str]) -> str:
        """ "a, b or c"."""
        *before, last = [self.value(part) for part in parts] or [""]
        if not before:
            return last
        middle = self.catalog.template("list.middle") or "{first}, {last}"
        word = "list.pair" if len(before) == 1 else "list.end"
        end = self.catalog.template(word) or middle
        return _folded(end, [_folded(middle, before), last])

    def _joined(self, id_: str, parts: Iterable[str]) -> str:
        return _folded(self.template(id_), parts)


def _folded(template: str, parts: Iterable[str]) -> str:
    """*parts* put together two by two."""

    def join(first: str, last: str) -> str:
        return fill(template, {"first": first, "last": last}) or last

    rest = iter(parts)
    return reduce(join, rest, next(rest, ""))


MINUS: Final = "\u2212"


@cache
def english() -> Phrases:
    """The phrases in English."""
    return Phrases()


@cache
def _known() -> Mapping[str, str]:
    return {
        text: id_ for id_, text in shipped(SOURCE_LANGUAGE, REPORT).texts.items()
        if id_.startswith(_KNOWN)
    }  # fmt: skip
