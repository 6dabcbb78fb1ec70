"""What mpv says of itself, as a playback state. Pure: messages and times in, figures out.

Sources and their traps (mpv 0.35, measured): `demuxer-cache-state` comes about four times a
second while it changes; `paused-for-cache` follows an underrun by half a second, and never comes
with `--cache-pause=no`, where only `underrun` and a standing `time-pos` tell; it may also end half
a second before the picture moves again, with `underrun` still true, since one of the streams has
data; an unavailable property arrives without `data`. Which rendition is played mpv 0.35 doesn't
tell (its track list has no `hls-bitrate`): the proxy knows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import attrs

from streamnotice.observations import PlaybackState

OBSERVED: Final = (
    "demuxer-cache-state",
    "paused-for-cache",
    "core-idle",
    "pause",
    "seeking",
    "eof-reached",
    "idle-active",
    "frame-drop-count",
    "decoder-frame-drop-count",
    "speed",
    "duration",
)
"""Properties to observe: those that change seldom, or say when they do."""
POLLED: Final = ("time-pos", "estimated-vf-fps")
"""Properties to ask for a few times a second: observed, they come with every frame."""
_COUNTERS: Final = ("frame-drop-count", "decoder-frame-drop-count")
_KEPT: Final = (*_COUNTERS, "time-pos", "duration")
STANDING_S: Final = 0.5
"""A play head that stands for so long with an empty buffer is a stall."""
_DISAGREE_S: Final = 3.0


@attrs.frozen(kw_only=True)
class MpvPlayback:
    """The arguments of `Watcher.playback` that mpv can give; None is unknown."""

    state: PlaybackState
    buffer_s: float | None = None
    position_s: float | None = None
    dropped_frames: int | None = None
    decoded_frames: int | None = None
    wants_data: bool | None = None
    speed: float | None = None


class MpvState:
    """Keeps what mpv said last and translates it.

    Times are seconds of any monotonic clock.

    Attributes:
        begun: something has been played.
        ended: it was played to its end.
        interrupted: it broke off and is being loaded again.
    """

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}
        self._moved_s: float | None = None
        self._stalled_at_s: float | None = None
        self._restarted = False
        self._first_s: float | None = None
        self._decoded = 0.0
        self._dropped_before = 0
        self.begun = False
        self.ended = False
        self.interrupted = False

    # -- what comes in ------------------------------------------------------------------------

    def event(self, message: Mapping[str, Any], now_s: float) -> None:
        """Take an event of the IPC; unknown ones are ignored."""
        name = message.get("event")
        if name == "property-change":
            prop = message.get("name")
            if isinstance(prop, str):
                self.prop(prop, message.get("data"), now_s)
        elif name == "playback-restart":
            # It comes for a stream that then gives nothing, too: playing is what moves.
            self._first_s = None
            self._restarted = True
            self._moved_s = now_s
        elif name == "start-file":
            self.ended = False
            self._restarted = False
            # The counters start anew with each file; ours run on.
            self._dropped_before += self._dropped()
            for counter in (*_COUNTERS, "demuxer-cache-state"):
                self._values.pop(counter, None)

    def prop(self, name: str, value: Any, now_s: float) -> None:
        """Take the value of a property; None is unavailable."""
        if name == "time-pos":
            self._position(_number(value), now_s)
        if value is None and name in _KEPT:
            return  # they go when a file ends: it ended where it stood, with what was counted
        self._values[name] = value
        self._mind_the_stall(now_s)

    def _mind_the_stall(self, now_s: float) -> None:
        """Whether it starves; under an underrun a stall ends only when the play head moves on."""
        position_s = self.position_s or 0.0
        if self._values.get("paused-for-cache") is True:
            self._stalled_at_s = position_s
        elif self._cache_says("underrun") and not self._cache_says("eof"):
            if self._moved_s is not None and now_s - self._moved_s >= STANDING_S:
                self._stalled_at_s = position_s
            elif self._stalled_at_s is not None and position_s - self._stalled_at_s >= STANDING_S:
                self._stalled_at_s = None
        else:
            self._stalled_at_s = None

    def _position(self, position_s: float | None, now_s: float) -> None:
        before_s = _number(self._values.get("time-pos"))
        if position_s is None:
            return
        if self._restarted and not (self.begun and not self.interrupted):
            if self._first_s is None:
                self._first_s = position_s
            elif position_s > self._first_s:
                self.begun = True
                self.interrupted = False
        if position_s == before_s:
            return
        if before_s is not None and self._moved_s is not None:
            advance_s = position_s - before_s
            # More than the clock allows is a seek. mpv counts no shown frames: this is their rate
            # times the time played.
            allowed_s = (now_s - self._moved_s) * max(self._speed(), 1.0) + 1.0
            fps = _number(self._values.get("estimated-vf-fps"))
            if fps is not None and 0 < advance_s <= allowed_s:
                self._decoded += advance_s * min(fps, 1000.0)
        self._moved_s = now_s

    # -- what comes out -----------------------------------------------------------------------

    @property
    def position_s(self) -> float | None:
        value = _number(self._values.get("time-pos"))
        return None if value is None else max(0.0, value)

    @property
    def duration_s(self) -> float | None:
        """Length of the media; None if unknown, as in live streams."""
        return _number(self._values.get("duration"))

    @property
    def buffer_s(self) -> float | None:
        """Media ahead of the play head, from what the demuxer holds."""
        cache = self._cache()
        if cache is None:
            return None
        held_s = _number(cache.get("cache-duration"))
        end_s, position_s = _number(cache.get("cache-end")), _number(self._values.get("time-pos"))
        if end_s is None or position_s is None:
            return None if held_s is None else max(0.0, held_s)
        # The demuxer reports seldom while it waits, so the play head makes the figure fresh; across
        # a discontinuity of time stamps only its own figure means something.
        ahead_s = max(0.0, end_s - position_s)
        if held_s is not None and abs(ahead_s - held_s) > _DISAGREE_S:
            return max(0.0, held_s)
        return ahead_s

    def playback(self, now_s: float) -> MpvPlayback:
        """How playback stands at *now_s*."""
        cache = self._cache()
        self._mind_the_stall(now_s)
        state = self._state()
        known = self.begun
        return MpvPlayback(
            state=state,
            buffer_s=self._missing_s(state),
            position_s=self.position_s,
            dropped_frames=self._dropped_before + self._dropped() if known else None,
            decoded_frames=int(self._decoded) if known else None,
            wants_data=self._wants(cache, state),
            speed=self._speed() if state == "playing" else None,
        )

    def _state(self) -> PlaybackState:
        if self.ended:
            return "ended"
        if self._values.get("pause") is True:
            return "paused"
        if not self.begun:
            return "starting"
        if self.interrupted:
            return "stalled"
        if self._values.get("seeking") is True:
            return "seeking"
        return "playing" if self._stalled_at_s is None else "stalled"

    def _missing_s(self, state: PlaybackState) -> float | None:
        """The buffer level. In an underrun one of the streams has nothing left, whatever the others
        hold; nor is anything held while a broken-off stream is loaded again."""
        if state == "stalled" and (self.interrupted or self._cache_says("underrun")):
            return 0.0
        return self.buffer_s

    def _wants(self, cache: Mapping[str, Any] | None, state: PlaybackState) -> bool | None:
        if state == "ended":
            return False
        if self.interrupted or cache is None:
            # Before the first report it is opening the stream: it wants all that it can get.
            return True if self.interrupted or not self.begun else None
        if cache.get("eof") is True:
            return False
        idle = cache.get("idle")
        return not idle if isinstance(idle, bool) else None

    def _cache(self) -> Mapping[str, Any] | None:
        cache = self._values.get("demuxer-cache-state")
        return cache if isinstance(cache, dict) else None

    def _cache_says(self, name: str) -> bool:
        cache = self._cache()
        return cache is not None and cache.get(name) is True

    def _dropped(self) -> int:
        """Frames dropped in this file, by the display and by the decoder."""
        return sum(_whole(self._values.get(name)) or 0 for name in _COUNTERS)

    def _speed(self) -> float:
        return _number(self._values.get("speed")) or 1.0


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _whole(value: Any) -> int | None:
    number = _number(value)
    return None if number is None or not 0 <= number < 2**53 else int(number)
