"""The Watcher as a host uses it, over real time and real sockets."""

from __future__ import annotations

import asyncio
import gc
import gzip
import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from streamnotice import HostError, Policy, ShownNotice, ThreadWatcher, Watcher
from streamnotice.bottlenecks import LEAF_NAMES
from streamnotice.events import PlaybackChanged, Verdict
from streamnotice.testing import ToldWatcher

QUICK = Policy(stalled_after_s=0.2)


async def starve(watcher: Watcher, seconds: float) -> None:
    end = time.monotonic() + seconds
    level = 1.0
    while time.monotonic() < end:
        watcher.playback(state="playing" if level > 0 else "stalled", buffer_s=level)
        await asyncio.sleep(0.1)
        level = max(0.0, level - 0.1)


async def test_buffer_level_alone_says_undetermined_and_keeps_the_record(tmp_path: Path) -> None:
    shown: list[ShownNotice] = []
    states: list[str] = []

    def playback(event: PlaybackChanged) -> None:
        states.append(event.state)

    async with Watcher(on_notice=shown.append, on_playback=playback, policy=QUICK) as watcher:
        await starve(watcher, 8.2)
        explained = watcher.explain()
        assert isinstance(explained, Verdict)
        assert explained.impact == "stalled"
        watcher.save_dossier(tmp_path / "so-far.jsonl")
    assert [n.event.state for n in shown] == ["raised", "resolved"]
    assert shown[0].event.bottleneck == "undetermined"
    assert shown[1].event.reason == "ended"
    assert states[:2] == ["playing", "stalled"]
    watcher.save_dossier(tmp_path / "whole.jsonl.gz")
    with gzip.open(tmp_path / "whole.jsonl.gz", "rt") as file:
        kinds = [json.loads(line)["type"] for line in file]
    assert kinds[0] == "header"
    assert kinds[-2:] == ["closed", "seal"]
    assert "shown" in kinds
    summary = watcher.summary()
    assert summary.stalls == 1
    assert summary.notices == 1
    assert summary.probe_bytes == 0


async def test_coverage_names_every_place_and_what_would_add_it() -> None:
    async with Watcher() as watcher:
        coverage = watcher.coverage()
    assert tuple(coverage) == LEAF_NAMES
    assert all(value is True or (isinstance(value, str) and value) for value in coverage.values())
    assert coverage["network.isp.core"] is not True
    assert coverage["network.vpn"] is not True


async def test_under_a_tunnel_whose_server_is_seen_the_vpn_can_be_named() -> None:
    async with Watcher(policy=Policy(probes={"path"})) as watcher:
        watcher.session.sight("underlay", True)
        assert watcher.coverage()["network.vpn"] is True


@pytest.mark.expects_failure
async def test_nonsense_from_the_host_is_taken_as_unknown() -> None:
    async with Watcher() as watcher:
        watcher.playback(
            state="dancing",  # type: ignore[arg-type]
            buffer_s=float("nan"),
            position_s=-3,
            rendition_bps=float("inf"),
            ladder_bps=[-1, float("nan"), 5],
            dropped_frames="x",  # type: ignore[arg-type]
        )
        model = watcher._engine.estimates.playback
        assert model.buffer_ns is None
        assert model.rendition_bps is None
        assert model.ladder_bps == (5,)


async def test_a_host_may_speak_with_every_frame() -> None:
    """What follows from what it said is not recorded; what does not is, at once."""
    async with Watcher() as watcher:
        for _ in range(50):
            watcher.playback(state="paused", buffer_s=5, position_s=3)
        watcher.playback(state="playing", buffer_s=5, position_s=3)
    kept = [line for line in watcher._recorder.lines() if b'"kind":"playback"' in line]
    assert sum(b'"type":"observation"' in line for line in kept) == 2


async def test_playback_may_be_told_from_any_thread() -> None:
    async with Watcher() as watcher:
        thread = threading.Thread(target=lambda: watcher.playback(state="playing", buffer_s=3))
        thread.start()
        await asyncio.to_thread(thread.join)
        await asyncio.sleep(0.01)
        assert watcher._engine.estimates.playback.state == "playing"


