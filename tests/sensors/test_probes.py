"""Probes and path sensor on loopback, where the far end is the first hop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import ipaddress
import socket
import struct
import weakref
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamnotice.errors import HostError
from streamnotice.observations import Download, HopProbe, Observation, RoundTrip, Route
from streamnotice.policy import Policy
from streamnotice.sensors import path
from streamnotice.sensors.error_queue import (
    IP_RECVERR,
    IPV6_HOPLIMIT,
    IPV6_RECVERR,
    family_of,
    parse_error,
    return_hops,
    supported,
)
from streamnotice.sensors.pace import PACKETS_PER_S, pacer_of
from streamnotice.sensors.path import PathSensor
from streamnotice.sensors.reference import DOWNLOAD_BYTES, ReferenceSensor, affordable_bytes
from streamnotice.sensors.tcp_probe import handshake, limited_syn
from streamnotice.sensors.udp_probe import UdpFlow, outcome_of
from streamnotice.session import Session
from tests.waiting import until

linux = pytest.mark.skipif(not supported(), reason="elsewhere: error queues are Linux's")


class Rig:
    def __init__(self, **policy: Any) -> None:
        self.seen: list[Observation] = []
        self.session = Session(Policy(**policy), self.seen.append)

    def of(self, kind: type[Any]) -> list[Any]:
        return [o for o in self.seen if isinstance(o, kind)]


@contextlib.asynccontextmanager
async def running(sensor: Any, session: Session) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(sensor.run(session))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@contextlib.contextmanager
def unused_port(address: str = "127.0.0.1") -> Any:
    with socket.socket(family_of(address)) as placeholder:  # bound, not listening
        placeholder.bind((address, 0))
        yield placeholder.getsockname()[1]


def _by_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as tried:
            tried.bind(("::1", 0))
    except OSError:
        return False
    return True


loopbacks = pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        pytest.param(
            "::1", marks=pytest.mark.skipif(not _by_ipv6(), reason="elsewhere: no IPv6 loopback")
        ),
    ],
)


@linux
@loopbacks
async def test_a_udp_probe_reaches_loopback(address: str) -> None:
    flow = UdpFlow(address)
    try:
        for _ in range(3):
            reply = await flow.probe(1)
            assert (reply.outcome, reply.address) == ("reached", address)
            assert reply.return_hops == 0
            assert reply.rtt_ns is not None
            assert 0 < reply.rtt_ns < 10**9
    finally:
        flow.close()


@linux
async def test_only_one_probe_is_in_flight() -> None:
    flow = UdpFlow("127.0.0.1")
    try:
        first = asyncio.create_task(flow.probe(1, timeout_s=5))
        await asyncio.sleep(0)
        if not first.done():
            with pytest.raises(RuntimeError):
                await flow.probe(1)
        assert (await first).outcome == "reached"
        # what comes late from another hop is not this probe's answer
        passed = await flow.probe(1, not_from=frozenset({"127.0.0.1"}), timeout_s=0.2)
        assert passed.outcome == "lost"
        assert (await flow.probe(1)).outcome == "reached"
    finally:
        flow.close()


@loopbacks
async def test_handshakes(address: str) -> None:
    server = await asyncio.start_server(lambda r, w: w.close(), address, 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        done = await handshake(address, port)
        assert done.failure is None
        assert done.rtt_ns is not None
        assert 0 < done.rtt_ns < 10**9
        assert done.retransmitted in (False, None)
        if supported():
            assert (await limited_syn(address, port, 1)).outcome == "reached"
    with unused_port(address) as port:
        assert (await handshake(address, port)).failure == "refused"
        if supported():
            assert (await limited_syn(address, port, 1)).outcome == "reached"


async def test_a_handshake_without_an_answer_times_out() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        # fill the queue of connections that nobody accepts: further SYNs are dropped
        address = full.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        await asyncio.sleep(0.05)
        done = await handshake(*address, timeout_s=1.6)
        for filler in fillers:
            filler.close()
    assert done.failure == "timeout"
    assert done.rtt_ns is not None
    assert done.rtt_ns >= 1_500_000_000
    assert done.retransmitted in (True, None)


@linux
@pytest.mark.parametrize(
    ("address", "peer"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.1", "::ffff:127.0.0.1"),  # as a socket for both families tells it
        pytest.param(
            "::1", "::1", marks=pytest.mark.skipif(not _by_ipv6(), reason="elsewhere: no IPv6")
        ),
    ],
)
async def test_the_path_sensor_on_loopback(address: str, peer: str) -> None:
    rig = Rig(probes={"path"})
    rig.session.intensity = "suspect"
    server = await asyncio.start_server(lambda r, w: w.close(), address, 0)
    port = server.sockets[0].getsockname()[1]
    async with server, running(PathSensor(), rig.session):
        target = rig.session.target("service", "media.example", port, address=peer)
        await until(lambda: rig.of(Route) and len(rig.of(HopProbe)) > 1 and rig.of(RoundTrip))
    (route,) = rig.of(Route)
    assert (route.target, route.role, route.complete) == (target.label, "service", True)
    assert (len(route.hops), route.segments) == (1, (None,))
    assert all((p.ttl, p.outcome) == (1, "reached") for p in rig.of(HopProbe))
    assert rig.of(RoundTrip)[0].failure is None
    assert rig.session.sights["path"] == (True, "")
    assert rig.session.budget.spent_bytes > 0
    assert not any(f"{one}'" in repr(rig.seen) for one in (address, peer))


@linux
async def test_an_address_that_was_looked_up_gives_way_to_the_players_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two ways under one name would be taken for one that changes."""
    answers: list[list[str]] = [[], ["127.0.0.9"]]

    async def resolve(host: str) -> list[str]:
        return answers.pop(0)

    monkeypatch.setattr(path, "resolve", resolve)
    monkeypatch.setattr(path, "_RESOLVE_AFTER_S", 0.05)
    monkeypatch.setattr(path, "_RESOLVE_AGAIN_S", (0.05, 0.05))
    rig, sensor = Rig(), PathSensor()
    async with running(sensor, rig.session):
        rig.session.target("service", "media.example", 9)
        await until(lambda: rig.of(HopProbe))
        assert answers == [], "the first answer was none: it is asked again"
        assert list(sensor._flows) == ["127.0.0.9"]
        rig.session.target("service", "media.example", 9, address="127.0.0.8")
        await until(lambda: list(sensor._flows) == ["127.0.0.8"])


