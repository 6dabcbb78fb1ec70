"""Callbacks of the host: whatever they do, the library goes on."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

from streamnotice.hooks import QUEUE, Hooks


async def until(ready: Callable[[], bool], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not ready() and time.monotonic() < end:  # noqa: ASYNC110 -- hooks signal nothing
        await asyncio.sleep(0.01)
    assert ready()


def opened(**callbacks: Callable[..., Any]) -> Hooks:
    hooks = Hooks(dict(callbacks))
    hooks.open(asyncio.get_running_loop())
    return hooks


async def test_plain_functions_run_in_order_off_the_loops_thread() -> None:
    seen: list[tuple[int, int]] = []
    hooks = opened(notice=lambda n: seen.append((n, threading.get_ident())))
    for number in range(20):
        hooks.call("notice", number)
    await until(lambda: len(seen) == 20)
    assert [n for n, _ in seen] == list(range(20))
    assert threading.get_ident() not in {ident for _, ident in seen}
    await hooks.close()


async def test_coroutines_run_on_the_hosts_loop_in_order() -> None:
    seen: list[int] = []

    async def take(number: int) -> None:
        seen.append(number)
        await asyncio.sleep(0)

    hooks = opened(notice=take)
    for number in range(10):
        hooks.call("notice", number)
    await until(lambda: len(seen) == 10)
    assert seen == list(range(10))
    await hooks.close()


async def test_a_callback_that_raises_is_followed_by_the_next() -> None:
    seen: list[int] = []

    def take(number: int) -> None:
        seen.append(number)
        raise RuntimeError("host's bug")

    hooks = opened(notice=take)
    hooks.call("notice", 1)
    hooks.call("notice", 2)
    await until(lambda: seen == [1, 2])
    await hooks.close()


async def test_an_error_whose_repr_fails_harms_nothing() -> None:
    class Nasty(Exception):
        def __repr__(self) -> str:
            raise ValueError

    seen: list[int] = []

    def take(number: int) -> None:
        seen.append(number)
        raise Nasty

    hooks = opened(notice=take)
    hooks.call("notice", 1)
    hooks.call("notice", 2)
    await until(lambda: seen == [1, 2])
    await hooks.close()


async def test_a_callback_that_never_returns_fills_its_queue_and_no_more() -> None:
    gate = threading.Event()
    other: list[int] = []
    hooks = opened(notice=lambda n: gate.wait(), error=other.append)
    for number in range(QUEUE + 10):
        hooks.call("notice", number)
    await until(lambda: hooks.dropped.get("notice", 0) >= 9)
    began = time.monotonic()
    await hooks.close(patience_s=0.1)
    assert time.monotonic() - began < 3
    gate.set()


async def test_a_coroutine_that_never_returns_is_cancelled_at_close() -> None:
    cancelled: list[bool] = []

    async def hang(_: object) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    hooks = opened(notice=hang)
    hooks.call("notice", 1)
    await asyncio.sleep(0.01)
    await hooks.close(patience_s=0.05)
    await until(lambda: cancelled == [True])


async def test_dispatch_decides_where_plain_functions_run() -> None:
    jobs: list[Callable[[], None]] = []
    seen: list[int] = []
    hooks = Hooks({"notice": seen.append}, dispatch=jobs.append)
    hooks.call("notice", 7)
    assert seen == []
    jobs[0]()
    assert seen == [7]


async def test_a_dispatch_that_raises_harms_nothing() -> None:
    def broken(_: Callable[[], None]) -> None:
        raise OSError

    hooks = Hooks({"notice": print}, dispatch=broken)
    hooks.call("notice", 1)
    assert not hooks.wants("verdict")
    assert hooks.wants("notice")
