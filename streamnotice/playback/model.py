"""What playback suffers: state, buffer level, drain, time to stall, stalls, impact.

The model trusts the host's `state` where it is given and infers one from buffer level and
position where it is not. At the end of what plays, where its length is told, nothing is wanted
any more, and nothing stalls. What is made while it is shown can't come faster than that: a live
stream's level that falls because the player shows it faster (to catch up) is no drain.
"""

from __future__ import annotations

from collections import deque
from itertools import takewhile
from typing import Final

import attrs

from streamnotice.events import Impact
from streamnotice.observations import Playback
from streamnotice.playback.ending import Ending
from streamnotice.playback.levels import QUIET_NS, Levels
from streamnotice.policy import S_NS, Settings
from streamnotice.snapshot import stateful

PAUSED_FROM_NS: Final = 2 * S_NS
"""A position that stands still over so much, where no state is told, may be the viewer's pause."""
EMPTY_NS: Final = 50_000_000
"""A buffer below this is empty: less than two frames."""
STANDS_NS: Final = S_NS // 2
"""A position that hasn't moved for so long stands still."""
WHOLE_STANDS_NS: Final = 2 * S_NS
"""... where it is told in whole seconds."""
AT_HAND_NS: Final = 5 * S_NS
"""So much is at hand before the start, and no more is asked for: enough."""
AMPLE_NS: Final = 10 * S_NS
"""No player needs more to start."""
OPENED_EARLY_NS: Final = 10 * S_NS
"""Nobody reports nothing for so long after the viewer has pressed Play."""
SKIPS_NS: Final = 2 * S_NS
"""Players nudge a play head that is stuck; further than that it is the viewer who moves it."""
DRAINS_PERMILLE: Final = -150
"""A level that falls faster is draining; slower, it may be breathing."""
USUAL_S: Final = 10
"""A rendition held this long in all counts as usual."""


