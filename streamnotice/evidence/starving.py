"""While we starve, asking all the time: what does the path look like at that very moment.

The same signs mean little while all is well (any slow start overshoots and loses a few packets),
so this rule only answers when less comes in than is needed.
"""

from __future__ import annotations

from streamnotice.estimates import Estimates
from streamnotice.evidence.patience import may_be_late
from streamnotice.evidence.rule import Outcome, Rule
from streamnotice.path.localise import far_end, may_hide_queue, queue

WINDOW_S = 6
LOSSY_PERMILLE = 15


def read(seen: Estimates, now: int) -> Outcome | None:
    requests = seen.requests
    came, needed = requests.throughput_bps(now, WINDOW_S), seen.needed_bps()
    asked = requests.asked_permille(now, WINDOW_S)
    if came is None or not needed or asked is None or asked < 900 or came * 10 >= needed * 9:
        return None
    path = seen.paths.busiest()
    end = None if path is None else far_end(path, seen.paths.stored, now)
    found = queue(seen.paths, now)
    if end is None or (found is None and not end.silent):
        return None
    total = requests.total(now, WINDOW_S)
    late = may_be_late(seen, now)
    lossy = (end.lost_permille >= 100 and not late) or (
        total.segments >= 20 and total.out_of_order * 1000 >= LOSSY_PERMILLE * total.segments
    )
    figures = (
        ("queue_ns", None if found is None else found.value),
        ("loss_permille", end.lost_permille),
        ("throughput_bps", came),
    )
    base = (("needed_bps", needed),)
    if end.silent:
        return None if late else Outcome("silent", figures, base)
    if found is not None and found.place == "none" and may_hide_queue(seen.paths):
        return None
    queued = found is not None and found.place != "none"
    if queued:
        return Outcome("queued_lossy" if lossy else "queued", figures, base)
    return Outcome("lossy" if lossy else "clean", figures, base)


RULE = Rule("starving", ("clean", "queued", "queued_lossy", "lossy", "silent"), "path", read)
