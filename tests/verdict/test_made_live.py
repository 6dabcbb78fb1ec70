"""Who makes a live stream carries no name where none was seen."""

from __future__ import annotations

import pytest

from streamnotice.engine import Engine
from streamnotice.estimates import Sighted
from streamnotice.events import Notice
from streamnotice.observations import Playback
from streamnotice.policy import S_NS, Policy
from tests.verdict import by_hand
from tests.verdict.by_hand import part

STATES = ("none:fine", "service.edge:slow", "service.source:late", "undetermined:other")
RULES = {
    "asking": part({"idle": [0, -4000, 6000, 0], "late": [0, 4000, 4000, 0]}),
    "harm": part({"stalled": [-9000, 3000, 3000, 0]}),
}
LEAVES = frozenset({"service.edge"})


@pytest.mark.parametrize(
    ("answer", "live", "said"),
    [("idle", True, "service.source"), ("idle", False, None), ("late", False, "service.edge")],
)
def test_service_is_said_where_a_server_bears_it(answer: str, live: bool, said: str | None) -> None:
    using = by_hand.weigher(by_hand.table(STATES, RULES))
    memory = using.fresh()
    sees = Sighted(LEAVES | ({"service.source"} if live else set()), frozenset(), False)
    for second in range(1, 60):
        by_hand.step(using, memory, second, {"asking": answer, "harm": "stalled"}, live=live)
    named = using.name(memory, sees)
    assert (None if named is None else named.key) in ((said,) if live else (said, "service"))
    if not live and answer == "idle":
        assert named is None, "nothing tells of a server"


@pytest.mark.parametrize("live", [None, False])
def test_a_buffer_level_alone_blames_nobody(live: bool | None) -> None:
    """Segments of a second at 0.65 of the pace, for five minutes of stalls."""
    engine = Engine(Policy().settings())
    level_s = got_s = 0.0
    state = "starting"
    named = set()
    for turn in range(1, 5 * 300):
        got_s += 0.2 * 0.65
        if got_s >= 1:
            got_s, level_s = got_s - 1, level_s + 1
        if state == "playing":
            level_s = max(0.0, level_s - 0.2)
            state = "playing" if level_s > 0.01 else "stalled"
        elif level_s >= 2:
            state = "playing"
        told = Playback(turn * S_NS // 5, state=state, buffer_ns=round(level_s * 1e9), live=live)  # type: ignore[arg-type]
        named |= {e.bottleneck for e in engine.feed(told) if isinstance(e, Notice)}
    assert named == {"undetermined"}
