"""Callbacks of the host: whatever they do, the library goes on."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any

import pytest

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


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, asyncio.CancelledError])
async def test_a_callback_that_ends_its_thread_is_followed_by_the_next(
    error: type[BaseException],
) -> None:
    seen: list[int] = []

    def take(number: int) -> None:
        seen.append(number)
        raise error

    hooks = opened(notice=take)
    for number in range(10):
        hooks.call("notice", number)
    await until(lambda: len(seen) == 10)
    await hooks.close()


async def test_a_coroutine_that_exits_does_not_end_the_loop() -> None:
    seen: list[int] = []

    async def take(number: int) -> None:
        seen.append(number)
        sys.exit(3)

    hooks = opened(notice=take)
    hooks.call("notice", 1)
    hooks.call("notice", 2)
    await until(lambda: seen == [1, 2])
    await hooks.close()


async def test_a_dispatch_that_raises_for_a_while_costs_no_place_in_the_queue() -> None:
    """The host's user interface isn't up yet."""
    up = False
    seen: list[int] = []

    def dispatch(job: Callable[[], None]) -> None:
        if not up:
            raise RuntimeError("no main loop")
        job()

    hooks = Hooks({"notice": seen.append}, dispatch=dispatch)
    for number in range(2 * QUEUE):
        hooks.call("notice", number)
    up = True
    hooks.call("notice", 7)
    assert seen == [7]
    assert hooks.dropped == {}


async def test_a_job_that_is_dispatched_twice_runs_once_and_holds_one_place() -> None:
    jobs: list[Callable[[], None]] = []
    seen: list[int] = []

    def dispatch(job: Callable[[], None]) -> None:
        jobs.append(job)
        if len(jobs) == 1:
            raise RuntimeError("kept all the same")

    hooks = Hooks({"notice": seen.append}, dispatch=dispatch)
    hooks.call("notice", 1)
    hooks.call("notice", 2)
    for job in (*jobs, *jobs):
        job()
    assert seen == [2]
    for number in range(QUEUE + 1):
        hooks.call("notice", number)
    assert hooks.dropped == {"notice": 1}


@pytest.mark.parametrize("dispatched", [False, True])
async def test_a_coroutine_that_a_plain_function_gives_back_is_run(dispatched: bool) -> None:
    seen: list[tuple[int, int]] = []

    async def show(number: int) -> None:
        await asyncio.sleep(0)
        seen.append((number, threading.get_ident()))

    dispatch = (lambda job: threading.Thread(target=job).start()) if dispatched else None
    hooks = Hooks({"notice": lambda n: show(n)}, dispatch)
    hooks.open(asyncio.get_running_loop())
    for number in range(3):
        hooks.call("notice", number)
        await until(lambda: len(seen) > number)  # noqa: B023 -- called at once
    assert seen == [(number, threading.get_ident()) for number in range(3)]
    await hooks.close()


async def test_what_a_plain_function_gives_back_is_waited_for_at_close() -> None:
    seen: list[int] = []

    async def show(number: int) -> None:
        await asyncio.sleep(0.05)
        seen.append(number)

    hooks = opened(notice=lambda n: show(n))
    hooks.call("notice", 1)
    await hooks.close()
    assert seen == [1]


async def test_nor_is_it_lost_if_the_function_is_through_just_then() -> None:
    """Threads take turns as fast as they can, so that all orders of events come about."""
    seen: list[int] = []

    async def show(number: int) -> None:
        await asyncio.sleep(0.001)
        seen.append(number)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for number in range(100):
            hooks = opened(notice=lambda n: show(n))
            hooks.call("notice", number)
            await hooks.close()
            assert seen[-1:] == [number]
    finally:
        sys.setswitchinterval(before)


@pytest.mark.parametrize("kind", ["plain", "coroutine", "given back"])
async def test_what_fails_while_hooks_are_closed_is_told_before_that(kind: str) -> None:
    told: list[tuple[str, str]] = []

    def plain(_: object) -> None:
        time.sleep(0.05)
        raise RuntimeError("host's bug")

    async def coroutine(_: object) -> None:
        await asyncio.sleep(0.05)
        raise RuntimeError("host's bug")

    calls = {"plain": plain, "coroutine": coroutine, "given back": lambda n: coroutine(n)}
    hooks = opened(notice=calls[kind], error=told.append)
    hooks.call("notice", 1)
    await hooks.close()
    assert [where for where, _ in told] == ["hook.notice"]


async def test_a_task_that_a_plain_function_gives_back_is_its_own_affair() -> None:
    loop = asyncio.get_running_loop()
    told: list[object] = []
    seen: list[int] = []

    async def show(number: int) -> None:
        seen.append(number)

    hooks = Hooks(
        {"notice": lambda n: loop.create_task(show(n)), "error": told.append}, loop.call_soon
    )
    hooks.open(loop)
    hooks.call("notice", 1)
    await until(lambda: seen == [1])
    await hooks.close()
    assert told == []


@pytest.mark.parametrize("kind", ["plain", "coroutine", "given back", "dispatch"])
async def test_what_fails_in_a_hook_is_told_to_the_hook_for_errors(kind: str) -> None:
    told: list[tuple[str, str]] = []

    def plain(_: object) -> None:
        raise RuntimeError("host's bug")

    async def coroutine(_: object) -> None:
        plain(None)

    def dispatch(job: Callable[[], None]) -> None:
        if not told:
            told.append(("", ""))  # what tells of it passes
            raise RuntimeError("host's bug")
        job()

    calls = {"plain": plain, "coroutine": coroutine, "given back": lambda n: coroutine(n)}
    hooks = Hooks(
        {"notice": calls.get(kind, print), "error": told.append},
        dispatch if kind == "dispatch" else None,
    )
    hooks.open(asyncio.get_running_loop())
    hooks.call("notice", 1)
    await until(lambda: ("hook.notice", 'RuntimeError("host\'s bug")') in told)
    await hooks.close()


async def test_a_hook_for_errors_that_is_a_coroutine_may_be_told_from_any_thread() -> None:
    told: list[tuple[str, int]] = []

    async def hear(error: tuple[str, str]) -> None:
        told.append((error[0], threading.get_ident()))

    def plain(_: object) -> None:
        raise RuntimeError("host's bug")

    hooks = opened(notice=plain, error=hear)
    hooks.call("notice", 1)
    await until(lambda: told == [("hook.notice", threading.get_ident())])
    await hooks.close()


async def test_the_failure_of_the_hook_for_errors_is_told_to_nobody() -> None:
    calls: list[object] = []

    def hear(error: object) -> None:
        calls.append(error)
        raise RuntimeError("host's bug")

    hooks = opened(error=hear)
    hooks.call("error", ("engine.feed", "bug"))
    await until(lambda: bool(calls))
    await hooks.close()
    assert calls == [("engine.feed", "bug")]


def test_where_the_loop_has_ended_coroutines_are_dropped_and_no_more() -> None:
    async def show(_: object) -> None:
        raise AssertionError

    gc.collect()  # what another test left is not ours
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        hooks = Hooks({"notice": show, "verdict": lambda n: show(n)}, lambda job: job())
        loop = asyncio.new_event_loop()
        hooks.open(loop)
        loop.close()
        hooks.call("notice", 1)
        hooks.call("verdict", 1)
        assert hooks.dropped == {"notice": 1, "verdict": 1}
        gc.collect()
    assert [str(one.message) for one in told] == []  # no coroutine that was never awaited
