"""What a host says of playback, of whatever kind: understood, or unknown, and never raised."""

from __future__ import annotations

import asyncio
import enum
import itertools
import tracemalloc
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import attrs
import numpy as np
import pytest

from streamnotice import Watcher
from streamnotice.observations import Observation, Playback
from streamnotice.playback.told import LONGEST_LADDER, Ear, count, media_ns, permille, rates, truth


class Hostile:
    """Every method that anybody could want to call raises."""

    __hash__ = None  # type: ignore[assignment]

    def _refuse(self, *_: object) -> Any:
        raise ValueError("no")

    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = __bool__ = __iter__ = __len__ = _refuse
    __float__ = __int__ = __index__ = __mul__ = __rmul__ = __round__ = __repr__ = _refuse

    @property
    def __class__(self) -> Any:
        raise ValueError("no")


class NoNumber(float):
    def __mul__(self, other: object) -> Any:
        raise ValueError("no")

    __rmul__ = __lt__ = __le__ = __gt__ = __ge__ = __mul__


class State(enum.Enum):
    PLAYING = "playing"


class TextState(enum.StrEnum):
    PLAYING = "playing"


NONSENSE: list[Any] = [
    float("nan"), float("inf"), -1, -0.5, 1e300, 10**400, True, False, "8.2", "x", b"x",
    bytearray(b"12"), [1], (1, 2), {}, {1: 2}, 1j, Decimal("NaN"), Decimal("sNaN"),
    Decimal("Infinity"), timedelta(seconds=8), timedelta(days=900_000), object(), Hostile(),
    np.float64("nan"), np.complex128(2), np.bool_(True), np.array([1.0, 2.0]), print, int,
]  # fmt: skip
FIELDS = (
    "state", "buffer_s", "position_s", "rendition_bps", "ladder_bps", "rendition_fixed",
    "dropped_frames", "decoded_frames", "wants_data", "target_s", "live", "speed",
    "duration_s",
)  # fmt: skip


WALKED_THROUGH = (list, tuple, dict, np.ndarray)


class Listening(Watcher):
    """Keeps what it is told."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.heard: list[Any] = []

    def _hand_in(self, observation: Observation) -> None:
        if isinstance(observation, Playback):
            self.heard.append(observation)


@pytest.mark.expects_failure
@pytest.mark.parametrize("field", FIELDS)
def test_nonsense_is_unknown_and_costs_nothing(field: str) -> None:
    """Nor does it take memory: text times a thousand million would."""
    ear = Listening()
    meant: tuple[type, ...] = ()
    if field == "ladder_bps":
        meant = WALKED_THROUGH
    elif field in ("wants_data", "rendition_fixed", "live"):
        meant = (bool, np.bool_)
    tracemalloc.start()
    for value in NONSENSE:
        if type(value) in meant:
            continue
        ear.playback(**{field: value})
        told = attrs.asdict(ear.heard.pop())
        told.pop("at_ns")
        assert set(told.values()) == {None}, f"{field}={type(value).__name__}"
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 50_000_000


@pytest.mark.parametrize(
    "value",
    [8.25, Decimal("8.25"), Fraction(33, 4), np.float64(8.25), np.float32(8.25), NoNumber(8.25)],
)
def test_whatever_stands_for_a_real_number_is_one(value: Any) -> None:
    assert media_ns(value) == 8_250_000_000
    assert count(value) == 8
    assert permille(value) == 8250
    assert count(np.int64(7)) == 7
    assert count(2**53) is None
    assert media_ns(2**53 - 1) is None  # as nanoseconds it would be beyond


def test_yes_and_no_are_kept_and_all_else_is_unknown() -> None:
    assert [truth(value) for value in (True, False, np.bool_(True), np.bool_(False))] == [
        True, False, True, False,
    ]  # fmt: skip
    assert truth(np.bool_(True)) is True  # a plain one: the record takes no other
    for value in (0, 1, 1.0, float("nan"), Decimal(1), "yes", None, [], Hostile(), np.int8(1)):
        assert truth(value) is None


def test_a_ladder_may_be_anything_that_can_be_walked_through() -> None:
    def broken() -> Iterator[int]:
        yield 1_000_000
        raise RuntimeError("the player is gone")

    assert rates([3e6, "x", -1, Decimal(1_000_000), 3e6, None]) == (1_000_000, 3_000_000)
    assert rates(np.array([2_000_000, 500_000])) == (500_000, 2_000_000)
    assert rates(itertools.count(1)) == tuple(range(1, LONGEST_LADDER + 1))
    assert rates(itertools.repeat("no rate")) is None
    for value in (broken(), b"x", "12", 5, Hostile(), []):
        assert rates(value) is None


@pytest.mark.expects_failure
def test_a_state_is_taken_as_plain_text() -> None:
    ear = Listening()
    for state in (TextState.PLAYING, State.PLAYING):
        ear.playback(state=state)  # type: ignore[arg-type]
    text, other = (told.state for told in ear.heard)
    assert (type(text), text, other) == (str, "playing", None)


@pytest.mark.expects_failure
async def test_one_value_of_a_wrong_kind_costs_itself_alone() -> None:
    """Not the report: the record takes no others than plain truth values."""
    told: list[tuple[str, str]] = []
    odd: list[Any] = [1, 0, float("nan"), Decimal(1), np.bool_(True), "yes", Hostile()]
    async with Watcher(on_error=told.append) as watcher:
        for level, value in enumerate(odd, 1):
            watcher.playback(
                state="stalled",
                buffer_s=level,
                wants_data=value,
                live=value,
                rendition_fixed=value,
            )
            assert watcher._engine.estimates.playback.buffer_ns == level * 1_000_000_000
        assert watcher.summary().stalls == 1
        await asyncio.sleep(0.05)
    assert told == [  # each argument once, and nothing else
        ("playback", f"{name}=1 can't be understood and is taken as unknown")
        for name in ("rendition_fixed", "wants_data", "live")
    ]


@pytest.mark.expects_failure
async def test_what_is_dropped_is_told_once_for_each_argument() -> None:
    told: list[tuple[str, str]] = []
    async with Watcher(on_error=told.append) as watcher:
        for _ in range(3):
            watcher.playback(state="buffering", buffer_s="8.2", speed=-1)  # type: ignore[arg-type]
            watcher.playback(state="loading", buffer_s=b"x")  # type: ignore[arg-type]
        await asyncio.sleep(0.05)
    assert told == [
        ("playback", f"{what} can't be understood and is taken as unknown")
        for what in ("state='buffering'", "buffer_s='8.2'", "speed=-1")
    ]


def test_what_players_say_for_unknown_is_no_mistake() -> None:
    """Of a length that isn't known yet, or has no end."""
    told: list[str] = []
    ear = Ear(told.append)
    unknown: list[Any] = [None, float("nan"), float("inf"), np.float64("nan"), Decimal("NaN")]
    for value in unknown:
        assert ear.take("duration_s", value, media_ns) is None
    assert told == []
    assert ear.take("duration_s", 60, media_ns) == 60_000_000_000


def test_what_is_told_of_nonsense_is_short_and_costs_nothing() -> None:
    told: list[str] = []
    for value in [*NONSENSE, 10**5000, -(10**5000), "x" * 10_000_000, "\0" * 100]:
        ear = Ear(told.append)
        assert ear.take("state", value, lambda _: None) is None
        assert ear.take("state", value, lambda _: None) is None
    assert all(len(line) < 250 for line in told)
    assert len(told) == len(NONSENSE) + 4 - 5  # but for those that aren't finite
