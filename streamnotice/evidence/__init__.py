"""Rules of evidence, one idea a file. To add one: a file, and a line here; a row in the table when
it is fitted (until then it runs in shadow)."""

from __future__ import annotations

from streamnotice.evidence import (
    asking,
    connecting,
    decode,
    first_byte,
    fit,
    harm,
    host_load,
    live_edge,
    others,
    pace,
    places,
    queue_kind,
    rate,
    receive_window,
    references,
    server_says,
    socket_signs,
    starving,
    status,
    waits,
)
from streamnotice.evidence.rule import Outcome, Rule

RULES: tuple[Rule, ...] = (
    harm.RULE,
    decode.RULE,
    host_load.RULE,
    asking.RULE,
    fit.RULE,
    receive_window.RULE,
    rate.RULE,
    rate.FLOW,
    waits.SHARE,
    waits.WAITING,
    waits.SILENCE,
    first_byte.UNSAID,
    first_byte.HIT,
    first_byte.MISS,
    server_says.ORIGIN,
    server_says.EDGE,
    status.RULE,
    connecting.CONNECT,
    connecting.LOOK_UP,
    socket_signs.ORDER,
    socket_signs.RTT,
    pace.RULE,
    places.QUEUE,
    places.SPREAD,
    places.LOSS,
    places.REACH,
    starving.RULE,
    queue_kind.KIND,
    queue_kind.START,
    references.DELAY,
    references.CONTRAST,
    references.RATE,
    live_edge.RULE,
    others.HERE,
    others.HOME,
)

__all__ = ["RULES", "Outcome", "Rule"]
