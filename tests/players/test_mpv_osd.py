"""The notice on mpv's screen: all of it, in a box that fits, and no value that becomes markup."""

from __future__ import annotations

import re

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamnotice.events import Item, Notice
from streamnotice.notices.catalog import Catalog
from streamnotice.notices.shown import ShownNotice
from streamnotice.players.mpv_osd import Card, Paragraph, card, draw, escape

EVENT = Notice(
    at_ns=9_000_000_000,
    id="n1",
    state="raised",
    reason=None,
    since_ns=5_000_000_000,
    bottleneck="service.edge",
    among=(),
    condition="slow",
    impact="stalled",
    confidence_ppm=970_000,
    against="network.isp.access",
    weight_mdb=21_000,
    items=(Item("first_byte", "very_late", 21_000, (("ttfb_ns", 2_400_000_000),)),),
)


def shown(**changes: object) -> ShownNotice:
    return Catalog("en").show(attrs.evolve(EVENT, **changes))  # type: ignore[arg-type]


def literal(ass: str) -> str:
    """What a viewer reads of ASS events: override blocks and drawings gone, escapes undone."""
    out = []
    for event in ass.split("\n"):
        if "\\p1" in event:
            continue
        text = re.sub(r"(?<!\\)\{[^}]*\}", "", event, count=1)
        out.append(text.replace("\\{", "{").replace("\\}", "}").replace("\\\u2060", "\\"))
    return " ".join(out)


def test_title_sentence_evidence_and_action_are_all_there() -> None:
    notice = shown()
    text = literal(draw(card(notice)))
    for part in (notice.title, notice.sentence, notice.evidence_line, notice.actions[0].text):
        assert part in text


@pytest.mark.parametrize("aspect", [0.4, 9 / 16, 4 / 3, 16 / 9, 21 / 9, 0.0, -1.0, 1e9])
def test_the_sentence_is_never_cut_short(aspect: float) -> None:
    notice = shown()
    assert notice.sentence in literal(draw(card(notice), aspect))


@pytest.mark.parametrize(
    ("reason", "longest_s"), [("recovered", 6), ("ended", 6), ("withdrawn", 15)]
)
def test_the_end_of_a_notice_is_said_and_goes_by_itself(reason: str, longest_s: float) -> None:
    notice = shown(state="resolved", reason=reason)
    what = card(notice)
    assert what.stays_s is not None
    assert 3 <= what.stays_s <= longest_s
    assert notice.sentence in literal(draw(what))


def test_a_standing_notice_stays() -> None:
    assert card(shown()).stays_s is None


@given(st.text(max_size=80))
def test_no_value_becomes_markup(value: str) -> None:
    safe = escape(value)
    assert "\n" not in safe
    # every brace is escaped, and no backslash but those of the braces begins an escape
    assert not re.search(r"(?<!\\)[{}]", safe)
    assert all(following in "{}\u2060" for following in re.findall(r"\\(.)", safe))
    assert not safe.endswith("\\")


@given(st.lists(st.text(max_size=200), min_size=1, max_size=4), st.floats(0.3, 4))
def test_whatever_is_to_be_shown_there_is_a_drawing(texts: list[str], aspect: float) -> None:
    ass = draw(Card(tuple(Paragraph(text, 24, "FFFFFF") for text in texts), "FFFFFF"), aspect)
    for event in ass.split("\n"):
        assert event.startswith("{\\an7")


def test_arabic_hangs_on_the_right_and_numbers_keep_their_units() -> None:
    from streamnotice.notices.samples import samples

    sample = next(one for one in samples() if one.message == "network.isp.core.crowded")
    shown = Catalog("ar").show(sample.event, sample.policy, sample.context)
    drawn = draw(card(shown))
    texts = [line for line in drawn.splitlines() if "\\p1" not in line]
    assert all("\\an9" in line for line in texts)
    assert {re.search(r"\\pos\((\d+),", line)[1] for line in texts} == {"1212"}  # type: ignore[index]
    assert not any(re.search(r"\d$", line) for line in texts)
