"""mpv's JSON IPC: lines in pieces, answers by number, an end that reaches everyone who waits."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamnotice.players.mpv_ipc import MAX_LINE_BYTES, LineSplitter, MpvError, MpvIpc, parse


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_lines_come_out_however_the_bytes_are_cut(pieces: list[bytes]) -> None:
    splitter = LineSplitter(max_bytes=10_000)
    lines = [line for piece in pieces for line in splitter.feed(piece)]
    assert lines == b"".join(pieces).split(b"\n")[:-1]


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_a_line_that_is_too_long_costs_that_line_alone(pieces: list[bytes]) -> None:
    splitter = LineSplitter(max_bytes=8)
    lines = [line for piece in pieces for line in splitter.feed(piece)]
    whole = b"".join(pieces).split(b"\n")
    assert lines == [line for line in whole[:-1] if len(line) <= 8]
    assert splitter.dropped == sum(len(line) > 8 for line in whole)


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_any_line_is_a_message_or_nothing(line: bytes) -> None:
    message = parse(line)
    assert message is None or isinstance(message, dict)


def test_deep_nesting_is_nothing() -> None:
    assert parse(b'{"a":' + b"[" * 200_000) is None


@asynccontextmanager
async def talking() -> AsyncIterator[
    tuple[MpvIpc, asyncio.StreamReader, asyncio.StreamWriter, list[Any]]
]:
    ours, theirs = socket.socketpair()
    events: list[Any] = []
    ipc = await MpvIpc.over(ours, events.append)
    reader, writer = await asyncio.open_connection(sock=theirs)
    try:
        yield ipc, reader, writer, events
    finally:
        ipc.close()
        writer.close()
        await ipc.closed


async def test_answers_find_their_question_and_events_pass() -> None:
    async with talking() as (ipc, reader, writer, events):
        first = ipc.start(["get_property", "a"])
        second = ipc.start({"name": "osd-overlay", "id": 1})
        asked = [json.loads(await reader.readline()) for _ in range(2)]
        assert asked[0]["command"] == ["get_property", "a"]
        assert asked[1]["command"] == {"name": "osd-overlay", "id": 1}
        writer.write(b'{"event":"idle"}\nnot json\n[1]\n{"request_id":77,"error":"success"}\n')
        for question, answer in ((asked[1], 2), (asked[0], 1)):
            number = question["request_id"]
            reply = {"request_id": number, "error": "success", "data": answer}
            writer.write(json.dumps(reply).encode() + b"\n")
        assert (await first, await second) == (1, 2)
        assert events == [{"event": "idle"}]


async def test_a_refusal_is_an_error() -> None:
    async with talking() as (ipc, reader, writer, _):
        future = ipc.start(["x"])
        number = json.loads(await reader.readline())["request_id"]
        writer.write(
            json.dumps({"request_id": number, "error": "invalid parameter"}).encode() + b"\n"
        )
        with pytest.raises(MpvError, match="invalid parameter"):
            await future


async def test_a_huge_line_is_skipped_and_the_next_one_heard() -> None:
    async with talking() as (ipc, _, writer, events):
        writer.write(b'{"event":"' + b"x" * (MAX_LINE_BYTES + 9) + b'"}\n{"event":"after"}\n')
        await writer.drain()
        async with asyncio.timeout(10):
            while not events:  # noqa: ASYNC110 -- nothing else to wait for
                await asyncio.sleep(0.01)
        assert events == [{"event": "after"}]
        assert not ipc.closed.done()


async def test_an_answer_that_does_not_come_is_an_error() -> None:
    async with talking() as (ipc, _, _writer, _events):
        with pytest.raises(MpvError, match="did not answer"):
            await ipc.command("get_property", "pause", within_s=0.05)
        assert ipc._waiting == {}


async def test_when_mpv_goes_all_questions_fail() -> None:
    async with talking() as (ipc, _, writer, _events):
        future = ipc.start(["x"])
        writer.close()
        with pytest.raises(MpvError, match="gone"):
            await future
        await ipc.closed
        with pytest.raises(MpvError, match="gone"):
            await ipc.command("y")


async def test_an_mpv_that_reads_nothing_blocks_nobody() -> None:
    async with talking() as (ipc, _, _writer, _events):
        futures = [ipc.start(["show-text", "x" * 10_000]) for _ in range(400)]
        with pytest.raises(MpvError, match="takes no commands"):
            await futures[-1]
        for future in futures:
            future.cancel()


async def test_no_socket_no_client(tmp_path: Any) -> None:
    with pytest.raises(MpvError, match="no mpv listens"):
        await MpvIpc.connect(tmp_path / "none", lambda message: None)
