"""A notice's life: raised, updated, resolved (recovered, ended, withdrawn). Never two at once.

The rules of manners, one place each:

- nothing is raised without impact, nor in the cool-down after a notice was resolved;
- harm comes in spells: a short good stretch between two stalls doesn't end one;
- `undetermined` without `among` is only said when a spell has held harm enough, and of a stall: one
  that is there, or one that is near while something is surely wrong (a lower quality may still
  avert it). A viewer gains nothing from "something may go wrong", or "could look better", "we don't
  know why";
- a change of mind is an update of the same notice, at most one each `SETTLE_NS`; that something was
  found where nothing could be named is none, and doesn't wait;
- when playback has been well for `resolved_after`, the notice is resolved as recovered; while it
  is paused, seeking or starting, nothing is shown to be well, and the end is the end;
- when what was said no longer stands and nothing else can be said, it is withdrawn.
"""

from __future__ import annotations

from typing import Final

import attrs

from streamnotice.bottlenecks import NONE, UNDETERMINED
from streamnotice.events import Impact, Notice, NoticeState, Reason, Verdict
from streamnotice.policy import S_NS, Settings
from streamnotice.snapshot import stateful

SETTLE_NS: Final = 5 * S_NS
PATIENCE_NS: Final = 5 * S_NS
"""So much harm must be in a spell before `undetermined` is said of a stall."""
SURE_PPM: Final = 950_000
"""So sure that something is wrong, `undetermined` is said of a stall that is near, ..."""
SURE_PATIENCE_NS: Final = 1 * S_NS
"""... after so much harm: it won't wait."""


