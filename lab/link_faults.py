"""What can happen to one link, as changes of its settings: narrow, lossy, gone, by turns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from lab.actions import LinkChange, bursts
from lab.topology import Link, Plan

if TYPE_CHECKING:
    from lab.scenarios import _Draw


def never_near_miss(draw_: _Draw) -> None:
    if draw_.severity == "near_miss":
        draw_.severity = "severe"


def slow(draw_: _Draw, name: str) -> tuple[LinkChange, ...]:
    queue = draw_.queue_bytes(draw_.capacity_bps)
    return (LinkChange(f"{name}.down", {"rate_bps": draw_.capacity_bps, "queue_bytes": queue}),)


def loss_for(draw_: _Draw, network: Plan) -> float:
    """Loss at which one TCP flow gets about the wanted capacity."""
    loss = network.loss_for(draw_.capacity_bps)
    if draw_.severity == "near_miss":
        return min(0.01, loss)
    return min(0.3, max(0.02, loss))


def lossy(draw_: _Draw, network: Plan, name: str) -> tuple[str, tuple[LinkChange, ...]]:
    loss = round(loss_for(draw_, network), 4)
    if draw_.rng.random() < 0.5:
        return f"independent {loss:.3f}", (LinkChange(f"{name}.down", {"loss": loss}),)
    burst, bad_loss = draw_.rng.choice((3, 6, 12)), draw_.rng.uniform(0.5, 0.9)
    values = bursts(min(0.6, loss / bad_loss), burst, round(bad_loss, 3))
    return f"bursts {loss:.3f}", (LinkChange(f"{name}.down", values),)


def limited(draw_: _Draw, name: str) -> tuple[LinkChange, ...]:
    """A policer, with some burst."""
    burst = draw_.rng.randrange(20, 160) * 1000
    values = {"police_burst_bytes": float(burst), "police_bps": draw_.capacity_bps}
    return (LinkChange(f"{name}.down", values),)


def outage(draw_: _Draw, name: str) -> tuple[str, tuple[LinkChange, ...], float | None]:
    """Gone for good, for a while, or coming and going."""
    rng = draw_.rng
    kind = rng.choice(("stays", "stays", "ends", "comes and goes"))
    down = LinkChange(f"{name}.both", {"outage": 1})
    if draw_.severity == "near_miss" and not draw_.before:
        gap = round(rng.uniform(0.3, 1.5), 2)
        return "blink", (down, LinkChange(f"{name}.both", {"outage": 0}, gap)), gap
    # A session that finds no network at all ends by its own rules: before Play it comes and goes.
    never_near_miss(draw_)
    if kind == "comes and goes" or draw_.before:
        changes: list[LinkChange] = []
        at = 0.0
        while at < 120:
            # A second of a fast line is many of a small rendition: it must be back only briefly.
            gone, back = rng.uniform(9, 22), rng.uniform(0.4, 1.5)
            changes.append(LinkChange(f"{name}.both", {"outage": 1}, round(at, 2)))
            changes.append(LinkChange(f"{name}.both", {"outage": 0}, round(at + gone, 2)))
            at += gone + back
        return "comes and goes", tuple(changes), None
    if kind == "ends":
        length = round(rng.uniform(28, 44), 1)  # longer than a full buffer, mostly
        up = LinkChange(f"{name}.both", {"outage": 0}, length)
        return kind, (down, up), length
    return kind, (down,), None


def unsteady(draw_: _Draw, network: Plan, name: str) -> tuple[LinkChange, ...]:
    """Good and nearly dead by turns, so that the mean is the wanted capacity."""
    rng, link = draw_.rng, network.link(name)
    bad = rng.uniform(0.05, 0.2) * draw_.capacity_bps
    good = min(link.down_bps, draw_.capacity_bps * rng.uniform(3, 8))
    share_good = (draw_.capacity_bps - bad) / max(1.0, good - bad)
    changes, at = [], 0.0
    jitter = round(rng.uniform(5, 40), 1)
    queue = draw_.queue_bytes(round(good))
    while at < 150:
        period = rng.uniform(1.5, 8)
        for share, rate in ((1 - share_good, bad), (share_good, good)):
            values = {"rate_bps": round(rate), "queue_bytes": queue, "jitter_ms": jitter}
            changes.append(LinkChange(f"{name}.down", values, round(at, 2)))
            at += period * share
    return tuple(changes)


def well(link: Link) -> dict[str, float]:
    """Settings that undo what a slow, lossy or limited link was given."""
    return {
        "rate_bps": link.down_bps, "queue_ms": link.queue_ms, "loss": 0, "to_bad": 0, "to_good": 1,
        "police_bps": 0,
    }  # fmt: skip


def by_turns(
    draw_: _Draw, link: Link, changes: tuple[LinkChange, ...]
) -> tuple[tuple[LinkChange, ...], tuple[tuple[float, float], ...]]:
    """The same fault, but it comes and goes; with the times when it is there."""
    more, at_s = draw_.more, 0.0
    made: list[LinkChange] = []
    phases = []
    while at_s < 150:
        gone_s = round(at_s + more.uniform(20, 32), 2)
        made += [attrs.evolve(change, after_s=at_s) for change in changes]
        made.append(LinkChange(f"{link.name}.down", well(link), gone_s))
        phases.append((at_s, gone_s))
        at_s = round(gone_s + more.uniform(8, 16), 2)
    return tuple(made), tuple(phases)
