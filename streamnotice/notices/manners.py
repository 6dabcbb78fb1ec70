"""Which steps of a notice's life a viewer gets to see: after mutes, dismissals and severity. Pure.

The engine says what it says, and all of it is recorded; this decides what reaches a face:

- what is muted, less severe than the policy wants, or one too many this hour, is not shown;
- a notice that the viewer has understood stays away while it says the same or less; if it moves
  to another place, the viewer was told something that no longer stands, and is shown the new;
- the end of a notice is shown only where the notice was, but a retraction is owed to everyone
  who saw the claim;
- what is on screen and no longer stands is taken away, even if what stands now is muted.
"""

from __future__ import annotations

from collections import deque
from typing import Final, Literal

import attrs

from streamnotice.bottlenecks import is_named
from streamnotice.events import Impact, Notice
from streamnotice.notices.muting import covers
from streamnotice.policy import S_NS

Severity = Literal["low", "medium", "high"]
Why = Literal["shown", "muted", "dismissed", "slight", "enough", "unseen"]

HOUR_NS: Final = 3600 * S_NS
SEVERITIES: Final[tuple[Severity, ...]] = ("low", "medium", "high")
_OF_IMPACT: Final[dict[Impact, Severity]] = {
    "quality": "low",
    "stall_ahead": "medium",
    "stalled": "high",
}


def severity(event: Notice) -> Severity:
    """How much the viewer suffers: a worse picture, a stall to come, a stall."""
    return _OF_IMPACT[event.impact]


def stays_s(event: Notice) -> float | None:
    """How long this step is shown before it goes by itself; None until something follows it."""
    if event.state != "resolved":
        return None
    return 12.0 if event.reason == "withdrawn" else 5.0


@attrs.frozen
class Judgement:
    """What is to be done with one step.

    Attributes:
        why: "shown", or why not.
        take_away: an earlier step of this notice is on screen and must go.
    """

    why: Why
    take_away: bool = False

    @property
    def show(self) -> bool:
        return self.why == "shown"


@attrs.define
class Manners:
    """What has been shown of the present notice, and what the viewer said to it.

    Attributes:
        least: notices less severe than this are not shown.
        most_per_hour: nor are more notices than this in any hour.
        on_screen: the step that faces show now, None if they show none.
    """

    least: Severity = "low"
    most_per_hour: int = 20
    on_screen: Notice | None = None
    _seen_id: str | None = None
    _understood: Notice | None = None
    _begun_ns: deque[int] = attrs.Factory(deque)

    def judge(self, event: Notice, muted: bool) -> Judgement:
        """Whether faces get *event*, the next step of a notice's life.

        Args:
            muted: a mute silences it here and now.
        """
        if event.state == "resolved":
            return self._end(event)
        why = self._why_not(event, muted)
        standing = self.on_screen is not None and self.on_screen.id == event.id
        if why is not None:
            if standing:
                self.on_screen = None
            return Judgement(why, take_away=standing)
        if event.id != self._seen_id:
            self._begun_ns.append(event.at_ns)
        self.on_screen = event
        self._seen_id = event.id
        self._understood = None
        return Judgement("shown")

    def dismiss(self, notice_id: str) -> Notice | None:
        """The viewer has understood; the step that was on screen, None if that notice wasn't."""
        event = self.on_screen
        if event is None or event.id != notice_id:
            return None
        self.on_screen = None
        self._understood = event
        return event

    def _why_not(self, event: Notice, muted: bool) -> Why | None:
        if muted:
            return "muted"
        if SEVERITIES.index(severity(event)) < SEVERITIES.index(self.least):
            return "slight"
        before = self._understood
        if (
            before is not None
            and before.id == event.id
            and covers(before.bottleneck, event.bottleneck, event.among)
            # that the cause can't be told, and what is told of it after all, are two things
            and is_named(before.bottleneck, before.among) >= is_named(event.bottleneck, event.among)
        ):
            return "dismissed"
        if event.id != self._seen_id and self._begun_within(event.at_ns) >= self.most_per_hour:
            return "enough"
        return None

    def _begun_within(self, now: int) -> int:
        """How many notices the viewer was shown in the last hour."""
        while self._begun_ns and self._begun_ns[0] <= now - HOUR_NS:
            self._begun_ns.popleft()
        return len(self._begun_ns)

    def _end(self, event: Notice) -> Judgement:
        standing = self.on_screen is not None and self.on_screen.id == event.id
        seen = self._seen_id == event.id
        self.on_screen = self._understood = None
        if standing or (seen and event.reason == "withdrawn"):
            return Judgement("shown")
        return Judgement("dismissed" if seen else "unseen")
