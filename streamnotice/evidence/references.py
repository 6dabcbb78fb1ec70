"""The control: other servers over the same access, at the same moment.

Nobody is blamed beyond the home on the strength of one path alone (PAM 2016, M-Lab 2014: the
control decides).
"""

from __future__ import annotations

from typing import Literal

from streamnotice.estimates import Estimates
from streamnotice.evidence.rule import Outcome, Rule
from streamnotice.path.localise import LOSS_WINDOW_NS, FarEnd, far_end
from streamnotice.path.rounds import FAR
from streamnotice.policy import S_NS
from streamnotice.windows import recent

WINDOW_NS = 12 * S_NS
FEWEST = 3
Handshakes = Literal["answered", "missing", "too_few"]


def _references(seen: Estimates, now: int) -> list[FarEnd]:
    def look() -> list[FarEnd]:
        ends = [far_end(path, {}, now, WINDOW_NS) for path in seen.paths.references()]
        return [end for end in ends if end is not None]

    return seen.paths.once("references", now, look)


def _service(seen: Estimates, now: int) -> FarEnd | None:
    path = seen.paths.busiest()
    if path is None:
        return None
    # by its own round trips, as the references are: of those nothing is known from earlier, so that
    # a queue which was there first would seem to be the service's alone
    return seen.paths.once("service", now, lambda: far_end(path, {}, now, WINDOW_NS))


def far_ends(seen: Estimates, now: int) -> list[FarEnd]:
    """The service's far end, if it is probed, and the references', each against its own base."""
    service = _service(seen, now)
    return [*([service] if service is not None else []), *_references(seen, now)]


def far_losses(seen: Estimates, now: int) -> list[tuple[int, int]]:
    """(lost, sent) of the handshakes with the service and each reference over half a minute."""
    path = seen.paths.busiest()
    paths = [*([path] if path is not None else []), *seen.paths.references()]
    tries = [path.hops[FAR].recent(now, LOSS_WINDOW_NS) for path in paths if FAR in path.hops]
    return [(sum([t.rtt_ns is None for t in rows]), len(rows)) for rows in tries if rows]


def handshakes(seen: Estimates, since_ns: int, until_ns: int) -> Handshakes:
    """What became of those in that time with servers elsewhere, and with the service's own as far
    as it is known where they are: where they were answered, the network carried."""
    tries = [
        one
        for path in (*seen.paths.services(), *seen.paths.references())
        if FAR in path.hops
        for one in path.hops[FAR].tries
        if since_ns < one.at_ns <= until_ns
    ]
    if len(tries) < FEWEST:
        return "too_few"
    answered = sum(one.rtt_ns is not None for one in tries)
    return "answered" if answered * 5 >= len(tries) * 4 else "missing"


def read_delay(seen: Estimates, now: int) -> Outcome | None:
    """The best-off reference: if even that one suffers, what is shared suffers."""
    ends = _references(seen, now)
    if not ends:
        return None
    silent = all(end.silent for end in ends)
    best = min(ends, key=lambda end: (end.silent, end.suffers, end.excess_ns or 0))
    figures = (("excess_ns", best.excess_ns), ("loss_permille", best.lost_permille))
    base = None if best.base_ns is None else (("rtt_ns", best.base_ns),)
    name = "silent" if silent else "raised" if best.suffers else "fine"
    return Outcome(name, figures, base)


def read_contrast(seen: Estimates, now: int) -> Outcome | None:
    ends = _references(seen, now)
    service = _service(seen, now)
    if service is None or not ends:
        return None
    ours = service.suffers
    best_suffers = all(end.suffers for end in ends)
    some_suffer = any(end.suffers for end in ends)
    if ours:
        name = "both_suffer" if best_suffers else "some_suffer" if some_suffer else "only_service"
    else:
        name = "only_reference" if some_suffer else "neither"
    return Outcome(
        name,
        (
            ("service_excess_ns", service.excess_ns),
            ("reference_excess_ns", min((e.excess_ns or 0 for e in ends), default=0)),
        ),
    )


def read_rate(seen: Estimates, now: int) -> Outcome | None:
    """A small download from a reference, judged with what slow start alone would take.

    Three base round trips are its due, by handshakes: the wait for its own first byte would
    let a standing queue excuse itself.
    """
    rows = recent(seen.downloads, now, 15 * S_NS)
    needed = seen.needed_bps()
    if not rows or not needed:
        return None
    bases = [end.base_ns for end in _references(seen, now) if end.base_ns is not None]
    round_trip = max(bases, default=100_000_000)
    rated = []
    for row in rows:
        if row.failed or row.duration_ns is None or not row.duration_ns:
            continue
        fair = 3 * round_trip + row.received_bytes * 8 * S_NS // needed
        rated.append((row.duration_ns * 1000 // max(1, fair), row))
    if not rated:
        return Outcome("failing", (("failures_count", len(rows)),))
    ratio, row = min(rated, key=lambda pair: pair[0])
    came = row.received_bytes * 8 * S_NS // max(1, row.duration_ns or 1)
    return Outcome(
        "ample" if ratio <= 1200 else "short" if ratio <= 3000 else "far_short",
        (("throughput_bps", came),),
        (("needed_bps", needed),),
    )


DELAY = Rule("reference_delay", ("fine", "raised", "silent"), "reference", read_delay)
CONTRAST = Rule(
    "contrast",
    ("both_suffer", "some_suffer", "only_service", "only_reference", "neither"),
    "reference",
    read_contrast,
)
RATE = Rule("reference_rate", ("ample", "short", "far_short", "failing"), "reference", read_rate)
