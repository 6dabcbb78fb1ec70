"""Work on the catalogs: `python -m streamnotice.notices.translating new|update|check|compile`.

    new nl       begins a language: every message, still empty, with its English text
    update       brings each catalog in line with the English one: new messages come empty, those
                 whose English has changed are marked fuzzy, those that are gone are dropped
    check        what a translator has to mend, one line each; exit code 1 if there is something
    compile DIR  writes the `.mo` files that a wheel carries

A language has two catalogs: what a viewer is shown (`streamnotice.po`), and the words of the
report (`report.po`).

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
from streamnotice.notices.ids import Slots, place_stems
from streamnotice.notices.locales import SOURCE_LANGUAGE, is_language_tag
from streamnotice.notices.overrides import problem_in, words_pattern
from streamnotice.notices.placeholders import placeholders
from streamnotice.notices.po import compile_mo, parse_po
from streamnotice.notices.shipped import DOMAIN, DOMAINS, REPORT, english, languages, shipped

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog, Message

LOCALE: Final = Path(__file__).parent / "locale"
_UNWRAPPED: Final = 10_000
"""Babel wraps comments at 76 columns if told not to wrap."""
_CHECKS: Final = ("check.claims", "check.hedges")
_REPORT_HEDGED: Final = ("head.named", "head.undetermined")
"""Of the report's texts those that say where the trouble lies."""
_REPORT_LENGTH: Final = 600
_KINDS: Final = {
    DOMAIN: "{name} messages of streamnotice. The msgid is the message's id, the msgstr its text.",
    REPORT: "{name} words of the report. The msgid is the text's id, the msgstr the text.",
}
_HEADER: Final = """\
# {kind}
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


def source_of(language: str, domain: str = DOMAIN) -> Path:
    """Where the catalog of *language* is, or will be."""
    return LOCALE / language / "LC_MESSAGES" / f"{domain}.po"


def _read(language: str, domain: str) -> Catalog:
    from babel.messages.pofile import read_po

    with source_of(language, domain).open("rb") as file:
        return read_po(file, locale=language)


def _id(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


def _forms(message: Message) -> tuple[str, ...]:
    string = message.string or ""
    return (string,) if isinstance(string, str) else tuple(string)


def _words(lines: Iterable[str]) -> list[str]:
    """Editors may wrap comments otherwise."""
    return " ".join(lines).split()


def updated(language: str, domain: str = DOMAIN) -> str:
    """The catalog of *language* as `update` writes it: the English ids in the English order."""
    from babel import Locale
    from babel.messages.catalog import Catalog
    from babel.messages.pofile import write_po

    source_file = source_of(language, domain)
    there = source_file.is_file()
    old = {_id(one): one for one in _read(language, domain) if one.id} if there else {}
    made = Catalog(locale=language)
    plurals = made.plural_forms
    if there:
        # a language may count in another order than Babel does
        found = re.search(r'"Plural-Forms: (.*?)\\n"', source_file.read_text("utf-8"))
        plurals = found[1] if found else plurals
    made.mime_headers = [("Plural-Forms", plurals)]  # as many forms as the file has, not Babel
    for source in _read(SOURCE_LANGUAGE, domain):
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
    kind = _KINDS[domain].format(name=name)
    header = _HEADER.format(kind=kind, language=language, plurals=plurals)
    return header + text.getvalue().decode("utf-8").strip("\n") + "\n"


def faults(language: str, domain: str = DOMAIN) -> Iterator[str]:
    """What is wrong with the catalog of *language*, one line each. (Without Babel.)"""
    ours, source = shipped(language, domain), english(domain)
    for id_ in source.texts.keys() - ours.texts.keys():
        yield f"{id_}: has no text, or is marked fuzzy"
    for id_ in ours.texts.keys() - source.texts.keys():
        yield f"{id_}: is no message any more"
    for id_ in source.texts.keys() & ours.texts.keys():
        wanted = {name for form in source.all_forms(id_) for name in placeholders(form)}
        if domain == REPORT:
            known = Slots(frozenset(wanted), length=_REPORT_LENGTH)
        else:
            known = known_ids()[id_]
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
    hedged: Iterable[str] = _REPORT_HEDGED
    if domain == DOMAIN:
        hedged = (f"{stem}.{part}" for stem in place_stems() for part in ("title", "sentence"))
    hedges = shipped(language).hedges
    for id_ in hedged:
        text = ours.texts.get(id_, "").casefold()
        if text and not any(re.search(words_pattern(one), text) for one in hedges):
            yield f"{id_}: says more than it seems; use one of check.hedges: {text}"


def _new(words: list[str]) -> int:
    for language in words:
        if not is_language_tag(language) or source_of(language).is_file():
            print(f"{language}: is no language tag, or is there already", file=sys.stderr)
            return 2
        made = {source_of(language, domain): updated(language, domain) for domain in DOMAINS}
        for file, text in made.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
            print(f"{file}: begun; fill in each msgstr, then run check")
    return 0


def _update(words: list[str]) -> int:
    for language in words or [one for one in languages() if one != SOURCE_LANGUAGE]:
        for domain in DOMAINS:
            file, text = source_of(language, domain), updated(language, domain)
            if not file.is_file() or text != file.read_text(encoding="utf-8"):
                file.write_text(text, encoding="utf-8")
                print(f"{language}: {domain} changed")
    return 0


def _check(words: list[str]) -> int:
    bad = 0
    for language in words or languages():
        for fault in sorted(one for domain in DOMAINS for one in faults(language, domain)):
            bad += 1
            print(f"{language}: {fault}")
    return 1 if bad else 0


def _compile(words: list[str]) -> int:
    for language, domain in ((one, domain) for one in languages() for domain in DOMAINS):
        target = Path(words[0]) / language / "LC_MESSAGES" / f"{domain}.mo"
        target.parent.mkdir(parents=True, exist_ok=True)
        text = source_of(language, domain).read_text(encoding="utf-8")
        target.write_bytes(compile_mo(parse_po(text)))
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
