"""What was normal here in earlier sessions: the file, and what a session does with it."""

from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamnotice import Watcher
from streamnotice.baselines import (
    MOST_NETWORKS,
    MOST_SESSIONS,
    BaselineFile,
    Quiet,
    baseline_of,
    parse_baselines,
    quiet_of,
)
from streamnotice.engine import Engine
from streamnotice.errors import EvidenceError, HostError
from streamnotice.evidence.places import read_queue
from streamnotice.observations import HopProbe, RoundTrip, Route, StoredBaseline
from streamnotice.policy import S_NS, Policy
from streamnotice.sensors.baselines import BaselineSensor
from streamnotice.session import Session

MS = 1_000_000


def quiet(ms: int) -> Quiet:
    return Quiet(ms * MS, (ms + 3) * MS, 20)


def test_a_session_is_summed_up_and_sessions_are_weighed() -> None:
    assert quiet_of([5 * MS] * 7) is None
    assert quiet_of([9 * MS, *[5 * MS] * 9, *[7 * MS] * 10]) == Quiet(5 * MS, 7 * MS, 20)
    assert baseline_of([]) is None
    one = baseline_of([quiet(8)])
    assert one is not None
    assert (one.rtt_ns, one.sessions) == (8 * MS, 1)
    # a way that is longer now is normal after some sessions, and not a queue for ever
    assert [baseline_of([quiet(8)] * old + [quiet(30)] * (8 - old)).rtt_ns // MS  # type: ignore[union-attr]
            for old in (8, 4, 3, 2, 1)] == [8, 8, 8, 30, 30]  # fmt: skip


