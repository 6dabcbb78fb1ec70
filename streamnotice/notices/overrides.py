"""A host's own texts, checked when they are loaded so that showing them can't fail.

Texts come from a TOML file or a mapping, by id, for one language or for any:

    "service.edge.slow.sentence" = "..."        # any language
    [en]
    "service.edge.slow.sentence" = "..."        # English
    [service.edge.slow.sentence]
    de = "..."                                  # German

Quoted and dotted keys mean the same. A function `(id, language, values) -> text or None` can be
given, too; it can't be checked before, so what it returns is checked each time.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

import attrs

from streamnotice.errors import MessageError
from streamnotice.notices.ids import Slots
from streamnotice.notices.locales import is_language_tag, language_tag
from streamnotice.notices.placeholders import hidden_character, placeholders
from streamnotice.notices.shipped import Shipped, english, languages, shipped

MessageFunction: TypeAlias = Callable[[str, str, dict[str, str]], str | None]
OverrideSource: TypeAlias = str | os.PathLike[str] | Mapping[str, Any] | MessageFunction

ANY_LANGUAGE: Final = ""
_FILE_BYTES: Final = 1 << 20
_DEPTH: Final = 10
_MARKUP: Final = re.compile(r"<[A-Za-z/!?]|&(?:#\w+|[A-Za-z]+\d*);|\$\{")


@attrs.frozen
class Fault:
    """Why a text of the host can't be used.

    Attributes:
        where: the source; with the line, where the id is found in just one of a file.
        id: the message, empty if the source as a whole can't be used.
        language: the language it is meant for, empty if for any.
        what: what is wrong and what to do.
    """

    where: str
    id: str
    language: str
    what: str

    def __str__(self) -> str:
        """One line: where, which message, what."""
        named = f' "{self.id}"' if self.id else ""
        language = f" ({self.language})" if self.language else ""
        return _printable(f"{self.where}:{named}{language} {self.what}")


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


def _texts_of(language: str) -> Shipped:
    """The library's texts in *language*, English where there are none."""
    own = language.partition("-")[0]
    return shipped(own) if own in languages() else english()


def _hedges(language: str) -> tuple[str, ...]:
    return _texts_of(language).hedges or english().hedges


def claim_in(text: str, language: str = "en") -> str | None:
    """The first words in *text* that claim too much, None if there are none.

    English claims count in every language.
    """
    folded = " ".join(text.casefold().split())
    for words in dict.fromkeys((*english().claims, *_texts_of(language).claims)):
        if re.search(words_pattern(words), folded):
            return words
    return None


def words_pattern(words: str) -> str:
    """A regular expression for *words* in case-folded text.

    As whole words where letters are Latin; other scripts may write prefixes, endings and
    neighbours without a space.
    """
    folded = words.casefold()
    start = r"(?<!\w)" if _is_latin(folded[0]) else ""
    end = r"(?!\w)" if _is_latin(folded[-1]) else ""
    return f"{start}{re.escape(folded)}{end}"


def _is_latin(char: str) -> bool:
    return unicodedata.name(char, "").startswith("LATIN") or not char.isalpha()


def problem_in(text: object, slots: Slots, language: str, *, name_operators: bool) -> str | None:
    """What is wrong with *text* as the template of a message, with what to do; None if nothing."""
    if not isinstance(text, str):
        return f"must be text in quotes, not {type(text).__name__}"
    if not text.strip():
        return "is empty; leave the line out to keep the library's own text"
    if slots.form is not None:
        if re.fullmatch(slots.form, text):
            return None
        return "does not have the form that it must have; see docs/messages.md"
    if len(text) > slots.length:
        return f"has {len(text)} characters; shorten it to {slots.length}"
    hidden = hidden_character(text)
    if hidden is not None:
        return f"contains a hidden character ({hidden}); remove it and keep to one line"
    if _MARKUP.search(text):
        return "contains markup; write plain text, the player adds its own looks"
    claim = claim_in(text, language)
    if claim is not None:
        hedges = " or ".join(f'"{hedge}"' for hedge in _hedges(language)[:2])
        return f'says "{claim}", more than measurements can show; write like {hedges}'
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
    found, faults = read_overrides(source, known, name_operators=name_operators)
    if faults:
        more = f" (and {len(faults) - 1} more to correct)" if len(faults) > 1 else ""
        raise MessageError(str(faults[0]) + more)
    return found


