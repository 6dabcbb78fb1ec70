"""One notice of each kind, to see how texts look: for previews, never for a viewer.

Places and conditions are those of the tree. The evidence is such as would speak for each of
them; its figures and weights are made up, and the same everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import attrs

from streamnotice.bottlenecks import (
    INNER_NAMES,
    LEAF_NAMES,
    LEAVES,
    LOOK_ALIKES,
    NONE,
    UNDETERMINED,
    common_name,
    leaves_under,
)
from streamnotice.events import Item, Notice
from streamnotice.notices.figures import BASELINE
from streamnotice.notices.ids import BELOW_PLAN, PLACE_VARIANTS, RADIO, REASONS
from streamnotice.notices.placeholders import placeholders
from streamnotice.notices.shipped import english
from streamnotice.notices.shown import Context
from streamnotice.policy import Policy

_MS: Final = 1_000_000
_S: Final = 1_000_000_000

FIGURES: Final[dict[str, int]] = {
    "age_ns": 4_200 * _MS, "answered_count": 18, "asking_permille": 960, "base_rtt_ns": 24 * _MS,
    "buffer_ns": 1_400 * _MS, "connect_ns": 1_100 * _MS, "cpu_wait_permille": 430,
    "dns_ns": 2_300 * _MS, "dropped_permille": 210, "due_ns": 4 * _S, "edge_ns": 1_500 * _MS,
    "excess_ns": 140 * _MS, "failures_count": 3, "first_rtt_ns": 96 * _MS, "idle_queue_ns": 4 * _MS,
    "leap_ns": 130 * _MS, "loaded_queue_ns": 190 * _MS, "loss_permille": 30, "lost_count": 6,
    "needed_bps": 3_000_000,
    "origin_ns": 1_600 * _MS, "others_bps": 2_400_000, "out_of_order_permille": 34,
    "queue_ns": 180 * _MS, "rise_ns": 90 * _MS, "rtt_ns": 210 * _MS, "silent_ns": 6 * _S,
    "spread_ns": 45 * _MS,
    "status_code": 503, "status_count": 4, "stood_ns": 9 * _S, "throughput_bps": 1_200_000,
    "ttfb_ns": 1_800 * _MS, "unread_bytes": 310_000, "waiting_permille": 640,
}  # fmt: skip
"""A value for each figure that a rule's text may use."""
BASELINES: Final[dict[str, int]] = {"rtt_ns": 24 * _MS}
"""The same for what figures are compared with."""
SUBSCRIBED_BPS: Final = 50_000_000
OPERATOR: Final = "Example Net"
_ENOUGH: Final = frozenset({"plenty", "ample", "fits"})
_ENOUGH_BPS: Final = 12_000_000
"""What comes through in outcomes that say that it is enough."""

_PATH_RULES: Final = {
    "slow": "queue_place", "crowded": "queue_place", "limited": "queue_place",
    "lossy": "loss_place", "unsteady": "spread_place", "unreachable": "reach_place",
}  # fmt: skip
_PATH_OUTCOMES: Final = {
    "network": "unplaced", "network.home": "home_or_access", "network.home.wifi": "home",
    "network.vpn": "vpn", "network.isp": "access_or_core", "network.isp.access": "access",
    "network.isp.core": "core", "network.interconnect": "interconnect",
}  # fmt: skip
EVIDENCE: Final[dict[str, tuple[str, str]]] = {
    "device": ("decode", "dropping"),
    "player": ("fit", "above"),
    "player.idle": ("asking", "idle_hungry"),
    "network.home.sharing": ("others_at_home", "much"),
    "network.isp.access.limited": ("pace", "steady"),
    "service": ("contrast", "only_service"),
    "service.dns": ("look_up", "slow"),
    "service.dns.failing": ("look_up", "failing"),
    "service.edge": ("first_byte_hit", "late"),
    "service.edge.overloaded": ("edge_time", "large"),
    "service.edge.failing": ("status", "edge_error"),
    "service.edge.unreachable": ("connect", "timeout"),
    "service.origin": ("first_byte_miss", "late"),
    "service.origin.failing": ("status", "upstream_error"),
    "service.source": ("live_edge", "late"),
}
"""Rule and outcome that speak for a place, or for a place and condition, off the path."""
_WEIGHTS_MDB: Final = (24_000, 9_000)


