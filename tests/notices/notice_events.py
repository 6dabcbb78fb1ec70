"""Notice events as the engine makes them, for the tests of texts."""

from __future__ import annotations

from typing import Any

from streamnotice.bottlenecks import INNER_NAMES, LEAVES, UNDETERMINED
from streamnotice.events import Item, Notice

RATE = Item("rate", "short", 20_500, (("throughput_bps", 1_200_000), ("needed_bps", 3_000_000)))
QUEUE = Item(
    "queue_place", "access", 11_000, (("queue_ns", 180_000_000),), (("rtt_ns", 21_000_000),)
)
AGAINST = Item("asking", "partly", -3_217, (("asking_permille", 612),))
SHADOW = Item("brand_new", "odd", 0, (("depth_count", 3),), None, True)


def notice(**changes: Any) -> Notice:
    """A slow access line, raised; *changes* are the fields to differ."""
    fields: dict[str, Any] = {
        "at_ns": 12_345_678_901,
        "id": "n1",
        "state": "raised",
        "reason": None,
        "since_ns": 9_500_000_000,
        "bottleneck": "network.isp.access",
        "among": (),
        "condition": "slow",
        "impact": "stalled",
        "confidence_ppm": 995_049,
        "against": "service.edge",
        "weight_mdb": 28_283,
        "items": (RATE, QUEUE, AGAINST, SHADOW),
        "alternatives": (("service.edge", 3_951), ("none", 1_000)),
        "ruled_out": (("network.home.wifi", "queue_place.access"), ("device", "decode.smooth")),
    }
    return Notice(**(fields | changes))


def all_names() -> list[tuple[str, str | None, tuple[str, ...]]]:
    """(bottleneck, condition, among) of every name that a notice can have."""
    found: list[tuple[str, str | None, tuple[str, ...]]] = []
    for leaf in LEAVES:
        found += [(leaf.name, condition, ()) for condition in (None, *leaf.conditions)]
    for name in (*INNER_NAMES, UNDETERMINED):
        found.append((name, None, ()))
    found += [
        ("network", None, ("network.home.sharing", "network.isp.access")),
        ("network", None, ("network.home.wifi", "network.isp.access", "network.vpn")),
        ("network.home", None, ("network.home.wifi", "network.home.sharing")),
        ("network.isp", None, ("network.isp.access", "network.isp.core")),
        ("service", None, ("service.edge", "service.origin")),
        (UNDETERMINED, None, ("device", "service.edge")),
    ]
    return found