def read_overrides(
    source: OverrideSource | Sequence[OverrideSource] | None,
    known: Mapping[str, Slots],
    *,
    name_operators: bool = False,
) -> tuple[Overrides, tuple[Fault, ...]]:
    """As `load_overrides`, with all texts that can't be used instead of the first.

    Raises:
        MessageError: a source can't be read at all.
    """
    if source is None:
        return Overrides(), ()
    texts: dict[str, dict[str, str]] = {}
    functions: list[MessageFunction] = []
    faults: list[Fault] = []
    several = isinstance(source, Sequence) and not isinstance(source, str)
    for one in source if several else (source,):  # type: ignore[union-attr]
        if isinstance(one, Mapping):
            faults += _collect(one, "messages", "", known, name_operators, texts)
        elif isinstance(one, str | os.PathLike):
            name, written = _printable(os.fspath(one)), _read(one)
            table = _parsed(written, name)
            faults += _collect(table, name, written, known, name_operators, texts)
        elif callable(one):
            functions.insert(0, one)
        else:
            raise MessageError(
                f"message overrides can't be a {type(one).__name__}; "
                "give the path of a TOML file, a mapping or a function"
            )
    return Overrides(texts, tuple(functions)), tuple(faults)


def _printable(text: str) -> str:
    """*text* fit for one line of an error: it may quote what a file or path holds."""
    return "".join(char if char.isprintable() else "?" for char in text)


def _read(path: str | os.PathLike[str]) -> str:
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
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise MessageError(f"{name}: is not UTF-8; save it as UTF-8") from None


def _parsed(written: str, name: str) -> Mapping[str, Any]:
    try:
        return tomllib.loads(written)
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


def _split(key: str, known: Mapping[str, Slots]) -> tuple[str, str]:
    """Language and id of a flattened key."""
    if key in known:
        return ANY_LANGUAGE, key
    first, _, rest = key.partition(".")
    if rest and first and is_language_tag(language_tag(first)):
        return language_tag(first), rest
    start, _, last = key.rpartition(".")
    if last and start in known and is_language_tag(language_tag(last)):
        return language_tag(last), start
    return ANY_LANGUAGE, key


def _lines_of(written: str) -> dict[str, list[int]]:
    """The lines in which each flattened key of a TOML file is given a value, best known.

    The parser doesn't tell; a multi-line text that looks like a key can mislead this.
    """
    found: dict[str, list[int]] = {}
    table = ""
    for number, line in enumerate(written.split("\n"), start=1):
        if head := re.match(r"\s*\[([^\[\]]+)\]\s*(?:#.*)?$", line):
            table = _plain_key(head[1]) + "."
        elif key := re.match(r"\s*([^=#]+?)\s*=", line):
            found.setdefault(table + _plain_key(key[1]), []).append(number)
    return found


def _plain_key(key: str) -> str:
    return re.sub(r"[\"'\s]", "", key)


def _collect(
    table: Mapping[str, Any],
    source: str,
    written: str,
    known: Mapping[str, Slots],
    name_operators: bool,
    texts: dict[str, dict[str, str]],
) -> list[Fault]:
    """Add the usable texts of *table* to *texts*; what is wrong with the others."""
    found: dict[str, dict[str, str]] = {}
    faults: list[tuple[int, Fault]] = []
    lines = _lines_of(written)
    for key, value in _flatten(table, (), source):
        language, id_ = _split(key, known)
        if id_ not in known:
            near = difflib.get_close_matches(id_, known, n=1, cutoff=0.6)
            hint = f'did you mean "{near[0]}"?' if near else "see docs/messages-en.md for all ids"
            problem: str | None = f"is no message id; {hint}"
        else:
            problem = problem_in(value, known[id_], language, name_operators=name_operators)
            if problem is None and id_ in found.get(language, ()):
                problem = "is there twice; remove one"
        if problem is None:
            found.setdefault(language, {})[id_] = str(value)
        else:
            at = lines.get(key, [])
            where = f"{source}:{at[0]}" if len(at) == 1 else source
            faults.append((at[0] if at else 0, Fault(where, id_, language, problem)))
    for language, entries in found.items():
        texts.setdefault(language, {}).update(entries)
    return [fault for _, fault in sorted(faults, key=lambda one: one[0])]
