"""A host's own texts, checked when they are loaded so that showing them can't fail.

Texts come from a TOML file or a mapping, by id, for one language or for any:

    "service.edge.slow.sentence" = "..."        # any language
    [en]
    "service.edge.slow.sentence" = "..."        # English
    [service.edge.slow.sentence]
    de = "..."                                  # German

Quoted and dotted keys mean the same. A function `(id, values) -> text or None` can be given,
too; it can't be checked before, so what it returns is checked each time.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

import attrs

from streamnotice.errors import MessageError
from streamnotice.notices.ids import Slots
from streamnotice.notices.placeholders import hidden_character, placeholders

MessageFunction: TypeAlias = Callable[[str, dict[str, str]], str | None]
OverrideSource: TypeAlias = str | os.PathLike[str] | Mapping[str, Any] | MessageFunction

ANY_LANGUAGE: Final = ""
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*\Z")
_FILE_BYTES: Final = 1 << 20
_DEPTH: Final = 10
_MARKUP: Final = re.compile(r"<[A-Za-z/!?]|&(?:#\w+|[A-Za-z]+\d*);|\$\{")

_CLAIMS: Final = {
    "en": (
        "solely", "exclusively", "entirely", "only because", "wholly", "definitely", "certainly",
        "undoubtedly", "without doubt", "without a doubt", "beyond doubt", "guaranteed", "proven",
        "proves", "proof", "100 %", "100%", "to blame", "at fault", "is responsible for",
    ),
    "de": ("ausschließlich", "einzig und allein", "zweifellos", "zweifelsfrei", "bewiesen"),
    "fr": ("uniquement", "exclusivement", "certainement", "sans aucun doute", "prouvé"),
    "es": ("únicamente", "exclusivamente", "sin duda", "demostrado", "solamente"),
}  # fmt: skip
"""Words that claim more than any measurement can carry, by language; English counts everywhere."""


@attrs.frozen
class Overrides:
    """Checked overrides.

    Attributes:
        texts: by language (`ANY_LANGUAGE` for all), then by id.
        functions: asked first, the last given first.
    """

    texts: Mapping[str, Mapping[str, str]] = attrs.field(factory=dict)
    functions: tuple[MessageFunction, ...] = ()

    def languages(self) -> frozenset[str]:
        """Languages that have texts of their own."""
        return frozenset(self.texts) - {ANY_LANGUAGE}


def claim_in(text: str, language: str = "en") -> str | None:
    """The first word in *text* that claims too much, None if there is none."""
    folded = " ".join(text.casefold().split())
    for word in (*_CLAIMS["en"], *_CLAIMS.get(language.partition("-")[0], ())):
        if re.search(rf"(?<!\w){re.escape(word.casefold())}(?!\w)", folded):
            return word
    return None


def problem_in(text: object, slots: Slots, language: str, *, name_operators: bool) -> str | None:
    """What is wrong with *text* as the template of a message, with what to do; None if nothing."""
    if not isinstance(text, str):
        return f"must be text in quotes, not {type(text).__name__}"
    if not text.strip():
        return "is empty; leave the line out to keep the library's own text"
    if len(text) > slots.length:
        return f"has {len(text)} characters; shorten it to {slots.length}"
    hidden = hidden_character(text)
    if hidden is not None:
        return f"contains a hidden character ({hidden}); remove it and keep to one line"
    if _MARKUP.search(text):
        return "contains markup; write plain text, the player adds its own looks"
    claim = claim_in(text, language)
    if claim is not None:
        return f'says "{claim}", more than measurements can show; write "seems" or "likely"'
    try:
        names = placeholders(text)
    except MessageError as error:
        return str(error)
    for name in names:
        if name == "operator" and name in slots.permitted and not name_operators:
            return "uses {operator}; allow it first with Policy(name_operators=True)"
        if name not in slots.permitted:
            return _unknown_placeholder(name, slots.permitted)
    for name in sorted(slots.required.difference(names)):
        return f"must contain {{{name}}}; add it"
    return None


def _unknown_placeholder(name: str, permitted: frozenset[str]) -> str:
    if not permitted:
        return f"uses {{{name}}}, but this message takes no placeholders; remove it"
    near = difflib.get_close_matches(name, permitted, n=1, cutoff=0.5)
    known = ", ".join(f"{{{one}}}" for one in sorted(permitted))
    meant = f"did you mean {{{near[0]}}}? " if near else ""
    return f"uses the unknown placeholder {{{name}}}; {meant}this message takes {known}"


def load_overrides(
    source: OverrideSource | Sequence[OverrideSource] | None,
    known: Mapping[str, Slots],
    *,
    name_operators: bool = False,
) -> Overrides:
    """Read and check a host's texts.

    Args:
        source: path of a TOML file, mapping, function, or several of those (later ones win).
        known: all message ids with what may stand in each.
        name_operators: `{operator}` may be used (`Policy.name_operators`).

    Raises:
        MessageError: a file can't be read, or a text can't be used; one line that says which
            file and id, what is wrong and what to do.
    """
    if source is None:
        return Overrides()
    texts: dict[str, dict[str, str]] = {}
    functions: list[MessageFunction] = []
    several = isinstance(source, Sequence) and not isinstance(source, str)
    for one in source if several else (source,):  # type: ignore[union-attr]
        if isinstance(one, Mapping):
            _collect(one, "messages", known, name_operators, texts)
        elif isinstance(one, str | os.PathLike):
            _collect(_read(one), _printable(os.fspath(one)), known, name_operators, texts)
        elif callable(one):
            functions.insert(0, one)
        else:
            raise MessageError(
                f"message overrides can't be a {type(one).__name__}; "
                "give the path of a TOML file, a mapping or a function"
            )
    return Overrides(texts, tuple(functions))


def _printable(text: str) -> str:
    """*text* fit for one line of an error: it may quote what a file or path holds."""
    return "".join(char if char.isprintable() else "?" for char in text)


def _read(path: str | os.PathLike[str]) -> Mapping[str, Any]:
    name = _printable(os.fspath(path))
    try:
        with Path(path).open("rb") as file:
            data = file.read(_FILE_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        why = getattr(error, "strerror", None) or error
        raise MessageError(f"{name}: can't be read: {why}; check the path") from None
    if len(data) > _FILE_BYTES:
        raise MessageError(f"{name}: is larger than {_FILE_BYTES >> 20} MiB; shorten it")
    try:
        return tomllib.loads(data.decode("utf-8"))
    except UnicodeDecodeError:
        raise MessageError(f"{name}: is not UTF-8; save it as UTF-8") from None
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        # ValueError: numbers and dates that TOML's grammar lets through
        why = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        why = _printable(" ".join(why.split()))
        raise MessageError(f"{name}: is not valid TOML: {why}; correct it there") from None


def _flatten(
    table: Mapping[Any, Any], path: tuple[str, ...], source: str
) -> Iterator[tuple[str, object]]:
    if len(path) > _DEPTH:
        raise MessageError(f"{source}: tables are nested too deeply; write whole ids in quotes")
    for key, value in table.items():
        if not isinstance(key, str):
            raise MessageError(f"{source}: {key!r} is no message id; ids are text in quotes")
        if isinstance(value, Mapping):
            yield from _flatten(value, (*path, key), source)
        else:
            yield ".".join((*path, key)), value


def language_tag(text: str) -> str:
    """A language tag in one form: `en_GB.UTF-8` -> `en-gb`; the empty and C locales are `en`."""
    if text in ("", "C", "POSIX") or text.startswith("C."):
        return "en"
    return text.partition(".")[0].partition("@")[0].replace("_", "-").lower()


def _split(key: str, known: Mapping[str, Slots]) -> tuple[str, str]:
    """Language and id of a flattened key."""
    if key in known:
        return ANY_LANGUAGE, key
    first, _, rest = key.partition(".")
    if rest and _LANGUAGE.match(first):
        return language_tag(first), rest
    start, _, last = key.rpartition(".")
    if start in known and _LANGUAGE.match(last):
        return language_tag(last), start
    return ANY_LANGUAGE, key


def _collect(
    table: Mapping[str, Any],
    source: str,
    known: Mapping[str, Slots],
    name_operators: bool,
    texts: dict[str, dict[str, str]],
) -> None:
    found: dict[str, dict[str, str]] = {}
    problems: list[str] = []
    for key, value in _flatten(table, (), source):
        language, id_ = _split(key, known)
        where = f'{source}: "{id_}"' + (f" ({language})" if language else "")
        if id_ not in known:
            near = difflib.get_close_matches(id_, known, n=1, cutoff=0.6)
            hint = f'did you mean "{near[0]}"?' if near else "see docs/messages-en.md for all ids"
            problems.append(f"{where} is no message id; {hint}")
            continue
        problem = problem_in(value, known[id_], language, name_operators=name_operators)
        if problem is not None:
            problems.append(f"{where} {problem}")
        elif id_ in found.get(language, ()):
            problems.append(f"{where} is there twice; remove one")
        else:
            found.setdefault(language, {})[id_] = str(value)
    if problems:
        more = f" (and {len(problems) - 1} more to correct)" if len(problems) > 1 else ""
        raise MessageError(_printable(problems[0]) + more)
    for language, entries in found.items():
        texts.setdefault(language, {}).update(entries)
