"""The tracker of requests under way, without an HTTP library."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
import threading
import time
import urllib.request
from collections.abc import Sequence
from email.message import Message
from http.client import IncompleteRead
from urllib.error import HTTPError, URLError

import pytest

from streamnotice import ThreadWatcher
from streamnotice.errors import HostError
from streamnotice.observations import (
    FirstByte,
    Observation,
    RequestConnected,
    RequestEnded,
    RequestStarted,
    Transfer,
)
from streamnotice.policy import S_NS, Policy
from streamnotice.sensors.requests import POLL_NS, RequestTracker, _until_next_look, guess_role
from streamnotice.session import Session
from tests.answering import Quiet, answering


class Rig:
    def __init__(self) -> None:
        self.seen: list[Observation] = []
        self.clock_ns = 0
        self.session = Session(Policy(), self.seen.append, clock_ns=lambda: self.clock_ns)
        self.tracker = RequestTracker(self.session)
        self.seen.clear()


def test_roles_from_paths() -> None:
    roles = {
        "/live/master.m3u8": "playlist",
        "/vod/x.MPD": "playlist",
        "/a/b/seg-1.ts": "media",
        "/a/init.mp4": "media",
        "/a/1.cmfv": "media",
        "/": "other",
        "/api/m3u8": "other",
        "/ts": "other",
        "/page.html": "other",
    }
    assert {path: guess_role(path) for path in roles} == roles


def test_a_request_of_a_host_without_asyncio() -> None:
    rig = Rig()
    with rig.tracker.request("https://cdn.example/seg.ts?key=1") as r:
        assert rig.session.loads == 1
        rig.clock_ns = 50_000_000
        r.first_byte(status=206, headers={"Content-Length": "30"})
        r.received(10)
        r.received(20)
        r.received(-5)
    assert [type(o) for o in rig.seen if o.kind != "sight"] == [
        RequestStarted,
        FirstByte,
        Transfer,
        RequestEnded,
    ]
    first = rig.seen[1]
    assert isinstance(first, FirstByte)
    assert (first.ttfb_ns, first.status, first.length_bytes) == (50_000_000, 206, 30)
    last = rig.seen[-1]
    assert isinstance(last, RequestEnded)
    assert (last.received_bytes, last.failure) == (30, None)
    assert rig.session.loads == 0
    assert rig.session.budget.media_bytes == 30
    (target,) = rig.session.targets("service")
    assert (target.host, target.port, target.address) == ("cdn.example", 443, None)


def test_a_server_that_takes_a_request_and_does_not_answer_is_followed_before_it_fails() -> None:
    rig = Rig()
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as sock:
        sock.connect(server.getsockname())
        with rig.tracker.request("http://cdn.example/seg1.ts") as r:
            r.connected(sock=sock, reused=False)
            record = r._record
            rig.clock_ns += 2_900_000_000
            record.look()
            assert not rig.session.targets("service"), "it may only send the player on"
            rig.clock_ns += 200_000_000
            record.look()
            (target,) = rig.session.targets("service")
            assert (target.host, target.address) == ("127.0.0.1", "127.0.0.1")


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (TimeoutError(), "timeout"),
        (ConnectionResetError(), "reset"),
        (ConnectionRefusedError(), "refused"),
        (OSError(113, "no route"), "unreachable"),
        (asyncio.IncompleteReadError(b"", 3), "truncated"),
        (IncompleteRead(b"", 3), "truncated"),
        (URLError(ConnectionRefusedError()), "refused"),
        (URLError(socket.gaierror()), "dns"),
        (URLError("no host given"), "other"),
        (asyncio.CancelledError(), "cancelled"),
        (ValueError(), "other"),
    ],
)
def test_what_leaves_the_block_is_the_failure_and_goes_on(
    error: BaseException, failure: str
) -> None:
    rig = Rig()
    with pytest.raises(type(error)), rig.tracker.request("http://h/seg.ts"):
        raise error
    ended = rig.seen[-1]
    assert isinstance(ended, RequestEnded)
    assert ended.failure == failure


def test_an_answer_that_urllib_raises_is_an_answer() -> None:
    rig = Rig()
    error = HTTPError("http://h/seg.ts", 503, "busy", Message(), None)
    error.headers["Age"] = "3"
    with pytest.raises(HTTPError), rig.tracker.request("http://h/seg.ts"):
        raise error
    (first,) = (o for o in rig.seen if isinstance(o, FirstByte))
    assert (first.status, first.age_s) == (503, 3)
    assert isinstance(rig.seen[-1], RequestEnded)
    assert rig.seen[-1].failure is None


def ended(
    headers: dict[str, str], received: Sequence[int], *, said: bool = True, status: int = 200
) -> str | None:
    """How a request ends whose body came so, and was read to its end or not."""
    rig = Rig()
    with rig.tracker.request("http://h/seg.ts") as r:
        r.first_byte(status, headers)
        for count in received:
            r.received(count)
        if said:
            r.ended()
        r.received(1)  # after the end
    (last,) = (o for o in rig.seen if isinstance(o, RequestEnded))
    assert last.received_bytes == sum(received) + (not said)
    return last.failure


def test_a_body_shorter_than_declared_was_cut_off() -> None:
    assert ended({"Content-Length": "1000"}, [400, 200]) == "truncated"
    assert ended({"content-length": "1000"}, [400, 200], status=206) == "truncated"
    assert ended({"Content-Length": "1000"}, [400, 600]) is None
    assert ended({"Content-Length": "1000"}, [400, 900]) is None
    assert ended({}, [400]) is None
    assert ended({"Content-Length": "many"}, [400]) is None


def test_a_body_that_the_standard_library_takes_for_whole_is_known_to_be_cut_off() -> None:
    """As the page on embedding reads it: nothing is raised."""

    class Handler(Quiet):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"x" * 300)

    rig = Rig()
    with answering(Handler) as port:
        url = f"http://127.0.0.1:{port}/seg.ts"
        with rig.tracker.request(url) as r, urllib.request.urlopen(url) as answer:
            r.first_byte(status=answer.status, headers=answer.headers)
            while chunk := answer.read1(65_536):
                r.received(len(chunk))
            r.ended()
    (last,) = (o for o in rig.seen if isinstance(o, RequestEnded))
    assert (last.received_bytes, last.failure) == (300, "truncated")


def test_of_several_lines_of_a_name_each_counts() -> None:
    """As the standard library has them, whose `dict` would keep the first alone."""

    class Handler(Quiet):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Server-Timing", "cpu;dur=2")
            self.send_header("Server-Timing", "origin;dur=900")
            self.send_header("Content-Length", "3")
            self.end_headers()
            self.wfile.write(b"abc")

    rig = Rig()
    with answering(Handler) as port:
        url = f"http://127.0.0.1:{port}/seg.ts"
        with rig.tracker.request(url) as r, urllib.request.urlopen(url) as answer:
            r.first_byte(status=answer.status, headers=answer.headers)
            rig.clock_ns += 50_000_000  # told at once with its body, no first byte is weighed
            r.received(len(answer.read()))
            r.ended()
    (first,) = (o for o in rig.seen if isinstance(o, FirstByte))
    assert first.origin_ns == 900_000_000


def test_nobody_is_accused_of_cutting_off_what_may_be_whole() -> None:
    short, coded = {"Content-Length": "1000"}, {"Content-Length": "1000", "Content-Encoding": "br"}
    assert ended(short, [400], said=False) is None  # the host may have wanted no more
    assert ended(short, []) is None  # it doesn't count, or it asked by HEAD
    assert ended(short, [], status=304) is None
    assert ended(coded, [400]) is None  # bytes as they were unpacked, or as they were carried
    assert ended({"Content-Length": "1000", "Transfer-Encoding": "chunked"}, [400]) is None


def test_who_wants_no_more_has_cancelled() -> None:
    rig = Rig()
    with rig.tracker.request("http://h/seg.ts") as r:
        r.first_byte(200, {"Content-Length": "1000"})
        r.received(400)
        r.failed("cancelled")
        r.ended()
    (last,) = (o for o in rig.seen if isinstance(o, RequestEnded))
    assert last.failure == "cancelled"


def test_values_of_a_wrong_kind_cost_themselves_alone() -> None:
    """The record would not take them, and the request would never end."""
    rig = Rig()
    with rig.tracker.request("http://h/seg.ts") as r:
        r.connected(dns_s=b"x", connect_s=0.02, reused="no")  # type: ignore[arg-type]
        r.failed("weird")  # type: ignore[arg-type]
    connected, last = rig.seen[-2:]
    assert isinstance(connected, RequestConnected)
    assert (connected.dns_ns, connected.connect_ns, connected.reused) == (None, 20_000_000, None)
    assert isinstance(last, RequestEnded)
    assert last.failure == "other"


def test_calls_after_the_end_do_nothing() -> None:
    rig = Rig()
    record = rig.tracker.start("http://h/seg.ts")
    record.ended("reset")
    before = len(rig.seen)
    record.connected(reused=True)
    record.first_byte(200, {})
    record.received(10)
    record.attach(None, lambda: 7)
    record.ended()
    assert len(rig.seen) == before


@pytest.mark.parametrize("url", ["", "http://", "http://[::1", "http://h:99999/x", "https:///x"])
def test_an_address_without_a_host_is_the_hosts_mistake(url: str) -> None:
    with pytest.raises(HostError, match="not a URL or host name"):
        Rig().tracker.request(url)


@pytest.mark.parametrize(
    "url", ["data:text/plain;base64,AAAA", "file:///film.mp4", "BLOB:https://h/1", "file:film.mp4"]
)
def test_what_is_at_hand_is_asked_of_nobody(url: str) -> None:
    """Playlists name keys and headers like that, and the host fetches all in one way."""
    rig = Rig()
    with rig.tracker.request(url, role="media") as r:
        r.first_byte(200)
        r.received(16)
        r.ended()
    assert rig.seen == []
    assert rig.session.loads == 0


def test_an_unknown_role_is_the_hosts_mistake() -> None:
    with pytest.raises(HostError, match="media, playlist or other"):
        Rig().tracker.request("http://h/x", role="video")


@pytest.mark.expects_failure
def test_bad_figures_do_not_reach_the_host() -> None:
    rig = Rig()
    with rig.tracker.request("http://h/seg.ts") as r:
        r.first_byte(status=None)  # type: ignore[arg-type]
        r.received("x")  # type: ignore[arg-type]
        r.connected(dns_s=float("nan"))
    assert isinstance(rig.seen[-1], RequestEnded)


def test_requests_that_never_end_are_dropped_with_a_word(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rig = Rig()
    with caplog.at_level(logging.WARNING, logger="streamnotice"):
        for n in range(300):
            rig.tracker.start(f"http://h{n}/seg.ts")
    assert len(rig.tracker.active) == 256
    assert rig.session.loads == 256
    assert sum(isinstance(o, RequestEnded) for o in rig.seen) == 44
    assert len([r for r in caplog.records if "request.dropped" in r.getMessage()]) == 44
    rig.clock_ns = 601 * 10**9
    rig.tracker.look()
    assert rig.tracker.active == []
    assert rig.session.loads == 0


def test_what_does_not_change_is_told_once_a_second() -> None:
    rig = Rig()
    record = rig.tracker.start("http://h/seg.ts")
    record.first_byte(200, {})
    record.received(100)
    rig.seen.clear()
    for step in range(16):  # as often as the shared task does
        rig.clock_ns = step * POLL_NS
        rig.tracker.look()
    assert [o.at_ns for o in rig.seen] == [0, 10**9, 2 * 10**9, 3 * 10**9]


async def test_the_shared_task_lives_only_while_something_is_under_way() -> None:
    rig = Rig()
    record = rig.tracker.start("http://h/seg.ts")
    assert [t for t in asyncio.all_tasks() if t.get_name() == "streamnotice-requests"]
    record.received(5)
    record.ended()
    async with asyncio.timeout(5):
        (poller,) = [t for t in asyncio.all_tasks() if t.get_name() == "streamnotice-requests"]
        await poller
    rig.tracker.start("http://h/2.ts")
    assert [t for t in asyncio.all_tasks() if t.get_name() == "streamnotice-requests"]
    rig.tracker.close()


def test_without_a_loop_the_hosts_own_calls_tell_of_progress() -> None:
    rig = Rig()
    with rig.tracker.request("http://h/seg.ts") as r:
        for step in range(10):
            rig.clock_ns = step * 50_000_000
            r.received(1000)
    transfers = [o for o in rig.seen if isinstance(o, Transfer)]
    assert [t.received_bytes for t in transfers] == [5000, 9000, 10_000]


def test_requests_of_many_threads_have_numbers_of_their_own() -> None:
    rig = Rig()

    def fetch() -> None:
        for _ in range(50):
            with rig.tracker.request("http://h/seg.ts") as r:
                r.first_byte()
                r.received(10)

    threads = [threading.Thread(target=fetch) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {o.request for o in rig.seen if isinstance(o, RequestEnded)} == set(range(1, 201))
    assert rig.session.loads == 0
    assert rig.tracker.active == []


@pytest.mark.parametrize("late_ms", [0, 2, 30])
def test_the_shared_task_looks_at_the_odd_tenths(late_ms: int) -> None:
    """One that comes late is followed by one in time, and one that comes early by none too many."""
    now = 12 * S_NS
    looks = []
    for _ in range(20):
        now += _until_next_look(now) + late_ms * 1_000_000
        looks.append(now % S_NS // 1_000_000)
    assert sorted(set(looks)) == [tenth * 100 + late_ms for tenth in (1, 3, 5, 7, 9)]
    assert _until_next_look(12 * S_NS + 99_000_000) == 201_000_000


def test_a_request_without_news_is_told_of_once_a_second_though_looks_come_uneven() -> None:
    rig = Rig()
    record = rig.tracker.start("http://h/seg.ts")
    record.received(1000)
    for look in range(50):
        rig.clock_ns = 100_000_000 + look * 200_000_000 + (look * 7919 % 15) * 100_000
        record.look()
    told = [o.at_ns // S_NS for o in rig.seen if isinstance(o, Transfer)]
    assert told == list(range(10))
    record.ended()


@pytest.mark.parametrize(
    ("status", "headers", "told"),
    [
        (None, None, (200, None)),
        ("404", {"Content-Length": "5"}, (404, 5)),
        (float("nan"), {"Content-Length": 5}, (200, 5)),
        (206, [("content-length", "5"), ("Age", "2")], (206, 5)),
        (200, [(b"Content-Length", b"5")], (200, 5)),
        (200, 7, (200, None)),
        (200, "text", (200, None)),
    ],
)
def test_headers_and_statuses_of_any_kind_are_an_answer(
    status: object, headers: object, told: tuple[int, int | None]
) -> None:
    """An answer that isn't told of is one that the player waits for."""
    rig = Rig()
    with rig.tracker.request("http://h/seg.ts") as r:
        r.first_byte(status, headers)  # type: ignore[arg-type]
        rig.clock_ns += 50_000_000
        r.received(5)
    (first,) = (o for o in rig.seen if isinstance(o, FirstByte))
    assert (first.status, first.length_bytes) == told


