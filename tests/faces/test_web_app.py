"""The web face's addresses: stream, answers, and who is let in."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from streamnotice import HostError
from streamnotice.faces.web import WebFace, make_app
from streamnotice.faces.web.guard import TOKEN_HEADER, Guard
from streamnotice.faces.web.stream import KEPT, MOST_READERS, QUEUE, Stream, encode
from streamnotice.testing import ToldWatcher
from tests.faces.pages import served


async def events(response: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, str, Any]]:
    """(event, id, data) as a browser reads them."""
    fields: dict[str, str] = {}
    async for raw in response.content:
        line = raw.decode().rstrip("\n")
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "event" in fields:
            yield fields["event"], fields.get("id", ""), json.loads(fields["data"])
            fields = {}
        else:
            fields = {}


@asynccontextmanager
async def listening(
    http: aiohttp.ClientSession, address: str, last: str = ""
) -> AsyncIterator[Any]:
    headers = {"Last-Event-ID": last} if last else {}
    async with http.get(f"{address}notices/events", headers=headers) as response:
        assert response.status == 200
        assert response.content_type == "text/event-stream"
        yield events(response)


async def test_a_notice_reaches_the_page_and_its_answer_comes_back() -> None:
    dismissed: list[Any] = []
    loop = asyncio.get_running_loop()
    async with (
        ToldWatcher(on_dismissed=dismissed.append, dispatch=loop.call_soon) as w,
        served(w) as address,
        aiohttp.ClientSession() as http,
        listening(http, address) as told,
    ):
        kind, _, hello = await anext(told)
        assert (kind, hello["dir"], hello["standing"]) == ("hello", "ltr", False)
        assert hello["words"]["understood"] == "I understand"
        w.say("service.edge", "slow")
        kind, id_, notice = await anext(told)
        assert (kind, notice["bottleneck"], notice["severity"]) == (
            "notice",
            "service.edge",
            "high",
        )
        assert id_
        headers = {TOKEN_HEADER: hello["token"], "Origin": address.rstrip("/")}
        body = {"do": "dismiss", "id": "n1", "scope": "session"}
        async with http.post(f"{address}notices/answer", json=body, headers=headers) as answer:
            assert answer.status == 204
        kind, _, gone = await anext(told)
        assert (kind, gone["id"], gone["face"]) == ("dismissed", "n1", "web")
        async with http.post(f"{address}notices/answer", json=body, headers=headers) as answer:
            assert answer.status == 409
        assert [m.scope for m in w.muted()] == ["session"]
    assert len(dismissed) == 1


async def test_a_page_that_was_away_gets_what_it_missed_or_what_stands() -> None:
    async with (
        ToldWatcher() as w,
        served(w) as address,
        aiohttp.ClientSession() as http,
    ):
        async with listening(http, address) as told:
            await anext(told)
            w.say("service.edge", "slow")
            _, first, _ = await anext(told)
        w.say("service.origin", "slow", state="updated")
        w.say("service.origin", "slow", state="resolved", reason="withdrawn")
        async with listening(http, address, last=first) as told:
            await anext(told)
            missed = [await anext(told), await anext(told)]
            assert [data["state"] for _, _, data in missed] == ["updated", "resolved"]
        w.say("service.edge", "slow")
        for unknown in ("other-1", "nonsense", first.partition("-")[0] + "-99999999999999999999"):
            async with listening(http, address, last=unknown) as told:
                assert (await anext(told))[2]["standing"] is True
                assert (await anext(told))[2]["state"] == "raised"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({}, 403),  # no origin at all: no page of ours
        ({"Origin": "null"}, 403),
        ({"Origin": "own", TOKEN_HEADER: "wrong"}, 403),
        ({"Origin": "own", TOKEN_HEADER: ""}, 403),
        ({"Host": "rebound.example", "Origin": "http://rebound.example"}, 403),
    ],
)
async def test_other_pages_can_answer_nothing(headers: dict[str, str], status: int) -> None:
    async with ToldWatcher() as w, served(w) as address, aiohttp.ClientSession() as http:
        async with listening(http, address) as told:
            token = (await anext(told))[2]["token"]
        w.say("service.edge", "slow")
        if headers.get("Origin") == "own":
            headers = headers | {"Origin": address.rstrip("/")}
        sent = {TOKEN_HEADER: token} | headers
        body = {"do": "dismiss", "id": "n1"}
        async with http.post(f"{address}notices/answer", json=body, headers=sent) as answer:
            assert answer.status == status
        assert w.dismiss("n1")  # it still stands


async def test_nobody_reads_by_a_name_that_was_made_to_point_here() -> None:
    async with ToldWatcher() as w, served(w) as address, aiohttp.ClientSession() as http:
        for path in ("events", "notice.js"):
            rebound = {"Host": "rebound.example"}
            async with http.get(f"{address}notices/{path}", headers=rebound) as answer:
                assert answer.status == 403
                assert "origins=" in await answer.text()


async def test_a_listed_origin_is_let_in() -> None:
    origin = "https://watch.example"
    async with (
        ToldWatcher() as w,
        served(w, origins=[origin]) as address,
        aiohttp.ClientSession() as http,
    ):
        ask = {"Origin": origin, "Host": "watch.example"}
        async with http.get(f"{address}notices/events", headers=ask) as response:
            assert response.headers["Access-Control-Allow-Origin"] == origin
            token = (await anext(events(response)))[2]["token"]
        w.say("service.edge", "slow")
        sent = {"Origin": origin, TOKEN_HEADER: token}
        async with http.options(f"{address}notices/answer", headers=sent) as answer:
            assert TOKEN_HEADER in answer.headers["Access-Control-Allow-Headers"]
        body = {"do": "dismiss", "id": "n1"}
        async with http.post(f"{address}notices/answer", json=body, headers=sent) as answer:
            assert answer.status == 204
        other = {"Origin": "https://other.example"}
        async with http.get(f"{address}notices/notice.js", headers=other) as answer:
            assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("bad", ["watch.example", "ftp://x", "https://x/path", "https://"])
def test_what_is_no_origin_is_refused(bad: str) -> None:
    with pytest.raises(HostError, match="origin"):
        Guard([bad])


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b"{", 400),
        (b'{"do":"explode","id":"n1"}', 400),
        (b'{"do":"dismiss"}', 400),
        (b'{"do":"dismiss","id":"n1","scope":"forever"}', 400),
        (b'{"do":"act","id":"n1"}', 400),
        (b'{"do":"act","id":"n1","action":"rm -rf"}', 409),
        (b"[" * 1500, 400),
        (b" " * 5000, 413),
    ],
)
async def test_answers_that_make_no_sense_harm_nothing(body: bytes, status: int) -> None:
    async with ToldWatcher() as w, served(w) as address, aiohttp.ClientSession() as http:
        async with listening(http, address) as told:
            token = (await anext(told))[2]["token"]
        w.say("service.edge", "slow")
        headers = {
            TOKEN_HEADER: token,
            "Origin": address.rstrip("/"),
            "Content-Type": "application/json",
        }
        async with http.post(f"{address}notices/answer", data=body, headers=headers) as answer:
            assert answer.status == status
        plain = headers | {"Content-Type": "text/plain"}
        good = b'{"do":"dismiss","id":"n1"}'
        async with http.post(f"{address}notices/answer", data=good, headers=plain) as answer:
            assert answer.status == 415


async def test_the_module_and_its_style_are_served_with_their_kinds() -> None:
    async with ToldWatcher() as w, served(w) as address, aiohttp.ClientSession() as http:
        for path, kind in (
            ("notice.js", "text/javascript"),
            ("notice.css", "text/css"),
            ("", "text/html"),
        ):
            async with http.get(f"{address}notices/{path}") as answer:
                assert (answer.status, answer.content_type) == (200, kind)
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
                if kind == "text/html":
                    assert "unsafe" not in answer.headers["Content-Security-Policy"]


async def test_the_end_of_the_session_ends_the_stream() -> None:
    async with (
        aiohttp.ClientSession() as http,
        ToldWatcher() as w,
        served(w) as address,
        listening(http, address) as told,
    ):
        await anext(told)
        await w.close()
        assert [kind async for kind, _, _ in told] == ["end"]


async def test_a_page_of_its_own_on_loopback() -> None:
    face = WebFace()
    async with ToldWatcher(faces=[face]) as w:
        for _ in range(100):
            if face.address is not None:
                break
            await asyncio.sleep(0.02)
        assert face.address is not None
        assert face.address.startswith("http://127.0.0.1:")
        async with aiohttp.ClientSession() as http, http.get(f"{face.address}events") as answer:
            told = events(answer)
            await anext(told)
            w.say("service.edge", "slow")
            assert (await anext(told))[2]["id"] == "n1"
    async with aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.ClientConnectorError):
            await http.get(face.address)


@pytest.mark.expects_failure
async def test_a_taken_port_costs_the_face_alone() -> None:
    errors: list[Any] = []
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    loop = asyncio.get_running_loop()
    faces = [WebFace(port)]
    async with ToldWatcher(faces=faces, on_error=errors.append, dispatch=loop.call_soon) as w:
        for _ in range(100):
            if errors:
                break
            await asyncio.sleep(0.02)
        w.say("service.edge", "slow")
    server.close()
    assert errors[0][0] == "face.web"
    assert f"port {port}" in errors[0][1]


async def test_a_slow_reader_is_cut_off_and_costs_no_memory() -> None:
    stream = Stream()
    reading = stream.read(b"", None, None)
    await anext(reading)
    stream.send("notice", {"number": -1})
    await anext(reading)
    for number in range(3 * QUEUE):
        stream.send("notice", {"number": number})
    assert len(stream._kept) == KEPT
    assert stream.readers == 0
    assert [line async for line in reading] == []


async def test_only_so_many_pages_listen() -> None:
    async with ToldWatcher() as w, served(w) as address:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as http:
            open_ones = [await http.get(f"{address}notices/events") for _ in range(MOST_READERS)]
            for one in open_ones:
                await one.content.readline()
            async with http.get(f"{address}notices/events") as refused:
                assert refused.status == 503
            for one in open_ones:
                one.close()


def test_a_value_can_not_begin_an_event_of_its_own() -> None:
    line = encode("notice", {"text": "a\n\nevent: hello\ndata: {}\n\n\r\r\u2028"}, "1-1")
    assert line.count(b"\n\n") == 1
    assert line.count(b"event: ") == 2  # its own, and the one inside the string
    assert b"\nevent: hello" not in line


async def test_the_app_lets_go_of_the_watcher() -> None:
    async with ToldWatcher() as w:
        app = make_app(w)
        await asyncio.sleep(0.01)
        assert len(w._delivery._faces) == 1
        app.freeze()
        await app.shutdown()
        assert w._delivery._faces == []
