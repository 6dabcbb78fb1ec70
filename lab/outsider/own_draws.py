"""What a fourth outsider's families share (`own.*`): lines of five makes, ways of other lengths,
films whose quality may fall, crowds of other makes, and links that go as measured or step by step.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import attrs

from lab import traces
from lab.actions import Crowd, LinkChange, bursts
from lab.outsider.draws import HIGH, LASTS_S, LOW, plain, reset
from lab.topology import Plan

if TYPE_CHECKING:
    from lab.scenarios import _Draw

SHARING: Final = "network.home.sharing"
CROWDED: Final = ("auto", "highest", "highest")
"""Films for crowds: to starve the lowest rendition it takes hundreds of flows."""
Span = tuple[float, float]


@attrs.frozen
class Make:
    """A kind of line.

    Attributes:
        mbps: towards the viewer.
        up: share of it upwards.
        delay_ms, jitter_ms: one way; interleaving of DSL, slots of cable, grants of mobile lines.
        queues_ms: drop-tail queues of such lines.
        codel: share of them that keep their queue short.
    """

    mbps: Span
    up: Span
    delay_ms: Span
    jitter_ms: Span
    queues_ms: tuple[float, ...]
    codel: float = 0.0


MAKES: Final[dict[str, Make]] = {
    "adsl": Make((4.4, 12), (0.07, 0.12), (9, 22), (0, 1), (120, 400, 1000)),
    "vdsl": Make((16, 50), (0.15, 0.4), (4, 10), (0, 1), (50, 150, 300), 0.2),
    "cable": Make((25, 120), (0.05, 0.12), (4, 9), (2, 6), (60, 150, 350), 0.4),
    "fibre": Make((100, 300), (0.5, 1), (0.7, 3), (0, 0.3), (10, 30, 60), 0.2),
    "mobile": Make((9, 40), (0.2, 0.4), (16, 34), (5, 14), (150, 400, 1200), 0.1),
}
_AWAY_MS: Final[tuple[Span, ...]] = ((0.5, 3), (4, 14), (15, 35), (36, 62))
"""How far the service is from the provider, one way: in the same town, country, continent, or not.
"""


def laid(draw_: _Draw, makes: Iterable[str] = (), radio_mbps: Span = (25, 250), **wishes: Any) -> (
    Plan
):  # fmt: skip
    """A network over a line of one of these makes (none given: any), to a service somewhere."""
    rng = draw_.rng
    home = wishes.get("home")
    able = [m for m in makes or MAKES if not (home and m == "mobile") and not (
        home is False and m != "mobile")]  # fmt: skip
    name = rng.choice(able)
    make = MAKES[name]
    wishes = {
        "hops": rng.choice((1, 2, 3, 4, 6)), "home": name != "mobile",
        "congestion": rng.choice(("cubic", "cubic", "bbr", "reno")), **wishes,
    }  # fmt: skip
    network = plain(draw_, **wishes)
    down = round(rng.uniform(*make.mbps) * 1e6)
    network = reset(
        network, "access", down_bps=down, up_bps=max(400_000, round(down * rng.uniform(*make.up))),
        delay_ms=round(rng.uniform(*make.delay_ms), 2),
        jitter_ms=round(rng.uniform(*make.jitter_ms), 2),
        queue_ms=float(rng.choice(make.queues_ms)), codel=rng.random() < make.codel,
    )  # fmt: skip
    if network.has("wifi"):
        rate = round(rng.uniform(*radio_mbps) * 1e6)
        network = reset(network, "wifi", down_bps=rate, up_bps=rate,
                        jitter_ms=round(rng.choice((0.2, 1.0, 3.0)), 1))  # fmt: skip
    return reset(network, "inter", delay_ms=round(rng.uniform(*rng.choice(_AWAY_MS)), 2))


def crowded(draw_: _Draw, name: str, mbps: Span, queues_ms: tuple[float, ...], **wishes: Any) -> (
    Plan
):  # fmt: skip
    """A network in which the link *name* has a rate that a crowd fills; CoDel keeps a third."""
    rng = draw_.rng
    network = laid(draw_, congestion=draw_.against_crowds(), **wishes)
    rate = round(rng.uniform(*mbps) * 1e6)
    return reset(network, name, down_bps=rate, queue_ms=float(rng.choice(queues_ms)),
                 codel=rng.random() < 0.3)  # fmt: skip


def film(draw_: _Draw, low: float, high: float, *renditions: str) -> None:
    """One of these renditions, and so much of what the highest needs is left ("lowest": of what
    that needs). Where the player may choose, the quality falls first; so there the fault comes in
    mid-play. By then half a minute is in hand, and a mild fault would be felt after the run's end.
    """
    rng = draw_.rng
    draw_.rendition = rng.choice(renditions or ("auto", "highest", "highest", "lowest"))
    draw_.needed_bps = LOW if draw_.rendition == "lowest" else HIGH
    draw_.before = rng.random() < {"auto": 0.0, "highest": 0.5, "lowest": 0.8}[draw_.rendition]
    if not draw_.before:
        high = min(high, {"auto": 0.34, "highest": 0.42, "lowest": 0.3}[draw_.rendition])
    draw_.onset_s = None if draw_.before else round(rng.uniform(7, 15), 1)
    draw_.leave(rng.uniform(low, max(low, high)))
    draw_.severity = "severe" if draw_.capacity_bps < 0.4 * draw_.needed_bps else "moderate"
    draw_.named(draw_.service.hosts, live=False)


def at_rate(draw_: _Draw, bps: float) -> dict[str, float]:
    """A rate, and a queue of a few packets, of a round trip, or a bloated one; or CoDel."""
    queue_s, codel = draw_.rng.choice(((0.015, 0.0), (0.08, 0.0), (0.25, 0.0), (0.9, 0.0),
                                       (0.4, 1.0)))  # fmt: skip
    queue_bytes = float(max(4600, round(bps * queue_s / 8)))
    return {"rate_bps": float(round(bps)), "queue_bytes": queue_bytes, "codel": codel}


def narrowed(draw_: _Draw, name: str) -> LinkChange:
    """The link's rate falls to the wanted capacity at once."""
    return LinkChange(f"{name}.down", at_rate(draw_, draw_.capacity_bps))


