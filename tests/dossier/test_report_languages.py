"""The report in the viewer's language: whole, in its direction, with nothing left in English."""

from __future__ import annotations

import re
import unicodedata
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from pathlib import Path

import html5lib
import pytest
from babel import Locale
from babel.dates import format_date
from recorded import changed
from retold import retold

from streamnotice.cli import main
from streamnotice.dossier.phrases import Phrases
from streamnotice.dossier.report import report
from streamnotice.dossier.report.frame import apart
from streamnotice.errors import MessageError
from streamnotice.notices.overrides import claim_in
from streamnotice.notices.placeholders import ISOLATE, POP_ISOLATE, placeholders
from streamnotice.notices.shipped import REPORT, languages, shipped

H = "{http://www.w3.org/1999/xhtml}"
TRANSLATED = [language for language in languages() if language != "en"]
SOURCE = Path(__file__).parents[2] / "streamnotice"
ENGLISH = re.compile(r"\b(the|and|is|not|with|than|which)\b")


@pytest.fixture(scope="module")
def dossier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return retold("edge-overloaded", tmp_path_factory.mktemp("lang") / "d.jsonl.gz", locale="ja")


def pages(dossier: Path, made: dict[str, ET.Element], language: str) -> ET.Element:
    if language not in made:
        made[language] = html5lib.HTMLParser(strict=True).parse(report(dossier, language).html)
    return made[language]


@pytest.fixture(scope="module")
def made() -> dict[str, ET.Element]:
    return {}


def own_text(element: ET.Element, language: str) -> str:
    """The text that is said to be in the page's language; of a drawing its description."""
    parts = [element.text or ""]
    for child in element:
        name = str(child.tag).rpartition("}")[2]
        other = child.attrib.get("lang", language) != language
        if name not in ("style", "g", "code") and not other:
            parts.append(own_text(child, language))
        parts.append(child.tail or "")
    return " ".join(parts)


@pytest.mark.parametrize("language", languages())
def test_the_page_is_in_the_language_and_its_direction(
    dossier: Path, made: dict[str, ET.Element], language: str
) -> None:
    tree = pages(dossier, made, language)
    assert tree.attrib["lang"] == language
    assert tree.attrib["dir"] == Locale.parse(language).text_direction
    text = own_text(tree, language)
    # a measured share, as of lost probes, may be all
    assert claim_in(re.sub(r"\b100\s?%", "", text), language) is None
    assert "{" not in text
    if language != "en":
        # names of rules, places and hosts stay as they are; they have no spaces in them
        assert re.findall(rf".{{0,30}}{ENGLISH.pattern}.{{0,30}}", text) == []


@pytest.mark.parametrize("language", languages())
def test_every_isolate_is_closed(dossier: Path, made: dict[str, ET.Element], language: str) -> None:
    depth = 0
    for char in "".join(pages(dossier, made, language).itertext()):
        depth += char in (ISOLATE, "\u2067")
        depth -= char == POP_ISOLATE
        assert depth >= 0
    assert depth == 0


def test_without_a_locale_it_is_in_the_records(dossier: Path, tmp_path: Path) -> None:
    assert '<html lang="ja" dir="ltr">' in report(dossier).html
    out = tmp_path / "de.html"
    assert main(["report", str(dossier), "-o", str(out), "--locale", "de-AT"]) == 0
    page = out.read_text(encoding="utf-8")
    assert '<html lang="de" dir="ltr">' in page
    assert "Die Aufzeichnung ist stimmig." in page


@pytest.mark.parametrize("locale", ["../../etc", "tlh", "<script>", "en\u202e", "x" * 999])
def test_what_a_record_says_of_its_language_is_not_believed(locale: str, tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    lines = retold("healthy", tmp_path / "h.jsonl").read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([changed(lines[0], locale=locale), *lines[1:]]))
    assert '<html lang="en" dir="ltr">' in report(path).html
    with pytest.raises(MessageError):
        report(path, "<script>")


