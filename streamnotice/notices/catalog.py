"""The texts of one language, with the host's overrides, by message id."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Final

from streamnotice.errors import MessageError
from streamnotice.events import Notice
from streamnotice.log import get_logger
from streamnotice.notices.figures import NumberWords
from streamnotice.notices.ids import LENGTHS, Slots, place_slots, structural
from streamnotice.notices.locales import (
    SOURCE_LANGUAGE,
    is_language_tag,
    language_tag,
    negotiate,
    widening,
)
from streamnotice.notices.overrides import (
    ANY_LANGUAGE,
    MessageFunction,
    OverrideSource,
    claim_in,
    load_overrides,
)
from streamnotice.notices.placeholders import clean, fill, isolated, placeholders
from streamnotice.notices.shipped import english, languages, shipped
from streamnotice.notices.shown import Context, ShownNotice, build
from streamnotice.policy import Policy

TEXT_FORM: Final = 2
"""Part of a catalog's hash: changes when the same texts and numbers are put together otherwise."""
_VALUE_LENGTH: Final = 500
"""Longest value in a template: values may be whole sentences, each cleaned before."""
_OUTSIDE: Final = frozenset({"operator", "rule", "outcome"})
"""Placeholders whose values are not made by the library: names from tables and other rules."""
_REPORTED: Final = 64
"""So many different failures of a host's function are told; it is asked for every message."""


