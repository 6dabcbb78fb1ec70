"""What the lab is like apart from its faults: what is played, over which lines and distances.

The table is fitted on runs of the world "home". Whether what it learnt is the faults' or that
world's is seen in "abroad": other media, longer ways, more routers, other queues; no fit sees it.
The environment variable `STREAMNOTICE_LAB_WORLD` chooses.
"""

from __future__ import annotations

import os
from typing import Any, Final

import attrs

Span = tuple[float, float]
VARIABLE: Final = "STREAMNOTICE_LAB_WORLD"


@attrs.frozen
class World:
    """A world.

    Attributes:
        segment_s, renditions: of the media; name, width, height, video bit/s.
        most_access_bps: the rate of the faster lines.
        hops: how many routers the provider has, each as likely.
        queues_ms: how long queues are.
        delays_ms: link -> one way, from and to.
        wifi_bps, wifi_jitters_ms: of the wireless link.
        silent, slow_icmp: shares of routers that say nothing, and of networks with a late one.
        congestion: what servers use.
    """

    name: str
    segment_s: int
    renditions: tuple[tuple[str, int, int, int], ...]
    most_access_bps: int
    hops: tuple[int, ...]
    queues_ms: tuple[int, ...]
    delays_ms: dict[str, Span]
    wifi_bps: tuple[int, int]
    wifi_jitters_ms: tuple[float, ...]
    silent: float
    slow_icmp: float
    congestion: tuple[str, ...]


HOME: Final = World(
    name="home",
    segment_s=3,
    renditions=(
        ("low", 256, 144, 340_000),
        ("mid", 480, 270, 1_080_000),
        ("high", 640, 360, 2_800_000),
    ),
    most_access_bps=20_000_000,
    hops=(1, 2, 2, 3, 4),
    queues_ms=(20, 50, 100, 150, 200, 300, 500),
    delays_ms={
        "wifi": (0.4, 3.0),
        "access": (1.0, 15.0),
        "core": (0.3, 6.0),
        "transit": (0.3, 12.0),
        "inter": (0.3, 15.0),
        "srv": (0.1, 1.0),
        "orig": (2.0, 40.0),
        "refa": (0.2, 4.0),
        "refb": (1.0, 20.0),
    },
    wifi_bps=(30, 150),
    wifi_jitters_ms=(0.0, 0.5, 2.0),
    silent=0.1,
    slow_icmp=0.1,
    congestion=("cubic", "cubic", "cubic", "reno", "bbr"),
)
ABROAD: Final = World(
    name="abroad",
    segment_s=6,
    renditions=(
        ("low", 320, 180, 800_000),
        ("mid", 480, 270, 2_300_000),
        ("high", 640, 360, 5_600_000),
    ),
    most_access_bps=30_000_000,
    hops=(2, 3, 5, 6),
    queues_ms=(40, 80, 250, 400, 800),
    delays_ms={
        "wifi": (1.0, 8.0),
        "access": (6.0, 30.0),
        "core": (0.5, 9.0),
        "transit": (2.0, 25.0),
        "inter": (4.0, 40.0),
        "srv": (0.1, 2.0),
        "orig": (10.0, 90.0),
        "refa": (0.5, 8.0),
        "refb": (5.0, 45.0),
    },
    wifi_bps=(20, 300),
    wifi_jitters_ms=(0.0, 1.0, 4.0, 8.0),
    silent=0.2,
    slow_icmp=0.25,
    congestion=("cubic", "bbr"),
)


def world_of(truth: dict[str, Any]) -> str:
    """The world of a recorded run; the first runs don't tell, there was but one."""
    return str(truth.get("world", HOME.name))


WORLDS: Final = {world.name: world for world in (HOME, ABROAD)}


def _chosen() -> World:
    name = os.environ.get(VARIABLE, HOME.name)
    if name not in WORLDS:
        raise SystemExit(f"{VARIABLE} must be one of {', '.join(WORLDS)}, not {name!r}")
    return WORLDS[name]


HERE: Final = _chosen()