@stateful
@attrs.define
class Life:
    """The notice on screen, if any, and what happened before.

    Attributes:
        serial: notices so far.
        shown: key of the name on screen; None if there is no notice.
        since_ns: start of what the notice speaks of.
        harmed_ns: when the present spell of harm began.
        suffered_ns: harm in it so far, the good stretches left out.
        stalled: it held a stall; good seconds end any other spell at once.
        well_ns: when playback was last seen to become well.
        over: playback has come to its end.
        free_ns: no new notice before this instant.
    """

    serial: int = 0
    shown: str | None = None
    shown_bottleneck: str = ""
    shown_condition: str | None = None
    shown_among: tuple[str, ...] = ()
    impact: Impact | None = None
    since_ns: int = 0
    changed_ns: int = 0
    harmed_ns: int | None = None
    suffered_ns: int = 0
    stalled: bool = False
    well_ns: int | None = None
    over: bool = False
    free_ns: int = 0
    last_verdict: Verdict | None = None

    def harm(self, now: int, impact: Impact | None, settings: Settings, state: str) -> None:
        """Keep track of harm and peace, before anything is decided; *state* is playback's."""
        self.over = state == "ended"
        if impact is None:
            # a stall's first moments are no peace: what was ahead has come
            if state == "stalled" or (self.shown is not None and state != "playing"):
                self.well_ns = None
                return
            if self.well_ns is None:
                self.well_ns = now
            lasted = now - self.well_ns >= settings.resolved_after_ns
            if self.shown is None and (lasted or not self.stalled):
                self.harmed_ns = None
        else:
            self.well_ns = None
            if self.harmed_ns is None:
                self.harmed_ns = now
                self.suffered_ns = 0
                self.stalled = False
            else:
                self.suffered_ns += S_NS
            self.stalled |= impact == "stalled"

    def step(
        self,
        now: int,
        verdict: Verdict,
        key: str,
        since_ns: int,
        settings: Settings,
        wrong_ppm: int,
    ) -> list[Notice]:
        """What is to be said after this step, but for what is ruled out.

        Args:
            verdict: the step's verdict.
            key: its name's key; "undetermined" if nothing passes, "none" without harm.
            since_ns: earlier of the first harm and the first step with weight.
            wrong_ppm: how likely it is that something is wrong, as bars take it: not calibrated.
        """
        if self.shown is None:
            sure = _sure_to_stall(verdict, settings, wrong_ppm)
            return self._raise(now, verdict, key, since_ns, sure)
        if self.over:
            return [self._resolve(now, verdict, "ended", settings)]
        if self.well_ns is not None and now - self.well_ns >= settings.resolved_after_ns:
            return [self._resolve(now, verdict, "recovered", settings)]
        return self._revise(now, verdict, key, since_ns, settings)

    def close(self, now: int, settings: Settings) -> list[Notice]:
        """The session is over."""
        if self.shown is None or self.last_verdict is None:
            return []
        return [self._resolve(now, self.last_verdict, "ended", settings)]

    def _raise(
        self,
        now: int,
        verdict: Verdict,
        key: str,
        since_ns: int,
        sure: bool,
    ) -> list[Notice]:
        if verdict.impact is None or now < self.free_ns or self.harmed_ns is None:
            return []
        patience_ns = PATIENCE_NS if verdict.impact == "stalled" else SURE_PATIENCE_NS
        hasty = self.suffered_ns < patience_ns or not sure
        if key == UNDETERMINED and hasty:
            return []
        self.serial += 1
        self.since_ns = since_ns
        self._show(now, verdict, key)
        return [self._notice(now, verdict, "raised", None)]

    def _revise(
        self,
        now: int,
        verdict: Verdict,
        key: str,
        since_ns: int,
        settings: Settings,
    ) -> list[Notice]:
        found = self.shown == UNDETERMINED and key not in (UNDETERMINED, NONE)
        if now - self.changed_ns < SETTLE_NS and not found:
            return []
        if verdict.impact is None:
            # playback is well for the moment: only a name that fell is news now
            if key == NONE and self.shown != UNDETERMINED:
                return [self._resolve(now, verdict, "withdrawn", settings)]
            return []
        worse = self.impact != verdict.impact and verdict.impact == "stalled"
        other = (verdict.bottleneck, verdict.among, verdict.condition) != (
            self.shown_bottleneck,
            self.shown_among,
            self.shown_condition,
        )
        if not (other or worse):
            return []
        self.since_ns = max(self.since_ns, since_ns)
        self._show(now, verdict, key)
        return [self._notice(now, verdict, "updated", None)]

    def _show(self, now: int, verdict: Verdict, key: str) -> None:
        self.shown = key
        self.shown_bottleneck = verdict.bottleneck
        self.shown_condition = verdict.condition
        self.shown_among = verdict.among
        self.impact = verdict.impact
        self.changed_ns = now
        self.last_verdict = verdict

    def _resolve(self, now: int, verdict: Verdict, reason: Reason, settings: Settings) -> Notice:
        """The last word on a notice speaks of what was shown, not of what came after."""
        last = self.last_verdict or verdict
        notice = self._notice(now, last, "resolved", reason)
        self.shown = None
        self.harmed_ns = None
        self.free_ns = now + settings.cooldown_ns
        self.last_verdict = None
        return notice

    def _notice(
        self,
        now: int,
        verdict: Verdict,
        state: NoticeState,
        reason: Reason | None,
    ) -> Notice:
        return Notice(
            at_ns=now,
            id=f"n{self.serial}",
            state=state,
            reason=reason,
            since_ns=min(self.since_ns, now),
            bottleneck=verdict.bottleneck,
            among=verdict.among,
            condition=verdict.condition,
            impact=self.impact or "stalled",
            confidence_ppm=verdict.confidence_ppm,
            against=verdict.against,
            weight_mdb=verdict.weight_mdb,
            items=verdict.items,
            alternatives=verdict.alternatives,
        )


def _sure_to_stall(verdict: Verdict, settings: Settings, wrong_ppm: int) -> bool:
    """Playback stands still, or will very soon and not by chance."""
    if verdict.impact == "stalled":
        return True
    if verdict.impact != "stall_ahead" or verdict.stall_in_ns is None:
        return False
    soon = 2 * verdict.stall_in_ns[1] <= settings.stall_ahead_ns
    return soon and wrong_ppm >= SURE_PPM
