"""Lines for a terminal are as wide as they look there."""

from __future__ import annotations

import textwrap

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from streamnotice.cli.wrapping import cells, wrap
from streamnotice.notices.catalog import Catalog
from streamnotice.notices.ids import place_stems

TEXTS = st.text(st.sampled_from("ab. 、。（）「」動画Aのーé\u00a0"), max_size=60)


@given(TEXTS, st.integers(6, 30))
def test_nothing_is_lost_and_lines_fit(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert "".join("".join(lines).split(" ")) == "".join(text.split(" "))
    for line in lines:
        assert cells(line) <= width or " " not in line.strip(" ")


@given(st.text(st.sampled_from("abcdefg "), max_size=80), st.integers(10, 40))
def test_latin_text_breaks_where_the_standard_library_breaks_it(text: str, width: int) -> None:
    text = " ".join(word[:10] for word in text.split())
    assert wrap(text, width) == (textwrap.wrap(text, width) or [""])


def test_japanese_fits_the_terminal_and_keeps_punctuation_where_it_belongs() -> None:
    catalog = Catalog("ja")
    for stem in place_stems():
        for line in wrap(catalog.text(f"{stem}.action"), 40, "1.0 ", "    "):
            assert cell_len(line) <= 40
            assert line.strip()[0] not in "、。）」"
            assert not line.endswith(("（", "「"))


def test_arabic_marks_and_isolates_take_no_room() -> None:
    assert cells("المشغّل") == 6
    assert cells("\u2068Acme\u2069") == 4


def test_the_first_line_and_the_others_begin_as_asked() -> None:
    assert wrap("one two three", 9, "* ", "  ") == ["* one two", "  three"]
