"""Which places a session can name, and what would add the others."""

from __future__ import annotations

from collections.abc import Mapping

from streamnotice.bottlenecks import LEAF_NAMES
from streamnotice.path.first_hop import BEFORE_IT
from streamnotice.path.first_hop import ROLE as FIRST_HOP
from streamnotice.policy import Policy
from streamnotice.verdict.tables import Tables

_NEEDS_PATH = "probes of the path (path)"
_NEEDS_TABLE = "a table of networks (networks), and probes of the path (path)"
_NEEDS_OUTSIDE = "a tunnel whose server a route tells, and probes of the path (path)"
_NEEDS_ROUTER = "the home router's counters (gateway)"


def coverage(
    policy: Policy,
    tables: Tables,
    *,
    networks: bool,
    sights: Mapping[str, tuple[bool, str]],
) -> dict[str, bool | str]:
    """Place -> True, or one phrase that says what would make it nameable.

    Args:
        networks: a prefix table was given.
        sights: sensor -> (does it see, why not).
    """
    fitted = {state.place for state in tables.states}
    path = "path" in policy.probes and sights.get("path", (True, ""))[0]
    found: dict[str, bool | str] = {}
    for place in LEAF_NAMES:
        if place not in fitted:
            found[place] = "a table fitted for it; this version has none"
        elif place == "network.vpn":
            found[place] = True if sights.get("underlay", (False, ""))[0] else _NEEDS_OUTSIDE
        elif place == BEFORE_IT and sights.get(FIRST_HOP, (False, ""))[0]:
            found[place] = True
        elif place == "network.home.sharing":
            found[place] = True if sights.get("gateway", (False, ""))[0] else _NEEDS_ROUTER
        elif place in ("network.isp.core", "network.interconnect"):
            found[place] = True if path and networks else _NEEDS_TABLE
        elif place.startswith("network.") and not path:
            found[place] = sights["path"][1] if sights.get("path", (True, ""))[1] else _NEEDS_PATH
        else:
            found[place] = True
    return found
