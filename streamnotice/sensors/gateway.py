"""The home router's counters of its line, by UPnP: what else the home loads it with. Opt-in.

UPnP Device Architecture 1.1 (search by multicast) and WANCommonInterfaceConfig:1 (the actions
GetTotalBytesReceived and GetTotalBytesSent). Only these are called; nothing is ever set. The
router is whoever answers the search; it is asked at the address that it answered from and nowhere
else, whatever its description says.

Counters of real routers wrap at 32 bits, start anew, or stand still. What can't be a count of the
line that our own media just came over is not passed on, and the sensor says that it can't see.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp

from streamnotice.errors import MissingExtraError
from streamnotice.events import Intensity
from streamnotice.observations import HomeRouter
from streamnotice.sensors.pace import pacer_of
from streamnotice.sensors.routes import default_ways, way_to
from streamnotice.session import Session
from streamnotice.verdict.next_probe import sharing_bits

DEVICE: Final = "urn:schemas-upnp-org:device:InternetGatewayDevice:1"
SEARCH_S: Final = 3
"""How long answers to a search are waited for (whole seconds: the MX of the search)."""
SEARCH_AGAIN_S: Final = 60.0
EVERY_S: Final[dict[Intensity, float]] = {"rest": 20.0, "watch": 10.0, "suspect": 6.0}
"""Time between two looks at the counters."""
ASK_TIMEOUT_S: Final = 4.0
MOST_BYTES: Final = 256 * 1024
"""Longest description or answer that is read."""
_TRIES: Final = 3
_LOOK_BYTES: Final = 3_000  # two actions, with HTTP, TCP and IP around them
_SEARCH_BYTES: Final = 600
_DESCRIBE_BYTES: Final = 12_000
_WRAP: Final = 2**32
_TELLING_BYTES: Final = 300_000

Ask = Callable[[], Awaitable[tuple[int, int]]]
"""Gives the two counters: bytes received and sent by the line."""


class _NoCounters(Exception):
    """The router doesn't give its counters (now); the text says why."""


def counted(before: int, after: int) -> int | None:
    """Bytes between two readings; None if the counter has started anew."""
    if after >= before:
        return after - before
    if before < _WRAP and before - after > _WRAP // 2:
        return after + _WRAP - before
    return None


class GatewaySensor:
    """Emits a `HomeRouter` for each time between two looks, while the router tells."""

    name = "gateway"

    async def run(self, session: Session) -> None:
        """Observe until cancelled."""
        try:
            import async_upnp_client  # noqa: F401 - is it there at all?
        except ImportError:
            missing = MissingExtraError("reading the home router's counters", "gateway")
            session.sight(self.name, False, str(missing))
            return
        session.sight(self.name, False, "the home router has not answered yet (UPnP)")
        async with aiohttp.ClientSession() as http:  # not the host's: invisible to the tap
            while True:
                try:
                    await self._follow(session, await _find(session, http))
                except _NoCounters as error:
                    session.sight(self.name, False, str(error))
                await asyncio.sleep(SEARCH_AGAIN_S)

    async def _follow(self, session: Session, ask: Ask) -> None:
        """Emit what the counters say, until they say nothing any more."""
        before: tuple[int, int] | None = None
        began_ns = media_before = failures = 0
        stops = session.stops
        told = False
        pacer = pacer_of(session)
        while True:
            await pacer.afford(_LOOK_BYTES, 4)
            try:
                counts = await ask()
                failures = 0
            except _NoCounters:
                failures += 1
                if failures >= _TRIES:
                    raise
                before = None
            else:
                now_ns, media = session.now(), session.budget.media_bytes
                if before is not None and stops == session.stops:
                    self._tell(session, before, counts, began_ns, now_ns, media - media_before)
                    told = True
                before, began_ns, media_before = counts, now_ns, media
                stops = session.stops
            # two looks are needed before the counters say anything: those are worth it
            bits = (lambda: sharing_bits(session.suspects)) if told else None
            await pacer.due(session.now(), EVERY_S, bits=bits)

    def _tell(
        self,
        session: Session,
        before: tuple[int, int],
        after: tuple[int, int],
        began_ns: int,
        now_ns: int,
        media_bytes: int,
    ) -> None:
        received = counted(before[0], after[0])
        sent = counted(before[1], after[1])
        if received is None or sent is None:
            return
        if media_bytes > _TELLING_BYTES and received < media_bytes // 2:
            session.sight(self.name, False, "the home router's counters don't follow its traffic")
            return
        session.sight(self.name, True)
        session.emit(
            HomeRouter(now_ns, window_ns=now_ns - began_ns, rx_bytes=received, tx_bytes=sent)
        )


