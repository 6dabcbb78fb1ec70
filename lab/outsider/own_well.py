"""Evenings like others (`own.well.*`): much is going on, and the film has what it needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import attrs

from lab import traces
from lab.actions import Crowd, LinkChange
from lab.outsider.draws import HIGH, LASTS_S, LOW, reset
from lab.outsider.odd_peace import well
from lab.outsider.own_draws import film, laid

if TYPE_CHECKING:
    from lab.scenarios import Scenario, _Draw

_SETTLED_S: Final = 15.0
"""What stands before Play begins so much earlier than the film, and must last longer."""


def _evening(draw_: _Draw) -> Scenario:
    """Busy hours, and room for the film: television and pages over the core or the border."""
    rng = draw_.rng
    film(draw_, 0.9, 0.95, "highest", "lowest", "auto")
    link = rng.choice(("core1", "core2", "inter"))
    network = laid(draw_, ("vdsl", "cable", "fibre"), hops=3, crowd_on=link, server_router=True,
                   congestion=draw_.against_crowds())  # fmt: skip
    rate = round(rng.uniform(22, 30) * 1e6)
    network = reset(network, link, down_bps=rate, queue_ms=float(rng.choice((20, 60, 150))))
    steady = Crowd("crowdsrc", "crowdsink", 1, steady_bps=round(rate * rng.uniform(0.4, 0.55)))
    pages = Crowd("crowdsrc", "crowdsink", rng.choice((2, 4)), 60_000, 400)
    return well(draw_, network, f"{link} busy, {rate / 1e6:.0f} Mbit/s",
                crowds_before=(steady, pages),
                service=attrs.evolve(draw_.service, warm=True))  # fmt: skip


def _mobile(draw_: _Draw) -> Scenario:
    """A mobile line that goes up and down as measured, and never too low for long."""
    rng = draw_.rng
    film(draw_, 0.9, 0.95, "highest", "lowest")
    need = HIGH if draw_.rendition == "highest" else LOW
    network = laid(draw_, ("mobile",), home=False)
    name = rng.choice(traces.names(("4G", "hd_fs", "sd_fs")))
    rows = traces.stretch(name, rng, LASTS_S + _SETTLED_S)
    by = 1.5 * need / max(1.0, traces.lull_bps(rows))
    changes = tuple(
        LinkChange("access.down", {"rate_bps": float(bps), "queue_ms": 200.0}, at_s)
        for at_s, bps in traces.scaled(rows, by)
    )
    return well(draw_, network, f"as {name}", links_before=changes)


def _copper(draw_: _Draw) -> Scenario:
    """Long copper: 1.8 to 2.6 Mbit/s, and a player that may choose; or 4.2 and the highest."""
    rng = draw_.rng
    film(draw_, 0.9, 0.95, "highest", "lowest", "auto")
    rate = round(rng.uniform(4.2, 5.5) * 1e6) if draw_.rendition == "highest" else (
        round(rng.uniform(1.8, 2.6) * 1e6))  # fmt: skip
    network = reset(laid(draw_, ("adsl",)), "access", down_bps=rate, up_bps=450_000)
    return well(draw_, network, f"copper of {rate / 1e6:.1f} Mbit/s")


def _far(draw_: _Draw) -> Scenario:
    """A service on another continent, a little loss on the way, nothing in its cache."""
    rng = draw_.rng
    film(draw_, 0.9, 0.95, "lowest", "auto")
    draw_.rendition = "lowest"  # of the others such a loss would not leave enough at times
    network = reset(laid(draw_, ("vdsl", "cable", "fibre")), "inter",
                    delay_ms=round(rng.uniform(50, 72), 1))  # fmt: skip
    loss = {"loss": round(rng.uniform(0.0003, 0.002), 5)}
    return well(draw_, network, f"loss {loss['loss']}, inter {network.link('inter').delay_ms} ms",
                links_before=(LinkChange("inter.down", loss),),
                service=attrs.evolve(draw_.service, warm=False))  # fmt: skip


def _family(draw_: _Draw) -> Scenario:
    """Others at home call, read and watch, over a line that carries it all."""
    rng = draw_.rng
    film(draw_, 0.9, 0.95, "highest", "lowest", "auto")
    network = laid(draw_, ("vdsl", "cable"), home=True, device=True,
                   congestion=draw_.against_crowds())  # fmt: skip
    rate = round(rng.uniform(20, 30) * 1e6)
    network = reset(network, "access", down_bps=rate, up_bps=4_000_000,
                    queue_ms=float(rng.choice((40, 120, 250))))  # fmt: skip
    crowds = (
        Crowd("world", "device", 1, steady_bps=rng.choice((2_000_000, 5_000_000, 9_000_000))),
        Crowd("world", "device", 1, rng.choice((300_000, 1_500_000)), 2500),
        Crowd("device", "world", 1, steady_bps=700_000),
    )
    return well(draw_, network, f"family, {rate / 1e6:.0f} Mbit/s", crowds_before=crowds)


def _radio(draw_: _Draw) -> Scenario:
    """A weak radio that suffices: 8 to 14 Mbit/s by turns, some jitter, a little loss."""
    rng = draw_.rng
    film(draw_, 0.9, 0.95, "highest", "lowest")
    network = laid(draw_, ("vdsl", "cable", "fibre"), home=True)
    network = reset(network, "inter", delay_ms=round(rng.uniform(1, 9), 1))
    less = round(rng.uniform(0.0005, 0.003), 4)
    changes, at = [], 0.0
    while at < LASTS_S + _SETTLED_S:
        values = {"rate_bps": float(rng.randrange(8, 15)) * 1e6, "loss": less,
                  "jitter_ms": round(rng.uniform(2, 14), 1)}  # fmt: skip
        changes.append(LinkChange("wifi.down", values, round(at, 2)))
        at += rng.uniform(0.8, 4)
    return well(draw_, network, f"weak radio, loss {less}", links_before=tuple(changes))


WELL: Final[dict[str, Callable[[_Draw], Scenario]]] = {
    "well.evening": _evening,
    "well.mobile": _mobile,
    "well.copper": _copper,
    "well.far": _far,
    "well.family": _family,
    "well.radio": _radio,
}
