"""The Wi-Fi link by nl80211.

No machine that runs these tests has a radio. The kernel's answers are put together here, attribute
by attribute, in the layout of linux/nl80211.h, and decoded by the library that decodes real ones.
"""

from __future__ import annotations

import asyncio
import gc
import os
import struct
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamnotice.engine import Engine
from streamnotice.evidence.radio import read
from streamnotice.observations import Radio, Sight
from streamnotice.policy import S_NS, Policy
from streamnotice.sensors.radio import RadioSensor, Station, _Kernel, radio_between, station_of
from streamnotice.sensors.routes import Way
from streamnotice.session import Session

pyroute2 = pytest.importorskip("pyroute2")

MAC = bytes.fromhex("a44e31431c7d")
STA_INFO = 21
"""NL80211_ATTR_STA_INFO"""


def attribute(kind: int, body: bytes) -> bytes:
    whole = struct.pack("=HH", 4 + len(body), kind) + body
    return whole + bytes(-len(whole) % 4)


def rate(units: int, *, wide: bool = True) -> bytes:
    """A nested rate: in units of 100 kbit/s, as 16 bits and (newer) 32."""
    body = attribute(1, struct.pack("=H", units)) if units < 65_536 else b""
    body += attribute(5, struct.pack("=I", units)) if wide else b""
    return body + attribute(2, b"\x07") + attribute(4, b"")  # MCS, short guard interval


def answer(
    signal: int | None = -58, average: int | None = -60, sent: int = 1000, retried: int = 100,
    failed: int = 1, tx: bytes | None = None,
) -> bytes:  # fmt: skip
    """An NL80211_CMD_NEW_STATION message, as iwlwifi's `iw station dump` would show it."""
    info = attribute(1, struct.pack("=I", 12)) + attribute(2, struct.pack("=I", 10**6))
    if signal is not None:
        info += attribute(7, struct.pack("=b", signal))
    info += attribute(8, tx if tx is not None else rate(1733)) + attribute(14, rate(866))
    info += attribute(10, struct.pack("=I", sent)) + attribute(11, struct.pack("=I", retried))
    info += attribute(12, struct.pack("=I", failed))
    if average is not None:
        info += attribute(13, struct.pack("=b", average))
    info += attribute(18, struct.pack("=I", 3))
    body = attribute(3, struct.pack("=I", 3)) + attribute(6, MAC)
    body += attribute(46, struct.pack("=I", 9)) + attribute(STA_INFO, info)
    generic = struct.pack("=BBH", 19, 1, 0)
    header = struct.pack("=IHHII", 16 + len(generic) + len(body), 28, 2, 255, 0)
    return header + generic + body


def decoded(*answers: bytes) -> list[Any]:
    from pyroute2.netlink.nl80211 import nl80211cmd

    found = []
    for data in answers:
        message = nl80211cmd(data)
        message.decode()
        found.append(message)
    return found


def test_an_answer_of_the_kernel_is_understood() -> None:
    assert station_of(decoded(answer())) == Station(
        signal_dbm=-60, tx_bps=173_300_000, rx_bps=86_600_000, sent=1000, retried=100, failed=1,
        lost_beacons=3,
    )  # fmt: skip
    # an old kernel's 16 bits; a rate that only 32 bits hold
    old = station_of(decoded(answer(tx=rate(540, wide=False))))
    fast = station_of(decoded(answer(tx=rate(80_000))))
    assert old is not None
    assert fast is not None
    assert (old.tx_bps, fast.tx_bps) == (54_000_000, 8_000_000_000)


def test_a_driver_that_tells_no_signal_tells_none() -> None:
    for signal, average, want in ((-70, None, -70), (-70, 0, -70), (0, 0, None), (None, None, None),
                                  (60, 61, None)):  # fmt: skip
        station = station_of(decoded(answer(signal, average)))
        assert station is not None
        assert station.signal_dbm == want


def test_not_connected_and_an_access_point_of_our_own_are_none() -> None:
    assert station_of([]) is None
    assert station_of(decoded(answer(), answer())) is None


def test_counts_between_two_looks() -> None:
    before = Station(-60, 1, 1, sent=2**32 - 5, retried=10, failed=None, lost_beacons=2)
    after = Station(-61, 2, 3, sent=15, retried=4, failed=3, lost_beacons=2)
    assert radio_between(7, 9, before, after) == Radio(
        7, window_ns=9, signal_dbm=-61, tx_bps=2, rx_bps=3, sent=20,
        retried=None,  # another access point counts anew
        failed=None, lost_beacons=0,
    )  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere: nl80211 is Linux's")