@stateful
@attrs.define
class PlaybackModel:
    """State of playback, fed by `Playback` observations and read once a step.

    Attributes (all as of the last observation or step):
        state: starting, playing, stalled, seeking, paused, ended.
        since_ns: when that state began.
        buffer_ns: level as last told; `level_ns(now)` extrapolates.
        told_ns: when the last report came.
        position_whole: only whole seconds were told of the position.
        gained_bits: what came into the buffer, by its length and the rate of the rendition.
        stalls, stalled_ns: how many stalls there were, and their total length.
    """

    state: str = "starting"
    since_ns: int = 0
    told_ns: int = 0
    seen: bool = False
    played: bool = False
    buffer_ns: int | None = None
    buffer_at_ns: int = 0
    position_ns: int | None = None
    position_moved_ns: int = 0
    position_whole: bool = True
    rendition_bps: int | None = None
    ladder_bps: tuple[int, ...] = ()
    rendition_fixed: bool = False
    wants_data: bool | None = None
    target_ns: int | None = None
    live: bool | None = None
    speed_permille: int = 1000
    dropped_frames: int | None = None
    decoded_frames: int | None = None
    stalls: int = 0
    stalled_ns: int = 0
    levels: Levels = attrs.Factory(Levels)
    ending: Ending = attrs.Factory(Ending)
    frames: deque[tuple[int, int, int]] = attrs.Factory(lambda: deque(maxlen=240))
    held_s: dict[int, int] = attrs.Factory(dict)
    below_since_ns: int | None = None
    gained_bits: int = 0

    def feed(self, seen: Playback) -> None:
        """Take what the player says."""
        now = seen.at_ns
        if not self.seen:
            self.told_ns = now
            if now > OPENED_EARLY_NS:  # the session was opened long before anybody waited
                self.since_ns = now
        self.seen = True
        if seen.rendition_bps is not None:
            self.rendition_bps = seen.rendition_bps
        if seen.ladder_bps is not None:
            self.ladder_bps = tuple(sorted(set(seen.ladder_bps)))
        if seen.rendition_fixed is not None:
            self.rendition_fixed = seen.rendition_fixed
        if seen.live is not None:
            self.live = seen.live
        if seen.target_ns is not None:
            self.target_ns = seen.target_ns
        if self.state == "playing" and (seen.buffer_ns is None or seen.buffer_ns >= EMPTY_NS):
            self.levels.shown(now - self.told_ns, self.speed_permille)
        self.speed_permille = 1000 if seen.speed_permille is None else max(1, seen.speed_permille)
        before, rose = self.buffer_ns, None
        if seen.buffer_ns is not None:
            rose = self._gain(seen.buffer_ns, now)
            self.buffer_ns = max(0, seen.buffer_ns)
            self.buffer_at_ns = now
        moved = self._move(seen, now)
        self.ending.feed(
            seen.duration_ns,
            seen.position_ns,
            seen.buffer_ns,
            live=self.live,
            near_ns=S_NS if self.position_whole else 0,
        )
        self.wants_data = False if self.ending.fetched else seen.wants_data
        if seen.dropped_frames is not None and seen.decoded_frames is not None:
            self.dropped_frames, self.decoded_frames = seen.dropped_frames, seen.decoded_frames
            self.frames.append((now, seen.dropped_frames, seen.decoded_frames))
        state = seen.state or self._infer(now, before, moved, seen.position_ns is not None)
        if state == "stalled" and self.ending.over:
            state = "ended"
        self._enter(state, now)
        if seen.buffer_ns is not None:
            self.levels.told(now, self.buffer_ns or 0, rose)
        self.told_ns = now

    def _move(self, seen: Playback, now: int) -> bool:
        """Where the play head is; whether it moved."""
        last, position = self.position_ns, seen.position_ns
        if position is None:
            return False
        self.position_ns = position
        self.position_whole = self.position_whole and position % S_NS == 0
        moved = last is not None and position != last
        if moved or last is None:
            self.position_moved_ns = now
        if last is not None and moved and seen.state == self.state:
            self._skip(abs(position - last), now)
        return moved

    def _skip(self, far_ns: int, now: int) -> None:
        """The play head moved while it stood: the viewer goes elsewhere, and waits from now on."""
        if self.state not in ("starting", "seeking") and not (
            self.state == "stalled" and far_ns >= SKIPS_NS
        ):
            return
        if self.state == "stalled":
            self.stalled_ns += now - self.since_ns
        else:
            self.levels.clear()
        self.since_ns = now

    def _gain(self, level_ns: int, now: int) -> int | None:
        """What came since the level was last told is what it is above what should be left."""
        left = self.level_ns(now)
        if left is None or self.state == "seeking":
            return None
        came_ns = max(0, level_ns - left)
        self.gained_bits += came_ns * (self.rendition_bps or 0) // S_NS
        return came_ns

    def _infer(self, now: int, before: int | None, moved: bool, has_position: bool) -> str:
        """A state from level and position alone."""
        if self.state in ("paused", "ended", "seeking") and not moved:
            return self.state
        if has_position:
            if moved:
                return "playing"
            stands_ns = WHOLE_STANDS_NS if self.position_whole else STANDS_NS
            if now - self.position_moved_ns < stands_ns:
                return self.state
            if self.state == "playing" and (self.buffer_ns or 0) >= PAUSED_FROM_NS:
                return "paused"
            return "stalled" if self.played else "starting"
        if self.buffer_ns is None or before is None:
            return self.state
        if self.buffer_ns < EMPTY_NS:
            return "stalled" if self.played else "starting"
        if self.buffer_ns < before or self.state == "stalled":
            return "playing"
        return self.state

    def _enter(self, state: str, now: int) -> None:
        if state == self.state:
            return
        if self.state == "stalled":
            self.stalled_ns += now - self.since_ns
        if state == "stalled":
            self.stalls += 1
        if state in ("seeking", "starting"):
            self.levels.clear()  # what follows is another buffer
        if state == "playing":
            self.played = True
        self.state = state
        self.since_ns = now

    def step(self, now: int) -> None:
        """Once a decision step: account for the rendition that is being shown."""
        rate = self.rendition_bps
        if rate is None or self.state not in ("playing", "stalled"):
            return
        self.held_s[rate] = self.held_s.get(rate, 0) + 1
        usual = self.usual_bps()
        if usual is not None and rate < usual:
            if self.below_since_ns is None:
                self.below_since_ns = now
        else:
            self.below_since_ns = None

    def usual_bps(self) -> int | None:
        """The highest rendition held for some time in this session, of those still permitted.

        What the viewer has ruled out is no loss; where only one is left, nothing can be given up.
        """
        if self.rendition_fixed:
            return None
        # a rate told as measured may lie a little above the one that is declared
        top = self.ladder_bps[-1] * 5 // 4 if self.ladder_bps else None
        held = [
            rate
            for rate, seconds in self.held_s.items()
            if seconds >= USUAL_S and (top is None or rate <= top)
        ]
        return max(held, default=None)

    def level_ns(self, now: int) -> int | None:
        """Buffer level now: the last told one, less what has been shown since."""
        if self.buffer_ns is None:
            return None
        quiet = now - self.buffer_at_ns
        if quiet > QUIET_NS:
            return None
        shown = quiet * self.speed_permille // 1000 if self.state == "playing" else 0
        return max(0, self.buffer_ns - shown)

    def drain_permille(self, now: int) -> int | None:
        """Change of the level, thousandths of a second a second: -1000 is nothing coming in.

        A live stream's is the one that it would have at normal speed. Where it isn't told whether
        it is live, and that makes the difference between draining and not, it is unknown.
        """
        drain = self.levels.drain_permille(now, self.speed_permille, steady=self.live is not False)
        if drain is None or self.live is not None or drain < DRAINS_PERMILLE:
            return drain
        shown = self.levels.drain_permille(now, self.speed_permille, steady=False)
        return None if shown is None or shown < DRAINS_PERMILLE else drain

    def stall_in_ns(self, now: int, nothing_arrives: bool) -> tuple[int, int] | None:
        """Time to the next stall, lower and upper end; None if it is not in sight.

        Lower: nothing more arrives. Upper: the drain of the last windows goes on; where nothing
        arrives already, both ends meet.
        """
        level = self.level_ns(now)
        if level is None or self.state != "playing":
            return None
        lower = level * 1000 // self.speed_permille
        if nothing_arrives:
            return lower, lower
        drain = self.drain_permille(now)
        if drain is None or drain >= -20:
            return None
        return lower, max(lower, level * 1000 // -drain)

    def could_start(self, asks: bool | None) -> bool:
        """Playback hasn't begun, but not for want of data: the viewer may not have asked for it.

        Args:
            asks: media requests are under way; None if requests can't be seen.
        """
        level = self.buffer_ns  # as last told: what isn't played is still there
        if self.state != "starting" or level is None:
            return False
        if level >= AMPLE_NS or (level >= AT_HAND_NS and asks is False):
            return True
        full = self.target_ns is not None and level * 4 >= self.target_ns * 3
        return level >= PAUSED_FROM_NS and (full or self.wants_data is False)

    def impact(
        self, now: int, settings: Settings, asks: bool | None, nothing_arrives: bool
    ) -> Impact | None:
        """What playback suffers now, by the policy's thresholds.

        Args:
            asks: media requests are under way; None if requests can't be seen.
            nothing_arrives: requests are under way and no byte has come for some seconds.
        """
        if not self.seen:
            return None
        for_ns = now - self.since_ns
        if self.state == "stalled":
            return "stalled" if for_ns >= settings.stalled_after_ns else None
        if self.state in ("starting", "seeking"):
            late = for_ns >= settings.startup_after_ns
            return "stalled" if late and not self.could_start(asks) else None
        if self.state != "playing":
            return None
        wants = self.wants_data if self.wants_data is not None else asks
        ahead = self.stall_in_ns(now, nothing_arrives)
        if wants is not False and ahead is not None and ahead[1] < settings.stall_ahead_ns:
            return "stall_ahead"
        if self.below_since_ns is None or wants is False:
            return None
        # a rendition that was low before a stall or because of it may climb again: count from then
        below_ns = min(now - self.below_since_ns, for_ns)
        return "quality" if below_ns >= settings.quality_after_ns else None

    def dropped_permille(self, now: int, window_ns: int) -> int | None:
        """Share of frames dropped over the window; None if frames aren't told."""
        inside = list(takewhile(lambda row: row[0] > now - window_ns, reversed(self.frames)))
        if len(inside) < 2:
            return None
        dropped = inside[0][1] - inside[-1][1]
        decoded = inside[0][2] - inside[-1][2]
        total = dropped + decoded
        if dropped < 0 or decoded < 0:  # the counters were reset: another file or decoder
            return None
        return 0 if total == 0 else dropped * 1000 // total

    def totals(self, now: int) -> tuple[int, int]:
        """(number of stalls, their total length in ns), the present one included."""
        running = now - self.since_ns if self.state == "stalled" else 0
        return self.stalls, self.stalled_ns + running
