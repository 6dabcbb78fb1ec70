"""Every language that ships: complete, modest, its own, and right in numbers and plurals.

CLDR, by way of Babel, is what numbers, plurals and direction are checked against.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import pytest
from babel import Locale
from babel.numbers import format_decimal, format_percent
from notice_events import all_names, notice

from streamnotice.notices.catalog import Catalog
from streamnotice.notices.figures import NumberStyle
from streamnotice.notices.ids import place_stems
from streamnotice.notices.locales import negotiate, wanted_here
from streamnotice.notices.overrides import claim_in
from streamnotice.notices.placeholders import ISOLATE, POP_ISOLATE, clean, placeholders
from streamnotice.notices.po import parse_po
from streamnotice.notices.shipped import DOMAINS, english, languages, shipped
from streamnotice.notices.shown import Context
from streamnotice.notices.translating import faults, main, source_of, updated
from streamnotice.policy import Policy

TRANSLATED = [language for language in languages() if language != "en"]
NBSP, NARROW = "\u00a0", "\u202f"


def spaceless(text: str) -> str:
    return "".join(char for char in text if not char.isspace() and char != "\u200e")


def texts(language: str) -> list[tuple[str, str]]:
    ours = shipped(language)
    return [(id_, form) for id_ in ours.texts for form in ours.all_forms(id_)]


def test_the_languages_that_there_are() -> None:
    assert languages() == ("ar", "de", "en", "es", "fr", "ja")


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("language", languages())
def test_nothing_is_left_for_a_translator_to_mend(language: str, domain: str) -> None:
    assert sorted(faults(language, domain)) == []


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("language", TRANSLATED)
def test_each_text_was_made_from_the_english_that_there_is(language: str, domain: str) -> None:
    text = source_of(language, domain).read_text(encoding="utf-8")
    assert text == updated(language, domain), (
        "run: python -m streamnotice.notices.translating update, and mend what is fuzzy then"
    )


def test_a_language_begins_with_every_message_empty_and_its_english_beside_it() -> None:
    text = updated("pl")
    assert set(parse_po(text)) == {""}
    assert "nplurals=3" in text
    assert text.count("\nmsgid ") == len(english().texts) + 3
    assert '#. The delivery server seems slow\nmsgid "service.edge.slow.title"\nmsgstr ""' in text


def test_the_tool_says_what_it_wants(capsys: pytest.CaptureFixture[str]) -> None:
    assert [main(words) for words in ([], ["sing"], ["new"], ["new", "de"], ["new", "../x"])] == [
        2, 2, 2, 2, 2,
    ]  # fmt: skip
    assert "is there already" in capsys.readouterr().err
    assert main(["check"]) == 0
    assert main(["check", "tlh"]) == 2


# -- its own words ----------------------------------------------------------------------------


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_text_was_left_in_english(language: str) -> None:
    wordless = re.compile(r"\{\w+\}|[\W\d_]|(?:[kMG]?bit|bps|[kMG]?B|ms|min|s)\b")
    same = {
        id_: form
        for id_, form in texts(language)
        if form in english().all_forms(id_) and form != "ltr" and wordless.sub("", form)
    }
    assert same == {}
    english_words = re.compile(r"\b(the|and|your|seems?|video service|of|to the|is|were)\b")
    assert [form for _, form in texts(language) if english_words.search(form)] == []


@pytest.mark.parametrize(
    ("language", "script"), [("ar", "ARABIC"), ("ja", "(HIRAGANA|KATAKANA|CJK)")]
)
def test_letters_are_of_the_languages_own_script(language: str, script: str) -> None:
    known = re.compile(r"\{\w+\}|Wi-Fi|VPN|DNS|[kMG]?bps|[kMG]?B\b|^(ltr|rtl)$")
    for id_, form in texts(language):
        for char in known.sub("", form):
            if char.isalpha() and unicodedata.category(char) != "Lm":
                assert re.match(script, unicodedata.name(char)), (id_, form, char)


@pytest.mark.parametrize("language", languages())
def test_sentences_end_as_sentences_do(language: str) -> None:
    stop = "。" if language == "ja" else "."
    for stem in place_stems():
        for part in ("sentence", "action"):
            assert shipped(language).texts[f"{stem}.{part}"].endswith(stop)
        assert not shipped(language).texts[f"{stem}.title"].endswith(stop)


@pytest.mark.parametrize("language", languages())
def test_wifi_and_operators_and_plans_are_only_spoken_of_where_they_are_known(
    language: str,
) -> None:
    for id_, form in texts(language):
        if re.search(r"wi-?fi|wlan", form, re.IGNORECASE):
            assert ".radio" in id_
        if "{operator}" in form:
            assert id_.endswith(".named")
        if "{subscribed}" in form:
            assert ".below_plan." in id_


@pytest.mark.parametrize("language", languages())
def test_every_notice_is_whole_in_every_language(language: str) -> None:
    catalog = Catalog(language)
    for name, condition, among in all_names():
        shown = catalog.show(notice(bottleneck=name, condition=condition, among=among), Policy())
        assert shown.locale == language
        whole = " ".join(
            [shown.title, shown.text, shown.strength, *(a.text for a in shown.actions)]
        )
        assert "{" not in whole
        assert claim_in(whole, language) is None
        if language != "en":
            assert not re.search(r"\b(seems?|the|your)\b", whole)


@pytest.mark.parametrize(
    ("language", "text", "claim"),
    [
        ("de", "Es liegt allein an Ihrer Leitung.", "allein"),
        ("de-AT", "Ihr Anbieter ist Schuld daran.", "schuld"),
        ("fr", "C'est uniquement votre ligne.", "uniquement"),
        ("fr", "C'est sûr à 100\u202f%.", "100 %"),
        ("es", "Es únicamente su línea.", "únicamente"),
        ("ar", "السبب هو خطّك وحده.", "وحده"),
        ("ja", "原因はご自宅の回線だけのせいです。", "だけのせい"),
        ("ja", "This is solely your line.", "solely"),
    ],
)
def test_claims_are_found_in_each_language(language: str, text: str, claim: str) -> None:
    assert claim_in(text, language) == claim


def test_words_that_only_look_like_a_claim_are_none() -> None:
    assert claim_in("Die Datenschutzerklärung ist unbewiesenermaßen lang.", "de") is None
    assert claim_in("Der Player forderte die ganze Zeit Daten an.", "de") is None


# -- numbers, plurals, direction --------------------------------------------------------------


@pytest.mark.parametrize("language", languages())
def test_numbers_look_as_cldr_has_them(language: str) -> None:
    style = NumberStyle.like(shipped(language).texts["number.sample"])
    for value in (0.1, 2.5, 999.9, 12_345.6, 1_234_567.8):
        assert style.digits(value, 1) == format_decimal(value, "#,##0.0", locale=language)
    percent = Catalog(language).numbers.share(120_000)
    assert spaceless(percent) == spaceless(format_percent(0.12, locale=language))
    assert any(char.isspace() for char in percent) == (language not in ("ja", "ar"))


@pytest.mark.parametrize("language", languages())
def test_plural_forms_fall_as_cldr_has_them(language: str) -> None:
    locale = Locale.parse(language)
    of_form: dict[str, str] = {}
    for number in range(1_001):
        form = shipped(language).template("rule.connect.refused", {"failures": number})
        assert form is not None
        category = locale.plural_form(number)
        assert of_form.setdefault(form, category) == category, number
    assert len(of_form) == len(shipped(language).forms["rule.connect.refused"])


@pytest.mark.parametrize("language", languages())
def test_a_form_without_its_number_stands_for_one_number_alone(language: str) -> None:
    ours = shipped(language)
    for id_, forms in ours.forms.items():
        name = ours.turns_on[id_]
        for form in forms:
            if name not in placeholders(form):
                numbers = [n for n in range(1_001) if ours.template(id_, {name: n}) == form]
                assert len(numbers) <= 1 or numbers == [0, 1], (id_, form, numbers[:4])


@pytest.mark.parametrize(
    ("language", "count", "said"),
    [
        ("en", 1, "1 connection was refused."), ("en", 12_345, "12,345 connections were refused."),
        ("de", 2, "2 Verbindungen wurden abgewiesen."),
        ("fr", 0, "0 connexion a été refusée."), ("fr", 2, "2 connexions ont été refusées."),
        ("ja", 7, "7件の接続が拒否されました。"),
        ("ar", 2, "رُفض اتصالان."), ("ar", 3, "رُفضت 3 اتصالات."), ("ar", 11, "رُفض 11 اتصالًا."),
        ("ar", 100, "رُفض 100 اتصال."), ("ar", 103, "رُفضت 103 اتصالات."),
    ],
)  # fmt: skip
def test_counts_agree_with_their_words(language: str, count: int, said: str) -> None:
    from streamnotice.events import Item

    item = Item("connect", "refused", 9_000, (("failures_count", count),))
    shown = Catalog(language).show(notice(items=(item,)), Policy())
    assert shown.evidence[0].text == said


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "2.4 s|1.5 Mbit/s|under 0.1 %"),
        ("de", f"2,4{NBSP}s|1,5{NBSP}Mbit/s|unter 0,1{NBSP}%"),
        ("fr", f"2,4{NBSP}s|1,5{NBSP}Mbit/s|moins de 0,1{NARROW}%"),
        ("es", f"2,4{NBSP}s|1,5{NBSP}Mbit/s|menos de 0,1{NBSP}%"),
        ("ja", "2.4秒|1.5Mbps|0.1%未満"),
        ("ar", f"2.4{NBSP}ث|1.5{NBSP}ميغابت/ث|أقل من 0.1%"),
    ],
)
def test_figures_in_each_language(language: str, said: str) -> None:
    numbers = Catalog(language).numbers
    found = [numbers.words(name, value) for name, value in
             (("x_ns", 2_400_000_000), ("x_bps", 1_500_000), ("x_ppm", 10))]  # fmt: skip
    assert "|".join(found) == said


def test_a_host_can_have_other_digits() -> None:
    catalog = Catalog("ar", {"ar": {"number.sample": "١٢٬٣٤٥٫٦"}})
    assert catalog.numbers.words("x_count", 12_345) == "١٢٬٣٤٥"
    assert catalog.numbers.words("x_ns", 2_400_000_000) == f"٢٫٤{NBSP}ث"


@pytest.mark.parametrize("language", languages())
def test_each_language_knows_its_name_and_direction(language: str) -> None:
    locale = Locale.parse(language)
    catalog = Catalog(language)
    assert catalog.text("language.name").casefold() == (locale.get_display_name() or "").casefold()
    assert catalog.direction == locale.text_direction


def test_left_to_right_values_are_isolated_in_right_to_left_text() -> None:
    policy = Policy(name_operators=True)
    event = notice(bottleneck="network.isp.core", condition="crowded")
    known = Context(operators={"network.isp.core": "Acme (AS 64500)"})
    shown = Catalog("ar").show(event, policy, known)
    assert f"{ISOLATE}Acme (AS 64500){POP_ISOLATE}" in shown.sentence
    assert f"{ISOLATE}Acme (AS 64500){POP_ISOLATE}" in shown.text
    assert ISOLATE not in Catalog("de").show(event, policy, known).text
    assert ISOLATE not in Catalog("ar").show(event, Policy()).text


@pytest.mark.parametrize(
    "name", ["\u202eevil", "\u2067x\u2069", "\u2069x\u2068", "\u2068" * 9, "a\u200eb"]
)
def test_a_value_can_not_turn_the_text_around_it(name: str) -> None:
    shown = Catalog("ar").show(
        notice(bottleneck="network.isp.core", condition="crowded"),
        Policy(name_operators=True),
        Context(operators={"network.isp.core": name}),
    )
    for text in (shown.sentence, shown.text):
        assert text == clean(text, len(text), isolates=True)
        assert text.count(ISOLATE) == text.count(POP_ISOLATE) <= 1


# -- which language ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("de-AT", "de"), ("fr_CA.UTF-8", "fr"), ("es-419", "es"), ("ar_EG", "ar"), ("ja-JP", "ja"),
        ("zh", "en"), ("zh-Hant-TW", "en"), (["zh", "ja"], "ja"), (["tlh"], "en"), ("C", "en"),
    ],
)  # fmt: skip
def test_the_nearest_language_is_spoken(wanted: Any, found: str) -> None:
    assert Catalog(wanted).locale == found


def test_a_variety_of_the_hosts_goes_before_its_language() -> None:
    own = {"de-at": {"impact.stalled": "Das Video steht."}, "de": {"impact.quality": "Schlechter."}}
    catalog = Catalog("de_AT.UTF-8", own)
    assert catalog.locale == "de-at"
    assert catalog.text("impact.stalled") == "Das Video steht."
    assert catalog.text("impact.quality") == "Schlechter."
    assert catalog.text("impact.stall_ahead") == "Das Video könnte bald stocken."
    assert catalog.numbers.words("x_ns", 2_400_000_000) == f"2,4{NBSP}s"


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({}, ("en",)),
        ({"LANG": "C.UTF-8", "LANGUAGE": "de"}, ("en",)),
        ({"LANG": "de_AT.UTF-8"}, ("de-at",)),
        ({"LANG": "de_DE", "LC_MESSAGES": "fr_FR"}, ("fr-fr",)),
        ({"LANG": "de_DE", "LC_ALL": "ja_JP.eucJP", "LC_MESSAGES": "fr_FR"}, ("ja-jp",)),
        ({"LANG": "de_DE", "LANGUAGE": "zh_TW:ja::en"}, ("zh-tw", "ja", "en", "de-de")),
        ({"LANG": "../../etc/passwd"}, ("en",)),
        ({"LANG": ""}, ("en",)),
    ],
)
def test_the_environment_is_read_as_gettext_does(
    environ: dict[str, str], wanted: tuple[str, ...]
) -> None:
    assert wanted_here(environ) == wanted
    assert negotiate(wanted_here(environ), languages()) in languages()
