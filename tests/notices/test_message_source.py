"""The catalog compiler agrees with gettext's own tools and refuses what it can't read."""

from __future__ import annotations

import gettext
import importlib.util
import inspect
import io
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamnotice.notices.po import PoError, compile_mo, mo_entries, parse_po
from streamnotice.notices.shipped import languages

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=40)


def source(language: str) -> str:
    folder = files("streamnotice.notices") / "locale" / language / "LC_MESSAGES"
    return (folder / "streamnotice.po").read_text(encoding="utf-8")


@pytest.mark.needs("msgfmt")
@pytest.mark.parametrize("language", languages())
def test_a_catalog_reads_as_gettexts_own_compiler_reads_it(language: str, tmp_path: Path) -> None:
    po, mo = tmp_path / "en.po", tmp_path / "en.mo"
    po.write_text(source(language), encoding="utf-8")
    subprocess.run(["msgfmt", "--check", "-o", mo, po], check=True, capture_output=True)
    with mo.open("rb") as file:
        theirs = gettext.GNUTranslations(file)
    ours = gettext.GNUTranslations(io.BytesIO(compile_mo(parse_po(source(language)))))
    ids = [key for key in mo_entries(mo.read_bytes()) if key]
    assert {*ids, ""} == set(mo_entries(compile_mo(parse_po(source(language)))))
    for key in ids:
        id_, _, plural = key.partition("\0")
        if plural:
            assert [ours.ngettext(id_, "", n) for n in range(30)] == [
                theirs.ngettext(id_, "", n) for n in range(30)
            ]
        else:
            assert ours.gettext(id_) == theirs.gettext(id_)


def test_the_compiler_can_be_loaded_by_its_path_as_the_build_does() -> None:
    spec = importlib.util.spec_from_file_location("_po", inspect.getfile(compile_mo))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.compile_mo(module.parse_po(source("de"))) == compile_mo(parse_po(source("de")))


def quoted(text: str) -> str:
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\t", "\\t")):
        text = text.replace(plain, escaped)
    return f'"{text}"'


@given(st.dictionaries(TEXT.filter(bool), TEXT.filter(bool), max_size=8))
def test_any_text_survives_source_and_compiled_form(entries: dict[str, str]) -> None:
    text = "".join(f"msgid {quoted(k)}\nmsgstr {quoted(v)}\n\n" for k, v in entries.items())
    parsed = parse_po(text)
    assert parsed == entries
    compiled = compile_mo(parsed)
    assert {key: text for key, text in mo_entries(compiled).items() if key} == entries
    read = gettext.GNUTranslations(io.BytesIO(compiled))
    assert {key: read.gettext(key) for key in entries} == entries


def test_plural_forms_are_kept_as_the_compiled_form_keeps_them() -> None:
    text = (
        'msgid ""\nmsgstr "Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n'
        'msgid "a"\nmsgid_plural "{n}"\nmsgstr[0] "one"\nmsgstr[1] "{n} of them"\n'
        'msgid "b"\nmsgid_plural "{n}"\nmsgstr[0] "one"\nmsgstr[1] ""\n'
    )
    entries = parse_po(text)
    assert {key: value for key, value in entries.items() if key} == {"a\0{n}": "one\0{n} of them"}
    read = gettext.GNUTranslations(io.BytesIO(compile_mo(entries)))
    assert [read.ngettext("a", "", n) for n in (0, 1, 2)] == ["{n} of them", "one", "{n} of them"]


def test_fuzzy_and_empty_entries_are_left_out_and_long_strings_joined() -> None:
    text = (
        '#. note\n#, fuzzy\nmsgid "a"\nmsgstr "unsure"\n\nmsgid "b"\nmsgstr ""\n'
        'msgid ""\n"c"\nmsgstr ""\n"one "\n"two"\n#~ msgid "old"\n'
    )
    assert parse_po(text) == {"c": "one two"}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('msgid "a"\nmsgstr "x"\nmsgid "a"\nmsgstr "y"\n', "twice"),
        ('msgid "a"\n', "an entry without msgstr"),
        ('msgstr "a"\n', "line 1: msgstr without"),
        ('msgid "a"\nmsgstr "x"\nmsgstr "y"\n', "line 3: a second msgstr"),
        ('msgid "a"\nmsgstr "x\n', "line 2: expected"),
        ('msgid "a"\nmsgstr "\\q"\n', "line 2: unknown escape"),
        ('msgctxt "m"\nmsgid "a"\nmsgstr "x"\n', "'msgctxt' is not supported"),
        ('msgid "a"\nmsgid_plural "b"\nmsgstr "x"\n', "without msgstr[0]"),
        ('msgid "a"\nmsgid_plural "b"\nmsgstr[0] "x"\nmsgstr[2] "y"\n', "without msgstr[1]"),
        ('msgid "a"\nmsgid_plural "b"\n', "without msgstr[0]"),
        ('"x"\n', "belongs to nothing"),
    ],
)
def test_a_malformed_source_is_an_error_that_says_where(text: str, line: str) -> None:
    with pytest.raises(PoError, match=line.replace("[", r"\[")):
        parse_po(text)


@given(
    st.lists(
        st.sampled_from(['msgid "a"', 'msgstr "b"', '"c"', "#, fuzzy", "#~ x", "", "msgid x", "?"])
        | st.text(max_size=12)
    )
)
def test_any_source_is_read_or_is_a_po_error(lines: list[str]) -> None:
    try:
        parsed = parse_po("\n".join(lines))
    except PoError:
        return
    compile_mo(parsed)


@given(st.binary(max_size=64) | st.binary(max_size=64).map(lambda b: b"\xde\x12\x04\x95" + b))
def test_any_compiled_file_is_read_or_is_a_po_error(data: bytes) -> None:
    try:
        mo_entries(data)
    except PoError:
        return


def test_a_cut_compiled_file_is_a_po_error() -> None:
    whole = compile_mo({"some.id": "text"})
    with pytest.raises(PoError):
        mo_entries(whole[:40])