def sinking(
    draw_: _Draw, name: str, from_bps: float, over_s: float, steps: int = 10
) -> tuple[LinkChange, ...]:
    """The link's rate goes down to the wanted capacity step by step."""
    to_bps = float(draw_.capacity_bps)
    values = at_rate(draw_, to_bps)
    found = []
    for step in range(1, steps + 1):
        rate = from_bps * (to_bps / from_bps) ** (step / steps)
        queue = values["queue_bytes"] * rate / to_bps
        found.append(LinkChange(f"{name}.down", {
            **values, "rate_bps": float(round(rate)), "queue_bytes": float(round(queue))
        }, round(over_s * (step - 1) / steps, 2)))  # fmt: skip
    return tuple(found)


def as_measured(
    draw_: _Draw, name: str, kinds: tuple[str, ...], **more: float
) -> tuple[str, tuple[LinkChange, ...]]:
    """The link's rate goes as one that was measured, in the mean the wanted capacity."""
    trace = draw_.rng.choice(traces.names(kinds))
    rows = traces.stretch(trace, draw_.rng, LASTS_S)
    by = draw_.capacity_bps / max(1.0, traces.mean_bps(rows))
    values = {**at_rate(draw_, draw_.capacity_bps), **more}
    return trace, tuple(
        LinkChange(f"{name}.down", {**values, "rate_bps": float(bps)}, at_s)
        for at_s, bps in traces.scaled(rows, by)
    )


def noisy(draw_: _Draw, network: Plan, name: str) -> tuple[str, Plan, tuple[LinkChange, ...]]:
    """A loss of half a percent to eight, single or in bursts, and a way so long that TCP minds it
    as much as wanted (Mathis et al., CCR 1997). To TCP a burst is one loss: of bursts there are as
    many as there would be single ones, up to ten percent of all packets."""
    rng = draw_.rng
    events = rng.choice((0.006, 0.012, 0.02, 0.035, 0.05, 0.08)) * rng.uniform(0.8, 1.2)
    burst, bad_loss = rng.choice(((1, 1.0), (1, 1.0), (4, 0.5), (10, 0.4), (8, 0.8)))
    each = burst * bad_loss
    events = min(events, 0.1 / each)
    wanted_ms = 1e3 * 1.2 * 1448 * 8 / (events**0.5 * draw_.capacity_bps)
    farther_ms = min(60.0, max(0.0, (wanted_ms - network.base_rtt_ms()) / 2))
    far_ms = network.link("inter").delay_ms + farther_ms
    network = reset(network, "inter", delay_ms=round(far_ms, 2))
    loss = round(min(0.12, max(events, network.loss_for(draw_.capacity_bps)) * each), 4)
    values = {"loss": loss} if burst == 1 else bursts(loss / bad_loss, burst, bad_loss)
    told = f"{name} loses {loss}{f' in bursts of {burst}' if burst > 1 else ''}"
    change = LinkChange(f"{name}.down", values)
    return f"{told}, {network.base_rtt_ms():.0f} ms", network, (change,)


def evening(draw_: _Draw, source: str, sink: str, rate_bps: float) -> tuple[str, tuple[Crowd, ...]]:
    """What others move over a link of that rate, so that the film is left the wanted capacity: a
    few long downloads, many short pages, films of others, television, or one after another."""
    rng = draw_.rng
    kind = rng.choice(("downloads", "pages", "films", "television", "rising"))
    share = rng.uniform(0.6, 0.85) if kind == "television" else 0.0
    left_bps = rate_bps * (1 - share)
    flows = max(1, min(120, round(left_bps / draw_.capacity_bps) - 1))
    if kind == "pages":
        mean_bytes = rng.choice((60_000, 150_000, 400_000))
        return kind, (Crowd(source, sink, min(240, flows * 2), mean_bytes, 60),)
    if kind == "films":  # a segment, then a pause: half of them load at any time, if they can
        mean_bytes = rng.choice((1_500_000, 4_000_000))
        return kind, (Crowd(source, sink, min(200, flows * 3 // 2 + 1), mean_bytes, 1500),)
    if kind == "television":
        steady = Crowd(source, sink, 1, steady_bps=round(rate_bps * share))
        return kind, (steady, Crowd(source, sink, flows))
    if kind == "rising":
        part = max(1, -(-flows // 4))
        return kind, tuple(Crowd(source, sink, part, after_s=5.0 * k) for k in range(4))
    return kind, (Crowd(source, sink, flows),)