@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=64), st.integers(20, 200))
def test_bytes_that_make_no_sense_are_a_station_or_nothing(data: bytes, at: int) -> None:
    whole = bytearray(answer())
    at = min(at, len(whole) - 1)
    whole[at : at + len(data)] = data[: len(whole) - at]
    session = Session(Policy(), lambda _: None)
    found = asyncio.run(RadioSensor()._look(session, lambda _: decoded(bytes(whole)), "lo"))
    assert found is None or isinstance(found, Station)
    assert "radio" in session.sights


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere: nl80211 is Linux's")
async def test_the_sensor_tells_of_wifi_alone() -> None:
    seen: list[Any] = []
    session = Session(Policy(), seen.append)
    sent = iter(range(1000, 10**6, 50))
    ways = {"192.0.2.1": Way("lo", None, "wifi"), "192.0.2.2": Way("lo", None, "ethernet")}

    def ask(index: int) -> list[Any]:
        assert index == 1  # the loopback's stands for the radio's
        return decoded(answer(sent=next(sent)))

    task = asyncio.create_task(RadioSensor(ask, ways.__getitem__).run(session))
    session.target("service", "h", 443, address="192.0.2.1")
    async with asyncio.timeout(15):
        while not any(isinstance(one, Radio) for one in seen):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        assert session.sights["radio"] == (True, "")
        session.target("service", "h", 443, address="192.0.2.2")
        while session.sights["radio"][0]:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    radio = next(one for one in seen if isinstance(one, Radio))
    assert (radio.signal_dbm, radio.sent, radio.retried) == (-60, 50, 0)
    assert {type(one) for one in seen} == {Radio, Sight}
    assert MAC.hex() not in repr(seen).replace(":", "")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere: nl80211 is Linux's")
@pytest.mark.skipif(Path("/proc/net/wireless").exists() and any(
    (one / "phy80211").exists() for one in Path("/sys/class/net").iterdir()
), reason="elsewhere: this machine has a radio")  # fmt: skip
async def test_the_real_kernel_without_a_radio_is_no_harm() -> None:
    seen: list[Any] = []
    session = Session(Policy(), seen.append)
    task = asyncio.create_task(RadioSensor(way=lambda _: Way("lo", None, "wifi")).run(session))
    session.target("service", "h", 443, address="192.0.2.1")
    async with asyncio.timeout(15):
        while "radio" not in session.sights:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert not session.sights["radio"][0]
    assert [one for one in seen if isinstance(one, Radio)] == []


@pytest.mark.skipif(Path("/proc/net/wireless").exists() and any(
    (one / "phy80211").exists() for one in Path("/sys/class/net").iterdir()
), reason="elsewhere: this machine has a radio")  # fmt: skip
def test_asking_where_there_is_no_nl80211_leaves_no_socket_open() -> None:
    ask = _Kernel()

    def refused() -> int:
        with pytest.raises(pyroute2.NetlinkError):
            ask(1)
        return len(os.listdir("/proc/self/fd"))

    gc.disable()  # what is left to it stays open for long
    try:
        assert {refused() for _ in range(5)} == {refused()}
    finally:
        gc.enable()


async def test_without_the_extra_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyroute2", None)
    session = Session(Policy(), lambda _: None)
    await RadioSensor().run(session)
    assert not session.sights["radio"][0]


@pytest.mark.parametrize(
    ("signal", "retried", "failed", "want"),
    [
        (-50, 5, 0, "strong"), (-67, 5, 0, "strong"), (-70, 5, 0, "fair"), (-50, 60, 0, "fair"),
        (-80, 5, 0, "weak"), (-50, 5, 4, "weak"), (None, 5, 0, None),
    ],
)  # fmt: skip
def test_weak_fair_or_strong(signal: int | None, retried: int, failed: int, want: str) -> None:
    engine = Engine(Policy().settings())
    for second in range(1, 5):
        engine.feed(
            Radio(second * S_NS, window_ns=S_NS, signal_dbm=signal, sent=100, retried=retried,
                  failed=failed)
        )  # fmt: skip
    outcome = read(engine.estimates, 4 * S_NS)
    assert (outcome and outcome.name) == want


def test_frames_that_are_not_counted_say_nothing() -> None:
    engine = Engine(Policy().settings())
    for second in range(1, 5):
        engine.feed(Radio(second * S_NS, window_ns=S_NS, signal_dbm=-60, sent=100, retried=90))
    outcome = read(engine.estimates, 4 * S_NS)
    assert outcome is not None
    assert outcome.name == "strong"
    assert dict(outcome.measured)["retried_permille"] is None


def test_it_weighs_nothing_until_there_is_a_row() -> None:
    assert "radio" not in Engine(Policy().settings()).tables.likelihoods
