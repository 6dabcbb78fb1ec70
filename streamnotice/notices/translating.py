"""Work on the catalogs: `python -m streamnotice.notices.translating new|update|check|compile`.

    new nl       begins a language: every message, still empty, with its English text
    update       brings each catalog in line with the English one: new messages come empty, those
                 whose English has changed are marked fuzzy, those that are gone are dropped
    check        what a translator has to mend, one line each; exit code 1 if there is something
    compile DIR  writes the `.mo` files that a wheel carries

A text's English stands beside it as a comment, so that it is seen when the English moves on.
Needs Babel (dependency group `dev`); the library itself does not.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from streamnotice.errors import MessageError
from streamnotice.notices.catalog import known_ids
from streamnotice.notices.ids import place_stems
from streamnotice.notices.locales import SOURCE_LANGUAGE, is_language_tag
from streamnotice.notices.overrides import problem_in, words_pattern
from streamnotice.notices.placeholders import placeholders
from streamnotice.notices.po import compile_mo, parse_po
from streamnotice.notices.shipped import english, languages, shipped

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog, Message

LOCALE: Final = Path(__file__).parent / "locale"
_UNWRAPPED: Final = 10_000
"""Babel wraps comments at 76 columns if told not to wrap."""
_CHECKS: Final = ("check.claims", "check.hedges")
_HEADER: Final = """\
# {name} messages of streamnotice. The msgid is the message's id, the msgstr its text.
# docs/messages.md explains ids and placeholders, and how to work on this file.
msgid ""
msgstr ""
"Project-Id-Version: streamnotice\\n"
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: {plurals}\\n"

"""


def source_of(language: str) -> Path:
    """Where the catalog of *language* is, or will be."""
    return LOCALE / language / "LC_MESSAGES" / "streamnotice.po"


def _read(language: str) -> Catalog:
    from babel.messages.pofile import read_po

    with source_of(language).open("rb") as file:
        return read_po(file, locale=language)


def _id(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


def _forms(message: Message) -> tuple[str, ...]:
    string = message.string or ""
    return (string,) if isinstance(string, str) else tuple(string)


def _words(lines: Iterable[str]) -> list[str]:
    """Editors may wrap comments otherwise."""
    return " ".join(lines).split()


def updated(language: str) -> str:
    """The catalog of *language* as `update` writes it: the English ids in the English order."""
    from babel import Locale
    from babel.messages.catalog import Catalog
    from babel.messages.plurals import get_plural
    from babel.messages.pofile import write_po

    there = source_of(language).is_file()
    old = {_id(one): one for one in _read(language) if one.id} if there else {}
    made = Catalog(locale=language)
    plurals = (
        f"nplurals={get_plural(language).num_plurals}; plural={get_plural(language).plural_expr};"
    )
    if there:
        # a language may count in another order than Babel does
        found = re.search(r'"Plural-Forms: (.*?)\\n"', source_of(language).read_text("utf-8"))
        plurals = found[1] if found else plurals
    for source in _read(SOURCE_LANGUAGE):
        if not source.id:
            continue
        id_ = _id(source)
        said = [] if id_ in _CHECKS else list(_forms(source))
        before = old.get(id_)
        flags = set(before.flags) if before is not None else set()
        if (
            before is not None
            and any(_forms(before))
            and _words(before.auto_comments) != _words(said)
        ):
            flags.add("fuzzy")
        added = made.add(
            source.id,
            before.string if before is not None else "",
            flags=flags,
            auto_comments=said,
            user_comments=before.user_comments if before is not None else (),
        )
        # Babel's guess; other tools would then look for the texts' placeholders in the id
        added.flags.discard("python-brace-format")
    text = io.BytesIO()
    write_po(text, made, width=_UNWRAPPED, omit_header=True)
    name = Locale.parse(language, sep="-").get_display_name("en") or language
    header = _HEADER.format(name=name, language=language, plurals=plurals)
    return header + text.getvalue().decode("utf-8").strip("\n") + "\n"


def faults(language: str) -> Iterator[str]:
    """What is wrong with the catalog of *language*, one line each. (Without Babel.)"""
    ours, source = shipped(language), english()
    for id_ in source.texts.keys() - ours.texts.keys():
        yield f"{id_}: has no text, or is marked fuzzy"
    for id_ in ours.texts.keys() - source.texts.keys():
        yield f"{id_}: is no message any more"
    for id_ in source.texts.keys() & ours.texts.keys():
        known = known_ids()[id_]
        wanted = {name for form in source.all_forms(id_) for name in placeholders(form)}
        if ours.turns_on.get(id_) != source.turns_on.get(id_):
            yield f"{id_}: its plural forms turn on another placeholder than in English"
        for form in ours.all_forms(id_):
            problem = problem_in(form, known, language, name_operators=True)
            if problem is not None:
                yield f"{id_}: {problem}"
                continue
            # a form that is for one number alone may leave that number out
            given = set(placeholders(form))
            if given | {ours.turns_on.get(id_, "")} != wanted | {ours.turns_on.get(id_, "")}:
                yield f"{id_}: has other placeholders than in English: {form}"
    for stem in place_stems():
        for part in ("title", "sentence"):
            text = ours.texts.get(f"{stem}.{part}", "").casefold()
            if text and not any(re.search(words_pattern(one), text) for one in ours.hedges):
                yield f"{stem}.{part}: says more than it seems; use one of check.hedges: {text}"


def _new(words: list[str]) -> int:
    for language in words:
        if not is_language_tag(language) or source_of(language).is_file():
            print(f"{language}: is no language tag, or is there already", file=sys.stderr)
            return 2
        text = updated(language)
        source_of(language).parent.mkdir(parents=True)
        source_of(language).write_text(text, encoding="utf-8")
        print(f"{source_of(language)}: begun; fill in each msgstr, then run check")
    return 0


def _update(words: list[str]) -> int:
    for language in words or [one for one in languages() if one != SOURCE_LANGUAGE]:
        text = updated(language)
        if text != source_of(language).read_text(encoding="utf-8"):
            source_of(language).write_text(text, encoding="utf-8")
            print(f"{language}: changed")
    return 0


def _check(words: list[str]) -> int:
    bad = 0
    for language in words or languages():
        for fault in sorted(faults(language)):
            bad += 1
            print(f"{language}: {fault}")
    return 1 if bad else 0


def _compile(words: list[str]) -> int:
    for language in languages():
        target = Path(words[0]) / language / "LC_MESSAGES" / "streamnotice.mo"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(compile_mo(parse_po(source_of(language).read_text(encoding="utf-8"))))
        print(target)
    return 0


_COMMANDS: Final[dict[str, Callable[[list[str]], int]]] = {
    "new": _new, "update": _update, "check": _check, "compile": _compile,
}  # fmt: skip


def main(words: list[str]) -> int:
    """Run one of the commands above; returns its exit code."""
    command = _COMMANDS.get(words[0] if words else "")
    if command is None or (words[0] in ("new", "compile") and len(words) < 2):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        return command(words[1:])
    except (MessageError, OSError, ImportError) as error:
        print(f"translating {words[0]}: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
