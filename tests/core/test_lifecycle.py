"""A notice's manners over random sessions: one at a time, always resolved, few an hour."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamnotice.bottlenecks import is_named
from streamnotice.engine import Engine
from streamnotice.events import Impact, Notice, Verdict
from streamnotice.notices.lifecycle import Life
from streamnotice.observations import (
    Closed,
    FirstByte,
    Observation,
    Playback,
    RequestEnded,
    RequestStarted,
    Transfer,
)
from streamnotice.policy import S_NS, Policy
from tests.core.sessions import sessions

SETTINGS = Policy().settings()
NAMES = ("undetermined", "network", "network.home.wifi", "service.edge")


def step(life: Life, now: int, told: Verdict, key: str, wrong_ppm: int = 950_000) -> list[Notice]:
    """One step of an engine that is so sure that something is wrong, whatever it tells of it."""
    return life.step(now, told, key, now, SETTINGS, wrong_ppm)


def verdict(now: int, name: str, impact: Impact | None) -> Verdict:
    return Verdict(now, name, (), None, impact, 950_000, "none", 0)


def live(steps: list[tuple[Impact | None, str]]) -> list[Notice]:
    life = Life()
    said: list[Notice] = []
    for second, (impact, name) in enumerate(steps, 1):
        now = second * S_NS
        life.harm(now, impact, SETTINGS, "playing")
        key = name if impact is not None or name != "undetermined" else "none"
        said += step(life, now, verdict(now, key, impact), key)
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


def test_many_short_stalls_are_told_and_one_is_not() -> None:
    """Harm that comes in pieces is harm: the good seconds between two stalls end nothing."""
    stall: list[tuple[Impact | None, str]] = [("stalled", "undetermined")] * 3
    well: list[tuple[Impact | None, str]] = [(None, "undetermined")] * 6
    assert live([*stall, *well, *well]) == []
    assert [n.state for n in live((stall + well) * 4)] == ["raised", "resolved"]
    # a viewer who turns the quality down and up isn't harmed again and again
    flicker: list[tuple[Impact | None, str]] = [("quality", "undetermined"), *well[:2]]
    assert live(flicker * 20) == []
    # each after more than ten good seconds: spells of their own
    assert live((stall + well + well) * 4) == []


def test_a_pause_is_no_recovery_and_the_end_is_the_end() -> None:
    life = Life()
    said: list[Notice] = []
    states = ["stalled"] * 8 + ["paused"] * 60 + ["playing"] * 11 + ["stalled"] * 8 + ["ended"] * 3
    for second, state in enumerate(states, 1):
        now = second * S_NS
        impact: Impact | None = "stalled" if state == "stalled" else None
        key = "undetermined" if impact else "none"
        life.harm(now, impact, SETTINGS, state)
        said += step(life, now, verdict(now, key, impact), key)
    assert [(n.at_ns // S_NS, n.state, n.reason) for n in said[:2]] == [
        (6, "raised", None),
        (79, "resolved", "recovered"),
    ]
    assert [n.reason for n in said[3:]] in ([], ["ended"])


def found_at_last(before: Notice, after: Notice) -> bool:
    """A name, where nothing could be named: no change of mind, and so it needn't wait."""
    named = is_named(after.bottleneck, after.among)
    return named and not is_named(before.bottleneck, before.among)


@settings(max_examples=150, deadline=None)
@given(step_lists())
def test_no_flapping(steps: list[tuple[Impact | None, str]]) -> None:
    said = live(steps)
    raised = [n.at_ns for n in said if n.state == "raised"]
    assert all(b - a >= SETTINGS.cooldown_ns for a, b in pairwise(raised))
    shown = [n for n in said if n.state != "resolved"]
    for before, after in pairwise(shown):
        if before.id == after.id and not found_at_last(before, after):
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


