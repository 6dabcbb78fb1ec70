"""Sessions recorded in the lab, with what was truly wrong: real observations for tests."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import as_file, files
from typing import Final

import attrs

from streamnotice.dossier.reader import open_dossier
from streamnotice.engine import Engine
from streamnotice.errors import HostError
from streamnotice.events import AnyEvent
from streamnotice.observations import Observation
from streamnotice.policy import Policy

RECORDED: Final[dict[str, str]] = {
    "healthy": "none",
    "home-slow": "network.home.wifi",
    "edge-overloaded": "service.edge",
}
"""Name -> the place that was truly at fault."""


def play_recorded(name: str) -> Iterator[AnyEvent]:
    """What the engine says of a recorded session, with this version's tables and default gate.

    Raises:
        HostError: there is no recording of that name.
    """
    if name not in RECORDED:
        raise HostError(f"no recording {name!r}; there are {', '.join(RECORDED)}")
    source = files("streamnotice.testing") / "recordings" / f"{name}.jsonl.gz"
    with as_file(source) as path:
        dossier = open_dossier(path)
        steps = Policy().settings().false_naming_steps
        engine = Engine(attrs.evolve(dossier.header.settings, false_naming_steps=steps))
        for entry in dossier:
            if entry.type == "tick":
                yield from engine.tick(entry.at_ns)
            elif isinstance(entry.value, Observation):
                yield from engine.feed(entry.value)
