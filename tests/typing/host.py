"""Typical host code, checked by `mypy --strict` in test_typing.py and never run.

The lines marked `wrong` must be refused by the checker: with `warn_unused_ignores` a type that
became too wide shows as an unused ignore.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import aiohttp

import streamnotice
from streamnotice import (
    Engine,
    HostError,
    Policy,
    ShownNotice,
    StreamnoticeError,
    ThreadWatcher,
    Watcher,
)
from streamnotice.events import PlaybackChanged, Verdict
from streamnotice.faces import TakenAway
from streamnotice.faces.web import make_app
from streamnotice.notices.actions import Acted
from streamnotice.testing import Clock, ToldWatcher


async def show(notice: ShownNotice) -> None:
    title: str = notice.title
    actions: list[str] = [action.text for action in notice.actions]
    place: str = notice.event.bottleneck
    print(title, actions, place)


def step(verdict: Verdict) -> None:
    ppm: int = verdict.confidence_ppm
    print(ppm)


def changed(event: PlaybackChanged) -> None:
    print(event.state)


def idle_add(call: Callable[[], None]) -> int:
    call()
    return 1


class Ticker:
    """A face of the host's own."""

    name = "ticker"

    async def open(self, watcher: Watcher) -> None:
        self.words = watcher.words("face.understood")

    def notice(self, shown: ShownNotice) -> None:
        print(shown.text)

    def taken_away(self, what: TakenAway) -> None:
        print(what.notice_id, what.scope)

    def acted(self, acted: Acted) -> None:
        print(acted.text, acted.followed)

    async def close(self) -> None:
        return None


async def lower(notice: ShownNotice) -> None:
    print(notice.event.bottleneck)


async def answers() -> None:
    async with Watcher(
        faces=[Ticker()],
        actions={"lower_quality": lower, "switch_cdn": lambda notice: print(notice.title)},
        mutes="mutes.json",
        policy=Policy(least_severity="medium", notices_per_hour=6),
    ) as w:
        app = make_app(w, origins=["https://watch.example"])
        gone: bool = w.dismiss("n1", "session", face="ticker")
        w.dismiss("n1", "forever")  # type: ignore[arg-type] # wrong
        places: list[str] = [mute.place for mute in w.muted()]
        print(app, gone, places, w.act("n1", "wait"), w.unmute("service"))
        w.add_face(print)  # type: ignore[arg-type] # wrong


async def host() -> None:
    policy = Policy(bar_service=0.97, probes={"path"}, subscribed_bps=100_000_000)
    policy = Policy(bars={"network.isp.access": 0.995})
    policy = Policy(bars={"network.isp.access": "high"})  # type: ignore[arg-type] # wrong
    async with Watcher(
        on_notice=show,
        on_verdict=step,
        on_playback=changed,
        policy=policy,
        dispatch=idle_add,
        messages={"network.title": "Trouble on the way"},
        references=["https://reference.example/probe.bin"],
        baselines={"far end": 0.02},
    ) as w:
        async with aiohttp.ClientSession(trace_configs=[w.tap]) as http:
            await http.get("https://video.example/1.ts")
        w.playback(state="playing", buffer_s=8.2, ladder_bps=[1e6, 3_000_000])
        w.playback(state="dancing")  # type: ignore[arg-type] # wrong
        w.playback(buffer_s="8.2")  # type: ignore[arg-type] # wrong
        with w.request("https://video.example/2.ts", role="media") as r:
            r.first_byte(status=200, headers={"Age": "3"})
            r.received(1_000)
        local: str = await w.proxy("https://video.example/master.m3u8")
        coverage: dict[str, bool | str] = w.coverage()
        verdict: Verdict | None = w.explain()
        kept: dict[str, float] = w.baselines()
        w.save_dossier("session.jsonl.gz")
        print(local, coverage, verdict, kept, w.summary().stalled_s)


def without_a_loop() -> None:
    with ThreadWatcher(on_notice=print) as w:
        w.playback(state="stalled")
        local: str = w.proxy("https://video.example/master.m3u8")
        print(local)


def errors() -> None:
    try:
        Policy(bar_service=2.0)
    except HostError as error:
        caught: StreamnoticeError = error
        print(caught)


async def own_tests() -> None:
    clock: Callable[[], int] = Clock()
    async with ToldWatcher(on_notice=show) as w:
        w.say("service.edge", "slow", impact="stalled")
        w.say("service.edge", impact="hopeless")  # type: ignore[arg-type] # wrong
    print(clock())


engine: Engine = streamnotice.Engine(Policy().settings())
asyncio.run(host())
