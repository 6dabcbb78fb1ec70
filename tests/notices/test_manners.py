"""What a viewer is shown of a notice's life, after mutes, dismissals and severity."""

from __future__ import annotations

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from streamnotice.events import Impact, Notice, NoticeState, Reason
from streamnotice.notices.manners import Manners, severity


def step(
    state: NoticeState,
    bottleneck: str = "network.home.wifi",
    reason: Reason | None = None,
    id_: str = "n1",
    impact: Impact = "stalled",
    among: tuple[str, ...] = (),
) -> Notice:
    return Notice(0, id_, state, reason, 0, bottleneck, among, None, impact, 990_000, "none", 0)


def test_shown_from_beginning_to_end() -> None:
    manners = Manners()
    for event in (step("raised"), step("updated"), step("resolved", reason="recovered")):
        assert manners.judge(event, muted=False).show
    assert manners.on_screen is None


def test_what_was_understood_stays_away() -> None:
    manners = Manners()
    assert manners.judge(step("raised", "network.home"), muted=False).show
    assert manners.dismiss("n1") is not None
    assert manners.dismiss("n1") is None
    deeper = manners.judge(step("updated", "network.home.wifi"), muted=False)
    assert (deeper.why, deeper.take_away) == ("dismissed", False)
    assert manners.judge(step("resolved", reason="recovered"), muted=False).why == "dismissed"


def test_understood_and_then_another_place_is_shown_again() -> None:
    """They were told something that no longer stands."""
    manners = Manners()
    manners.judge(step("raised"), muted=False)
    manners.dismiss("n1")
    assert manners.judge(step("updated", "service.edge"), muted=False).show


def test_a_retraction_is_owed_to_everyone_who_saw_the_claim() -> None:
    manners = Manners()
    manners.judge(step("raised"), muted=False)
    manners.dismiss("n1")
    assert manners.judge(step("resolved", reason="withdrawn"), muted=False).show
    unseen = Manners()
    unseen.judge(step("raised"), muted=True)
    assert unseen.judge(step("resolved", reason="withdrawn"), muted=False).why == "unseen"


def test_what_no_longer_stands_goes_even_if_the_new_is_muted() -> None:
    manners = Manners()
    manners.judge(step("raised"), muted=False)
    judged = manners.judge(step("updated", "service.edge"), muted=True)
    assert (judged.why, judged.take_away) == ("muted", True)
    assert manners.on_screen is None


def test_severity_is_a_floor() -> None:
    manners = Manners(least="high")
    assert manners.judge(step("raised", impact="stall_ahead"), muted=False).why == "slight"
    assert manners.judge(step("updated", impact="stalled"), muted=False).show
    assert [severity(step("raised", impact=i)) for i in ("quality", "stall_ahead", "stalled")] == [
        "low",
        "medium",
        "high",
    ]


def test_a_dismissal_is_for_its_notice_alone() -> None:
    manners = Manners()
    manners.judge(step("raised"), muted=False)
    manners.dismiss("n1")
    assert manners.judge(step("raised", id_="n2"), muted=False).show
    assert manners.dismiss("n1") is None
    assert manners.on_screen is not None


def test_at_most_so_many_an_hour() -> None:
    manners = Manners(most_per_hour=3)
    shown = 0
    for minute in range(120):
        event = attrs.evolve(step("raised", id_=f"n{minute}"), at_ns=minute * 60 * 10**9)
        shown += manners.judge(event, muted=False).show
        end = attrs.evolve(event, state="resolved", reason="recovered")
        manners.judge(end, muted=False)
    assert shown == 6


NAMES = ("network", "network.home", "network.home.wifi", "service.edge", "undetermined")


@st.composite
def lives(draw: st.DrawFn) -> list[tuple[Notice | None, bool]]:
    """Notices one after the other, and in between the viewer's dismissals (None)."""
    found: list[tuple[Notice | None, bool]] = []
    for number in range(draw(st.integers(1, 4))):
        id_ = f"n{number}"
        for index in range(draw(st.integers(1, 5))):
            state: NoticeState = "updated" if index else "raised"
            impact = draw(st.sampled_from(["stalled", "stall_ahead", "quality"]))
            event = step(state, draw(st.sampled_from(NAMES)), id_=id_, impact=impact)
            found.append((event, draw(st.booleans())))
            if draw(st.booleans()):
                found.append((None, False))
        reason = draw(st.sampled_from(["recovered", "withdrawn", "ended"]))
        found.append((step("resolved", id_=id_, reason=reason), draw(st.booleans())))
    return found


@settings(deadline=None)
@given(lives(), st.sampled_from(["low", "medium", "high"]))
def test_a_screen_never_keeps_what_no_longer_stands(
    life: list[tuple[Notice | None, bool]], least: str
) -> None:
    """A face that shows what it gets, and takes away what it is told to, shows the last word."""
    manners = Manners(least=least)  # type: ignore[arg-type]
    screen: Notice | None = None
    seen: set[str] = set()
    for event, muted in life:
        if event is None:
            if manners.on_screen is not None:
                assert manners.dismiss(manners.on_screen.id) is screen
                screen = None
            continue
        judged = manners.judge(event, muted)
        if judged.take_away:
            assert screen is not None
            screen = None
        if judged.show and event.state != "resolved":
            assert not muted
            screen = event
            seen.add(event.id)
        elif judged.show:
            assert event.id in seen
            screen = None
        assert screen is None or screen is manners.on_screen
        assert screen is None or screen is event, "an older word stands while a newer one was said"
        if event.reason == "withdrawn":
            assert judged.show == (event.id in seen)
