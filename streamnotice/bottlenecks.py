"""The tree of places, the conditions that each can be in, and who answers for each.

This is a public contract: the names appear in notices, dossiers and messages.
A *leaf* is a place that can be named with a condition. An *inner name* says
"in here, and the evidence can't say where"; its condition is always None.
`undetermined` says that playback suffers and nothing can be named, `none` that
nothing is wrong (only ever among the alternatives).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

import attrs

Answerable = Literal["viewer", "third_party", "service", "nobody"]

UNDETERMINED: Final = "undetermined"
NONE: Final = "none"


@attrs.frozen
class Leaf:
    """A place that can be named.

    Attributes:
        name: dotted name; the dots are the tree.
        conditions: what can be wrong with it.
        answerable: who would have to repair it. `third_party` is a network that
            neither the viewer nor the service runs: the highest bar applies.
    """

    name: str
    conditions: tuple[str, ...]
    answerable: Answerable


LEAVES: Final[tuple[Leaf, ...]] = (
    Leaf("device", ("overloaded",), "viewer"),
    Leaf("player", ("misjudged", "idle"), "viewer"),
    Leaf("network.home.wifi", ("slow", "lossy", "unsteady", "unreachable"), "viewer"),
    Leaf("network.home.sharing", ("crowded",), "viewer"),
    Leaf("network.vpn", ("slow", "crowded", "lossy", "unreachable"), "viewer"),
    Leaf(
        "network.isp.access",
        ("slow", "crowded", "lossy", "limited", "unreachable"),
        "third_party",
    ),
    Leaf("network.isp.core", ("crowded", "lossy", "unreachable"), "third_party"),
    Leaf("network.interconnect", ("crowded", "lossy", "unreachable"), "third_party"),
    Leaf("service.dns", ("slow", "failing"), "service"),
    Leaf("service.edge", ("slow", "overloaded", "failing", "unreachable"), "service"),
    Leaf("service.origin", ("slow", "failing"), "service"),
    Leaf("service.source", ("late",), "service"),
)

LEAF_NAMES: Final[tuple[str, ...]] = tuple(leaf.name for leaf in LEAVES)
INNER_NAMES: Final[tuple[str, ...]] = ("network", "network.home", "network.isp", "service")
NAMEABLE: Final[tuple[str, ...]] = (*LEAF_NAMES, *INNER_NAMES, UNDETERMINED)

LOOK_ALIKES: Final[tuple[tuple[str, ...], ...]] = (
    ("network.home.wifi", "network.home.sharing"),
    ("network.home.wifi", "network.isp.access"),
    ("network.home.sharing", "network.isp.access"),
    ("network.isp.access", "network.isp.core"),
    ("network.isp.core", "network.interconnect"),
    ("network.isp.core", "network.vpn"),
    ("network.interconnect", "service.edge"),
    ("service.edge", "service.origin"),
    ("service.origin", "service.source"),
    ("network.home.wifi", "network.home.sharing", "network.isp.access"),
    ("network.home.sharing", "network.isp.access", "network.isp.core"),
    ("network.isp.access", "network.isp.core", "network.interconnect"),
    ("network.isp.core", "network.interconnect", "service.edge"),
)
"""Sets of leaves that can look alike: next to each other on the way, or the same queue. What can
only be said of such a set together is said so (`among`)."""

_BY_NAME: Final = {leaf.name: leaf for leaf in LEAVES}


@attrs.frozen(order=True)
class State:
    """One hypothesis of the filter: a leaf with a condition, `none` with a look-alike, or what lies
    in an inner name and in no leaf of it (`IN_THEIR_NETWORK`)."""

    place: str
    condition: str

    def __str__(self) -> str:
        return f"{self.place}:{self.condition}"


FINE: Final = State(NONE, "fine")
OTHER: Final = State(UNDETERMINED, "other")
"""None of these: takes the weight of evidence that fits no known fault; never named."""
IN_THEIR_NETWORK: Final = (State("service", "crowded"), State("service", "lossy"))
"""Links of the server's network, before the server: they show as a link between networks does, and
are named by `service` alone."""
STATES: Final[tuple[State, ...]] = (
    FINE,
    *(State(leaf.name, condition) for leaf in LEAVES for condition in leaf.conditions),
    *IN_THEIR_NETWORK,
)


def leaf(name: str) -> Leaf:
    """The leaf called *name*; KeyError if there is none."""
    return _BY_NAME[name]


def is_leaf(name: str) -> bool:
    return name in _BY_NAME


def parent(name: str) -> str:
    """The inner name that directly holds *name*, or `undetermined` at the top."""
    head, _, _ = name.rpartition(".")
    while head and head not in INNER_NAMES:
        head, _, _ = head.rpartition(".")
    return head or UNDETERMINED


def leaves_under(name: str) -> tuple[str, ...]:
    """The leaves that *name* covers: itself, its descendants, or all for `undetermined`."""
    if name == UNDETERMINED:
        return LEAF_NAMES
    return tuple(n for n in LEAF_NAMES if n == name or n.startswith(name + "."))


def is_named(bottleneck: str, among: Iterable[str] = ()) -> bool:
    """Something is said of where the trouble lies: a name, or the places among which it is.

    `undetermined` covers places for which there is no narrower name.
    """
    return bottleneck not in (UNDETERMINED, NONE) or any(among)


def spelt(bottleneck: str, among: Iterable[str] = (), condition: str | None = None) -> str:
    """A name as in a notice: `network.home.wifi, slow`; places that pass together are listed."""
    return " or ".join(among) or bottleneck + (f", {condition}" if condition else "")


def common_name(names: Iterable[str]) -> str:
    """The deepest name that covers all *names* (`undetermined` if nothing narrower does)."""
    wanted = set(names)
    if len(wanted) == 1:
        return next(iter(wanted))
    best = UNDETERMINED
    for inner in sorted(INNER_NAMES, key=len):
        if wanted <= set(leaves_under(inner)):
            best = inner
    return best


def answerable_for(names: Iterable[str]) -> frozenset[Answerable]:
    """Who could be blamed when these leaves are named together."""
    return frozenset(_BY_NAME[name].answerable for name in names)