async def test_the_tap_sees_real_requests_and_leaves_them_alone() -> None:
    body = b"x" * 200_000

    async def segment(_: web.Request) -> web.Response:
        return web.Response(body=body, headers={"X-Cache": "HIT", "Age": "7"})

    app = web.Application()
    app.router.add_get("/seg.ts", segment)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    async with Watcher() as watcher:
        async with (
            aiohttp.ClientSession(trace_configs=[watcher.tap]) as http,
            http.get(f"http://127.0.0.1:{port}/seg.ts") as response,
        ):
            assert await response.read() == body
        await asyncio.sleep(0.05)
        requests = watcher._engine.estimates.requests
        assert requests.media_bytes == len(body)
        assert requests.answers[0].cache == "hit"
        assert watcher.summary().media_bytes == len(body)
    await runner.cleanup()


async def test_a_failing_callback_is_not_the_players_trouble() -> None:
    def broken(_: Any) -> None:
        raise RuntimeError("host's bug")

    async with ToldWatcher(on_notice=broken, on_verdict=broken) as watcher:
        watcher.say("service.edge", "slow")
        watcher.playback(state="playing", buffer_s=5)
        await asyncio.sleep(1.2)
        assert watcher.explain() is not None


async def test_told_watcher_says_what_it_is_told() -> None:
    shown: list[ShownNotice] = []
    async with ToldWatcher(on_notice=shown.append) as watcher:
        watcher.say("network.home.wifi", "slow")
        watcher.say("network.home.wifi", "slow", state="resolved", reason="withdrawn")
        with pytest.raises(HostError, match="no condition"):
            watcher.say("service.edge", "crowded")
    assert [n.event.state for n in shown] == ["raised", "resolved"]
    assert shown[0].sentence
    assert shown[0].actions


async def test_baselines_of_earlier_sessions_reach_the_engine() -> None:
    known = {"network.isp.access": 0.008, "far end": float("nan")}
    async with Watcher(baselines=known) as watcher:
        assert watcher._engine.estimates.paths.stored == {"network.isp.access": 8_000_000}
        assert watcher.baselines() == {}


def test_reference_probes_need_a_reference() -> None:
    with pytest.raises(HostError, match="reference"):
        Watcher(policy=Policy(probes={"reference"}))


def test_thread_facade(tmp_path: Path) -> None:
    shown: list[ShownNotice] = []
    with ThreadWatcher(on_notice=shown.append, policy=QUICK) as watcher:
        end = time.monotonic() + 7.5
        while time.monotonic() < end:
            watcher.playback(state="stalled", buffer_s=0.0)
            time.sleep(0.1)
        assert watcher.explain() is not None
        assert watcher.coverage()["device"] is True
        watcher.save_dossier(tmp_path / "d.jsonl")
    assert [n.event.state for n in shown] == ["raised", "resolved"]
    assert (tmp_path / "d.jsonl").stat().st_size > 1000
    with pytest.raises(HostError):
        watcher.proxy("http://127.0.0.1/x.m3u8")


async def test_a_function_for_texts_that_fails_is_told_and_the_viewer_gets_the_usual_text() -> None:
    def own(id_: str, language: str, values: dict[str, str]) -> str | None:
        raise KeyError(id_) if id_ == "place.service.edge" else LookupError(id_)

    shown: list[ShownNotice] = []
    told: list[tuple[str, str]] = []
    async with ToldWatcher(
        on_notice=shown.append, on_error=told.append, messages=own, locale=("zh", "de-AT")
    ) as watcher:
        watcher.say("service.edge", "slow")
        await asyncio.sleep(0.1)
    assert shown[0].locale == "de"
    assert shown[0].title == "Der Auslieferungsserver scheint langsam"
    assert (
        "messages.service.edge.slow.title",
        "the host's function raised LookupError; the usual text is shown",
    ) in told


