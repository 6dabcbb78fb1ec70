"""The texts of one language, with the host's overrides, by message id.

Sources are gettext catalogs: `.po` files in a source checkout, compiled in memory; `.mo` files
in an installed package, compiled when it was built (the same bytes). Read by the standard
library's gettext.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from functools import cache
from gettext import GNUTranslations
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from streamnotice.errors import MessageError
from streamnotice.events import Notice
from streamnotice.log import get_logger
from streamnotice.notices.ids import LENGTHS, Slots, place_slots, structural
from streamnotice.notices.overrides import (
    ANY_LANGUAGE,
    MessageFunction,
    OverrideSource,
    claim_in,
    language_tag,
    load_overrides,
)
from streamnotice.notices.placeholders import clean, fill, placeholders
from streamnotice.notices.po import PoError, compile_mo, mo_ids, parse_po
from streamnotice.notices.shown import Context, ShownNotice, build
from streamnotice.policy import Policy

SOURCE_LANGUAGE: Final = "en"
TEXT_FORM: Final = 1
"""Part of a catalog's hash: changes when the same texts and numbers are put together otherwise."""
_VALUE_LENGTH: Final = 500
"""Longest value in a template: values may be whole sentences, each cleaned before."""


def languages() -> tuple[str, ...]:
    """The languages that the library has texts for."""
    root = files("streamnotice.notices") / "locale"
    return tuple(sorted(entry.name for entry in root.iterdir() if entry.is_dir()))


@cache
def shipped_texts(language: str) -> Mapping[str, str]:
    """The library's own texts in *language*, by id.

    Raises:
        MessageError: there is no catalog for *language*, or it is damaged.
    """
    folder = files("streamnotice.notices") / "locale" / language / "LC_MESSAGES"
    source, compiled = folder / "streamnotice.po", folder / "streamnotice.mo"
    try:
        # the source first: a compiled file beside it may be older
        if source.is_file():
            data = compile_mo(parse_po(source.read_text(encoding="utf-8")))
        else:
            data = compiled.read_bytes()
        found = mo_ids(data)
        catalog = GNUTranslations(io.BytesIO(data))
    except FileNotFoundError:
        raise MessageError(f"there are no messages for language {language!r}") from None
    except (PoError, OSError, UnicodeDecodeError) as error:
        raise MessageError(f"the messages for language {language!r} are damaged: {error}") from None
    return MappingProxyType({id_: catalog.gettext(id_) for id_ in found})


@cache
def known_ids() -> Mapping[str, Slots]:
    """All message ids with what may stand in each.

    Ids beyond those of the tree come from the English catalog: a rule's texts may use any
    figure that one of the same rule's English texts uses.
    """
    english = shipped_texts(SOURCE_LANGUAGE)
    found = structural()
    figures: dict[str, set[str]] = {}
    for id_, text in english.items():
        if id_.startswith("rule."):
            figures.setdefault(id_.split(".")[1], set()).update(placeholders(text))
    for id_ in english:
        if id_ in found:
            continue
        stem, _, part = id_.rpartition(".")
        if id_.startswith("rule."):
            if part == "bare":
                found[id_] = Slots()
            else:
                found[id_] = Slots(frozenset(figures[id_.split(".")[1]]))
        elif part in LENGTHS:
            found[id_] = place_slots(stem, part)
    return MappingProxyType(found)