@pytest.mark.parametrize(
    ("in_s", "sure", "told"),
    [(5.0, 0.96, True), (7.0, 0.96, False), (5.0, 0.94, False)],
)
def test_of_a_stall_ahead_it_is_said_if_that_is_near_and_no_chance(
    in_s: float, sure: float, told: bool
) -> None:
    life = Life()
    said: list[Notice] = []
    for second in range(1, 9):
        now = second * S_NS
        near = attrs.evolve(
            verdict(now, "undetermined", "stall_ahead"),
            stall_in_ns=(0, round(in_s * S_NS)),
            confidence_ppm=round((1.9 - sure) * 1e6),  # what is told of it has no part in it
        )
        life.harm(now, "stall_ahead", SETTINGS, "playing")
        said += step(life, now, near, "undetermined", round(sure * 1e6))
    assert [(n.at_ns // S_NS, n.impact) for n in said] == ([(2, "stall_ahead")] if told else [])


def test_what_is_found_where_nothing_could_be_named_does_not_wait() -> None:
    life = Life()
    said: list[Notice] = []
    for second, name in enumerate(["undetermined"] * 2 + ["network"] * 2 + ["network.vpn"] * 6, 1):
        now = second * S_NS
        near = attrs.evolve(
            verdict(now, name, "stall_ahead"), stall_in_ns=(0, 4 * S_NS), confidence_ppm=960_000
        )
        life.harm(now, "stall_ahead", SETTINGS, "playing")
        said += step(life, now, near, name)
    assert [(n.at_ns // S_NS, n.bottleneck) for n in said] == [
        (2, "undetermined"),
        (3, "network"),
        (8, "network.vpn"),  # a change of mind does
    ]


def test_a_stall_that_was_ahead_is_the_same_harm() -> None:
    """Its first moments, too short to be told of, don't start the count anew."""
    life = Life()
    said: list[Notice] = []
    course: list[tuple[str, Impact | None]] = [("playing", "stall_ahead")] * 6
    course += [("stalled", None), *[("stalled", "stalled")] * 4]
    for second, (state, impact) in enumerate(course, 1):
        now = second * S_NS
        key = "undetermined" if impact else "none"
        life.harm(now, impact, SETTINGS, state)
        said += step(life, now, verdict(now, key, impact), key)
    assert [(n.at_ns // S_NS, n.bottleneck, n.impact) for n in said] == [
        (8, "undetermined", "stalled")
    ]


# -- the same manners through the whole engine --------------------------------------------------

STATES = ("playing", "stalled", "seeking", "paused", "starting")
TROUBLES = ("none", "failing", "slow_answers", "trickle")


@st.composite
def evenings(draw: st.DrawFn) -> list[tuple[str, str, int]]:
    """Phases of a session: what playback does, what the server does, for how many seconds."""
    phase = st.tuples(
        st.sampled_from(STATES), st.sampled_from(TROUBLES), st.sampled_from([1, 3, 8, 12, 25, 60])
    )
    return draw(st.lists(phase, min_size=1, max_size=12))


def observed(phases: list[tuple[str, str, int]]) -> Iterator[tuple[Observation, str, int]]:
    """Observations of such a session, each with the state and for how long it has lasted (ns)."""
    now, number, level = 0, 0, 8 * S_NS
    entered, before = 0, ""
    for state, trouble, seconds in phases:
        if state != before:
            entered, before = now, state
        for quarter in range(seconds * 4):
            if state in ("stalled", "starting", "seeking"):
                level = 0
            elif state == "playing":
                level = max(S_NS // 2, level + (S_NS // 8 if trouble == "none" else -S_NS // 4))
            seen: list[Observation] = [
                Playback(now, state=state, buffer_ns=level, wants_data=True)  # type: ignore[arg-type]
            ]
            if quarter % 4 == 0:
                number += 1
                seen += [
                    RequestStarted(now, number, "host-a", "media"),
                    *answer(now, number, trouble),
                ]
            for one in seen:
                yield one, state, one.at_ns - entered
            now += S_NS // 4
    yield Closed(now), "ended", 0


def answer(now: int, number: int, trouble: str) -> list[Observation]:
    if trouble == "failing":
        return [
            FirstByte(now, number, 503, 20_000_000),
            RequestEnded(now, number, 100, None),
        ]
    wait_ns = S_NS // 5 if trouble == "slow_answers" else 20_000_000
    size = 4_000 if trouble == "trickle" else 400_000
    return [
        FirstByte(now, number, 200, wait_ns),
        Transfer(now, number, size, socket="sock-a", rtt_ns=20_000_000, min_rtt_ns=20_000_000),
        RequestEnded(now, number, size, None),
    ]


@settings(max_examples=40, deadline=None)
@given(evenings())
def test_the_engine_keeps_its_manners(phases: list[tuple[str, str, int]]) -> None:
    engine = Engine(SETTINGS)
    standing: Notice | None = None
    said: list[Notice] = []
    last_change_ns = 0
    state, lasted_ns = "starting", 0
    for observation, now_state, now_lasted_ns in observed(phases):
        events = engine.feed(observation)
        for event in events:
            if not isinstance(event, Notice):
                continue
            said.append(event)
            if event.state == "raised":
                assert standing is None, "two at once"
                # the step belongs to the state before this observation, or to this one
                for which, length_ns in ((state, lasted_ns), (now_state, now_lasted_ns)):
                    if which in ("starting", "seeking") and length_ns > S_NS:
                        assert length_ns >= SETTINGS.startup_after_ns - S_NS, "not stuck yet"
                assert (state, now_state) != ("paused", "paused")
            else:
                assert standing is not None
                assert event.id == standing.id
                if event.reason != "ended" and not found_at_last(standing, event):
                    assert event.at_ns - last_change_ns >= 5 * S_NS, "it flaps"
            standing = None if event.state == "resolved" else event
            last_change_ns = event.at_ns
        state, lasted_ns = now_state, now_lasted_ns
    assert standing is None, "it stays"
    raised = [notice.at_ns for notice in said if notice.state == "raised"]
    # a notice stands for at least 5 s, and the cool-down follows
    assert all(b - a >= SETTINGS.cooldown_ns + 5 * S_NS for a, b in pairwise(raised))
    hour = 3600 * S_NS
    for at_ns in raised:
        assert sum(at_ns <= other < at_ns + hour for other in raised) <= 180


@settings(max_examples=25, deadline=None)
@given(sessions())
def test_whatever_comes_is_resolved(session: list[Observation]) -> None:
    engine = Engine(SETTINGS)
    events = [event for seen in session for event in engine.feed(seen)]
    events += engine.feed(Closed(session[-1].at_ns + 1))
    ids: dict[str, str] = {}
    for event in events:
        if isinstance(event, Notice):
            assert ids.get(event.id) != "resolved"
            assert all(state == "resolved" for id_, state in ids.items() if id_ != event.id)
            ids[event.id] = event.state
    assert all(state == "resolved" for state in ids.values())
