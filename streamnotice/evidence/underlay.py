"""Where trouble lies under the tunnel that carries the way to the service, if it lies there."""

from __future__ import annotations

from streamnotice.estimates import Estimates
from streamnotice.evidence.rule import Outcome, Rule
from streamnotice.path import localise, underlay


def read(seen: Estimates, now: int) -> Outcome | None:
    found = underlay.trouble(seen.paths, now)
    return None if found is None else Outcome(found)


UNDERLAY = Rule("underlay", (underlay.CALM, *localise.STRETCHES, underlay.UNPLACED), "path", read)
