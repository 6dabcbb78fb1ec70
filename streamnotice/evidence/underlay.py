"""Where trouble lies under the tunnel that carries the way to the service, if it lies there."""

from __future__ import annotations

from streamnotice.estimates import Estimates
from streamnotice.evidence.rule import Outcome, Rule
from streamnotice.path import localise, underlay


def read(seen: Estimates, now: int) -> Outcome | None:
    if seen.paths.underlay() is None:
        return None
    found = underlay.trouble(seen.paths, now)
    if found is None and seen.requests.nothing_arrives(now):
        # the server never answered, and nothing comes through the tunnel
        found = localise.silent_behind(seen.paths, now, underlay.ROLE)
    return None if found is None else Outcome(found)


UNDERLAY = Rule("underlay", (underlay.CALM, *localise.STRETCHES, underlay.UNPLACED), "path", read)