@cache
def known_ids() -> Mapping[str, Slots]:
    """All message ids with what may stand in each.

    Ids beyond those of the tree come from the English catalog: a rule's texts may use any
    figure that one of the same rule's English texts uses.
    """
    source = english()
    found = structural()
    figures: dict[str, set[str]] = {}
    for id_ in source.texts:
        if id_.startswith("rule."):
            for text in source.all_forms(id_):
                figures.setdefault(id_.split(".")[1], set()).update(placeholders(text))
    for id_ in source.texts:
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
        direction: how it is written, "ltr" or "rtl".
        numbers: numbers in its words.
        hash: SHA-256 over language, ids and texts with the overrides; texts in a record are
            comparable where it is the same.
    """

    def __init__(
        self,
        locale: str | Sequence[str] = SOURCE_LANGUAGE,
        overrides: OverrideSource | Sequence[OverrideSource] | None = None,
        *,
        name_operators: bool = False,
        on_error: Callable[[str, str], None] | None = None,
    ) -> None:
        """Load and check everything, so that showing can't fail.

        Args:
            locale: wanted language ("de", "de-AT", "de_AT.UTF-8"), or several, the dearest
                first. Without texts for any of them it is English.
            overrides: the host's own texts: path of a TOML file, mapping, function
                `(id, language, values) -> text | None`, or a list of those, later ones first.
            name_operators: overrides may use `{operator}` (pass `Policy.name_operators`).
            on_error: told (where, what) if a function of the host fails at showing.

        Raises:
            MessageError: what is no language tag, or an override that can't be used.
        """
        loaded = load_overrides(overrides, known_ids(), name_operators=name_operators)
        asked = (locale,) if isinstance(locale, str) else tuple(locale)
        wanted = [language_tag(one) for one in asked]
        for one, tag in zip(asked, wanted, strict=True):
            if not is_language_tag(tag):
                raise MessageError(
                    f"{clean(one, 40)!r} is no language tag; write it like "
                    + ", ".join(languages())
                )
        self.locale = negotiate(wanted, {*languages(), *loaded.languages()})
        # texts for a variety ("de-at") go before those for its language
        wider = next(
            (list(widening(tag)) for tag in wanted if self.locale in widening(tag)), [self.locale]
        )
        language = next((tag for tag in wider if tag in languages()), SOURCE_LANGUAGE)
        self._layers = tuple(shipped(tag) for tag in dict.fromkeys((language, SOURCE_LANGUAGE)))
        self._own: dict[str, str] = {}
        for tag in (ANY_LANGUAGE, *reversed(wider)):
            self._own |= loaded.texts.get(tag, {})
        self._functions = loaded.functions
        self._on_error = on_error
        self._told: set[tuple[str, str]] = set()
        self._log = get_logger()
        self.hash = self._digest()
        self.direction = self.template("language.direction") or "ltr"
        self.numbers = NumberWords(self.text, self.template("number.sample") or "")

    def _digest(self) -> str:
        names = [
            f"{getattr(one, '__module__', '')}.{getattr(one, '__qualname__', type(one).__name__)}"
            for one in self._functions
        ]
        texts: dict[str, str | tuple[str, ...]] = {}
        for layer in reversed(self._layers):
            texts |= layer.texts
            texts |= layer.forms
        content = [TEXT_FORM, self.locale, sorted((texts | self._own).items()), names]
        data = json.dumps(content, ensure_ascii=True, separators=(",", ":")).encode("ascii")
        return hashlib.sha256(data).hexdigest()

    def ids(self) -> tuple[str, ...]:
        """All message ids, sorted."""
        return tuple(sorted(known_ids()))

    def template(self, id_: str, counts: Mapping[str, int] | None = None) -> str | None:
        """The template of a message as overridden by file or mapping, None if there is none.

        Args:
            counts: numbers by placeholder; they pick the plural form where there are several.
        """
        own = self._own.get(id_)
        return own if own is not None else self._shipped(id_, counts or {})

    def templates(self, id_: str) -> tuple[str, ...]:
        """All plural forms of a message's template: one for most, none if there is no text."""
        if id_ in self._own:
            return (self._own[id_],)
        return next((forms for layer in self._layers if (forms := layer.all_forms(id_))), ())

    def _shipped(self, id_: str, counts: Mapping[str, int]) -> str | None:
        for layer in self._layers:
            template = layer.template(id_, counts)
            if template is not None:
                return template
        return None

    def text(self, id_: str, values: Mapping[str, str] | None = None) -> str:
        """The text of one message; its id if there is none or a value is missing. Never raises."""
        return self.first(((id_,),), values or {}) or clean(id_)

    def first(
        self,
        groups: Sequence[Sequence[str]],
        values: Mapping[str, str],
        counts: Mapping[str, int] | None = None,
    ) -> str | None:
        """The first message of *groups* that exists and has all its values. Never raises.

        A group holds variants of one message: within it the host's texts go before the
        library's, so that a host's plain text is not beaten by the library's variant.
        """
        safe = {
            name: clean(value, _VALUE_LENGTH, isolates=name not in _OUTSIDE)
            for name, value in values.items()
        }
        if self.direction == "rtl":
            safe = {name: isolated(value) for name, value in safe.items()}
        for group in groups:
            for function in self._functions:
                for id_ in group:
                    text = self._ask(function, id_, safe)
                    if text is not None:
                        return text
            own = (self._own.get(id_) for id_ in group)
            usual = (self._shipped(id_, counts or {}) for id_ in group)
            for template in (*own, *usual):
                filled = None if template is None else fill(template, safe)
                if filled is not None:
                    return filled
        return None

    def _ask(self, function: MessageFunction, id_: str, values: Mapping[str, str]) -> str | None:
        """A host function's text, None if it has none or a bad one (logged and told)."""
        slots = known_ids().get(id_)
        if slots is None:
            return None
        try:
            # its type is a promise, not a fact
            text: object = function(id_, self.locale, dict(values))
        except Exception as error:
            self._refused(id_, f"the host's function raised {type(error).__name__}")
            return None
        if text is None:
            return None
        if not isinstance(text, str):
            self._refused(id_, f"the host's function returned a {type(text).__name__}")
            return None
        cleaned = clean(text, len(text) + 1, isolates=True)
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
        if (id_, why) in self._told or len(self._told) >= _REPORTED:
            return
        self._told.add((id_, why))
        self._log.warning("streamnotice.message_refused", id=id_, why=why)
        if self._on_error is not None:
            self._on_error(f"messages.{id_}", f"{why}; the usual text is shown")

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
