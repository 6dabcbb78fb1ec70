"""Stored baselines: tells the engine what was normal here, and remembers quiet seconds for later.

Figures come from seconds in which nothing was suspected and from probes that our own transfer
did not delay. Which network this is, is known by `streamnotice.network`; on an unknown one
nothing is told and nothing remembered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from streamnotice.addresses import is_ipv6
from streamnotice.baselines import (
    LEAST_SAMPLES,
    Baseline,
    BaselineFile,
    Quiet,
    baseline_of,
    quiet_of,
)
from streamnotice.errors import StreamnoticeError
from streamnotice.estimates import Estimates
from streamnotice.events import Verdict
from streamnotice.network import network_label
from streamnotice.observations import StoredBaseline
from streamnotice.path.roles import JOIN
from streamnotice.path.rounds import FAR_END, PathSeen
from streamnotice.session import Session

LOOK_S: Final = 1.0
_MOST_SAMPLES: Final = 512
_RTT: Final = "rtt_ns"
_BY_IPV6: Final = " by IPv6"
"""Behind a place's name in the file: round trips of the way that IPv6 takes."""


class BaselineSensor:
    """Emits `StoredBaseline` and writes the file when the session closes.

    Args:
        file: where baselines are kept.
        estimates: gives the engine's present picture.
        verdict: gives the last step's verdict.
        network: gives the label of this network by a salt, empty if it isn't known.
    """

    name = "baselines"

    def __init__(
        self,
        file: BaselineFile,
        estimates: Callable[[], Estimates],
        verdict: Callable[[], Verdict | None],
        network: Callable[[bytes], str] = network_label,
    ) -> None:
        self._file = file
        self._estimates = estimates
        self._verdict = verdict
        self._label = network
        self._network = ""
        self._moved = False
        self._fed: dict[str, int] = {}
        self._seen_ns = -1
        self._samples: dict[str, list[int]] = {}

    async def run(self, session: Session) -> None:
        """Tell and remember until cancelled."""
        if self._file.damage is not None:
            session.failed(self.name, self._file.damage)
        try:
            while True:
                self._where(session)
                if self._network and not self._moved:
                    self._feed(session)
                    self._collect(session)
                await asyncio.sleep(LOOK_S)
        finally:
            self._keep(session)

    def _where(self, session: Session) -> None:
        label = self._label(self._file.salt)
        if not label:
            if not self._network:
                session.sight(self.name, False, "this network can't be told from others")
        elif not self._network:
            self._network = label
            known = bool(self._file.of(label))
            session.sight(self.name, known, "" if known else "no earlier session on this network")
        elif label != self._network and not self._moved:
            self._moved = True  # which figures are whose can't be said any more
            session.sight(self.name, False, "the network has changed")
            for subject in list(self._fed):
                self._say(session, subject, 0, 0)

    # -- telling ------------------------------------------------------------------------------

    def _feed(self, session: Session) -> None:
        known = {
            subject: found
            for subject, sessions in self._file.of(self._network).items()
            if (found := baseline_of(sessions)) is not None
        }
        servers = set(session.addresses("service"))
        here = _of_family(known, servers)
        for place, found in here.items():
            self._say(session, place, found.rtt_ns, found.sessions)
        for place in sorted(self._fed.keys() - here.keys() - {FAR_END}):
            self._say(session, place, 0, 0)  # another family's, told before the server was known
        far = [known.get(self._file.server(address)) for address in servers]
        told = [found for found in far if found is not None]
        if told and len(told) == len(far):
            # of several servers the farthest: the others' own round trips are below it anyway
            farthest = max(told, key=lambda found: found.rtt_ns)
            self._say(session, FAR_END, farthest.rtt_ns, farthest.sessions)
        elif FAR_END in self._fed:
            self._say(session, FAR_END, 0, 0)  # one is not known: no yardstick is better

    def _say(self, session: Session, subject: str, value_ns: int, sessions: int) -> None:
        if self._fed.get(subject, 0) != value_ns:
            self._fed[subject] = value_ns
            session.emit(
                StoredBaseline(
                    session.now(), feature=_RTT, subject=subject, value=value_ns, samples=sessions
                )
            )

    # -- remembering --------------------------------------------------------------------------

    def _collect(self, session: Session) -> None:
        since_ns, self._seen_ns = self._seen_ns, session.now()
        verdict = self._verdict()
        if (
            session.intensity == "suspect"
            or verdict is None
            or verdict.impact is not None
            or verdict.wants == "suspect"
        ):
            return
        addresses = {t.label: t.address for t in session.targets("service") if t.address}
        for target, path in self._estimates().paths.paths.items():
            address = addresses.get(target)
            if path.role != "service" or address is None:
                continue
            for ttl, hop in path.hops.items():
                subject = _subject(path, ttl)
                if subject is None:
                    continue
                if subject == FAR_END:
                    subject = self._file.server(address)
                    if path.ended_near:  # what was heard before may have been the box's
                        self._samples.pop(subject, None)
                        continue
                elif is_ipv6(address):
                    subject += _BY_IPV6
                kept = self._samples.setdefault(subject, [])
                kept += [
                    one.rtt_ns
                    for one in hop.tries
                    if one.at_ns > since_ns and one.rtt_ns is not None and not one.loaded
                ]
                del kept[:-_MOST_SAMPLES]

    def _keep(self, session: Session) -> None:
        if not self._network or self._moved:
            return
        found: dict[str, Quiet] = {
            subject: quiet
            for subject, values in self._samples.items()
            if len(values) >= LEAST_SAMPLES and (quiet := quiet_of(values)) is not None
        }
        try:
            self._file.add(self._network, found)
        except StreamnoticeError as error:
            session.failed(self.name, str(error))


def _of_family(known: Mapping[str, Baseline], servers: set[str]) -> dict[str, Baseline]:
    """By place, what is known of the family that *servers* are reached by; nothing for both.

    The two may lead different ways: neither is the other's yardstick. IPv4 while none is known.
    """
    families = {is_ipv6(address) for address in servers} or {False}
    found: dict[str, Baseline] = {}
    for subject, baseline in known.items():
        place = subject.removesuffix(_BY_IPV6)
        if not subject.startswith(FAR_END) and families == {place != subject}:
            found[place] = baseline
    return found


def _subject(path: PathSeen, ttl: int) -> str | None:
    """What the hop's round trip is kept as: the last hop of its place, or the far end."""
    if path.is_far(ttl):
        return FAR_END
    here = path.told_segment(ttl)
    if here is None or JOIN in here or here == path.told_segment(ttl + 1):
        return None
    return here