def on_record(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def kinds(path: Path) -> list[str]:
    return [line["type"] for line in on_record(path)]


async def opened(path: Path, **arguments: Any) -> Watcher:
    """A session that has gone on for a moment, and that nobody closes."""
    watcher = Watcher(dossier=path, **arguments)
    await watcher.__aenter__()
    for level in (3, 5, 1):
        watcher.playback(state="playing", buffer_s=level)
        await asyncio.sleep(0.02)
    return watcher


def test_a_loop_that_ends_without_close_keeps_what_was_told(tmp_path: Path) -> None:
    """The process may end with it: nobody comes to close, then."""
    path = tmp_path / "session.jsonl"
    watcher = asyncio.run(opened(path))
    assert kinds(path).count("observation") >= 3
    assert kinds(path)[-1] == "seal"
    watcher.playback(state="playing", buffer_s=9)  # it harms nothing


def test_a_session_may_be_closed_on_another_loop_than_its_own(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    told: list[Any] = []
    errors: list[Any] = []

    async def begin() -> Watcher:
        watcher = await opened(
            path,
            on_dossier=told.append,
            on_error=errors.append,
            mutes=tmp_path / "mutes.json",
        )
        watcher.mute("device", "always")
        await watcher.proxy("http://127.0.0.1:9/x.m3u8")
        await asyncio.sleep(0.1)
        return watcher

    watcher = asyncio.run(begin())
    watcher.playback(state="stalled", buffer_s=0)
    asyncio.run(watcher.close())
    assert kinds(path)[-2:] == ["closed", "seal"]
    assert "stalled" in {line.get("state") for line in on_record(path)}
    assert [json.loads(line)["type"] for line in told[0][-2:]] == ["closed", "seal"]
    assert errors == []
    size = path.stat().st_size
    asyncio.run(watcher.close())
    assert path.stat().st_size == size
    assert len(told) == 1


def test_a_loop_that_only_stopped_is_as_good_as_ended(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    loop = asyncio.new_event_loop()
    watcher = loop.run_until_complete(opened(path))
    asyncio.run(watcher.close())
    assert kinds(path)[-2:] == ["closed", "seal"]
    loop.run_until_complete(asyncio.sleep(0.01))  # its tasks were told to end
    assert asyncio.all_tasks(loop) == set()
    loop.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_loop_that_was_closed_under_its_tasks_is_no_hindrance(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    loop = asyncio.new_event_loop()
    watcher = loop.run_until_complete(opened(path))
    with watcher.request("http://video.example/1.ts") as told:
        told.received(10)
        loop.close()
        asyncio.run(watcher.close())
    assert kinds(path)[-2:] == ["closed", "seal"]
    del watcher, told
    gc.collect()  # asyncio complains of the tasks that this host left, here and not in another test


async def test_a_session_is_closed_on_its_own_loop_as_long_as_that_runs(tmp_path: Path) -> None:
    """From another thread's loop, that is: the tasks and the engine are not that one's."""
    path = tmp_path / "session.jsonl"
    heard: list[int] = []

    async def hear(_: object) -> None:
        heard.append(threading.get_ident())

    watcher = await opened(path, on_dossier=hear)
    await asyncio.to_thread(lambda: asyncio.run(watcher.close()))
    assert kinds(path)[-2:] == ["closed", "seal"]
    assert heard == [threading.get_ident()]


async def lingers(until: asyncio.Event) -> None:
    """Does not stop when it is told to, but when *until* is set."""
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        await until.wait()


def test_a_loop_that_stops_while_it_closes_leaves_a_finished_record(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    stuck = asyncio.Event()

    async def begin() -> Watcher:
        watcher = await opened(path)
        watcher._spawn("lingers", lingers(stuck))
        await asyncio.sleep(0)
        return watcher

    home = asyncio.new_event_loop()
    watcher = home.run_until_complete(begin())
    thread = threading.Thread(target=home.run_forever)
    thread.start()
    closing = threading.Thread(target=lambda: asyncio.run(watcher.close()))
    closing.start()
    end = time.monotonic() + 5
    while not watcher._closed and time.monotonic() < end:
        time.sleep(0.01)
    home.call_soon_threadsafe(home.stop)
    thread.join(5)
    closing.join(5)
    assert not closing.is_alive()
    assert kinds(path)[-2:] == ["closed", "seal"]
    stuck.set()
    home.run_until_complete(asyncio.sleep(0.1))  # and what was begun there comes to its end
    assert kinds(path).count("closed") == 1
    home.close()


async def test_a_close_that_is_cancelled_still_finishes_the_record(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    watcher = await opened(path)
    stuck = asyncio.Event()

    watcher._spawn("lingers", lingers(stuck))
    await asyncio.sleep(0)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(watcher.close(), 0.1)
    assert kinds(path)[-2:] == ["closed", "seal"]
    stuck.set()


async def test_what_does_not_stop_is_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streamnotice.watcher._STOP_WITHIN_S", 0.1)
    path = tmp_path / "session.jsonl"
    watcher = await opened(path)
    stuck = asyncio.Event()

    async def lingers() -> None:
        while not stuck.is_set():
            try:
                await stuck.wait()
            except asyncio.CancelledError:
                continue

    watcher._spawn("lingers", lingers())
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await watcher.close()
    assert kinds(path)[-2:] == ["closed", "seal"]
    stuck.set()


async def test_an_action_may_close_the_session(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    closed = asyncio.Event()

    async def leave(_: ShownNotice) -> None:
        await watcher.close()
        closed.set()

    watcher = ToldWatcher(dossier=path, actions={"switch_cdn": leave})
    async with watcher:
        watcher.say("service.edge", "slow")
        assert watcher.act("n1", "switch_cdn")
        async with asyncio.timeout(5):
            await closed.wait()
        assert kinds(path)[-2:] == ["closed", "seal"]


async def test_a_second_block_is_the_hosts_mistake() -> None:
    """Its ticks would never end: the session is over once."""
    watcher = Watcher()
    async with watcher:
        with pytest.raises(HostError, match="one session"):
            await watcher.__aenter__()
    with pytest.raises(HostError, match="one session"):
        async with watcher:
            raise AssertionError


@pytest.mark.expects_failure
async def test_a_proxy_that_does_not_end_holds_up_no_close(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streamnotice.watcher._STOP_WITHIN_S", 0.3)
    errors: list[tuple[str, str]] = []
    watcher = Watcher(on_error=errors.append, dossier=tmp_path / "record.jsonl")
    async with asyncio.timeout(5), watcher:
        await watcher.proxy("http://127.0.0.1:1/master.m3u8")
        proxy = watcher._proxy
        assert proxy is not None
        await proxy._starting.acquire()  # what it waits for at its end never comes
    assert [where for where, _ in errors] == ["proxy"]
    last = (tmp_path / "record.jsonl").read_text().splitlines()[-2:]
    assert [json.loads(line)["type"] for line in last] == ["closed", "seal"]
    proxy._starting.release()
    await proxy.close()


async def test_what_fails_in_a_hook_is_told_to_on_error() -> None:
    errors: list[tuple[str, str]] = []

    def broken(_: ShownNotice) -> None:
        raise RuntimeError("host's bug")

    async with ToldWatcher(on_notice=broken, on_error=errors.append) as watcher:
        watcher.say("service.edge", "slow")
    assert ("hook.notice", 'RuntimeError("host\'s bug")') in errors


_STOPPED = """
import asyncio, os, signal, subprocess, sys
from streamnotice import Watcher

async def main():
    said = []
    async with Watcher(on_notice=said.append) as w:
        w.playback(state="playing", buffer_s=9)
        await asyncio.sleep(1)
        with w.request("http://127.0.0.1:9/0.ts"):
            w.playback(state="stalled", buffer_s=0)
            await asyncio.sleep(0.3)
            script = f"kill -STOP {os.getpid()}; sleep 8; kill -CONT {os.getpid()}"
            waking = subprocess.Popen(["sh", "-c", script])
            await asyncio.sleep(0.5)
        w.playback(state="playing", buffer_s=9)
        await asyncio.sleep(1.2)
        waking.wait()
    await asyncio.sleep(0.1)
    print(len(said), w.summary().stalled_s < 2)

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
async def test_time_in_which_the_process_was_stopped_is_not_the_sessions() -> None:
    """A paused virtual machine comes back to a stall that nobody saw, and a wait of nobody's."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _STOPPED, stdout=asyncio.subprocess.PIPE, start_new_session=True
    )
    out, _ = await asyncio.wait_for(process.communicate(), 40)
    assert out.decode().split() == ["0", "True"]
