"""Several sessions in one process: one prober, one budget."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamnotice import Policy, ThreadWatcher, Watcher
from streamnotice.commons import Commons, ProbeBudget
from streamnotice.observations import Download, HopProbe, RoundTrip, Route
from streamnotice.sensors.error_queue import supported
from streamnotice.sensors.pace import SUSPICION_BYTES_PER_S, thrift
from streamnotice.sensors.reference import ReferenceSensor
from streamnotice.session import Session
from streamnotice.testing import Clock
from tests import waiting

until = partial(waiting.until, limit_s=20)
linux = pytest.mark.skipif(not supported(), reason="elsewhere: error queues are Linux's")


class Server:
    """A listening port that counts whom it accepts."""

    def __init__(self) -> None:
        self._sock = socket.create_server(("127.0.0.1", 0))
        self.port = self._sock.getsockname()[1]
        self.accepted = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        try:
            while True:
                self._sock.accept()[0].close()
                self.accepted += 1
        except OSError:
            return

    def close(self) -> None:
        self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()


@pytest.fixture
def server() -> Iterator[Server]:
    one = Server()
    yield one
    one.close()


def listen(watcher: Watcher) -> list[Any]:
    """All that the watcher's session sees, in order."""
    seen: list[Any] = []
    take = watcher._hand_in

    def both(observation: Any) -> None:
        seen.append(observation)
        take(observation)

    watcher.session._sink = both
    return seen


def of(seen: list[Any], kind: type[Any]) -> list[Any]:
    return [one for one in list(seen) if isinstance(one, kind)]


def full(seen: list[Any]) -> bool:
    return bool(of(seen, Route) and len(of(seen, HopProbe)) > 3 and of(seen, RoundTrip))


@linux
async def test_watchers_of_one_loop_ask_once_and_are_both_told(server: Server) -> None:
    policy = Policy(probes={"path"})
    async with Watcher(policy=policy) as one, Watcher(policy=policy) as two:
        seen = listen(one), listen(two)
        for watcher in (one, two):
            watcher.session.target("service", "h", server.port, address="127.0.0.1")
        await until(lambda: full(seen[0]) and full(seen[1]))
        trips = max(len(of(each, RoundTrip)) for each in seen)
        syns = max(sum(p.method == "tcp" for p in of(each, HopProbe)) for each in seen)
        assert server.accepted <= trips + syns + 2  # what is on its way now
        firsts = [of(each, HopProbe)[-2:] for each in seen]
        assert [p.rtt_ns for p in firsts[0]] == [p.rtt_ns for p in firsts[1]]
        # each in its own words: nobody can join the two records
        labels = [{o.target for o in of(each, HopProbe)} for each in seen]
        assert not labels[0] & labels[1]
        spent = [w.session.budget.spent_bytes for w in (one, two)]
        assert min(spent) > 0  # they pay in turn
        assert sum(spent) <= max(w.session.budget.allowed_bytes() for w in (one, two))


@linux
async def test_who_comes_later_learns_the_route_and_takes_over(server: Server) -> None:
    policy = Policy(probes={"path"})
    async with Watcher(policy=policy) as two:
        late = listen(two)
        async with Watcher(policy=policy) as one:
            early = listen(one)
            one.session.target("service", "h", server.port, address="127.0.0.1")
            await until(lambda: of(early, Route))
            two.session.target("service", "h", server.port, address="127.0.0.1")
            await until(lambda: of(late, Route) and of(late, HopProbe))
        count = len(of(late, HopProbe))
        await until(lambda: len(of(late, HopProbe)) > count + 2)
    assert two.summary().probe_bytes > 0


@linux
def test_watchers_of_two_threads_share_as_well(server: Server) -> None:
    policy = Policy(probes={"path"})
    with ThreadWatcher(policy=policy) as two:
        late = listen(two._watcher)
        with ThreadWatcher(policy=policy) as one:
            early = listen(one._watcher)
            for facade in (one, two):
                facade._on_loop(
                    lambda w=facade._watcher: w.session.target(  # type: ignore[misc]
                        "service", "h", server.port, address="127.0.0.1"
                    )
                )
            ends = time.monotonic() + 20
            while not (full(early) and full(late)) and time.monotonic() < ends:
                time.sleep(0.05)
            assert full(early)
            assert full(late)
            trips = max(len(of(each, RoundTrip)) for each in (early, late))
            syns = max(sum(p.method == "tcp" for p in of(each, HopProbe)) for each in (early, late))
            assert server.accepted <= trips + syns + 2
        count = len(of(late, HopProbe))
        ends = time.monotonic() + 20
        while len(of(late, HopProbe)) < count + 2 and time.monotonic() < ends:
            time.sleep(0.05)
        assert len(of(late, HopProbe)) >= count + 2


