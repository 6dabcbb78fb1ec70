"""The Wi-Fi link that carries the stream, by nl80211: signal, rates, retries. Passive (Linux).

Extra `linux` (pyroute2). Any user may ask the kernel for its own stations. Names of networks and
hardware addresses are neither read nor told. Where the way to the service is no Wi-Fi, or the
driver doesn't say, the sensor sees nothing and says why.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable, Iterable
from typing import Any, Final

import attrs

from streamnotice.errors import MissingExtraError
from streamnotice.observations import Radio
from streamnotice.sensors.routes import Way, way_to
from streamnotice.session import Session

WINDOW_S: Final = 1.0
_ASK_WAY_AGAIN: Final = 5
_RATE_UNIT_BPS: Final = 100_000
_LEAST_DBM, _MOST_DBM = -120, 0
_WRAP: Final = 2**32


@attrs.frozen
class Station:
    """What the driver tells of the link to the access point; counts run.

    Attributes:
        signal_dbm: strength of what is received, averaged if the driver does.
        tx_bps, rx_bps: rate of the last frames sent and received.
        sent, retried, failed: frames sent, sent again, and given up.
        lost_beacons: times that the access point seemed to have gone.
    """

    signal_dbm: int | None = None
    tx_bps: int | None = None
    rx_bps: int | None = None
    sent: int | None = None
    retried: int | None = None
    failed: int | None = None
    lost_beacons: int | None = None


def station_of(messages: Iterable[Any]) -> Station | None:
    """The one station in the kernel's answers; None without any (not connected).

    An access point of this machine's own has several: then there is none that we go by.
    """
    found = [info for message in messages if (info := message.get_attr("NL80211_ATTR_STA_INFO"))]
    if len(found) != 1:
        return None
    info = found[0]

    def number(name: str) -> int | None:
        value = info.get_attr(f"NL80211_STA_INFO_{name}")
        return value if type(value) is int else None

    def rate(name: str) -> int | None:
        value = info.get_attr(f"NL80211_STA_INFO_{name}")
        if value is None:
            return None
        for field in ("BITRATE32", "BITRATE"):
            units = value.get_attr(f"NL80211_RATE_INFO_{field}")
            if type(units) is int and units > 0:
                return units * _RATE_UNIT_BPS
        return None

    signal = number("SIGNAL_AVG")
    if signal is None or not _LEAST_DBM <= signal < _MOST_DBM:
        signal = number("SIGNAL")
    return Station(
        # some drivers tell percent, or 0 for not known: no signal of this unit
        signal_dbm=signal if signal is not None and _LEAST_DBM <= signal < _MOST_DBM else None,
        tx_bps=rate("TX_BITRATE"),
        rx_bps=rate("RX_BITRATE"),
        sent=number("TX_PACKETS"),
        retried=number("TX_RETRIES"),
        failed=number("TX_FAILED"),
        lost_beacons=number("BEACON_LOSS"),
    )


def radio_between(at_ns: int, window_ns: int, before: Station, after: Station) -> Radio:
    """What happened on the link between two looks."""
    return Radio(
        at_ns,
        window_ns=window_ns,
        signal_dbm=after.signal_dbm,
        tx_bps=after.tx_bps,
        rx_bps=after.rx_bps,
        sent=_grown(before.sent, after.sent),
        retried=_grown(before.retried, after.retried),
        failed=_grown(before.failed, after.failed),
        lost_beacons=_grown(before.lost_beacons, after.lost_beacons),
    )


def _grown(before: int | None, after: int | None) -> int | None:
    if before is None or after is None:
        return None
    grown = (after - before) % _WRAP
    return grown if grown < _WRAP // 2 else None  # back: another access point counts anew


class RadioSensor:
    """Emits one `Radio` a second while Wi-Fi carries the route to the service.

    Args:
        ask: gives the kernel's answers for an interface's index; by default by pyroute2.
        way: how packets to an address leave.
    """

    name = "radio"

    def __init__(
        self,
        ask: Callable[[int], list[Any]] | None = None,
        way: Callable[[str], Way] = way_to,
    ) -> None:
        self._ask = ask
        self._way = way

    async def run(self, session: Session) -> None:
        """Observe until cancelled."""
        if sys.platform != "linux":
            session.sight(self.name, False, "the radio can be seen on Linux only")
            return
        ask = self._ask
        if ask is None:
            try:
                import pyroute2  # noqa: F401 - is it there at all?
            except ImportError:
                missing = MissingExtraError("seeing the radio", "linux")
                session.sight(self.name, False, str(missing))
                return
            ask = _Kernel()
        before: Station | None = None
        began_ns, turn, interface = session.now(), 0, None
        while True:
            await asyncio.sleep(WINDOW_S)
            addresses = session.addresses("service")
            if not addresses:
                continue
            if turn % _ASK_WAY_AGAIN == 0:
                found = self._interface(session, addresses[-1])
                if found != interface:
                    interface, before = found, None
            turn += 1
            if interface is None:
                continue
            now_ns = session.now()
            after = await self._look(session, ask, interface)
            if before is not None and after is not None:
                session.emit(radio_between(now_ns, now_ns - began_ns, before, after))
            before, began_ns = after, now_ns

    def _interface(self, session: Session, address: str) -> str | None:
        way = self._way(address)
        if way.medium != "wifi":
            session.sight(self.name, False, "the way to the service doesn't begin by Wi-Fi")
            return None
        return way.interface

    async def _look(
        self, session: Session, ask: Callable[[int], list[Any]], interface: str
    ) -> Station | None:
        try:
            index = socket.if_nametoindex(interface)
            station = station_of(await asyncio.to_thread(ask, index))
        except Exception as error:  # pyroute2 has errors of its own, not all OSErrors
            session.sight(self.name, False, f"the radio can't be asked ({type(error).__name__})")
            return None
        if station is None or station.signal_dbm is None:
            session.sight(self.name, False, "the driver doesn't tell the signal")
        else:
            session.sight(self.name, True)
        return station


class _Kernel:
    """Asks by nl80211.

    Raises:
        Exception: pyroute2's own, if there is no nl80211 here.
    """

    def __init__(self) -> None:
        self._answers = False

    def __call__(self, index: int) -> list[Any]:
        from pyroute2 import IW, NL80211

        if not self._answers:  # IW binds while it is made, and where that fails it leaks sockets
            with NL80211() as knock:
                knock.bind()
        self._answers = False
        with IW() as radio:
            stations = list(radio.get_stations(index))
        self._answers = True
        return stations
