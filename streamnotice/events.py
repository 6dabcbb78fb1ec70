"""What the engine says: the only output of the core.

Like observations, events are frozen and flat but for `Item`, so that the same
observations give the same bytes. They carry message ids and numbers; text is
made from them in the shell (`streamnotice.notices`).
"""

from __future__ import annotations

from typing import ClassVar, Literal, TypeAlias

import attrs

from streamnotice.snapshot import stateful

Impact = Literal["stalled", "stall_ahead", "quality"]
NoticeState = Literal["raised", "updated", "resolved"]
Reason = Literal["recovered", "ended", "withdrawn"]
Intensity = Literal["rest", "watch", "suspect"]

Number: TypeAlias = tuple[str, int | None]
"""A named figure; the unit is in the name (`_ns`, `_bps`, `_bytes`, `_permille`, `_count`)."""


@attrs.frozen
class Event:
    """Base: the engine said something at a session instant (nanoseconds)."""

    kind: ClassVar[str] = "event"
    at_ns: int


@attrs.frozen
class PlaybackChanged(Event):
    """The playback state, as the engine understands it, is another one."""

    kind: ClassVar[str] = "playback"
    state: str
    buffer_ns: int | None = None


@stateful
@attrs.frozen
class Item:
    """One line of the waterfall: a rule's outcome summed over the window.

    Attributes:
        rule: name of the rule; its texts are `rule.<rule>.<outcome>`.
        outcome: the rule's outcome that carried the most weight in the window.
        weight_mdb: for the named place against the runner-up, thousandths of a deciban: positive
            speaks for the name.
        measured, baseline: the figures behind it and what they are compared with.
        shadow: shown, but its table has no row yet: weight 0.
    """

    rule: str
    outcome: str
    weight_mdb: int
    measured: tuple[Number, ...] = ()
    baseline: tuple[Number, ...] | None = None
    shadow: bool = False


@stateful
@attrs.frozen
class Verdict(Event):
    """The state of the weighing after a decision step (whole session second).

    Attributes:
        bottleneck: deepest name that passes gate and bar, `undetermined` if there is harm and
            nothing passes, `none` without harm.
        among: the smallest set of leaves that passes together where the name is an inner one.
        condition: only with a leaf, and only if it can be told.
        impact: what playback suffers now; None is nothing.
        confidence_ppm: of the name, millionths.
        against: best leaf outside the name and `among`, or `none`.
        alternatives: (leaf or none, ppm), most likely first; what no gate was crossed for is
            calibrated (`streamnotice.verdict.calibration`).
        wants: what the prober is asked for from now on.
    """

    kind: ClassVar[str] = "verdict"
    bottleneck: str
    among: tuple[str, ...]
    condition: str | None
    impact: Impact | None
    confidence_ppm: int
    against: str
    weight_mdb: int
    alternatives: tuple[tuple[str, int], ...] = ()
    items: tuple[Item, ...] = ()
    stall_in_ns: tuple[int, int] | None = None
    wants: Intensity = "rest"


@attrs.frozen
class Notice(Event):
    """A step in a notice's life: raised, updated, resolved."""

    kind: ClassVar[str] = "notice"
    id: str
    state: NoticeState
    reason: Reason | None
    since_ns: int
    bottleneck: str
    among: tuple[str, ...]
    condition: str | None
    impact: Impact
    confidence_ppm: int
    against: str
    weight_mdb: int
    items: tuple[Item, ...] = ()
    alternatives: tuple[tuple[str, int], ...] = ()
    ruled_out: tuple[tuple[str, str], ...] = ()
    """(place, rule outcome id) pairs: places that the evidence speaks clearly against."""


@attrs.frozen
class ProbingWanted(Event):
    """How densely the prober is to work from now on; sent when it changes."""

    kind: ClassVar[str] = "probing"
    intensity: Intensity


AnyEvent: TypeAlias = PlaybackChanged | Verdict | Notice | ProbingWanted