def test_charts_run_from_left_to_right_in_right_to_left_pages(
    dossier: Path, made: dict[str, ET.Element]
) -> None:
    style = (SOURCE / "dossier/report/style.css").read_text()
    assert re.search(r"svg\.chart \{[^}]*direction: ltr", style)
    tree = pages(dossier, made, "ar")
    texts = ["".join(one.itertext()) for one in tree.iter() if str(one.tag).endswith("}text")]
    turned = [one for one in texts if any("ARABIC" in unicodedata.name(c, "") for c in one)]
    assert turned
    assert all(one.startswith("\u2067") and one.endswith("\u2069") for one in turned
               if unicodedata.bidirectional(one.strip("\u2067\u2068")[0]) == "AL")  # fmt: skip


@pytest.mark.parametrize("language", languages())
def test_numbers_and_dates_look_as_cldr_has_them(language: str) -> None:
    say = Phrases(language)
    at = datetime(2026, 3, 9, 14, 5, tzinfo=UTC)
    assert say.moment(at).startswith(
        format_date(at, "long", locale="en_GB" if language == "en" else language)
    )
    assert "14:05" in say.moment(at)
    assert say.percent(999) != say.percent(0)
    assert "100" not in say.percent(999_999)


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_phrase_was_left_in_english(language: str) -> None:
    ours, source = shipped(language, REPORT), shipped("en", REPORT)
    wordless = re.compile(r"\{\w+\}|[\W\d_]|\b(?:dB|h|s|Mbit|SHA)\b")
    same = {
        id_: form
        for id_ in ours.texts
        for form in ours.all_forms(id_)
        if form in source.all_forms(id_) and wordless.sub("", form)
    }
    # the same word in both
    assert {id_ for id_ in same if not id_.startswith("month.")} <= {"fact.provisional"}, same


@pytest.mark.parametrize(
    ("language", "script"), [("ar", "ARABIC"), ("ja", "(HIRAGANA|KATAKANA|CJK)")]
)
def test_letters_are_of_the_languages_own_script(language: str, script: str) -> None:
    known = re.compile(
        r"\{\w+\}|Wi-Fi|VPN|UPnP|TCP_INFO|TTL|Linux|IPv[46]|IP_RECVERR|ENFSI|dB|Mbps"
    )
    ours = shipped(language, REPORT)
    for id_ in ours.texts:
        for form in ours.all_forms(id_):
            for char in known.sub("", form):
                if char.isalpha() and unicodedata.category(char) != "Lm":
                    assert re.match(script, unicodedata.name(char)), (id_, form, char)


def test_every_phrase_is_used_and_every_known_text_is_said_somewhere() -> None:
    code = "\n".join(
        file.read_text(encoding="utf-8")
        for folder in (SOURCE, SOURCE.parent / "lab")
        for file in folder.rglob("*")
        if file.suffix in (".py", ".j2")
    )
    plain = " ".join(re.sub(r'"\s*(?:f?")', "", code).split())
    families = ("month.", "condition.", "state.", "sensor.", "notice.", "status.", "fate.",
                "prior.", "delay.", "rivals.", "left.", "became.", "figure.")  # fmt: skip
    earlier = {"known.why_gateway_unread", "known.why_ipv6"}  # said by earlier versions, in records
    for id_, text in shipped("en", REPORT).texts.items():
        if id_.startswith("known."):
            assert text in plain or id_ in earlier, id_
        elif not id_.startswith(families):
            assert f'"{id_}"' in code, id_


def test_what_is_not_known_stays_english_and_is_said_to_be(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    lines = retold("healthy", tmp_path / "h.jsonl").read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-6]) + b'{"cut')
    page = report(path, "de").html
    assert "das Ende fehlt" in page
    assert re.search(r'<bdi lang="en">line \d+ is cut off after', page)


def test_values_keep_their_place_in_right_to_left_text() -> None:
    say = Phrases("ar")
    names = say.either(["network.isp", "service"])
    assert names.count(ISOLATE) == 2
    assert say("fate.wider", name=names).count(ISOLATE) == 2  # not around the whole again
    assert f"{ISOLATE}\u22121.2 dB{POP_ISOLATE}".replace(" ", "\u00a0") in say(
        "margin.test_over", weight=say.decibans(-1_200)
    )
    assert apart("queue_place") == "<bdi>queue_place</bdi>"
    assert apart(names) == names


def test_placeholders_are_the_same_in_all_languages() -> None:
    for language in TRANSLATED:
        ours = shipped(language, REPORT)
        for id_, text in shipped("en", REPORT).texts.items():
            assert set(placeholders(ours.texts[id_])) == set(placeholders(text)), (language, id_)
