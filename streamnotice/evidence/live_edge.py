"""Live: does the newest segment come when it is due.

Only a playlist that is got tells of its source. Caches on the way keep one for some seconds, so
that several segments show at once: late is what is later than what has done no harm.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, pairwise

from streamnotice.estimates import Estimates, NewestSeen
from streamnotice.evidence.rule import Outcome, Rule
from streamnotice.playback.model import PlaybackModel
from streamnotice.policy import S_NS

LATE_AFTER = 2
AT_MOST_AFTER = 4
"""So many target durations are late, however long it took before."""
WELL_NS = S_NS // 10


def read(seen: Estimates, now: int) -> Outcome | None:
    rows = list(seen.newest)
    if len(rows) < 2:
        return None
    due = rows[-1].target_duration_ns
    if due <= 0 or (now - rows[-1].at_ns) * 2 > due * 3:
        return None
    runs = [list(run) for _, run in groupby(rows, lambda row: row.newest)]
    stood = runs[-1][-1].at_ns - runs[-1][0].at_ns
    usual = _usual_ns(seen.playback, runs)
    limit = max(LATE_AFTER * due, min(usual, AT_MOST_AFTER * due))
    late = stood > limit
    if late and _kept(seen, runs[-1][0].at_ns):
        return None
    name = "late" if late else "moving"
    return Outcome(name, (("stood_ns", stood),), (("due_ns", due),))


def _kept(seen: Estimates, since_ns: int) -> bool:
    """All playlists since then came out of a cache's own store: they tell nothing of the source."""
    lists = [a for a in seen.requests.answers if a.needed and not a.media and a.at_ns > since_ns]
    return bool(lists) and all(a.cache == "hit" for a in lists)


def _usual_ns(model: PlaybackModel, runs: Sequence[Sequence[NewestSeen]]) -> int:
    """The longest that a newest segment was seen to stand without harm, media still at hand when
    the next one showed, and a quarter more."""
    stood = [
        run[-1].at_ns - run[0].at_ns
        for run, after in pairwise(runs)
        if _level_ns(model, after[0].at_ns) >= WELL_NS
    ]
    return max(stood, default=0) * 5 // 4


def _level_ns(model: PlaybackModel, at_ns: int) -> int:
    """The level that was last told up to that time; 0 if it isn't known any more."""
    return next((level for at, level, _ in reversed(model.levels.rows) if at <= at_ns), 0)


RULE = Rule("live_edge", ("moving", "late"), "requests", read)
