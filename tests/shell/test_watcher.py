"""The Watcher as a host uses it, over real time and real sockets."""

from __future__ import annotations

import asyncio
import gzip
import json
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