async def test_the_suspicion_of_one_is_enough_for_all(server: Server) -> None:
    """References: round trips and downloads are told to both, the density is the greater one."""
    url = f"http://127.0.0.1:{server.port}/x"
    seen: tuple[list[Any], list[Any]] = ([], [])
    sessions = [Session(Policy(probes={"reference"}), each.append) for each in seen]
    sessions[1].intensity = "suspect"
    tasks = [asyncio.create_task(ReferenceSensor([url]).run(s)) for s in sessions]
    await until(lambda: all(len(of(each, RoundTrip)) > 1 and of(each, Download) for each in seen))
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert {o.role for each in seen for o in of(each, RoundTrip)} == {"reference"}
    assert of(seen[0], Download)[0].failure == of(seen[1], Download)[0].failure is not None


takes = st.lists(
    st.tuples(
        st.integers(0, 3), st.integers(1, 3000), st.integers(1, 3), st.sampled_from([0.0, 0.01, 1])
    ),
    max_size=300,
)


@given(takes)
def test_all_together_stay_within_the_largest_bound(takes: list[tuple[int, int, int, Any]]) -> None:
    clock = Clock()
    commons = Commons(clock)
    policies = [
        Policy(probe_floor_bytes_per_min=floor, probe_packets_per_s=rate)
        for floor, rate in ((2000, 2), (20_000, 5), (5000, 20), (300, 1))
    ]
    budgets = [ProbeBudget(policy, clock, commons) for policy in policies]
    sent: list[tuple[float, int]] = []
    for who, size, packets, pause in takes:
        clock.forward(pause)
        if budgets[who].take(size, packets):
            sent.append((clock() / 1e9, packets))
    spent = sum(budget.spent_bytes for budget in budgets)
    assert spent <= max(budget.allowed_bytes() for budget in budgets)
    assert all(b.spent_bytes <= b.allowed_bytes() for b in budgets)
    for start, _ in sent:  # a full bucket and a second's refill
        assert sum(n for at, n in sent if start <= at <= start + 1) <= 40


def test_sessions_one_after_another_have_no_more_than_one() -> None:
    clock = Clock()
    commons = Commons(clock)
    spent = 0
    for _ in range(10):
        budget = ProbeBudget(Policy(probe_floor_bytes_per_min=1000), clock, commons)
        while budget.take(100):
            spent += 100
            clock.forward(0.1)
        budget.close()
    assert spent == 1000
    clock.forward(60)
    budget = ProbeBudget(Policy(probe_floor_bytes_per_min=1000), clock, commons)
    assert budget.left_bytes() == 1000
    assert budget.take(1000)


@pytest.mark.parametrize("since_s", [0, 12, 40])
def test_a_minute_of_suspicion_is_never_dark(since_s: int) -> None:
    """What is asked for all the time gets more seldom, and does not stop."""
    clock = Clock()
    budget = ProbeBudget(Policy(), clock, Commons(clock))
    clock.forward(since_s)
    asked: list[float] = []
    due_s = clock() / 1e9
    while clock() < (since_s + 120) * 1e9:
        clock.forward(0.1)
        if clock() / 1e9 < due_s:
            continue
        if not budget.take(round(SUSPICION_BYTES_PER_S / 4), 2):
            continue
        asked.append(clock() / 1e9)
        due_s = asked[-1] + 0.25 * thrift(budget.lasting_bytes_per_s())
    pauses = [after - before for before, after in pairwise([since_s, *asked])]
    assert max(pauses) < 3
    assert sum(pause < 0.4 for pause in pauses[:60]) > 50, "the first seconds are dense"
    assert budget.spent_bytes > 0.9 * budget.allowed_bytes() or since_s


def test_the_first_half_of_the_floor_is_nothing_to_save() -> None:
    clock = Clock()
    budget = ProbeBudget(Policy(), clock, Commons(clock))
    assert thrift(budget.lasting_bytes_per_s()) == 1.0
    assert budget.take(30_000)
    assert thrift(budget.lasting_bytes_per_s()) == 1.0
    assert budget.take(30_000)
    clock.forward(1)
    assert thrift(budget.lasting_bytes_per_s()) > 2
