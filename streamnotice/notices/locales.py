"""Which language to speak: what is wanted, against what there is."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

SOURCE_LANGUAGE: Final = "en"
_TAG: Final = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,8})*\Z")


def language_tag(text: str) -> str:
    """A language tag in one form: `en_GB.UTF-8` -> `en-gb`; the empty and C locales are `en`."""
    if text in ("", "C", "POSIX") or text.startswith("C."):
        return SOURCE_LANGUAGE
    return text.partition(".")[0].partition("@")[0].replace("_", "-").lower()


def is_language_tag(tag: str) -> bool:
    """*tag*, in the form of `language_tag`, could name a language."""
    return _TAG.match(tag) is not None


def widening(tag: str) -> Iterator[str]:
    """*tag*, then what it is a kind of: `zh-hant-tw`, `zh-hant`, `zh`."""
    while tag:
        yield tag
        tag = tag.rpartition("-")[0]


def negotiate(wanted: Sequence[str], available: Collection[str]) -> str:
    """The first of the *wanted* tags that there are texts for, English where there is none.

    Args:
        wanted: tags in the form of `language_tag`, the dearest first.
    """
    for tag in wanted:
        for wider in widening(tag):
            if wider in available:
                return wider
    return SOURCE_LANGUAGE


def wanted_here(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The languages that a process's environment asks for, the dearest first.

    As GNU gettext has it: the first of `LC_ALL`, `LC_MESSAGES` and `LANG` that is set; before
    it those of `LANGUAGE`, unless it is the C locale. What is no language tag is left out.
    """
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    locale = next((environ[name] for name in names if environ.get(name)), "")
    own = language_tag(locale)
    before = environ.get("LANGUAGE", "").split(":") if locale and own != "en" else []
    tags = [language_tag(text) for text in before if text] + [own]
    return tuple(dict.fromkeys(filter(is_language_tag, tags))) or (SOURCE_LANGUAGE,)
