"""Sensors: each file here turns one source into observations. To add one: a file, and a line here.

A sensor is an object with a name and a coroutine `run(session)` that lasts until it is
cancelled. It says with `session.sight(name, ...)` whether it can see. What it raises is logged;
the session goes on without it.
"""

from __future__ import annotations

from typing import Protocol

from streamnotice.session import Session


class Sensor(Protocol):
    """One source of observations."""

    name: str

    async def run(self, session: Session) -> None:
        """Observe until cancelled."""


# name -> "module:class", loaded only when wanted; those in `PROBES` need the policy's consent
PASSIVE: dict[str, str] = {
    "host": "streamnotice.sensors.host:HostSensor",
    "interface": "streamnotice.sensors.interface:InterfaceSensor",
    "radio": "streamnotice.sensors.radio:RadioSensor",
}
PROBES: dict[str, str] = {
    "path": "streamnotice.sensors.path:PathSensor",
    "underlay": "streamnotice.sensors.underlay:UnderlaySensor",
    "first-hop": "streamnotice.sensors.first_hop:FirstHopSensor",
    "reference": "streamnotice.sensors.reference:ReferenceSensor",
    "gateway": "streamnotice.sensors.gateway:GatewaySensor",
}