class Catalog:
    """Texts by message id, in one language.

    Attributes:
        locale: the language of the texts, as a tag ("en").
        hash: SHA-256 over language, ids and texts with the overrides; texts in a record are
            comparable where it is the same.
    """

    def __init__(
        self,
        locale: str = SOURCE_LANGUAGE,
        overrides: OverrideSource | Sequence[OverrideSource] | None = None,
        *,
        name_operators: bool = False,
    ) -> None:
        """Load and check everything, so that showing can't fail.

        Args:
            locale: wanted language ("en", "en-GB", "en_GB.UTF-8").
            overrides: the host's own texts: path of a TOML file, mapping, function
                `(id, values) -> text | None`, or a list of those, later ones first.
            name_operators: overrides may use `{operator}` (pass `Policy.name_operators`).

        Raises:
            MessageError: unknown language, or an override that can't be used.
        """
        loaded = load_overrides(overrides, known_ids(), name_operators=name_operators)
        wanted = language_tag(locale)
        base = wanted.partition("-")[0]
        shipped = languages()
        for tag in (wanted, base):
            if tag in shipped or tag in loaded.languages():
                self.locale = tag
                break
        else:
            raise MessageError(
                f"there are no messages for locale {clean(locale, 40)!r}; "
                f"there are {', '.join(shipped)}"
            )
        english = shipped_texts(SOURCE_LANGUAGE)
        self._texts = dict(english)
        self._texts |= next((shipped_texts(tag) for tag in (wanted, base) if tag in shipped), {})
        self._own: dict[str, str] = {}
        for tag in (ANY_LANGUAGE, base, wanted):
            self._own |= loaded.texts.get(tag, {})
        self._functions = loaded.functions
        self._log = get_logger()
        self.hash = self._digest()

    def _digest(self) -> str:
        names = [
            f"{getattr(one, '__module__', '')}.{getattr(one, '__qualname__', type(one).__name__)}"
            for one in self._functions
        ]
        content = [TEXT_FORM, self.locale, sorted((self._texts | self._own).items()), names]
        data = json.dumps(content, ensure_ascii=True, separators=(",", ":")).encode("ascii")
        return hashlib.sha256(data).hexdigest()

    def ids(self) -> tuple[str, ...]:
        """All message ids, sorted."""
        return tuple(sorted(known_ids()))

    def template(self, id_: str) -> str | None:
        """The template of a message as overridden by file or mapping, None if there is none."""
        return self._own.get(id_, self._texts.get(id_))

    def text(self, id_: str, values: Mapping[str, str] | None = None) -> str:
        """The text of one message; its id if there is none or a value is missing. Never raises."""
        return self.first(((id_,),), values or {}) or clean(id_)

    def first(self, groups: Sequence[Sequence[str]], values: Mapping[str, str]) -> str | None:
        """The first message of *groups* that exists and has all its values. Never raises.

        A group holds variants of one message: within it the host's texts go before the
        library's, so that a host's plain text is not beaten by the library's variant.
        """
        safe = {name: clean(value, _VALUE_LENGTH) for name, value in values.items()}
        for group in groups:
            for function in self._functions:
                for id_ in group:
                    text = self._ask(function, id_, safe)
                    if text is not None:
                        return text
            for texts in (self._own, self._texts):
                for id_ in group:
                    filled = fill(texts[id_], safe) if id_ in texts else None
                    if filled is not None:
                        return filled
        return None

    def _ask(self, function: MessageFunction, id_: str, values: Mapping[str, str]) -> str | None:
        """A host function's text, None if it has none or a bad one (logged)."""
        slots = known_ids().get(id_)
        if slots is None:
            return None
        try:
            text: object = function(id_, dict(values))  # its type is a promise, not a fact
        except Exception as error:
            self._refused(id_, f"the host's function raised {type(error).__name__}")
            return None
        if text is None:
            return None
        if not isinstance(text, str):
            self._refused(id_, f"the host's function returned a {type(text).__name__}")
            return None
        cleaned = clean(text, len(text) + 1)
        claim = claim_in(cleaned, self.locale)
        # filled templates are longer than templates by their values
        limit = slots.length + sum(len(values.get(name, "")) for name in slots.permitted)
        if not cleaned:
            self._refused(id_, "the host's function returned no text")
        elif len(cleaned) > limit:
            self._refused(id_, f"the host's function returned over {limit} characters")
        elif claim is not None:
            self._refused(id_, f'the host\'s function says "{claim}"')
        else:
            return cleaned
        return None

    def _refused(self, id_: str, why: str) -> None:
        self._log.warning("streamnotice.message_refused", id=id_, why=why)

    def show(
        self, event: Notice, policy: Policy | None = None, context: Context | None = None
    ) -> ShownNotice:
        """*event* in words.

        Args:
            policy: says whether operators may be named, and what the viewer pays for.
            context: what the shell knows beside the event: kind of link, operators' names, what
                was said before.
        """
        return build(self, event, policy, context or Context())
