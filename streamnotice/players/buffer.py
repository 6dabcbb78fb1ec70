"""The buffer clock: what plays, what is buffered, when it stalls. Pure; time comes in.

Three points on the media's time line: the play head, the end of what is decoded (for a
player without a decoder: all that is buffered), and the end of what is buffered. While
playing, the head moves with the clock and stops where it meets one of the others:

- at the end of the buffer it stalls until `resume_at_s` is buffered again (or all there is);
- a decoder that falls behind by more than `MAX_LATE_S` holds it, although media is buffered.

Up to that lag the head goes on and the frames that come late count as dropped, as in players
that follow the audio clock.
"""

from __future__ import annotations

from typing import Final, Literal

import attrs

ClockState = Literal["starting", "playing", "stalled", "ended"]

MAX_LATE_S: Final = 0.4
"""How far the decoder may lag the head before the head has to wait for it."""
HELD_UNTIL_S: Final = 0.8
"""A held head moves on when the decoder is this far ahead of it again."""
_EPSILON_S: Final = 1e-6


@attrs.define
class BufferClock:
    """Where a player stands. All times in seconds; `now_s` is monotonic.

    Attributes:
        start_at_s: level at which playback starts.
        resume_at_s: level at which a stall ends.
        decodes: a decoder takes part: the head waits for `decoded_s`.
        state: as a player would say.
        position_s: the play head, counted from where playback started.
        buffered_s: end of what is buffered, on the same line.
        decoded_s: end of what is decoded.
        stalls: how many stalls there were.
    """

    start_at_s: float = 2.5
    resume_at_s: float = 5.0
    decodes: bool = False
    state: ClockState = "starting"
    position_s: float = 0.0
    buffered_s: float = 0.0
    decoded_s: float = 0.0
    stalls: int = 0
    _finished: bool = False
    _held: bool = False
    _seen_s: float | None = None

    @property
    def level_s(self) -> float:
        """Media ahead of the play head."""
        return max(0.0, self.buffered_s - self.position_s)

    @property
    def finished(self) -> bool:
        """Nothing will be appended any more."""
        return self._finished

    def append(self, duration_s: float) -> None:
        """A segment is there."""
        self.buffered_s += duration_s

    def decode(self, duration_s: float) -> float:
        """So much more is decoded. Returns how much of it came too late to be shown in time."""
        late_s = self.position_s - self.decoded_s
        self.decoded_s = min(self.buffered_s, self.decoded_s + duration_s)
        return min(duration_s, max(0.0, late_s))

    def finish(self) -> None:
        """The presentation ends with what is buffered."""
        self._finished = True

    def advance(self, now_s: float) -> None:
        """Let the clock run up to *now_s* (never backwards)."""
        elapsed_s = 0.0 if self._seen_s is None else max(0.0, now_s - self._seen_s)
        self._seen_s = now_s if self._seen_s is None else max(now_s, self._seen_s)
        if self.state == "playing":
            self._play(elapsed_s)
        elif self.state in ("starting", "stalled"):
            self._wait()

    def _play(self, elapsed_s: float) -> None:
        limit_s = self.buffered_s
        if self.decodes and not self._all_decoded:
            limit_s = min(limit_s, self.decoded_s + MAX_LATE_S)
        self.position_s = max(self.position_s, min(self.position_s + elapsed_s, limit_s))
        if self.position_s + _EPSILON_S < limit_s:
            return
        if self.level_s > _EPSILON_S:
            self._held = True
        elif self._finished:
            self.state = "ended"
            return
        self.state = "stalled"
        self.stalls += 1

    def _wait(self) -> None:
        wanted_s = self.start_at_s if self.state == "starting" else self.resume_at_s
        if self._held:
            enough = self.level_s > _EPSILON_S  # the buffer never ran out
        else:
            enough = self.level_s >= wanted_s - _EPSILON_S or self._finished
        if not enough:
            return
        if self._finished and self.level_s <= _EPSILON_S:
            self.state = "ended"
        elif self._decoder_ready:
            self.state = "playing"
            self._held = False

    @property
    def _all_decoded(self) -> bool:
        return self.decoded_s >= self.buffered_s - _EPSILON_S

    @property
    def _decoder_ready(self) -> bool:
        ahead_s = self.decoded_s - self.position_s
        return not self.decodes or self._all_decoded or ahead_s >= HELD_UNTIL_S