def test_the_file_keeps_a_bounded_memory_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "state" / "b.json"
    file = BaselineFile(path)
    for number in range(MOST_SESSIONS + 3):
        file.add(
            "net-a", {"network.isp.access": quiet(number + 1), file.server("192.0.2.1"): quiet(20)}
        )
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = BaselineFile(path)
    assert again.salt == file.salt
    assert [q.low_ns // MS for q in again.of("net-a")["network.isp.access"]] == list(range(4, 12))
    assert again.of("net-b") == {}
    for number in range(MOST_NETWORKS + 5):
        again.add(f"net-{number}", {"network.home.wifi": quiet(1)})
    assert again.of("net-a") == {}
    assert path.stat().st_size < 64 * 1024
    assert "192.0.2.1" not in path.read_text("ascii")
    assert sorted(p.name for p in path.parent.iterdir()) == ["b.json", "b.json.lock"]


def test_two_sessions_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    BaselineFile(path).add("net-a", {"x": quiet(1)})
    one, two = BaselineFile(path), BaselineFile(path)
    one.add("net-a", {"x": quiet(2)})
    two.add("net-a", {"x": quiet(3)})
    assert [q.low_ns // MS for q in BaselineFile(path).of("net-a")["x"]] == [1, 2, 3]


def test_a_damaged_file_is_set_aside_and_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    path.write_bytes(b"\xffnot a file of ours")
    file = BaselineFile(path)
    assert file.damage is not None
    assert "b.json are damaged (it is not UTF-8)" in file.damage
    assert "\n" not in file.damage
    assert path.exists()  # until there is something to keep
    file.add("net-a", {"x": quiet(1)})
    assert (tmp_path / "b.json.damaged").read_bytes() == b"\xffnot a file of ours"
    assert BaselineFile(path).damage is None
    with pytest.raises(HostError, match="can't read"):
        BaselineFile(tmp_path)
    blocked = BaselineFile(tmp_path / "n")
    (tmp_path / "n").mkdir()
    with pytest.raises(HostError):
        blocked.add("net-a", {"x": quiet(1)})


bodies = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
)


@given(st.binary() | st.builds(lambda b: json.dumps(b).encode(), bodies) | st.builds(
    lambda salt, nets: json.dumps(
        {"streamnotice": "baselines", "format": 1, "salt": salt, "networks": nets}).encode(),
    st.just("00" * 16) | bodies, bodies))  # fmt: skip
def test_content_is_accepted_or_one_error(data: bytes) -> None:
    try:
        salt, networks = parse_baselines(data)
    except EvidenceError:
        pass
    else:
        assert len(salt) == 16
        assert all(isinstance(q, Quiet) for n in networks.values() for p in n.values() for q in p)


@pytest.mark.expects_failure
async def test_a_watcher_says_what_is_wrong_with_the_file_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    path.write_text("{}", encoding="ascii")
    said: list[Any] = []

    async def on_error(what: Any) -> None:
        said.append(what)

    async with Watcher(baselines=path, on_error=on_error) as w:
        await asyncio.sleep(0.1)
        w.playback(state="playing", buffer_s=3)
    assert [where for where, _ in said] == ["baselines"]
    assert "no file of baselines" in said[0][1]


class Rig:
    """The sensor with a real engine and session, on a network that the test names."""

    def __init__(self, path: Path) -> None:
        self.engine = Engine(Policy().settings())
        self.seen: list[Any] = []
        self.network = "net-a"
        self.session = Session(Policy(probes={"path"}), self._sink)
        self.file = BaselineFile(path)
        self.verdict: Any = None
        self.sensor = BaselineSensor(
            self.file, lambda: self.engine.estimates, lambda: self.verdict, lambda _: self.network
        )

    def _sink(self, seen: Any) -> None:
        self.seen.append(seen)
        events = self.engine.feed(seen)
        for event in events:
            if event.kind == "verdict":
                self.verdict = event

    def probe(self, target: str, ttl: int, rtt_ms: int, *, loaded: bool = False) -> None:
        now = self.session.now()
        self.session.emit(
            HopProbe(now, target=target, ttl=ttl, method="udp", loaded=loaded, rtt_ns=rtt_ms * MS,
                     outcome="reached" if ttl == 3 else "ttl_exceeded", hop=f"h{ttl}")
        )  # fmt: skip

    def stored(self) -> list[tuple[str, int]]:
        return [(o.subject, o.value // MS) for o in self.seen if isinstance(o, StoredBaseline)]


def target_of(rig: Rig, address: str = "192.0.2.1") -> str:
    label = rig.session.target("service", address, 443, address=address).label
    rig.session.emit(
        Route(
            rig.session.now(), target=label, role="service", hops=("h1", "h2", "h3"),
            segments=("network.home.wifi", "network.isp.access", "service"), complete=True,
        )
    )  # fmt: skip
    return label


async def test_quiet_seconds_are_remembered_and_told_the_next_time(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "b.json")
    task = asyncio.create_task(rig.sensor.run(rig.session))
    label = target_of(rig)
    await asyncio.sleep(1.2)
    rig.engine.tick(rig.session.now())
    rig.verdict = rig.verdict or rig.engine.tick(rig.session.now() + S_NS)[0]
    for _ in range(10):
        for ttl in (1, 2, 3):
            rig.probe(label, ttl, 5 * ttl)
            rig.probe(label, ttl, 300, loaded=True)  # our own queue is not the path's quiet
    await asyncio.sleep(1.1)
    rig.session.intensity = "suspect"
    for _ in range(30):
        rig.probe(label, 3, 1)  # whatever is seen in suspicion
    await asyncio.sleep(1.1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert rig.stored() == []
    assert rig.session.sights["baselines"] == (False, "no earlier session on this network")

    later = Rig(tmp_path / "b.json")
    task = asyncio.create_task(later.sensor.run(later.session))
    target_of(later)
    await asyncio.sleep(0.1)
    assert sorted(later.stored()) == [
        ("far end", 15), ("network.home.wifi", 5), ("network.isp.access", 10)
    ]  # fmt: skip
    assert later.session.sights["baselines"] == (True, "")
    target_of(later, "192.0.2.2")  # a server that was never seen: no yardstick for the far end
    await asyncio.sleep(1.1)
    assert later.stored()[-1] == ("far end", 0)
    later.network = "net-b"
    await asyncio.sleep(1.1)
    assert set(later.stored()[-2:]) == {("network.home.wifi", 0), ("network.isp.access", 0)}
    assert later.engine.estimates.paths.stored == {}
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_what_a_box_on_the_way_answered_is_not_kept_as_the_far_ends(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "b.json")
    task = asyncio.create_task(rig.sensor.run(rig.session))
    label = target_of(rig)
    rig.verdict = rig.engine.tick(rig.session.now() + 2 * S_NS)[0]
    for _ in range(10):
        for ttl in (1, 2, 3):
            rig.probe(label, ttl, 15 * ttl)
    for _ in range(2):
        rig.session.emit(RoundTrip(rig.session.now(), label, "service", 2 * MS))
    await asyncio.sleep(1.2)
    assert not rig.engine.estimates.paths.ended_near()
    for _ in range(10):
        rig.session.emit(RoundTrip(rig.session.now(), label, "service", 2 * MS))
    assert rig.engine.estimates.paths.ended_near()
    await asyncio.sleep(1.2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    kept = rig.file.of("net-a")
    assert set(kept) == {"network.home.wifi", "network.isp.access"}


async def test_ipv4_and_ipv6_are_no_yardsticks_for_each_other(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    access = "network.isp.access"
    BaselineFile(path).add("net-a", {access: quiet(8), f"{access} by IPv6": quiet(40)})
    rig = Rig(path)
    task = asyncio.create_task(rig.sensor.run(rig.session))
    await asyncio.sleep(0.1)
    assert rig.stored() == [(access, 8)]  # nothing is known of the server yet
    label = target_of(rig, "2001:db8::7")
    await asyncio.sleep(1.1)
    assert rig.stored()[1:] == [(access, 40)]
    rig.verdict = rig.engine.tick(rig.session.now() + S_NS)[0]
    for _ in range(10):
        rig.probe(label, 1, 4)
        rig.probe(label, 2, 44)
    await asyncio.sleep(1.1)
    target_of(rig, "::ffff:192.0.2.1")
    await asyncio.sleep(1.1)
    assert rig.stored()[2:] == [(access, 0)]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    kept = BaselineFile(path).of("net-a")
    assert {place: len(sessions) for place, sessions in kept.items()} == {
        access: 1, f"{access} by IPv6": 2, "network.home.wifi by IPv6": 1
    }  # fmt: skip


def test_a_queue_that_was_there_first_is_seen_with_a_baseline_alone() -> None:
    def place(stored: bool) -> str | None:
        engine = Engine(Policy().settings())
        if stored:
            for subject, ms in (
                ("network.home.wifi", 2),
                ("network.isp.access", 8),
                ("far end", 20),
            ):
                engine.feed(StoredBaseline(0, "rtt_ns", subject, ms * MS, 3))
        engine.feed(
            Route(1, target="t", role="service", hops=("a", "b", "c"), complete=True,
                  segments=("network.home.wifi", "network.isp.access", "service"))
        )  # fmt: skip
        for step in range(60):  # from the first packet on, 90 ms stand behind the access line
            for ttl, ms in ((1, 2), (2, 98), (3, 110)):
                engine.feed(
                    HopProbe(S_NS + step * S_NS // 4 + ttl, target="t", ttl=ttl, method="udp",
                             outcome="ttl_exceeded" if ttl < 3 else "reached",
                             rtt_ns=ms * MS + step % 3 * 300_000)
                )  # fmt: skip
        outcome = read_queue(engine.estimates, 16 * S_NS)
        return None if outcome is None else outcome.name

    assert place(stored=False) in (None, "none")
    assert place(stored=True) == "access"