@linux
async def test_without_budget_nothing_is_sent() -> None:
    rig = Rig(probes={"path"}, probe_floor_bytes_per_min=150)
    async with running(PathSensor(), rig.session):
        rig.session.target("service", "h", 9, address="127.0.0.1")
        await asyncio.sleep(1.5)
    assert len(rig.of(HopProbe)) <= 1
    assert rig.session.budget.spent_bytes <= 150


async def test_references_are_measured_and_downloads_are_small() -> None:
    asked: list[str] = []

    async def big(request: web.Request) -> web.StreamResponse:
        asked.append(request.headers.get("Range", ""))
        return web.Response(body=b"x" * 1_000_000)  # ignores Range

    app = web.Application()
    app.router.add_get("/probe.bin", big)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    rig = Rig(probes={"reference", "path"})
    sensor = ReferenceSensor([f"http://127.0.0.1:{port}/probe.bin"])
    async with running(sensor, rig.session):
        await until(lambda: rig.of(RoundTrip))
        assert rig.of(Download) == []  # at rest none
        rig.session.intensity = "suspect"
        await until(lambda: rig.of(Download) and (rig.of(Route) or not supported()))
    await runner.cleanup()
    (download,) = rig.of(Download)
    assert download.failure is None
    assert DOWNLOAD_BYTES // 4 <= download.received_bytes <= DOWNLOAD_BYTES
    assert download.ttfb_ns <= download.duration_ns
    assert asked[0].startswith("bytes=0-")
    assert {r.role for r in [*rig.of(RoundTrip), *rig.of(Route)]} == {"reference"}
    assert rig.of(HopProbe) == []
    assert rig.session.budget.spent_bytes <= rig.session.budget.allowed_bytes()


