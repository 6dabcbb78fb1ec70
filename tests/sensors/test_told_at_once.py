"""Hosts that tell of a whole answer at once: nobody knows when its first byte came."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from streamnotice import Policy, ThreadWatcher
from streamnotice.observations import FirstByte
from streamnotice.sensors.requests import RequestScope, RequestTracker
from streamnotice.session import Session
from streamnotice.testing import Clock
from tests.answering import Quiet, answering

SIZE = 300_000
PAUSE_S = 0.15


class Slow(Quiet):
    """Headers at once, and the body in three parts with a pause before each; short playlists."""

    def do_GET(self) -> None:
        short = self.path.endswith(".m3u8")
        self.send_response(404 if "missing" in self.path else 200)
        self.send_header("Content-Length", "400" if short else str(SIZE))
        self.end_headers()
        if short:
            self.wfile.write(b"x" * 400)
            return
        for _ in range(3):
            time.sleep(PAUSE_S)
            self.wfile.write(b"x" * (SIZE // 3))


def at_once(r: RequestScope, answer: Any) -> None:
    body = answer.read()
    r.first_byte(answer.status, dict(answer.headers))
    r.received(len(body))


def body_first(r: RequestScope, answer: Any) -> None:
    r.received(len(answer.read()))
    r.first_byte(answer.status, answer.getheaders())


def as_it_comes(r: RequestScope, answer: Any) -> None:
    r.first_byte(answer.status, answer.headers)
    while chunk := answer.read1(65_536):
        r.received(len(chunk))


def in_one_lump(r: RequestScope, answer: Any) -> None:
    r.first_byte(answer.status, answer.getheaders())
    r.received(len(answer.read()))


Way = Callable[[RequestScope, Any], None]


@pytest.fixture
def told(tmp_path: Path) -> Callable[..., list[dict[str, Any]]]:
    """The answers that a session's record tells of, when a host fetches *paths* in its way."""

    def fetch(way: Way, *paths: str) -> list[dict[str, Any]]:
        dossier = tmp_path / "told.jsonl"
        with answering(Slow) as port, ThreadWatcher(dossier=dossier) as w:
            for path in paths:
                url = f"http://127.0.0.1:{port}/{path}"
                try:
                    with w.request(url) as r, urllib.request.urlopen(url) as answer:
                        way(r, answer)
                        r.ended()
                except urllib.error.HTTPError as error:
                    error.close()
            assert w._watcher.session.targets("service") != []
        lines = [json.loads(line) for line in dossier.read_bytes().splitlines()]
        return [line for line in lines if line.get("kind") == "first-byte"]

    return fetch


FILM = ("master.m3u8", "low.m3u8", "0.ts", "1.ts")


@pytest.mark.parametrize("way", [at_once, body_first])
def test_what_is_told_at_once_tells_no_time_to_the_first_byte(told: Any, way: Way) -> None:
    assert told(way, *FILM) == []


@pytest.mark.parametrize("way", [as_it_comes, in_one_lump])
def test_what_is_told_as_it_comes_does(told: Any, way: Way) -> None:
    times = [answer["ttfb_ns"] for answer in told(way, *FILM)]
    assert len(times) >= 2
    assert max(times) < PAUSE_S * 1e9 / 2


def test_errors_are_always_told_of(told: Any) -> None:
    assert [answer["status"] for answer in told(at_once, "0.ts", "missing.ts")] == [404]


@pytest.mark.expects_failure
def test_the_host_is_told_once() -> None:
    class Late(Slow):
        def do_GET(self) -> None:
            time.sleep(1.2)
            super().do_GET()

    errors: list[Any] = []
    with answering(Late) as port, ThreadWatcher(on_error=errors.append) as w:
        for number in range(2):
            url = f"http://127.0.0.1:{port}/{number}.ts"
            with w.request(url) as r, urllib.request.urlopen(url) as answer:
                at_once(r, answer)
    assert [where for where, _ in errors] == ["requests.first_byte"]
    assert "300000 bytes" in errors[0][1]


def large_pieces(count: int, headers: dict[str, str]) -> list[Any]:
    """The answers told of, and errors, until a third of a second after *count* pieces."""
    clock = Clock()
    told: list[Any] = []
    errors: list[Any] = []
    session = Session(Policy(), told.append, on_error=lambda *e: errors.append(e), clock_ns=clock)
    tracker = RequestTracker(session)
    with tracker.request("http://192.0.2.1/film.mp4") as r:
        clock.forward(1.2)
        r.first_byte(200, headers)
        for _ in range(count):
            clock.forward(0.01)
            r.received(1 << 18)
        clock.forward(0.3)
        tracker.look()
        return [(o.at_ns, o.ttfb_ns) for o in told if isinstance(o, FirstByte)] + errors


@pytest.mark.parametrize(
    ("count", "headers"), [(1, {"Content-Length": "30000000"}), (4, {}), (9, {"Age": "1"})]
)
def test_who_reads_in_large_pieces_tells_of_a_body_as_it_comes(
    count: int, headers: dict[str, str]
) -> None:
    assert large_pieces(count, headers) == [(1_200_000_000, 1_200_000_000)]
