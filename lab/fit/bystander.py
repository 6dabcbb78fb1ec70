"""A table told of bystanders: queues on the home's line that harm nobody.

    python -m lab.fit.bystander [--into TABLE]

What such a queue shows as isn't counted but follows from where it stands
(`streamnotice.verdict.bystander`), and from how often the same queue shows when it is what harms.
How often there is one and how long it lasts are assumptions: the lab's homes are ours to choose.
`lab.fit.widen` has other traffic in a fifth of the homes; that it fills the line's queue and yet
leaves enough is put at half of that.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, Final

import numpy as np

from lab.fit.counts import MDB_PER_NAT
from lab.fit.tying import shares_of
from streamnotice.bottlenecks import State
from streamnotice.path import localise

SHARE_PERMILLE: Final = 100
LASTS_STEPS: Final = 500
"""As long as half a gigabyte takes at eight megabits a second."""
LIKE: Final = State("network.home.sharing", "crowded")

_LINE: Final = (
    *(place for place in localise.PLACES if place.startswith(("home_", "access"))),
    "vpn",
    "unplaced",
)
_OTHERS: Final = ("some", "much", "sends")
SHOWS_AS: Final[dict[str, tuple[str, ...]]] = {
    "contrast": ("both_suffer", "some_suffer", "only_reference"),
    "first_hop": ("beyond",),
    "leap_place": _LINE,
    "loss_place": _LINE,
    "others_at_home": _OTHERS,
    "others_here": _OTHERS,
    "queue_place": _LINE,
    "reference_delay": ("raised",),
    "socket_rtt": ("raised", "high"),
    "spread_place": _LINE,
    "starving": ("queued", "queued_lossy"),
    "underlay": _LINE,
}
"""rule -> outcomes that a queue on the home's line shows as."""

_NOBODY: Final = ("network.isp.access:unreachable", "network.isp.core:unreachable")
"""Where nothing gets through, nobody's download fills a queue."""
_SLOW_WIFI: Final = ("network.home.wifi:slow", "network.home.wifi:unsteady")
_LOSSY_WIFI: Final = ("network.home.wifi:lossy",)
"""Delays and losses of the Wi-Fi are met before the line's."""
_TUNNEL: Final = tuple(f"network.vpn:{c}" for c in ("slow", "crowded", "lossy", "unreachable"))
"""A tunnel hides where on the way a queue stands."""
HIDES: Final[dict[str, tuple[str, ...]]] = {
    "first_hop": (*_SLOW_WIFI, *_LOSSY_WIFI),
    "leap_place": (*_SLOW_WIFI, *_TUNNEL),
    "loss_place": (*_LOSSY_WIFI, *_TUNNEL),
    "queue_place": (*_SLOW_WIFI, *_TUNNEL),
    "spread_place": (*_SLOW_WIFI, *_TUNNEL),
}
"""rule -> states beside which it shows nothing of that queue."""


def with_bystander(table: dict[str, Any]) -> dict[str, Any]:
    """*table* with what it should say of bystanders, in the rules that it has rows of.

    One that doesn't know of queues on the home's line as faults knows of no bystander either.
    """
    names = table["states"]
    found = {key: part for key, part in table.items() if key != "bystander"}
    if str(LIKE) not in names:
        return found
    rules = {}
    for rule, outcomes in SHOWS_AS.items():
        if rule not in table["rules"]:
            continue
        rows = table["rules"][rule]["outcomes"]
        shows = [outcome for outcome in rows if outcome in outcomes]
        logs = np.array(list(rows.values())) / MDB_PER_NAT
        shares = shares_of(logs)[:, names.index(str(LIKE))]
        often = sum(share for outcome, share in zip(rows, shares, strict=True) if outcome in shows)
        rules[rule] = {
            "shows_as": shows,
            "unchanged": [name for name in (*_NOBODY, *HIDES.get(rule, ())) if name in names],
            "kept_permille": max(1, min(999, round(1000 * (1 - float(often))))),
        }
    told = {
        "share_permille": SHARE_PERMILLE,
        "lasts_steps": LASTS_STEPS,
        "like": str(LIKE),
        "rules": rules,
    }
    return {**found, "bystander": told}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m lab.fit.bystander", description=__doc__)
    parser.add_argument("--into", type=Path, default=Path("streamnotice/verdict/fitted.json"))
    args = parser.parse_args(argv)
    table = json.loads(args.into.read_text())
    args.into.write_text(json.dumps(with_bystander(table), indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
