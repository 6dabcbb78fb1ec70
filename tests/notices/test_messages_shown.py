"""From an event to the notice as shown: words, figures, JSON, and nothing hostile in between."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from notice_events import AGAINST, QUEUE, RATE, all_names, notice

from streamnotice.bottlenecks import LEAF_NAMES, leaf
from streamnotice.events import Item, Notice
from streamnotice.notices.catalog import Catalog
from streamnotice.notices.shown import Context, ShownNotice
from streamnotice.policy import Policy

CATALOG = Catalog()
HOSTILE = "Ev\x1b[31mil\x1b]0;title\x07\x9b1m\u202e\u2066\x00\r\n{place}${x}\u2028<b>\U000e0041Net"


def show(event: Notice, **context: Any) -> ShownNotice:
    return CATALOG.show(event, Policy(), Context(**context))


def test_a_notice_says_impact_place_and_the_strongest_evidence() -> None:
    shown = show(notice())
    assert shown.title == "The line seems too slow for this video"
    assert shown.sentence == "It seems that your internet line carries less than this video needs."
    assert shown.evidence_line == (
        "Data came at 1.2 Mbit/s; the video needs 3.0 Mbit/s. Support for this: moderately strong."
    )
    assert shown.text == f"The video is held up. {shown.sentence} {shown.evidence_line}"
    assert [action.id for action in shown.actions] == ["lower_quality"]
    assert shown.strength == "moderately strong"


@pytest.mark.parametrize(
    ("impact", "start"),
    [("stalled", "The video is held up."), ("stall_ahead", "The video may stop soon."),
     ("quality", "The picture quality had to be lowered.")],
)  # fmt: skip
def test_the_impact_stands_first(impact: str, start: str) -> None:
    assert show(notice(impact=impact)).text.startswith(start + " ")


@pytest.mark.parametrize(("bottleneck", "condition", "among"), all_names())
def test_every_name_gets_its_own_words(
    bottleneck: str, condition: str | None, among: tuple[str, ...]
) -> None:
    shown = show(notice(bottleneck=bottleneck, condition=condition, among=among))
    stem = ".".join(filter(None, (bottleneck, condition, "among" if among else None)))
    own = CATALOG.template(f"{stem}.sentence")
    assert own is not None
    if "{" not in own and among != ("network.home.sharing", "network.isp.access"):
        assert shown.sentence == own
    for text in (shown.title, shown.sentence, shown.evidence_line, shown.text, shown.strength):
        assert text.strip()
        assert not re.search(r"[{}]|\bsolely\b|network\.|service\.|\bNone\b", text)
    assert shown.actions[0].text
    assert len(shown.sentence) <= 300


def test_the_places_that_pass_together_are_spoken_of() -> None:
    shown = show(notice(bottleneck="service", condition=None,
                        among=("service.dns", "service.edge", "service.origin")))  # fmt: skip
    assert (
        "the look-up of the server's address, the server that delivers this video "
        "or the servers behind the delivery server" in shown.sentence
    )


def test_a_full_line_that_may_be_either_speaks_of_both() -> None:
    both = ("network.home.sharing", "network.isp.access")
    for bottleneck, condition in (("network", None), ("network.isp.access", "crowded")):
        sentence = show(notice(bottleneck=bottleneck, condition=condition, among=both)).sentence
        assert "other traffic in your home" in sentence
        assert "the line itself" in sentence


def test_too_many_places_for_a_sentence_are_left_to_the_inner_name() -> None:
    network = tuple(name for name in LEAF_NAMES if name.startswith("network."))
    listed = show(notice(bottleneck="network", condition=None, among=network))
    plain = show(notice(bottleneck="network", condition=None))
    assert listed.sentence == plain.sentence


def test_wifi_is_named_only_where_the_radio_was_seen() -> None:
    for condition in leaf("network.home.wifi").conditions:
        event = notice(bottleneck="network.home.wifi", condition=condition)
        for medium in (None, "ethernet", "tunnel"):
            shown = show(event, medium=medium)
            assert "Wi-Fi" not in shown.text + shown.title + shown.actions[0].text
        assert "Wi-Fi" in show(event, medium="wifi").sentence


def test_the_plan_is_only_spoken_of_where_the_policy_knows_it_and_less_came() -> None:
    def text(subscribed_bps: int | None, *items: Item) -> str:
        policy = Policy(subscribed_bps=subscribed_bps)
        return CATALOG.show(notice(items=items), policy).text

    assert "plan" not in text(None, RATE, QUEUE)
    assert "less than the 50 Mbit/s of your plan" in text(50_000_000, RATE, QUEUE)
    assert "Your plan: 50 Mbit/s." in text(50_000_000, RATE, QUEUE)
    assert "plan" not in text(1_200_000, RATE, QUEUE)
    assert "plan" not in text(50_000_000, QUEUE)


def test_an_operator_is_only_named_if_the_policy_says_so() -> None:
    for place in ("network.isp.access", "network.isp.core", "network.interconnect"):
        event = notice(bottleneck=place, condition="crowded", against=place)
        named = Context(operators={place: "Acme Telecom"})
        for policy in (Policy(), None):
            shown = CATALOG.show(event, policy, named)
            assert "Acme" not in json.dumps(shown.as_json()) + shown.title + shown.evidence_line
        permitted = Policy(name_operators=True)
        assert "Acme Telecom" in CATALOG.show(event, permitted, named).sentence
        assert "operator" not in CATALOG.show(event, permitted).sentence


def test_a_withdrawal_takes_back_plainly_what_was_said() -> None:
    said = show(notice())
    event = notice(state="resolved", reason="withdrawn")
    own = show(event)
    quoted = show(event, said="Our own words.")
    assert own.text == f"We said: “{said.sentence}” That no longer stands."
    assert quoted.text == "We said: “Our own words.” That no longer stands."
    for shown in (own, quoted):
        assert shown.title == "Correction"
        assert shown.sentence == shown.text
        assert (shown.evidence_line, shown.actions) == ("", ())


@pytest.mark.parametrize("reason", ["recovered", "ended", None, "unheard_of"])
def test_the_end_of_a_notice_no_longer_accuses(reason: str | None) -> None:
    shown = show(notice(state="resolved", reason=reason))
    assert "line" not in shown.text + shown.title + shown.sentence
    assert shown.actions == ()


def test_undetermined_says_that_it_can_not_tell() -> None:
    shown = show(notice(bottleneck="undetermined", condition=None, weight_mdb=0, items=()))
    assert "does not show where the trouble lies" in shown.text
    assert shown.strength == "none"


def test_evidence_against_the_name_or_in_shadow_is_never_the_evidence_line() -> None:
    shadow = Item("rate", "nothing", 50_000, (), None, True)
    shown = show(notice(items=(AGAINST, shadow)))
    assert shown.evidence_line == "No single measurement stands out."
    assert len(shown.evidence) == 2


def test_a_text_whose_figure_is_not_known_gives_way_to_the_plain_one() -> None:
    unknown = Item("rate", "short", 9_000, (("throughput_bps", None), ("needed_bps", 1)))
    assert show(notice(items=(unknown,))).evidence[0].text == (
        "Data came more slowly than the video needs it."
    )


def test_a_rule_without_texts_is_shown_in_general_words() -> None:
    numbered = Item("brand_new", "quite_odd", 0, (("some_ns", 2_400_000_000),), None, True)
    empty = Item("brand_new", "quite_odd", 0)
    shown = show(notice(items=(numbered, empty)))
    assert [item.text for item in shown.evidence] == [
        "Brand new: quite odd (some 2.4 s).",
        "Brand new: quite odd.",
    ]


def test_a_place_or_condition_of_a_later_version_is_shown_by_what_holds_it() -> None:
    assert show(notice(bottleneck="network.isp.cache", condition="full")).sentence == (
        show(notice(bottleneck="network.isp", condition=None)).sentence
    )
    assert show(notice(condition="haunted")).sentence == show(notice(condition=None)).sentence
    assert show(notice(bottleneck="moon", condition=None)).title == "The cause can't be told"


def test_ruled_out_places_say_why() -> None:
    shown = show(notice())
    assert [(one.bottleneck, one.text) for one in shown.ruled_out] == [
        ("network.home.wifi", "The link to your home router seems not to be the cause. Delay "
         "builds up on your internet line: 180 ms on top of 21 ms at best."),
        ("device", "This device seems not to be the cause. Frames were shown as they should be."),
    ]  # fmt: skip


def test_json_says_where_the_texts_run_from_right_to_left() -> None:
    assert "dir" not in show(notice()).as_json()
    assert Catalog("ar").show(notice(), Policy()).as_json()["dir"] == "rtl"


def test_json_is_exactly_the_contracts_notice_line() -> None:
    line = json.loads(json.dumps(show(notice()).as_json(), allow_nan=False))
    assert list(line) == [
        "type", "id", "at", "since", "state", "reason", "bottleneck", "among", "condition",
        "impact", "confidence", "against", "weight_db", "strength", "text", "locale", "actions",
        "evidence", "alternatives", "ruled_out",
    ]  # fmt: skip
    assert line["type"] == "notice"
    assert (line["at"], line["since"]) == (12.346, 9.5)
    assert (line["state"], line["reason"], line["condition"]) == ("raised", None, "slow")
    assert line["confidence"] == 0.995
    assert line["locale"] == "en"
    assert line["alternatives"] == [
        {"bottleneck": "service.edge", "confidence": 0.0039},
        {"bottleneck": "none", "confidence": 0.001},
    ]
    assert all(set(action) == {"id", "text"} for action in line["actions"])
    assert all(set(one) == {"bottleneck", "text"} for one in line["ruled_out"])
    assert line["evidence"][1] == {
        "kind": "queue_place",
        "text": "Delay builds up on your internet line: 180 ms on top of 21 ms at best.",
        "weight_db": 11.0,
        "measured": {"queue_s": 0.18},
        "baseline": {"rtt_s": 0.021},
    }
    assert line["evidence"][0]["baseline"] is None
    assert line["evidence"][2]["measured"] == {"asking_share": 0.612}


def items_strategy() -> st.SearchStrategy[Item]:
    weights = st.integers(-80_000, 80_000)
    return st.builds(
        Item,
        rule=st.sampled_from(["rate", "queue_place", "decode", "brand_new"]) | st.text(max_size=9),
        outcome=st.sampled_from(["short", "access", "none"]) | st.text(max_size=9),
        weight_mdb=weights,
        measured=st.lists(
            st.tuples(
                st.sampled_from(["a_ns", "b_bps", "c_permille", "d_bytes", "e_count", "f", "_ns"]),
                st.none() | st.integers(-(10**15), 10**15),
            ),
            max_size=4,
        ).map(tuple),
        baseline=st.none() | st.just((("a_ns", 5),)),
    )


@given(st.lists(items_strategy(), max_size=8))
def test_printed_weights_add_up_to_the_printed_sum(items: list[Item]) -> None:
    event = notice(items=tuple(items), weight_mdb=sum(item.weight_mdb for item in items))
    line = json.loads(json.dumps(show(event).as_json(), allow_nan=False))
    total = sum(round(item["weight_db"] * 1000) for item in line["evidence"])
    assert total == round(line["weight_db"] * 1000)


@given(
    st.lists(st.integers(0, 1_000_000), min_size=2, max_size=12).map(
        lambda parts: [part * 999_999 // max(1, sum(parts)) for part in parts]
    )
)
def test_rounded_probabilities_never_add_up_to_more_than_one(ppms: list[int]) -> None:
    alternatives = tuple(zip(LEAF_NAMES, ppms[1:], strict=False))
    line = show(notice(confidence_ppm=ppms[0], alternatives=alternatives)).as_json()
    shares = [line["confidence"], *(one["confidence"] for one in line["alternatives"])]
    assert sum(round(share * 10_000) for share in shares) <= 10_000


def harmful(text: str) -> list[str]:
    return [char for char in text if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp")]


def test_hostile_values_become_plain_text() -> None:
    event = notice(
        bottleneck="network.isp.core",
        condition="crowded",
        items=(Item(HOSTILE, HOSTILE, 9_000, ((f"{HOSTILE}_ns", 1),)),),
        ruled_out=((HOSTILE, f"{HOSTILE}.{HOSTILE}"),),
        against=HOSTILE,
    )
    policy = Policy(name_operators=True)
    context = Context(operators={"network.isp.core": HOSTILE})
    shown = CATALOG.show(event, policy, context)
    texts = [shown.title, shown.sentence, shown.evidence_line, shown.text, shown.strength]
    texts += [item.text for item in shown.evidence] + [one.text for one in shown.ruled_out]
    for text in texts:
        assert harmful(text) == []
        assert "31m" not in text
        assert "title" not in text
    assert "(Evil{place}${x} <b>Net)" in shown.sentence.replace("Evil {place}", "Evil{place}")


def test_a_hostile_quotation_is_cleaned_too() -> None:
    shown = show(notice(state="resolved", reason="withdrawn"), said=HOSTILE)
    assert harmful(shown.text) == []


@given(
    bottleneck=st.sampled_from([*LEAF_NAMES, "network", "undetermined"]) | st.text(max_size=20),
    condition=st.none() | st.text(max_size=10),
    among=st.lists(st.sampled_from(LEAF_NAMES) | st.text(max_size=8), max_size=5).map(tuple),
    state=st.sampled_from(["raised", "updated", "resolved"]),
    reason=st.none() | st.text(max_size=8),
    against=st.text(max_size=12),
    weight_mdb=st.integers(-(10**9), 10**9),
    confidence_ppm=st.integers(0, 1_000_000),
    items=st.lists(items_strategy(), max_size=3).map(tuple),
    ruled_out=st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8)), max_size=2).map(tuple),
    said=st.none() | st.text(max_size=20),
)
def test_any_event_is_shown_without_an_error_or_a_control_character(
    said: str | None, **fields: Any
) -> None:
    shown = show(notice(**fields), said=said)
    for text in (shown.title, shown.sentence, shown.evidence_line, shown.text, shown.strength):
        assert not any(unicodedata.category(char) in ("Cc", "Zl", "Zp") for char in text)
    json.dumps(shown.as_json(), allow_nan=False)
