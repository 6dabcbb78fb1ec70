"""Where along the path trouble begins: queue, spread, leap, loss, reach, all by one reasoning.

Trouble on a link is shared by everything behind it. So each hop's figure is held against the
far end's, and what counts at hop k is the smallest share over all hops from k on: a router
that only answers slowly, or seldom, tells of itself. Hops that clearly have no share lie
before the trouble, the first that clearly has its share lies behind it; the links between
the two are where it can be: one place (`access`), two (`access_or_core`), or a longer stretch
(`access_to_interconnect`). Nothing is said (`unplaced`) where replies came back over ways of
different length.

The links behind the last hop of a path whose far end was never reached are unknown: they can be
in any place from there on.

The first router is heard in two ways: as a hop, and by its answers to questions put to itself
(`first_hop`), which are many more.
"""

from streamnotice.path.localise.doubling import server_link_ns
from streamnotice.path.localise.far_ends import FarEnd, far_end
from streamnotice.path.localise.leaping import leap, may_hide_queue
from streamnotice.path.localise.losing import LOSS_WINDOW_NS, loss
from streamnotice.path.localise.queueing import LEAST_DELAY_NS, queue
from streamnotice.path.localise.reaching import REACHED, Reach, reach, silent_behind
from streamnotice.path.localise.spreading import spread
from streamnotice.path.localise.stretches import (
    CLEAN_PERMILLE,
    NONE,
    ORDER,
    PLACES,
    SHARED_PERMILLE,
    SHORT,
    STRETCHES,
    Located,
    path_ends,
    stretch,
    unheard,
)

__all__ = [
    "CLEAN_PERMILLE",
    "LEAST_DELAY_NS",
    "LOSS_WINDOW_NS",
    "NONE",
    "ORDER",
    "PLACES",
    "REACHED",
    "SHARED_PERMILLE",
    "SHORT",
    "STRETCHES",
    "FarEnd",
    "Located",
    "Reach",
    "far_end",
    "leap",
    "loss",
    "may_hide_queue",
    "path_ends",
    "queue",
    "reach",
    "server_link_ns",
    "silent_behind",
    "spread",
    "stretch",
    "unheard",
]
