"""The engine as a machine: deterministic, restorable, never surprised by what it is fed."""

from __future__ import annotations

import json
import random
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamnotice.dossier.codec import line_of
from streamnotice.engine import Engine
from streamnotice.errors import EvidenceError
from streamnotice.events import AnyEvent, Notice, PlaybackChanged, Verdict
from streamnotice.observations import Closed, Observation, Playback, RequestStarted
from streamnotice.policy import Policy
from tests.core.sessions import MS_NS, S_NS, bad_evening, sessions

SETTINGS = Policy().settings()
slow = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def run(observations: list[Observation], engine: Engine | None = None) -> list[AnyEvent]:
    engine = engine or Engine(SETTINGS)
    return [event for seen in observations for event in engine.feed(seen)]


def as_bytes(events: list[AnyEvent]) -> bytes:
    return b"".join(map(line_of, events))


@slow
@given(sessions())
def test_same_observations_same_bytes(session: list[Observation]) -> None:
    assert as_bytes(run(session)) == as_bytes(run(session))


@slow
@given(sessions(), st.integers(0, 120))
def test_goes_on_from_a_snapshot_as_if_nothing_had_been(
    session: list[Observation], cut: int
) -> None:
    whole = Engine(SETTINGS)
    run(session[:cut], whole)
    held = json.loads(json.dumps(whole.snapshot()))
    opened = Engine.restore(held, SETTINGS)
    assert opened.snapshot() == held
    assert as_bytes(run(session[cut:], whole)) == as_bytes(run(session[cut:], opened))
    assert whole.snapshot() == opened.snapshot()


@slow
@given(sessions(), st.randoms(use_true_random=False))
def test_disorder_and_duplicates_are_taken_without_complaint(
    session: list[Observation], rng: random.Random
) -> None:
    shuffled = session + session[: len(session) // 2]
    rng.shuffle(shuffled)
    engine = Engine(SETTINGS)
    events = run(shuffled, engine)
    steps = [event.at_ns for event in events if isinstance(event, Verdict)]
    assert steps == sorted(set(steps))
    assert all(at % S_NS == 0 for at in steps)


@slow
@given(sessions())
def test_probabilities_are_probabilities(session: list[Observation]) -> None:
    for event in run(session):
        if isinstance(event, Verdict):
            shares = [ppm for _, ppm in event.alternatives]
            assert all(0 <= ppm <= 1_000_000 for ppm in shares)
            assert sum(shares) <= 1_000_000
            assert shares == sorted(shares, reverse=True)
            assert event.weight_mdb == sum(item.weight_mdb for item in event.items)


def test_steps_lie_at_whole_seconds_whenever_time_is_told() -> None:
    engine = Engine(SETTINGS)
    assert [e.at_ns for e in engine.tick(2_700 * MS_NS) if isinstance(e, Verdict)] == [
        S_NS,
        2 * S_NS,
    ]
    events = engine.feed(Playback(3_000 * MS_NS, state="playing"))
    assert [type(e) for e in events] == [Verdict, PlaybackChanged]


def test_late_observation_is_moved_to_the_last_step_and_counted() -> None:
    engine = Engine(SETTINGS)
    engine.tick(5 * S_NS)
    (changed,) = engine.feed(Playback(1 * S_NS, state="playing"))
    assert changed.at_ns == 5 * S_NS
    assert engine.late == 1


def test_time_goes_one_way_within_a_step_too() -> None:
    """Sensors run beside one another: what comes a little late counts as of now, none is lost."""
    engine = Engine(SETTINGS)
    engine.feed(Playback(2_900 * MS_NS, state="playing", buffer_ns=5 * S_NS))
    engine.feed(Playback(2_400 * MS_NS, state="playing", buffer_ns=4 * S_NS))
    levels = engine.estimates.playback.levels.rows
    assert list(levels) == [(2_900 * MS_NS, 5 * S_NS, 0), (2_900 * MS_NS, 4 * S_NS, 0)]
    assert engine.late == 0


def test_hours_of_silence_cost_one_step() -> None:
    engine = Engine(SETTINGS)
    run(bad_evening(5), engine)
    events = engine.tick(6 * 3600 * S_NS)
    assert len([e for e in events if isinstance(e, Verdict)]) == 1


def test_buffer_level_alone_says_undetermined_at_most() -> None:
    notices = [e for e in run(bad_evening()) if isinstance(e, Notice)]
    assert [n.state for n in notices][:1] == ["raised"]
    assert {n.bottleneck for n in notices} == {"undetermined"}
    assert all(n.weight_mdb == 0 for n in notices)


def test_frozen_request_is_seen_by_its_age() -> None:
    engine = Engine(SETTINGS)
    engine.feed(RequestStarted(0, request=1, host="host-a", role="media"))
    engine.tick(9 * S_NS)
    assert engine.estimates.requests.waiting_ns(9 * S_NS) == 9 * S_NS
    assert engine.estimates.requests.nothing_arrives(9 * S_NS)


def test_closing_resolves_what_is_shown_and_ends_it() -> None:
    engine = Engine(SETTINGS)
    run(bad_evening(40), engine)
    (last,) = [e for e in engine.feed(Closed(40 * S_NS)) if isinstance(e, Notice)]
    assert (last.state, last.reason) == ("resolved", "ended")
    assert engine.feed(Playback(41 * S_NS, state="playing")) == []


def test_snapshot_of_another_engine_is_refused() -> None:
    held = Engine(SETTINGS).snapshot()
    with pytest.raises(EvidenceError, match="engine"):
        Engine.restore({**held, "engine": "0.0.0"}, SETTINGS)
    with pytest.raises(EvidenceError, match="tables"):
        Engine.restore({**held, "tables": {}}, SETTINGS)
    with pytest.raises(EvidenceError, match="snapshot"):
        Engine.restore({**held, "mind": {"c": "Mind", "f": {}}}, SETTINGS)


def test_core_needs_attrs_and_the_standard_library_only() -> None:
    """No clock, asyncio, sockets or logging come in with the engine."""
    code = (
        "import sys, streamnotice.engine\n"
        "bad = {'aiohttp', 'asyncio', 'structlog', 'socket', 'logging', 'random', 'numpy'}\n"
        "print(sorted(bad & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
