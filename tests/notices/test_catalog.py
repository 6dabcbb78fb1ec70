"""The English catalog: complete, modest, well formed; and what a Catalog promises."""

from __future__ import annotations

import inspect
import math
import re
import sys

import pytest

from streamnotice.bottlenecks import NAMEABLE
from streamnotice.errors import MessageError
from streamnotice.evidence import RULES, Rule
from streamnotice.notices.catalog import Catalog, known_ids
from streamnotice.notices.figures import BASELINE, bare_name
from streamnotice.notices.ids import (
    PARTS,
    STRENGTHS,
    action_id,
    place_stems,
    strength,
    structural,
)
from streamnotice.notices.overrides import problem_in
from streamnotice.notices.placeholders import placeholders
from streamnotice.notices.shipped import languages, shipped

HEDGE = re.compile(
    r"\bseems?\b|\blikely\b|\bmay\b|points to|can't be told|does not show|\{subscribed\}"
)


@pytest.mark.parametrize("language", languages())
def test_every_message_of_the_tree_and_the_contracts_has_a_text(language: str) -> None:
    assert structural().keys() - shipped(language).texts.keys() == set()


@pytest.mark.parametrize("language", languages())
def test_every_text_passes_the_check_that_overrides_must_pass(language: str) -> None:
    problems = {
        id_: problem_in(text, known_ids()[id_], language, name_operators=True)
        for id_, text in shipped(language).texts.items()
    }
    assert {id_: problem for id_, problem in problems.items() if problem} == {}


@pytest.mark.parametrize("language", languages())
def test_no_text_is_for_an_id_that_nothing_asks_for(language: str) -> None:
    assert shipped(language).texts.keys() <= known_ids().keys()


def test_sentences_and_titles_of_places_are_hedged() -> None:
    texts = shipped("en").texts
    bare = [
        f"{stem}.{part}: {texts[f'{stem}.{part}']}"
        for stem in place_stems()
        for part in ("title", "sentence")
        if not HEDGE.search(texts[f"{stem}.{part}"])
    ]
    assert bare == []


def test_wifi_is_only_spoken_of_where_the_radio_was_seen() -> None:
    spoken = [id_ for id_, text in shipped("en").texts.items() if "wi-fi" in text.lower()]
    assert spoken
    assert [id_ for id_ in spoken if ".radio" not in id_] == []


def test_operators_and_plans_are_only_named_in_messages_made_for_it() -> None:
    for id_, text in shipped("en").texts.items():
        if "{operator}" in text:
            assert id_.endswith(".named")
        if "{subscribed}" in text or re.search(r"less than the .* of your plan", text):
            assert ".below_plan." in id_


def test_sentences_are_one_sentence_and_end_with_a_full_stop() -> None:
    for stem in place_stems():
        sentence = shipped("en").texts[f"{stem}.sentence"]
        assert re.fullmatch(r"[A-Z{][^.!?]*\.", sentence), sentence


def test_every_bare_evidence_text_has_no_placeholder_and_every_other_a_bare_one() -> None:
    texts = shipped("en").texts
    for id_, text in texts.items():
        if id_.startswith("rule.") and not id_.startswith("rule.generic"):
            if id_.endswith(".bare"):
                assert "{" not in text
                assert id_.removesuffix(".bare") in texts
            elif "{" in text:
                assert f"{id_}.bare" in texts


@pytest.mark.parametrize(
    ("weight_mdb", "word"),
    [
        (-40_000, "none"), (0, "none"), (3_009, "none"), (3_010, "weak"), (9_999, "weak"),
        (10_000, "moderate"), (20_000, "moderately_strong"), (30_000, "strong"),
        (39_999, "strong"), (40_000, "very_strong"), (59_999, "very_strong"),
        (60_000, "extremely_strong"), (10**9, "extremely_strong"),
    ],
)  # fmt: skip
def test_strength_follows_the_bands_of_the_verbal_scale(weight_mdb: int, word: str) -> None:
    assert strength(weight_mdb) == word
    assert Catalog().text(f"strength.{word}") == word.replace("_", " ")


