"""What goes wrong in the demo, and when. To add one: a `Scenario` here and its knob in `stage`."""

from __future__ import annotations

from typing import Final

import attrs


@attrs.frozen
class Scenario:
    """One run of the demo.

    Attributes:
        name: as on the command line.
        summary: one line for the viewer of the demo.
        duration_s: how long the demo plays.
        fault_after_s: when the fault begins, seconds after Play; None is never.
        place: where the fault is; `none` for no fault.
        hashes: the player must hash all media before it is shown.
        shaped: edge and reference are reached over one shared line.
        probes: what may be measured beside the player's own traffic.
    """

    name: str
    summary: str
    duration_s: float = 45.0
    fault_after_s: float | None = 6.0
    place: str = "none"
    hashes: bool = False
    shaped: bool = False
    probes: frozenset[str] = frozenset({"path", "reference"})


SCENARIOS: Final[dict[str, Scenario]] = {
    scenario.name: scenario
    for scenario in (
        Scenario("healthy", "nothing is wrong", duration_s=30.0, fault_after_s=None),
        Scenario("edge-slow", "the delivery server gets slow", place="service.edge"),
        Scenario("edge-failing", "the delivery server answers with errors", place="service.edge"),
        Scenario("edge-unreachable", "the delivery server is gone", place="service.edge"),
        Scenario(
            "origin-slow",
            "the server behind the delivery server answers late",
            duration_s=55.0,
            place="service.origin",
        ),
        Scenario(
            "link-slow",
            "the line to everything gets narrow",
            place="network",
            shaped=True,
            # The shared line carries streams, not packets: path probes would pass beside it and
            # bear false witness for the path.
            probes=frozenset({"reference"}),
        ),
        Scenario(
            "device-busy",
            "other programs take this computer's CPUs",
            duration_s=40.0,
            place="device",
            hashes=True,
        ),
    )
}
