"""mpv's screen as a face, in a real mpv: answered by a key, which is else mpv's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from streamnotice.players.mpv_ipc import MpvIpc
from streamnotice.players.mpv_process import launch, stop
from streamnotice.players.mpv_screen import KEY, MpvScreen
from streamnotice.testing import ToldWatcher

pytestmark = pytest.mark.needs("mpv")
COMMAND = ["mpv", "--no-config", "--no-terminal", "--idle=yes", "--vo=null", "--ao=null"]


class Rig:
    """A watcher whose notices an idle mpv shows."""

    watcher: ToldWatcher
    screen: MpvScreen
    ipc: MpvIpc

    async def press(self, key: str) -> None:
        await self.ipc.command("keypress", key)
        await asyncio.sleep(0.1)

    async def forced(self) -> str:
        """mpv's own reading of a property that the key changes where it has its own meaning."""
        return str(await self.ipc.command("get_property", "sub-ass-override"))


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    made = Rig()

    def heard(message: Any) -> None:
        if message.get("event") == "client-message":
            made.screen.heard(message)

    process, made.ipc = await launch(["/usr/bin/env", *COMMAND], heard)
    try:
        async with ToldWatcher() as made.watcher:
            made.screen = MpvScreen(made.watcher)
            made.screen.attach(made.ipc)
            made.watcher.add_face(made.screen)
            await asyncio.sleep(0.05)
            yield made
            made.screen.detach(made.ipc)
    finally:
        await stop(process, made.ipc)


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 -- nothing signals it
            await asyncio.sleep(0.02)


async def test_a_key_says_that_it_is_understood(rig: Rig) -> None:
    before = await rig.forced()
    rig.watcher.say("service.edge", "slow")
    await asyncio.sleep(0.1)
    assert rig.watcher.on_screen is not None
    await rig.press(KEY)
    await until(lambda: rig.watcher.on_screen is None)
    assert await rig.forced() == before
    # nothing stands: the key is mpv's again
    await rig.press(KEY)
    assert await rig.forced() != before


async def test_the_key_is_given_back_at_the_end_of_a_notice(rig: Rig) -> None:
    before = await rig.forced()
    rig.watcher.say("service.edge", "slow")
    rig.watcher.say("service.edge", "slow", state="resolved", reason="recovered")
    await asyncio.sleep(0.1)
    await rig.press(KEY)
    assert await rig.forced() != before


async def test_understood_elsewhere_leaves_this_screen_too(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Any] = []
    start = MpvIpc.start

    def spy(self: MpvIpc, what: Any) -> Any:
        sent.append(what)
        return start(self, what)

    monkeypatch.setattr(MpvIpc, "start", spy)
    rig.watcher.say("service.edge", "slow")
    await until(lambda: any(isinstance(s, dict) and s.get("format") == "ass-events" for s in sent))
    drawn = next(s for s in sent if isinstance(s, dict) and s.get("format") == "ass-events")
    assert f"[{KEY}] I understand" in drawn["data"]
    rig.watcher.dismiss("n1")
    await until(lambda: any(isinstance(s, dict) and s.get("format") == "none" for s in sent))


async def test_messages_of_others_mean_nothing(rig: Rig) -> None:
    rig.watcher.say("service.edge", "slow")
    for args in (None, [], ["streamnotice"], ["streamnotice", "explode"], ["other", "understood"]):
        rig.screen.heard({"event": "client-message", "args": args})
    assert rig.watcher.on_screen is not None
