"""References: servers that a healthy line reaches as well, measured beside the service. Opt-in.

A reference that is fine while the service suffers absolves what both share; one that suffers
alike accuses it. Handshakes give round trips, small downloads say what the shared part carries.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import ResolveResult

from streamnotice.errors import HostError
from streamnotice.events import Intensity
from streamnotice.observations import Download, Failure, RoundTrip
from streamnotice.path.networks import NetworkTable
from streamnotice.sensors import tcp_probe
from streamnotice.sensors.error_queue import family_of, supported
from streamnotice.sensors.pace import pacer_of
from streamnotice.sensors.path import resolve
from streamnotice.sensors.path_flow import follow_path
from streamnotice.sensors.sharing import Circle, Seat, share
from streamnotice.sensors.tap import failure_of_http
from streamnotice.session import Session, Target
from streamnotice.verdict.next_probe import reference_bits

ROUND_TRIP_EVERY_S: Final[dict[Intensity, float]] = {"rest": 10.0, "watch": 4.0, "suspect": 2.0}
"""Period of handshakes to each reference."""
DOWNLOAD_EVERY_S: Final = 12.0
"""Least time between downloads, all references together; only under suspicion."""
DOWNLOAD_BYTES: Final = 12 * 1024
"""What one download fetches at most."""
_DOWNLOAD_BITS: Final = 0.3
"""What a download must be expected to tell: it costs as much as a minute of a router's answers."""
_KEPT_BYTES: Final = 30 * 1024
DOWNLOAD_TIMEOUT_S: Final = 8.0
_OVERHEAD_BYTES: Final = {"http": 2 * 1024, "https": 6 * 1024}
"""Headers of HTTP, TCP and IP, both ways; a TLS handshake."""
_MOST_REFERENCES: Final = 8
_RESOLVE_AGAIN_S: Final = 10.0
_FAMILY_KNOWN_S: Final = 5.0


class _Pinned(aiohttp.abc.AbstractResolver):
    """Gives the address that was looked up once, so that all figures are of the same server."""

    def __init__(self) -> None:
        self.addresses: dict[str, str] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        address = self.addresses.get(host)
        if address is None:
            raise OSError(None, f"{host} was not looked up")
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=family_of(address),
                proto=socket.IPPROTO_TCP,
                flags=int(socket.AI_NUMERICHOST),
            )
        ]

    async def close(self) -> None:
        """Nothing is held."""


