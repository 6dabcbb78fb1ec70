"""What an earlier, quiet evening on a run's network would have taught: baselines from its plan.

The lab's runs are strangers to the viewer's computer; a real one has mostly been here before.
The idle round trip to the last hop of each place follows from the delays of the links before it.
Nothing is remembered where packets come back another way (their delay is not of these links), or
through a tunnel (whose hops stand for no place), nor of routers whose own answers come late.
"""

from __future__ import annotations

from typing import Any, Final

from streamnotice.observations import StoredBaseline

EVENINGS: Final = 50
"""Samples that stand behind each figure, as told to the engine."""
OVERHEAD_NS: Final = 300_000
"""A router's and a host's own time, as healthy runs show it."""


def remembered(truth: dict[str, Any]) -> list[StoredBaseline]:
    """The baselines of a run's network, from its record of what was built."""
    scenario = truth["scenario"]
    plan = scenario["network"]
    links = {link["near"]: link for link in plan["links"] if link["place"] != "reference"}
    names = {link["name"] for link in plan["links"]}
    if names & {"back", "backx"} or plan["tunnel"] is not None:
        return []
    slow = {name for name, *_ in plan["slow_icmp"]}
    by_place: dict[str, float] = {}
    here, one_way_ms = "viewer", 0.0
    while here != "edge" and here in links:
        link = links[here]
        one_way_ms += _usual_delay_ms(scenario, link)
        here = link["far"]
        place = "far end" if here == "edge" else link["place"]
        by_place.pop(place, None)
        if here not in slow:
            by_place[place] = one_way_ms
    by_place.pop("service", None)
    if "far end" not in by_place:
        return []
    return [
        StoredBaseline(0, "rtt_ns", place, round(2e6 * ms) + OVERHEAD_NS, EVENINGS)
        for place, ms in by_place.items()
    ]


def _usual_delay_ms(scenario: dict[str, Any], link: dict[str, Any]) -> float:
    """One way; a healthy run's own settings (a server far away) are what is usual there."""
    if scenario["place"] == "none":
        for setting in scenario["links_before"]:
            if setting["direction"] == f"{link['name']}.both":
                return float(setting["values"].get("delay_ms", link["delay_ms"]))
    return float(link["delay_ms"])
