"""A notice's manners over random sessions: one at a time, always resolved, few an hour."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from streamnotice.events import Impact, Notice, Verdict
from streamnotice.notices.lifecycle import Life
from streamnotice.policy import S_NS, Policy

SETTINGS = Policy().settings()
NAMES = ("undetermined", "network", "network.home.wifi", "service.edge")


def verdict(now: int, name: str, impact: Impact | None) -> Verdict:
    return Verdict(now, name, (), None, impact, 950_000, "none", 0)


def live(steps: list[tuple[Impact | None, str]]) -> list[Notice]:
    life = Life()
    said: list[Notice] = []
    for second, (impact, name) in enumerate(steps, 1):
        now = second * S_NS
        life.harm(now, impact)
        key = name if impact is not None or name != "undetermined" else "none"
        said += life.step(now, verdict(now, key, impact), key, now, SETTINGS)
    said += life.close((len(steps) + 1) * S_NS, SETTINGS)
    return said


@st.composite
def step_lists(draw: st.DrawFn) -> list[tuple[Impact | None, str]]:
    impacts = st.sampled_from([None, None, "stalled", "stall_ahead", "quality"])
    phases = draw(
        st.lists(
            st.tuples(impacts, st.sampled_from(NAMES), st.integers(1, 40)), min_size=1, max_size=20
        )
    )
    return [(impact, name) for impact, name, length in phases for _ in range(length)]


@settings(max_examples=150, deadline=None)
@given(step_lists())
def test_one_at_a_time_and_always_resolved(steps: list[tuple[Impact | None, str]]) -> None:
    open_id: str | None = None
    for notice in live(steps):
        if notice.state == "raised":
            assert open_id is None
            open_id = notice.id
        else:
            assert notice.id == open_id
            if notice.state == "resolved":
                assert notice.reason is not None
                open_id = None
    assert open_id is None


@settings(max_examples=150, deadline=None)
@given(step_lists())
def test_no_flapping(steps: list[tuple[Impact | None, str]]) -> None:
    said = live(steps)
    raised = [n.at_ns for n in said if n.state == "raised"]
    assert all(b - a >= SETTINGS.cooldown_ns for a, b in pairwise(raised))
    shown = [n for n in said if n.state != "resolved"]
    for before, after in pairwise(shown):
        if before.id == after.id:
            assert after.at_ns - before.at_ns >= 5 * S_NS


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(NAMES), max_size=200))
def test_no_impact_no_notice(names: list[str]) -> None:
    assert live([(None, name) for name in names]) == []


def test_recovers_after_ten_good_seconds() -> None:
    said = live([("stalled", "service.edge")] * 8 + [(None, "service.edge")] * 15)
    assert [(n.state, n.reason) for n in said] == [("raised", None), ("resolved", "recovered")]
    assert said[1].at_ns - 9 * S_NS == SETTINGS.resolved_after_ns


def test_a_name_that_fell_is_withdrawn() -> None:
    said = live([("stalled", "service.edge")] * 8 + [(None, "undetermined")] * 4)
    assert [(n.state, n.reason) for n in said] == [("raised", None), ("resolved", "withdrawn")]
    assert said[1].bottleneck == "service.edge"


def test_undetermined_is_said_only_of_lasting_harm() -> None:
    assert live([("stalled", "undetermined")] * 4 + [(None, "undetermined")] * 3) == []
    assert live([("stall_ahead", "undetermined")] * 60) == []
    assert live([("stalled", "undetermined")] * 9)[0].bottleneck == "undetermined"