class ReferenceSensor:
    """Measures the references.

    Emits `RoundTrip` and `Download`, and each reference's `Route` if "path" is among the
    policy's probes, so that it can be seen which hops are shared.

    Args:
        urls: http or https URLs of something that may be fetched in part.
        networks: who runs which prefix, for the routes.

    Raises:
        HostError: a URL can't serve as a reference.
    """

    name = "reference"

    def __init__(self, urls: Sequence[str], networks: NetworkTable | None = None) -> None:
        self._urls = tuple(urls)
        self._networks = networks
        for url in self._urls:
            _host_port(url)
        if len(self._urls) > _MOST_REFERENCES:
            raise HostError(f"at most {_MOST_REFERENCES} references, not {len(self._urls)}")

    async def run(self, session: Session) -> None:
        """Observe until cancelled."""
        if not self._urls:
            session.sight(self.name, False, "no reference was given")
            return
        downloads = asyncio.Lock()
        # no trace configuration: our own traffic is nobody's playback
        timeout = aiohttp.ClientTimeout(total=DOWNLOAD_TIMEOUT_S)
        pinned = _Pinned()
        # a fresh connection each time: what a warm one carries depends on what went before
        connector = aiohttp.TCPConnector(resolver=pinned, force_close=True)
        async with (
            aiohttp.ClientSession(
                timeout=timeout, connector=connector, auto_decompress=False, read_bufsize=8192
            ) as http,
            asyncio.TaskGroup() as tasks,
        ):
            for url in self._urls:
                tasks.create_task(self._one(session, url, http, pinned, downloads))

    async def _one(
        self,
        session: Session,
        url: str,
        http: aiohttp.ClientSession,
        pinned: _Pinned,
        downloads: asyncio.Lock,
    ) -> None:
        host, port = _host_port(url)
        address = None
        while address is None:
            address = await _address_of(session, host)
            if address is None:
                session.sight(self.name, False, "a reference's name can't be resolved")
                await asyncio.sleep(_RESOLVE_AGAIN_S)
        pinned.addresses[host] = address
        target = session.target("reference", host, port, address=address, url=url)
        session.sight(self.name, True)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._round_trips(session, target, address))
            tasks.create_task(self._downloads(session, target, url, http, downloads))
            if "path" in session.policy.probes and supported():
                seat = Seat(session, target, self._networks)
                tasks.create_task(follow_path(address, "reference", seat))

    async def _round_trips(self, session: Session, target: Target, address: str) -> None:
        pacer = pacer_of(session)
        family = family_of(address)

        async def work(circle: Circle) -> None:
            while True:
                began_ns = session.now()
                await pacer.afford(tcp_probe.COST_BYTES[family], 3, lambda: circle.budgets)
                loaded = {seat: seat.loaded for seat in circle.seats}
                done = await tcp_probe.handshake(address, target.port)
                _tell_round_trip(circle, loaded, done)
                await pacer.due(
                    began_ns,
                    ROUND_TRIP_EVERY_S,
                    lambda: circle.intensity,
                    lambda: reference_bits(circle.suspects),
                )

        await share(("reference", address, target.port), Seat(session, target), work)

    async def _downloads(
        self,
        session: Session,
        target: Target,
        url: str,
        http: aiohttp.ClientSession,
        downloads: asyncio.Lock,
    ) -> None:
        async def work(circle: Circle) -> None:
            while True:
                await asyncio.sleep(0.5)
                if circle.intensity != "suspect" or downloads.locked():
                    continue
                if reference_bits(circle.suspects) < _DOWNLOAD_BITS:
                    continue
                async with downloads:  # one at a time, and a pause after each
                    overhead_bytes = _OVERHEAD_BYTES[urlsplit(url).scheme]
                    for seat in circle.seats:
                        size_bytes = affordable_bytes(seat.session, overhead_bytes)
                        whole_bytes = size_bytes + overhead_bytes
                        if size_bytes and seat.session.budget.take(whole_bytes, 4):
                            await self._download(circle, url, http, size_bytes)
                            break
                    await asyncio.sleep(DOWNLOAD_EVERY_S)

        await share(("download", url), Seat(session, target), work)

    async def _download(
        self, circle: Circle, url: str, http: aiohttp.ClientSession, size_bytes: int
    ) -> None:
        loaded = {seat: seat.loaded for seat in circle.seats}
        began_ns = time.monotonic_ns()
        received = 0
        ttfb_ns: int | None = None
        failure: Failure | None = None
        headers = {"Range": f"bytes=0-{size_bytes - 1}", "Accept-Encoding": "identity"}
        try:
            async with http.get(url, headers=headers) as response:
                ttfb_ns = time.monotonic_ns() - began_ns
                if response.status not in (200, 206):
                    failure = "other"
                while failure is None and received < size_bytes:
                    # a server that ignores Range is left in the middle, not followed
                    piece = await response.content.read(size_bytes - received)
                    if not piece:
                        break
                    received += len(piece)
                if received >= size_bytes and response.status == 200:
                    response.close()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            failure = failure_of_http(error) or "other"
        took_ns = time.monotonic_ns() - began_ns
        circle.tell(
            tuple(loaded),
            lambda seat, now: Download(
                now,
                target=seat.target.label,
                received_bytes=received,
                ttfb_ns=ttfb_ns,
                duration_ns=took_ns,
                failure=failure,
                loaded=loaded[seat],
            ),
        )


def _tell_round_trip(circle: Circle, loaded: dict[Seat, bool], done: tcp_probe.Handshake) -> None:
    circle.tell(
        tuple(loaded),
        lambda seat, now: RoundTrip(
            now,
            target=seat.target.label,
            role="reference",
            rtt_ns=done.rtt_ns,
            failure=done.failure,
            retransmitted=done.retransmitted,
            loaded=loaded[seat],
        ),
    )


def affordable_bytes(session: Session, overhead_bytes: int) -> int:
    """What a download may fetch now; 0 where the budget has better use for what it still has.

    Half a minute's packets are kept back: each says more than as many bytes of a download.
    """
    left = session.budget.left_bytes() - _KEPT_BYTES - overhead_bytes
    return DOWNLOAD_BYTES if left >= DOWNLOAD_BYTES else 0


async def _address_of(session: Session, host: str) -> str | None:
    """An address of *host*, of the family by which the service is reached: only those compare.

    A host with both waits a little for that to be known; IPv4 if it isn't.
    """
    found = await resolve(host)
    if len({family_of(address) for address in found}) > 1:
        for _ in range(round(_FAMILY_KNOWN_S / 0.1)):
            service = session.addresses("service")
            if service:
                wanted = family_of(service[0])
                return next(address for address in found if family_of(address) == wanted)
            await asyncio.sleep(0.1)
        return next(address for address in found if family_of(address) == socket.AF_INET)
    return found[0] if found else None


def _host_port(url: str) -> tuple[str, int]:
    try:
        parts = urlsplit(url)
        host, port, scheme = parts.hostname, parts.port, parts.scheme
    except ValueError as error:
        raise HostError(f"not a reference URL: {url[:80]!r}: {error}") from None
    if scheme not in ("http", "https") or not host:
        raise HostError(f"a reference must be an http or https URL, not {url[:80]!r}")
    return host, port or (443 if scheme == "https" else 80)