def test_strength_bands_are_the_published_likelihood_ratios() -> None:
    ratios = (2, 10, 100, 1_000, 10_000, 1_000_000)
    assert [begins for _, begins in STRENGTHS[1:]] == [
        round(10_000 * math.log10(ratio)) // 10 * 10 for ratio in ratios
    ]


def test_every_stem_has_an_action_of_a_known_kind() -> None:
    for stem in place_stems():
        assert re.fullmatch(r"[a-z_]+", action_id(stem))
    assert action_id("network.isp.access.slow") == "lower_quality"
    assert action_id("service.edge.failing") == "wait"
    assert action_id("nothing.known") == action_id("undetermined")


@pytest.mark.parametrize(
    "locale", ["en", "EN", "en-GB", "en_GB.UTF-8", "C", "C.UTF-8", "POSIX", ""]
)
def test_locales_find_their_language(locale: str) -> None:
    assert Catalog(locale).locale == "en"


@pytest.mark.parametrize("locale", ["xx", "zz.UTF-8", "zh-Hant-TW", ["tlh", "zh"], []])
def test_a_language_without_texts_is_english(locale: str | list[str]) -> None:
    assert Catalog(locale).locale == "en"


@pytest.mark.parametrize("locale", ["../en", "e\x1b[31mn", ".", "a", "en/", "1"])
def test_what_is_no_language_tag_is_one_clear_line(locale: str) -> None:
    with pytest.raises(MessageError, match=r"is no language tag; write it like .*en") as caught:
        Catalog(locale)
    assert str(caught.value).isprintable()


def test_a_language_that_only_the_host_has_falls_back_to_english() -> None:
    catalog = Catalog("nl", {"nl": {"impact.stalled": "De video staat stil."}})
    assert catalog.locale == "nl"
    assert catalog.text("impact.stalled") == "De video staat stil."
    assert catalog.text("impact.quality") == Catalog().text("impact.quality")


def test_a_missing_text_is_its_id_never_an_error() -> None:
    catalog = Catalog()
    assert catalog.text("no.such.id") == "no.such.id"
    assert catalog.text("list.pair", {"first": "a"}) == "list.pair"
    assert catalog.template("no.such.id") is None


def test_the_hash_tells_texts_apart_and_nothing_else() -> None:
    plain = Catalog().hash
    changed = {"impact.stalled": "It stands still."}
    assert re.fullmatch(r"[0-9a-f]{64}", plain)
    assert Catalog("en_GB").hash == plain
    assert Catalog(overrides={"fr": {"impact.stalled": "Arrêt."}}).hash == plain
    assert Catalog(overrides=changed).hash != plain
    assert Catalog(overrides={"en": changed}).hash == Catalog(overrides=changed).hash
    assert Catalog(overrides=lambda id_, language, values: None).hash != plain


def test_every_name_of_the_tree_has_words() -> None:
    catalog = Catalog()
    for name in (*NAMEABLE, "none"):
        assert catalog.text(f"place.{name}") != f"place.{name}"
    assert set(PARTS) == {"title", "sentence", "evidence", "action", "strength"}


def test_the_evidence_texts_are_those_of_the_rules_that_there_are() -> None:
    texts = {
        tuple(id_.split(".")[1:3]) for id_ in shipped("en").texts if id_.startswith("rule.")
    } - {("generic",), ("generic", "bare")}
    assert texts == {(rule.name, outcome) for rule in RULES for outcome in rule.outcomes}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_evidence_texts_only_use_figures_that_the_rules_file_gives(rule: Rule) -> None:
    source = inspect.getsource(sys.modules[_home(rule)])
    figures = {
        bare_name(name)
        for name in re.findall(r'"([a-z_]+_(?:ns|bps|bytes|permille|count|code))"', source)
    }
    for outcome in rule.outcomes:
        for name in placeholders(shipped("en").texts[f"rule.{rule.name}.{outcome}"]):
            assert name.removeprefix(BASELINE) in figures


def _home(rule: Rule) -> str:
    """The module that declares *rule*, where its figures are named."""
    for name, module in sys.modules.items():
        if name.startswith("streamnotice.evidence.") and rule in vars(module).values():
            return name
    raise AssertionError(f"no module declares {rule.name}")