@pytest.mark.parametrize("nonsense", [None, float("nan"), float("inf"), -5, 10**30, "9", b"9"])
def test_a_count_that_cannot_be_is_none(nonsense: object) -> None:
    rig = Rig()
    with rig.tracker.request("http://h/seg.ts") as r:
        r.first_byte(200)
        r.received(nonsense)  # type: ignore[arg-type]
        r.received(7)
    last = rig.seen[-1]
    assert isinstance(last, RequestEnded)
    assert last.received_bytes == 7


def test_any_number_of_threads_may_begin_requests() -> None:
    """More than are followed at a time: then some of them make room for others."""
    rig, raised = Rig(), []

    def work(part: int) -> None:
        try:
            for turn in range(20):
                held = [rig.tracker.request(f"http://10.0.{part}.{turn}/{i}.ts") for i in range(60)]
                for r in held:
                    r.first_byte(200)
                    r.ended()
        except BaseException as error:
            raised.append(error)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work, args=(part,)) for part in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert raised == []
    assert rig.tracker.active == []
    assert rig.session.loads == 0


def test_a_request_that_nobody_can_end_any_more_ends() -> None:
    """Of a host without an event loop, too: else the server were taken for one that is silent."""
    with ThreadWatcher() as w:
        requests = w._watcher.requests
        w.request("http://127.0.0.1:9/0.ts").first_byte(200)
        kept = w.request("http://127.0.0.1:9/1.ts")
        end = time.monotonic() + 5
        while len(requests.active) > 1 and time.monotonic() < end:
            time.sleep(0.02)
        assert [record.number for record in requests.active] == [2]
        kept.ended()
        assert requests.active == []


async def test_no_loop_of_the_hosts_that_stands_still_keeps_requests_from_being_looked_at() -> None:
    rig = Rig()
    rig.tracker.open(asyncio.get_running_loop())
    hosts = asyncio.new_event_loop()

    async def fetch() -> None:
        with rig.tracker.request("https://v.example/1.ts"):
            await asyncio.sleep(0.01)

    await asyncio.to_thread(hosts.run_until_complete, fetch())
    read = threading.Event()

    def progress() -> int:
        read.set()
        return 0

    rig.tracker.start("https://v.example/2.ts").attach(None, progress)
    try:
        assert await asyncio.to_thread(read.wait, 5)
    finally:
        rig.tracker.close()
        hosts.close()