@attrs.frozen
class Sample:
    """A notice with all that is needed to show it.

    Attributes:
        message: the id without its part that it is a sample of.
    """

    message: str
    event: Notice
    policy: Policy
    context: Context


def samples(*, name_operators: bool = False) -> Iterator[Sample]:
    """A notice for each place, condition, variant, inner name, set of places, and ending.

    Args:
        name_operators: as if the policy permitted naming operators, and they were known.
    """
    policy = Policy(name_operators=name_operators)
    known = dict.fromkeys(LEAF_NAMES, OPERATOR) if name_operators else {}
    plain = Context(operators=known)

    def sample(
        message: str,
        name: str,
        condition: str | None = None,
        among: tuple[str, ...] = (),
        context: Context = plain,
        policy: Policy = policy,
    ) -> Sample:
        return Sample(message, _notice(name, condition, among), policy, context)

    for leaf in LEAVES:
        yield sample(leaf.name, leaf.name)
        for condition in leaf.conditions:
            stem = f"{leaf.name}.{condition}"
            yield sample(stem, leaf.name, condition)
            for at, variant in PLACE_VARIANTS.get(leaf.name, ()):
                if at != condition:
                    continue
                yield sample(
                    f"{stem}.{variant}",
                    leaf.name,
                    condition,
                    context=attrs.evolve(plain, medium="wifi") if variant == RADIO else plain,
                    policy=attrs.evolve(policy, subscribed_bps=SUBSCRIBED_BPS)
                    if variant == BELOW_PLAN
                    else policy,
                )
    for name in (*INNER_NAMES, UNDETERMINED):
        yield sample(name, name)
    for among in (*LOOK_ALIKES, ("device", "service.edge")):
        name = common_name(among)
        yield sample(f"{name}.among", name, among=among)
    for reason in REASONS:
        ended = attrs.evolve(_notice("service.edge", "slow", ()), state="resolved", reason=reason)
        yield Sample(f"notice.resolved.{reason}", ended, policy, plain)


def _notice(name: str, condition: str | None, among: tuple[str, ...]) -> Notice:
    covered = among or leaves_under(name)
    items: tuple[Item, ...] = ()
    if name != UNDETERMINED:
        items = _items(name, condition)
    elif among in LOOK_ALIKES:  # there is no narrower name for them
        items = _items(among[-1], "unreachable")
    weight_mdb = sum(item.weight_mdb for item in items)
    against = next((leaf for leaf in LEAF_NAMES if leaf not in covered), NONE)
    return Notice(
        at_ns=20 * _S,
        id="n1",
        state="raised",
        reason=None,
        since_ns=12 * _S,
        bottleneck=name,
        among=among,
        condition=condition,
        impact="stalled",
        confidence_ppm=970_000,
        against=against,
        weight_mdb=weight_mdb,
        items=items,
        alternatives=((NONE, 10_000),),
        ruled_out=(),
    )


def evidence_for(name: str, condition: str | None) -> tuple[str, str]:
    """Rule and outcome that would speak for a place."""
    stem = f"{name}.{condition}"
    if stem in EVIDENCE or name in EVIDENCE:
        return EVIDENCE[stem if stem in EVIDENCE else name]
    return _PATH_RULES.get(condition or "crowded", "queue_place"), _PATH_OUTCOMES[name]


def _items(name: str, condition: str | None) -> tuple[Item, ...]:
    strong_mdb, weak_mdb = _WEIGHTS_MDB
    rule, outcome = evidence_for(name, condition)
    return (_item(rule, outcome, strong_mdb), _item("rate", "short", weak_mdb))


def _item(rule: str, outcome: str, weight_mdb: int) -> Item:
    figures = FIGURES | ({"throughput_bps": _ENOUGH_BPS} if outcome in _ENOUGH else {})
    template = english().texts.get(f"rule.{rule}.{outcome}", "")
    wanted = set(placeholders(template))
    measured = tuple(
        (name, value) for name, value in figures.items() if name.rpartition("_")[0] in wanted
    )
    if "status_code" in wanted:
        measured += (("status_code", FIGURES["status_code"]),)
    baseline = tuple(
        (name, value)
        for name, value in BASELINES.items()
        if BASELINE + name.rpartition("_")[0] in wanted
    )
    return Item(rule, outcome, weight_mdb, measured, baseline or None)
