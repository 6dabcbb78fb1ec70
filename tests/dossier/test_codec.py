"""The written form: one byte form for a value, strict reading, one error."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, get_type_hints

import attrs
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from streamnotice import events, observations
from streamnotice.dossier import codec
from streamnotice.errors import EvidenceError
from streamnotice.policy import Policy

texts = st.text(max_size=20)
integers = st.integers(-(2**53) + 1, 2**53 - 1)
figures = st.tuples(texts, st.none() | integers)


def _items() -> st.SearchStrategy[events.Item]:
    numbers = st.lists(figures, max_size=3).map(tuple)
    return st.builds(
        events.Item,
        rule=texts,
        outcome=texts,
        weight_mdb=integers,
        measured=numbers,
        baseline=st.none() | numbers,
        shadow=st.booleans(),
    )


st.register_type_strategy(events.Item, _items())
st.register_type_strategy(int, integers)
st.register_type_strategy(str, texts)


def _of(cls: type) -> st.SearchStrategy[Any]:
    """Any instance of *cls*, by the annotations of its fields."""
    hints = get_type_hints(cls)
    return st.builds(cls, **{f.name: st.from_type(hints[f.name]) for f in attrs.fields(cls)})


any_observation = st.one_of([_of(cls) for cls in observations.KINDS.values()])
any_event = st.one_of(
    [
        _of(cls)
        for cls in (events.PlaybackChanged, events.Verdict, events.Notice, events.ProbingWanted)
    ]
)
plain_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@given(any_observation)
def test_observation_survives_the_way_through_bytes(seen: observations.Observation) -> None:
    line = codec.canonical(codec.to_plain(seen))
    back = codec.observation_from(codec.parse(line))
    assert back == seen
    assert codec.canonical(codec.to_plain(back)) == line


@given(any_event)
def test_event_survives_the_way_through_bytes(event: events.Event) -> None:
    line = codec.canonical(codec.to_plain(event))
    back = codec.event_from(codec.parse(line))
    assert back == event
    assert codec.canonical(codec.to_plain(back)) == line


def test_the_written_form_is_pinned() -> None:
    """These bytes are in files that people keep: a change of form is a new format number."""
    seen = observations.Playback(
        5, state="playing", ladder_bps=(400_000, 1_200_000), wants_data=False
    )
    assert codec.canonical(codec.to_plain(seen)) == (
        b'{"at_ns":5,"kind":"playback","ladder_bps":[400000,1200000],'
        b'"state":"playing","wants_data":false}'
    )
    assert codec.canonical({"b": "ä", "a": [True, None]}) == '{"a":[true,null],"b":"ä"}'.encode()


def test_defaults_are_left_out_and_may_be_spelled_out() -> None:
    short = codec.observation_from({"kind": "hop-probe", "at_ns": 1, "target": "t", "ttl": 2,
                                    "method": "udp", "outcome": "lost"})  # fmt: skip
    spelled = codec.observation_from({**codec.to_plain(short), "loaded": False, "rtt_ns": None})
    assert spelled == short
    assert "loaded" not in codec.to_plain(short)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "guess"}, "'guess' is no known kind"),
        ({"kind": None}, "None is no known kind"),
        ({"colour": "red"}, "unknown field 'colour'"),
        ({"at_ns": 1.5}, "at_ns: wants an integer, not 1.5"),
        ({"at_ns": True}, "at_ns: wants an integer, not True"),
        ({"at_ns": 2**53}, "at_ns: integer beyond 53 bits"),
        ({"at_ns": None}, "at_ns: wants an integer"),
        ({"state": "asleep"}, "state: 'asleep' is not one of"),
        ({"ladder_bps": [1, "2"]}, "ladder_bps: wants an integer, not '2'"),
        ({"ladder_bps": 3}, "ladder_bps: wants a list, not 3"),
        ({"wants_data": 1}, "wants_data: wants true or false"),
    ],
)
def test_a_bad_field_is_named(change: dict[str, Any], words: str) -> None:
    with pytest.raises(EvidenceError, match=words):
        codec.observation_from({"kind": "playback", "at_ns": 1} | change)


def test_a_missing_field_is_named() -> None:
    with pytest.raises(EvidenceError, match="request-started: request: missing"):
        codec.observation_from({"kind": "request-started", "at_ns": 1, "host": "h"})


def test_what_a_record_cannot_hold_is_refused_when_writing() -> None:
    """Nothing enters the engine that could not be replayed."""
    wrong: Any = 1.5
    with pytest.raises(EvidenceError, match="buffer_ns: wants an integer"):
        codec.to_plain(observations.Playback(1, buffer_ns=wrong))
    with pytest.raises(EvidenceError, match="not valid Unicode"):
        codec.to_plain(observations.Sight(1, sensor="\ud800", sees=True))
    with pytest.raises(EvidenceError, match="no known observation"):
        codec.to_plain(observations.Observation(1))


@given(st.binary(max_size=200))
def test_any_bytes_are_an_object_or_one_error(line: bytes) -> None:
    _accepted_or_refused(codec.parse, line)


@given(plain_values)
def test_any_value_is_an_observation_or_one_error(value: Any) -> None:
    body = value if isinstance(value, dict) else {"kind": "playback", "at_ns": 1, "state": value}
    _accepted_or_refused(codec.observation_from, body)
    _accepted_or_refused(codec.event_from, body)
    _accepted_or_refused(codec.settings_from, value)


@pytest.mark.parametrize(
    "line",
    [
        b'{"a":1,"a":2}',
        b'{"a":1.0}',
        b'{"a":NaN}',
        b'{"a":1e400}',
        b"[" * 100_000,
        b'{"a":' + b"9" * 10_000 + b"}",
        b"[1]",
        b"\xff",
        b"",
    ],
)
def test_json_that_has_no_one_reading_is_refused(line: bytes) -> None:
    with pytest.raises(EvidenceError):
        codec.parse(line)


def test_settings_survive() -> None:
    settings = Policy(subscribed_bps=50_000_000).settings()
    plain = json.loads(codec.canonical(codec.settings_to_plain(settings)))
    assert codec.settings_from(plain) == settings
    names = {field.name for field in attrs.fields(type(settings))}
    assert set(plain) == names - codec.LATER_SETTINGS


def _accepted_or_refused(read: Callable[[Any], Any], value: Any) -> None:
    try:
        read(value)
    except EvidenceError as error:
        assert "\n" not in str(error)  # noqa: PT017 - either way is right


@given(any_observation | any_event)
def test_the_written_form_is_rfc_8785(value: Any) -> None:
    """Another implementation of the canonical form gives the same bytes."""
    plain = codec.to_plain(value)
    assert rfc8785.dumps(plain) == codec.canonical(plain)


def test_a_whole_record_is_in_rfc_8785() -> None:
    from recorded import record

    for line in record().lines():
        assert rfc8785.dumps(codec.parse(line)) + b"\n" == line
