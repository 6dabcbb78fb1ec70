"""The library's own texts, one gettext catalog a language and domain.

The domain `streamnotice` has what a viewer is shown; its hash stands in every record. `report` has
the words around the evidence in a report, which no record depends on.

`.po` files in a source checkout, compiled in memory; `.mo` files in an installed package,
compiled when it was built (the same bytes). A language is there if its file is.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import cache
from gettext import GNUTranslations
from importlib.resources import files
from types import MappingProxyType
from typing import Final

import attrs

from streamnotice.errors import MessageError
from streamnotice.notices.locales import SOURCE_LANGUAGE
from streamnotice.notices.po import PoError, compile_mo, mo_entries, parse_po

DOMAIN: Final = "streamnotice"
REPORT: Final = "report"
DOMAINS: Final = (DOMAIN, REPORT)
_CHECKS: Final = "check."
"""Start of entries that hold no message but what the language's texts are checked for."""


@attrs.frozen
class Shipped:
    """The texts of one language.

    Attributes:
        texts: by id; of a message with plural forms the last form.
        forms: the plural forms of those that have some, in the order of the catalog.
        turns_on: for the same, the placeholder whose number picks the form.
        claims: words that claim more than any measurement can carry.
        hedges: words of which one is in each sentence that names a place.
    """

    texts: Mapping[str, str]
    forms: Mapping[str, tuple[str, ...]]
    turns_on: Mapping[str, str]
    claims: tuple[str, ...]
    hedges: tuple[str, ...]
    _gettext: GNUTranslations

    def template(self, id_: str, counts: Mapping[str, int]) -> str | None:
        """The template of a message, in the plural form that *counts* ask for."""
        name = self.turns_on.get(id_)
        if name is None or name not in counts:
            return self.texts.get(id_)
        return self._gettext.ngettext(id_, "", abs(counts[name]))

    def all_forms(self, id_: str) -> tuple[str, ...]:
        """Every form of a message: one for most, none where there is no such message."""
        if id_ in self.forms:
            return self.forms[id_]
        return (self.texts[id_],) if id_ in self.texts else ()


def languages() -> tuple[str, ...]:
    """The languages that the library has texts for."""
    root = files("streamnotice.notices") / "locale"
    return tuple(sorted(entry.name for entry in root.iterdir() if entry.is_dir()))


@cache
def shipped(language: str, domain: str = DOMAIN) -> Shipped:
    """The library's own texts in *language*.

    Args:
        domain: one of `DOMAINS`.

    Raises:
        MessageError: there is no such catalog for *language*, or it is damaged.
    """
    folder = files("streamnotice.notices") / "locale" / language / "LC_MESSAGES"
    source, compiled = folder / f"{domain}.po", folder / f"{domain}.mo"
    try:
        # the source first: a compiled file beside it may be older
        if source.is_file():
            data = compile_mo(parse_po(source.read_text(encoding="utf-8")))
        else:
            data = compiled.read_bytes()
        return _sorted_out(mo_entries(data), GNUTranslations(io.BytesIO(data)))
    except FileNotFoundError:
        raise MessageError(f"there are no messages for language {language!r}") from None
    except (PoError, OSError, ValueError) as error:  # ValueError: undecodable, bad plural rule
        raise MessageError(f"the messages for language {language!r} are damaged: {error}") from None


def _sorted_out(entries: Mapping[str, str], catalog: GNUTranslations) -> Shipped:
    texts: dict[str, str] = {}
    forms: dict[str, tuple[str, ...]] = {}
    turns_on: dict[str, str] = {}
    for key, value in entries.items():
        id_, _, plural = key.partition("\0")
        if not id_ or id_.startswith(_CHECKS):
            continue
        if plural:
            forms[id_] = tuple(value.split("\0"))
            turns_on[id_] = plural.strip("{}")
        texts[id_] = value.rpartition("\0")[2]
    lists = {
        name: tuple(filter(None, entries.get(_CHECKS + name, "").split("\n")))
        for name in ("claims", "hedges")
    }
    return Shipped(
        MappingProxyType(texts),
        MappingProxyType(forms),
        MappingProxyType(turns_on),
        lists["claims"],
        lists["hedges"],
        catalog,
    )


def english(domain: str = DOMAIN) -> Shipped:
    """The texts that all others are made from."""
    return shipped(SOURCE_LANGUAGE, domain)
