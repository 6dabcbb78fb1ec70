"""A host's own texts: accepted and shown, or refused at load in one clear line."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from notice_events import notice

from streamnotice.errors import HostError, MessageError
from streamnotice.notices.catalog import Catalog, known_ids
from streamnotice.notices.overrides import claim_in
from streamnotice.policy import Policy

SENTENCE = "network.isp.access.slow.sentence"


def refused(overrides: Any, **options: Any) -> str:
    with pytest.raises(MessageError) as caught:
        Catalog("en", overrides, **options)
    text = str(caught.value)
    assert "\n" not in text
    assert text.isprintable()
    assert isinstance(caught.value, HostError)
    return text


@pytest.mark.parametrize(
    "overrides",
    [
        {SENTENCE: "OURS."},
        {"en": {SENTENCE: "OURS."}},
        {SENTENCE: {"en": "OURS.", "de": "UNSERS."}},
        {"network": {"isp": {"access": {"slow": {"sentence": "OURS."}}}}},
        {"en": {"network": {"isp": {"access.slow": {"sentence": "OURS."}}}}},
        {SENTENCE: "ANY.", "en": {SENTENCE: "OURS."}},
        {"de": {SENTENCE: "UNSERS."}, "en": {SENTENCE: "OURS."}},
        [{SENTENCE: "FIRST."}, {SENTENCE: "OURS."}],
    ],
)
def test_texts_are_found_by_id_and_language_in_either_order(overrides: Any) -> None:
    assert Catalog("en", overrides).show(notice(), Policy()).sentence == "OURS."


def test_a_file_does_as_a_mapping_does(tmp_path: Path) -> None:
    path = tmp_path / "messages.toml"
    path.write_text(
        f'"{SENTENCE}" = "{{place}} OURS."\n[en]\nimpact.stalled = "Äh."\n', encoding="utf-8"
    )
    for source in (path, str(path)):
        shown = Catalog("en", source).show(notice(), Policy())
        assert shown.sentence == "your internet line OURS."
        assert shown.text.startswith("Äh. your internet line OURS. ")


def test_each_part_can_be_overridden() -> None:
    stem = "network.isp.access.slow"
    own = {
        f"{stem}.title": "T",
        f"{stem}.sentence": "S",
        f"{stem}.evidence": "E {evidence}",
        f"{stem}.action": "A",
        f"{stem}.strength": "W {strength}",
        "rule.rate.short": "R {throughput}",
        "list.pair": "{first} | {last}",
    }
    shown = Catalog("en", own).show(notice(), Policy())
    assert (shown.title, shown.sentence) == ("T", "S")
    assert shown.evidence_line == "E R 1.2 Mbit/s"
    assert shown.actions[0].text == "A"
    assert shown.as_json()["strength"] == "W moderately strong"


def test_a_hosts_plain_text_goes_before_the_librarys_variant() -> None:
    catalog = Catalog("en", {SENTENCE: "OURS."})
    policy = Policy(subscribed_bps=50_000_000)
    assert "plan" in Catalog().show(notice(), policy).sentence
    assert catalog.show(notice(), policy).sentence == "OURS."


def test_a_text_for_the_place_does_not_replace_one_for_its_condition() -> None:
    catalog = Catalog("en", {"network.isp.access.sentence": "OURS."})
    assert catalog.show(notice(), Policy()).sentence != "OURS."
    assert catalog.show(notice(condition=None), Policy()).sentence == "OURS."


@pytest.mark.parametrize(
    ("id_", "text", "complaint"),
    [
        ("service.edge.slo.sentence", "x", 'did you mean "service.edge.slow.sentence"?'),
        ("zzz", "x", "is no message id; see docs/messages-en.md"),
        (SENTENCE, "{plaze}", "unknown placeholder {plaze}; did you mean {place}?"),
        ("impact.stalled", "{place}", "takes no placeholders"),
        ("network.among.sentence", "Somewhere.", "must contain {places}"),
        ("notice.resolved.withdrawn", "Sorry.", "must contain {sentence}"),
        ("service.edge.slow.evidence", "Trust us.", "must contain {evidence}"),
        (SENTENCE, "{", "brace without its partner"),
        (SENTENCE, "a } b", "brace without its partner"),
        (SENTENCE, "{place.__class__}", "only {name} is permitted"),
        (SENTENCE, "{place[0]}", "only {name} is permitted"),
        (SENTENCE, "{place!r}", "only {name} is permitted"),
        (SENTENCE, "{place:>9}", "only {name} is permitted"),
        (SENTENCE, "{}", "only {name} is permitted"),
        (SENTENCE, "{0}", "only {name} is permitted"),
        (SENTENCE, "", "is empty"),
        (SENTENCE, "   ", "is empty"),
        (SENTENCE, 5, "must be text in quotes, not int"),
        (SENTENCE, ["a"], "must be text in quotes, not list"),
        (SENTENCE, None, "must be text in quotes, not NoneType"),
        (SENTENCE, "x" * 241, "has 241 characters; shorten it to 240"),
        ("service.edge.slow.title", "x" * 61, "shorten it to 60"),
        (SENTENCE, "This is solely your line.", 'says "solely"'),
        (SENTENCE, "Certainly  your line.", 'says "certainly"'),
        (SENTENCE, "Your provider is to  blame.", 'says "to blame"'),
        (SENTENCE, "a\nb", "hidden character"),
        (SENTENCE, "a\x1b[31m", "hidden character"),
        (SENTENCE, "a\u202eb", "hidden character (RIGHT-TO-LEFT OVERRIDE)"),
        (SENTENCE, "<b>x</b>", "contains markup"),
        (SENTENCE, "${osd}", "contains markup"),
        (SENTENCE, "{operator} is slow", "allow it first with Policy(name_operators=True)"),
        ("device.sentence", "{operator}", "unknown placeholder {operator}"),
    ],
)
def test_what_can_not_be_used_is_refused_at_load(id_: str, text: Any, complaint: str) -> None:
    said = refused({"en": {id_: text}})
    assert complaint in said
    assert id_ in said


def test_every_problem_is_counted_and_the_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text('"nothing.such" = "x"\n"impact.stalled" = ""\n', encoding="utf-8")
    said = refused(path)
    assert said.startswith(f'{path}:1: "nothing.such" is no message id')
    assert said.endswith("(and 1 more to correct)")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b'"a" = ', "is not valid TOML"),
        (b'"a" = "x"\n"a" = "y"\n', "is not valid TOML"),
        (b"\xff\xfe", "is not UTF-8"),
        (b"a = " + b"[" * 5000, "is not valid TOML"),
        (b"#" * ((1 << 20) + 1), "is larger than 1 MiB"),
        (b'a.b.c.d.e.f.g.h.i.j.k.l.m = "x"', "nested too deeply"),
        (b"[[en]]\n", "must be text in quotes, not list"),
    ],
)
def test_a_broken_file_is_one_clear_line(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "own.toml"
    path.write_bytes(content)
    said = refused(path)
    assert complaint in said or "is no message id" in said
    assert str(path) in said


def test_a_file_that_can_not_be_read_is_one_clear_line(tmp_path: Path) -> None:
    assert "No such file" in refused(tmp_path / "none.toml")
    assert "directory" in refused(tmp_path)
    assert "can't be read" in refused("a\0b")


def test_what_is_no_source_is_refused() -> None:
    assert "can't be a int" in refused(5)
    assert "ids are text in quotes" in refused({3: "x"})


@settings(deadline=None)  # looking for near ids takes a while
@given(
    st.dictionaries(
        st.sampled_from(["en", "de", SENTENCE, "network", "x", ""]) | st.text(max_size=6),
        st.recursive(
            st.none()
            | st.integers()
            | st.text(max_size=20)
            | st.sampled_from(["{place}", "{", "}"]),
            lambda inner: (
                st.dictionaries(st.sampled_from([SENTENCE, "isp", "sentence"]), inner)
                | st.lists(inner, max_size=2)
            ),
            max_leaves=6,
        ),
        max_size=4,
    )
)
def test_any_mapping_is_accepted_or_is_a_message_error(overrides: dict[str, Any]) -> None:
    error, catalog = "", None
    try:
        catalog = Catalog("en", overrides)
    except MessageError as refusal:
        error = str(refusal)
    assert error.isprintable()
    if catalog is None:
        assert error
        return
    assert catalog.show(notice(), Policy()).sentence


@given(st.text(max_size=60) | st.sampled_from(["{place}{{}}", "{{place}}", "{{{place}}}"]))
def test_any_template_is_refused_at_load_or_shown(text: str) -> None:
    try:
        catalog = Catalog("en", {SENTENCE: text})
    except MessageError:
        return
    assert catalog.show(notice(), Policy()).sentence.strip()


def test_an_operator_needs_the_policys_leave_at_load_and_when_shown() -> None:
    from streamnotice.notices.shown import Context

    own = {"network.isp.core.crowded.sentence": "{operator} seems busy."}
    catalog = Catalog("en", own, name_operators=True)
    event = notice(bottleneck="network.isp.core", condition="crowded")
    known = Context(operators={"network.isp.core": "Acme"})
    permitted = Policy(name_operators=True)
    default = Catalog().show(event, Policy()).sentence
    assert catalog.show(event, permitted, known).sentence == "Acme seems busy."
    assert catalog.show(event, Policy(), known).sentence == default
    assert catalog.show(event, permitted).sentence == default


def test_a_function_is_asked_first_and_may_decline() -> None:
    seen: dict[str, dict[str, str]] = {}

    def own(id_: str, language: str, values: dict[str, str]) -> str | None:
        seen[id_] = values
        return f"{values['place'].upper()} OURS." if id_ == SENTENCE else None

    shown = Catalog("en", [own, {SENTENCE: "FILE."}]).show(notice(), Policy())
    assert shown.sentence == "YOUR INTERNET LINE OURS."
    assert shown.title == Catalog().show(notice(), Policy()).title
    assert seen["rule.rate.short"]["throughput"] == "1.2 Mbit/s"


@pytest.mark.parametrize(
    ("returned", "why"),
    [
        (5, "returned a int"), (b"x", "returned a bytes"), ("", "no text"), ("\x1b[2J", "no text"),
        ("x" * 5000, "characters"), ("Solely yours.", 'says "solely"'),
    ],
)  # fmt: skip
def test_a_functions_junk_is_logged_and_the_usual_text_shown(
    returned: Any, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, logger="streamnotice")
    catalog = Catalog("en", lambda id_, language, values: returned)
    assert catalog.show(notice(), Policy()).text == Catalog().show(notice(), Policy()).text
    assert "streamnotice.message_refused" in caplog.text
    assert why in caplog.text


def test_a_function_that_raises_is_logged_and_the_usual_text_shown(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Odd(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    def own(id_: str, language: str, values: dict[str, str]) -> str:
        values.clear()
        raise Odd

    caplog.set_level(logging.WARNING, logger="streamnotice")
    assert Catalog("en", own).show(notice()).text == Catalog().show(notice()).text
    assert "raised Odd" in caplog.text


def test_what_a_function_does_wrong_is_told_once_each() -> None:
    told: list[tuple[str, str]] = []

    def own(id_: str, language: str, values: dict[str, str]) -> str | None:
        if id_ == SENTENCE:
            raise KeyError("x")
        return "Solely yours." if id_.endswith(".title") else None

    catalog = Catalog("de", own, on_error=lambda where, what: told.append((where, what)))
    for _ in range(3):
        assert catalog.show(notice(), Policy()).text == Catalog("de").show(notice(), Policy()).text
    assert (
        f"messages.{SENTENCE}",
        "the host's function raised KeyError; the usual text is shown",
    ) in told
    assert len(told) == len(set(told)) == 2


def test_a_function_is_told_the_language() -> None:
    seen: set[str] = set()

    def own(id_: str, language: str, values: dict[str, str]) -> str | None:
        seen.add(language)
        return None

    Catalog("ja-JP", own).show(notice(), Policy())
    assert seen == {"ja"}


def test_a_function_that_is_cancelled_lets_the_cancellation_through() -> None:
    def own(id_: str, language: str, values: dict[str, str]) -> str:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        Catalog("en", own).show(notice(), Policy())


def test_a_functions_text_is_cleaned() -> None:
    catalog = Catalog(
        "en", lambda id_, language, values: "a\x1b[31m b\u202e\n c" if id_ == SENTENCE else None
    )
    assert catalog.show(notice(), Policy()).sentence == "a b c"


def test_claims_are_found_as_whole_words_in_any_case() -> None:
    assert claim_in("SOLELY") == "solely"
    assert claim_in("Es liegt Ausschließlich hier", "de-AT") == "ausschließlich"
    assert claim_in("a proofreader, uncertainly") is None


def test_every_known_message_can_be_overridden_by_its_own_text() -> None:
    catalog = Catalog()
    forms = {id_: catalog.templates(id_) for id_ in known_ids()}
    own = {id_: texts[0] for id_, texts in forms.items() if len(texts) == 1}
    again = Catalog("en", own, name_operators=True)
    assert again.hash == catalog.hash
