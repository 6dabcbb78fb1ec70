"""A run whose fault moves, as two: what was said while the first stood, and what of the second.

What a viewer was told last goes on standing on the screen. So a word about the first fault that
still stands some time after its end counts as said again then, of the second.
"""

from __future__ import annotations

from typing import Final, TypeVar

import attrs

from lab.fit.recordings import Run
from streamnotice.bottlenecks import FINE, State
from streamnotice.events import Notice
from streamnotice.policy import S_NS

ECHO_S: Final = 10
"""So soon after its end the first fault is still to be seen, and may be named."""
STALE_S: Final = 20
"""A word about it that still stands then is one about what is there now."""

Value = TypeVar("Value")


def legs(run: Run) -> tuple[Run, ...]:
    """The run itself if its fault stays where it is; else its part with each of the two."""
    if run.then is None:
        return (run,)
    over, begins = run.end_s, max(run.then.onset_s, run.end_s + ECHO_S)
    first, second = [], []
    for notice in run.notices:
        at_s = notice.at_ns / S_NS
        early = at_s <= over or (at_s <= over + ECHO_S and _about(notice, run.planned.place))
        (first if early else second).append(notice)
    stale = _standing(run, over + STALE_S)
    if stale is not None and stale in first:
        second = sorted(
            [attrs.evolve(stale, at_ns=(over + STALE_S) * S_NS), *second], key=lambda n: n.at_ns
        )
    harmed = any(i is not None for s, i in run.impacts.items() if run.onset_s <= s <= over)
    one = attrs.evolve(
        _between(run, 0, over), name=f"{run.name} (first)", then=None, notices=tuple(first),
        truth=run.planned if harmed else FINE,
    )  # fmt: skip
    harmed = any(i is not None for s, i in run.impacts.items() if s >= begins)
    two = attrs.evolve(
        _between(run, begins, 10**6), name=f"{run.name} (second)", then=None, before=False,
        planned=run.then.planned, truth=run.then.planned if harmed else FINE,
        among=run.then.among, onset_s=run.then.onset_s, end_s=10**6, notices=tuple(second),
    )  # fmt: skip
    return one, two


def taken_back_s(run: Run) -> float | None:
    """Seconds after the end of the first fault for which a name of its place still stood; None if
    none stood then, or it covers the second as well. To the end of the run, if it stood to there.
    """
    if run.then is None:
        return None
    standing = _standing(run, run.end_s)
    if standing is None or not _of_the_first_alone(standing, run.planned, run.then.planned):
        return None
    for notice in run.notices:
        if notice.at_ns > run.end_s * S_NS and (
            notice.state == "resolved"
            or not _of_the_first_alone(notice, run.planned, run.then.planned)
        ):
            return notice.at_ns / S_NS - run.end_s
    return float(max(run.verdicts) - run.end_s)


def _of_the_first_alone(notice: Notice, first: State, second: State) -> bool:
    return _about(notice, first.place) and not _about(notice, second.place)


def _about(notice: Notice, place: str) -> bool:
    """It names *place*, or something that it is a part of."""
    if notice.among:
        return place in notice.among
    return place == notice.bottleneck or place.startswith(f"{notice.bottleneck}.")


def _standing(run: Run, second: int) -> Notice | None:
    """The word on the screen at *second*."""
    last = None
    for notice in run.notices:
        if notice.at_ns > second * S_NS:
            break
        last = None if notice.state == "resolved" else notice
    return last


def _between(run: Run, first_s: int, last_s: int) -> Run:
    return attrs.evolve(
        run, steps=_cut(run.steps, first_s, last_s), impacts=_cut(run.impacts, first_s, last_s),
        verdicts=_cut(run.verdicts, first_s, last_s),
    )  # fmt: skip


def _cut(rows: dict[int, Value], first_s: int, last_s: int) -> dict[int, Value]:
    return {second: row for second, row in rows.items() if first_s <= second <= last_s}
