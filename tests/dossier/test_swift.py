"""orjson, where it is installed, writes and reads what the standard library does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_codec import any_event, any_observation

from streamnotice import events
from streamnotice.dossier import codec, swift
from streamnotice.errors import EvidenceError
from streamnotice.events import Event, Item

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@contextmanager
def without_orjson() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(swift, "_orjson", lambda: None)
        yield


def read(line: bytes) -> Any:
    """What comes of an observation's line, or that it is refused: as a record's reader does it."""
    try:
        at_once = codec.observation_at_once(line)
        return at_once or codec.observation_from(codec.parse_canonical(line))
    except EvidenceError:
        return EvidenceError


@given(any_observation | any_event)
def test_the_same_bytes(value: Any) -> None:
    kind = "event" if isinstance(value, Event) else "observation"
    plain = codec.to_plain(value) | {"type": kind}
    assert swift.canonical_bytes(plain) == codec.canonical(plain)
    assert codec.line_of(value) == codec.canonical(plain) + b"\n"
    with without_orjson():
        assert codec.line_of(value) == codec.canonical(plain) + b"\n"


@given(json_values)
def test_the_same_bytes_for_whatever_json_holds(value: Any) -> None:
    made = swift.canonical_bytes(value)
    assert made in (None, codec.canonical(value))


@given(any_observation)
def test_a_line_as_written_is_read_the_quick_way(value: Any) -> None:
    line = codec.canonical(codec.to_plain(value) | {"type": "observation"}) + b"\n"
    assert codec.observation_at_once(line) == value
    with without_orjson():
        assert read(line) == value


@given(any_observation, st.data())
def test_a_line_that_was_touched_fares_as_without_it(value: Any, data: st.DataObject) -> None:
    line = codec.canonical(codec.to_plain(value) | {"type": "observation"}) + b"\n"
    at = data.draw(st.integers(0, len(line)))
    gone = data.draw(st.integers(0, 3))
    put = data.draw(
        st.binary(max_size=3) | st.sampled_from([b" ", b".5", b"e3", b"-0", b"\\u0041"])
    )
    touched = line[:at] + put + line[at + gone :]
    with_it = read(touched)
    with without_orjson():
        assert read(touched) == with_it


@pytest.mark.parametrize(
    "line",
    [
        b'{"at_ns":1.5,"kind":"interface","rx_bytes":1,"type":"observation","window_ns":1}\n',
        b'{"at_ns":1.0,"kind":"interface","rx_bytes":1,"type":"observation","window_ns":1}\n',
        b'{"at_ns":99999999999999999999,"kind":"interface","type":"observation","window_ns":1}\n',
        b'{"at_ns":1,"at_ns":1,"kind":"interface","type":"observation","window_ns":1}\n',
        b'{"kind":"interface","at_ns":1,"type":"observation","window_ns":1}\n',
        b'{"at_ns":1,"kind":"interface","type":"observation","window_ns":1}',
        b'{"at_ns":NaN,"kind":"interface","type":"observation","window_ns":1}\n',
        b'{"at_ns":1,"kind":"inter\\ud800","type":"observation","window_ns":1}\n',
        b'{"at_ns":' + b"[" * 5000 + b"]" * 5000 + b',"kind":"interface","type":"observation"}\n',
    ],
)
def test_what_is_refused_is_refused_with_it_too(line: bytes) -> None:
    assert read(line) is EvidenceError
    with without_orjson():
        assert read(line) is EvidenceError


def test_what_orjson_would_take_and_json_has_not_is_not_written_by_it() -> None:
    from datetime import datetime

    for odd in (datetime(2026, 1, 1), 2**70, {1: 2}):  # noqa: DTZ001
        assert swift.canonical_bytes({"x": odd}) is None


@pytest.mark.parametrize(
    "value",
    [
        events.Verdict(1, "none", (), None, None, 1.5, "none", 0),
        events.Verdict(1, "none", (), None, None, True, "none", 0),
        events.Verdict(1, "none", (), None, None, 2**53, "none", 0),
        events.Verdict(1, "none", ("a", 1), None, None, 1, "none", 0),
        events.Verdict(1, "none", (), None, "nothing", 1, "none", 0),
        events.Verdict(1, "none", (), None, None, 1, "none", 0, (("a", "b"),)),
        events.Verdict(1, "none", (), None, None, 1, "none", 0, (("a", 1, 2),)),
        events.Verdict(1, "none", (), None, None, 1, "none", 0, (), (("an item",),)),
        events.Verdict(1, "none", (), None, None, 1, "none", 0, (), (Item("r", "o", 0.5),)),
        events.Verdict(1, "none", (), None, None, 1, "none", 0, (), (Item("r", "o", 0, shadow=0),)),
        events.Verdict(1, "none", (), None, None, 1, "none", 0, (), (), None, "much"),
        events.PlaybackChanged(1, "\ud800"),
        events.PlaybackChanged(1, "a" * 70_000),
        events.Event(1),
    ],
)
def test_an_event_that_a_record_cannot_hold_is_refused_in_the_same_words(value: Any) -> None:
    with pytest.raises(EvidenceError) as with_it:
        codec.line_of(value)
    with without_orjson(), pytest.raises(EvidenceError) as alone:
        codec.line_of(value)
    assert str(with_it.value) == str(alone.value)