async def _find(session: Session, http: aiohttp.ClientSession) -> Ask:
    """Search for a router with counters.

    Raises:
        _NoCounters: there is none.
    """
    from async_upnp_client.search import SsdpSearchListener

    await pacer_of(session).afford(_SEARCH_BYTES, 3)
    found: dict[str, str] = {}  # address -> location

    def heard(headers: Mapping[str, Any]) -> None:
        address, location = str(headers.get("_host", "")), str(headers.get("location", ""))
        parts = urlsplit(location)
        if len(found) < 8 and parts.scheme == "http" and parts.hostname == address:
            found.setdefault(address, location)

    # not the library's `async_search`, which leaves its socket open where a session ends meanwhile
    search = SsdpSearchListener(
        callback=heard,
        timeout=SEARCH_S,
        search_target=DEVICE,
        connect_callback=lambda: search.async_search(),
    )
    try:
        await search.async_start()
        await asyncio.sleep(SEARCH_S)
    except OSError as error:
        raise _NoCounters(f"the home router can't be searched for ({error.strerror})") from None
    finally:
        search.async_stop()
    ways = [way_to(address) for address in session.addresses("service")]
    # by IPv6 the router has another address than the one that it is found at
    gateways = {way.gateway for way in (*ways, *default_ways())}
    # the router that we go by first
    for address in sorted(found, key=lambda one: one not in gateways):
        await pacer_of(session).afford(_DESCRIBE_BYTES, 8)
        ask = await _described(http, address, found[address])
        if ask is not None:
            return ask
    raise _NoCounters(
        "the home router doesn't tell its counters"
        if found
        else "no home router answers (UPnP is off, or there is none)"
    )


async def _described(http: aiohttp.ClientSession, address: str, location: str) -> Ask | None:
    """Read a router's description; None if it has no counters or can't be understood."""
    from async_upnp_client.client_factory import UpnpFactory
    from async_upnp_client.exceptions import UpnpError
    from async_upnp_client.profiles.igd import IgdDevice

    factory = UpnpFactory(_requester(http, address), non_strict=True)
    try:
        router = IgdDevice(await factory.async_create_device(location), None)
    except (UpnpError, ValueError):  # what the library raises for descriptions that can't be
        return None

    async def ask() -> tuple[int, int]:
        try:
            received = await router.async_get_total_bytes_received()
            sent = await router.async_get_total_bytes_sent()
        except (UpnpError, ValueError) as error:
            raise _NoCounters("the home router doesn't answer any more") from error
        if received is None or sent is None or received < 0 or sent < 0:
            raise _NoCounters("the home router doesn't tell its counters")
        return received, sent

    try:
        await ask()
    except _NoCounters:
        return None
    return ask


def _requester(http: aiohttp.ClientSession, address: str) -> Any:
    """HTTP for the UPnP library: bounded, and to one machine alone."""
    from async_upnp_client.client import UpnpRequester
    from async_upnp_client.const import HttpRequest, HttpResponse
    from async_upnp_client.exceptions import UpnpConnectionError

    class Requester(UpnpRequester):
        async def async_http_request(self, http_request: HttpRequest) -> HttpResponse:
            if urlsplit(http_request.url).hostname != address:
                raise UpnpConnectionError("the router names another machine")
            try:
                async with http.request(
                    http_request.method,
                    http_request.url,
                    headers=dict(http_request.headers or {}),
                    data=http_request.body,
                    timeout=aiohttp.ClientTimeout(total=ASK_TIMEOUT_S),
                    allow_redirects=False,
                ) as response:
                    body = b""
                    async for chunk in response.content.iter_any():
                        body += chunk
                        if len(body) > MOST_BYTES:
                            raise UpnpConnectionError("the answer is too long")
                    return HttpResponse(
                        response.status, response.headers, body.decode("utf-8", "replace")
                    )
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                raise UpnpConnectionError(str(error) or type(error).__name__) from error

    return Requester()