@loopbacks
async def test_a_reference_is_measured_by_the_services_family(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def both(host: str) -> list[str]:  # few machines have such a name of their own
        return ["::1", "127.0.0.1"]

    monkeypatch.setattr("streamnotice.sensors.reference.resolve", both)
    rig = Rig(probes={"reference"})
    with unused_port(address) as port:
        async with running(ReferenceSensor([f"http://both.example:{port}/x"]), rig.session):
            await asyncio.sleep(0.3)
            assert rig.session.targets("reference") == []  # which family isn't known yet
            rig.session.target("service", "media.example", port, address=address)
            await until(lambda: rig.of(RoundTrip))
    assert [t.address for t in rig.session.targets("reference")] == [address]


async def test_a_reference_that_refuses_is_told_of() -> None:
    rig = Rig(probes={"reference"})
    rig.session.intensity = "suspect"
    with unused_port() as port:
        async with running(ReferenceSensor([f"http://127.0.0.1:{port}/x"]), rig.session):
            await until(lambda: rig.of(RoundTrip) and rig.of(Download))
    assert rig.of(RoundTrip)[0].failure == "refused"
    assert rig.of(Download)[0].failure == "refused"


@pytest.mark.parametrize("url", ["", "ftp://h/x", "http://", "http://[::1", "http://h:x/"])
def test_a_bad_reference_is_the_hosts_mistake(url: str) -> None:
    with pytest.raises(HostError):
        ReferenceSensor([url])


def test_downloads_leave_half_of_the_budget_to_packets() -> None:
    rig = Rig(probes={"reference"})
    assert 0 < affordable_bytes(rig.session, 4096) <= rig.session.budget.allowed_bytes() // 2
    assert rig.session.budget.take(60_000)
    assert affordable_bytes(rig.session, 4096) == 0


async def test_turns_follow_the_density_and_routers_rest() -> None:
    rig = Rig()
    now_ns = 0
    session = Session(Policy(), rig.seen.append, clock_ns=lambda: now_ns)
    pacer = pacer_of(session)
    assert pacer_of(session) is pacer
    await pacer.turn()
    waiting = asyncio.create_task(pacer.turn())
    await asyncio.sleep(0.3)
    assert not waiting.done()
    session.intensity = "suspect"
    now_ns = round(1.01e9 / PACKETS_PER_S["suspect"])
    async with asyncio.timeout(5):
        await waiting
    pacer.asked("r")
    assert not pacer.may_ask("r")
    assert pacer.may_ask("other")
    now_ns += 1_100_000_000
    assert pacer.may_ask("r")
    pacer.asked("2001:db8::1")
    now_ns += 1_100_000_000
    assert not pacer.may_ask("2001:db8::1")  # by IPv6 they limit their answers harder
    now_ns += 200_000_000
    assert pacer.may_ask("2001:db8::1")


def test_initial_values_of_ttl() -> None:
    assert [return_hops(t) for t in (64, 63, 128, 120, 255, 250, 65)] == [0, 1, 0, 8, 0, 5, 63]
    assert [return_hops(t) for t in (None, 0, -3, 256)] == [None] * 4


def test_an_error_of_our_own_stack_is_no_routers() -> None:
    local = struct.pack("=IBBBBII", 90, 1, 0, 0, 0, 0, 0) + struct.pack("=HH4s8x", 2, 0, b"abcd")
    icmp = struct.pack("=IBBBBII", 113, 2, 11, 0, 0, 0, 0) + struct.pack(
        "=HH4s8x", 2, 0, bytes([10, 1, 2, 3])
    )
    assert parse_error([(socket.IPPROTO_IP, IP_RECVERR, local)]) is None
    found = parse_error([(socket.IPPROTO_IP, IP_RECVERR, icmp)])
    assert found is not None
    assert (found.offender, found.icmp_type) == ("10.1.2.3", 11)


ROUTER6, FAR6 = "2001:db8::1", "2001:db8:ffff::9"


def error6(icmp_type: int, icmp_code: int, offender: str, origin: int = 3) -> bytes:
    sender = socket.inet_pton(socket.AF_INET6, offender)
    return struct.pack("=IBBBBII", 113, origin, icmp_type, icmp_code, 0, 0, 0) + struct.pack(
        "=HHI16sI", socket.AF_INET6, 0, 0, sender, 0
    )


@pytest.mark.parametrize(
    ("icmp_type", "icmp_code", "offender", "outcome"),
    [
        (3, 0, ROUTER6, "ttl_exceeded"),
        (3, 0, FAR6, "ttl_exceeded"),
        (1, 4, FAR6, "reached"),  # nobody serves the port
        (1, 4, ROUTER6, "reached"),
        (1, 1, FAR6, "reached"),  # refused, but by itself
        (1, 0, ROUTER6, "refused_by_path"),  # no route
        (1, 1, ROUTER6, "refused_by_path"),  # prohibited
        (1, 3, ROUTER6, "refused_by_path"),  # address unreachable
        (2, 0, ROUTER6, "refused_by_path"),  # too big, which our probes never are
        (11, 0, ROUTER6, "refused_by_path"),  # the number that IPv4 has for "time exceeded"
    ],
)
def test_icmpv6_errors(icmp_type: int, icmp_code: int, offender: str, outcome: str) -> None:
    limit = struct.pack("=i", 254)
    found = parse_error(
        [
            (socket.IPPROTO_IPV6, IPV6_RECVERR, error6(icmp_type, icmp_code, offender)),
            (socket.IPPROTO_IPV6, IPV6_HOPLIMIT, limit),
        ]
    )
    assert found is not None
    assert (found.offender, found.ttl) == (offender, 254)
    assert outcome_of(found, FAR6) == outcome
    assert outcome_of(found, f"{FAR6}%eth0") == outcome


def test_an_ipv6_error_of_another_origin_is_no_routers() -> None:
    for origin in (0, 1, 2):
        data = error6(3, 0, ROUTER6, origin)
        assert parse_error([(socket.IPPROTO_IPV6, IPV6_RECVERR, data)]) is None
    # either family's form behind the other's option is damage
    data = error6(3, 0, ROUTER6)
    assert parse_error([(socket.IPPROTO_IP, IP_RECVERR, data)]) is None


def _plausible(rest: bytes) -> bytes:
    """An ICMPv6 error's beginning, and anything behind it."""
    return error6(3, 0, ROUTER6)[:18] + rest


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(
            st.sampled_from([0, 1, 6, 41]),
            st.sampled_from([2, 11, 25, 35, 52]),
            st.one_of(st.binary(max_size=60), st.binary(max_size=60).map(_plausible)),
        ),
        max_size=4,
    )
)
def test_any_ancillary_data_is_read(ancillary: list[tuple[int, int, bytes]]) -> None:
    found = parse_error(ancillary)
    assert found is None or ipaddress.ip_address(found.offender)


def test_a_session_goes_when_nobody_holds_it() -> None:
    """Its pacer doesn't keep it: a host opens one session after another."""
    session = Session(Policy(), lambda _: None)
    pacer_of(session)
    gone = weakref.ref(session)
    del session
    gc.collect()
    assert gone() is None


@linux
async def test_servers_of_requests_on_other_threads_are_followed() -> None:
    """Also where the host has its loop look for calls that only its own thread may make."""
    rig = Rig(probes={"path"})
    asyncio.get_running_loop().set_debug(True)
    async with running(PathSensor(), rig.session):
        await asyncio.sleep(0.05)
        await asyncio.to_thread(rig.session.target, "service", "h", 9, address="127.0.0.1")
        await until(lambda: rig.of(Route))
    assert rig.session.sights["path"] == (True, "")
