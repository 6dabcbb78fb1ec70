"""Plays by mpv: its state by JSON IPC, its HTTP through the tap proxy, notices in its OSD.

Needs mpv 0.35 or later, on Unix.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

import attrs

from streamnotice.errors import HostError, MediaError, NotAManifestError
from streamnotice.players.mpv_ipc import Message, MpvError, MpvIpc
from streamnotice.players.mpv_process import launch, stop
from streamnotice.players.mpv_screen import MpvScreen
from streamnotice.players.mpv_state import OBSERVED, POLLED, MpvState
from streamnotice.players.proxy import TapProxy

if TYPE_CHECKING:
    from streamnotice.notices.actions import HostAction
    from streamnotice.notices.shown import ShownNotice
    from streamnotice.watcher import Watcher

RenditionChoice = Literal["auto", "highest", "lowest"]

TELL_EVERY_S: Final = 0.25
FIRST_BACKOFF_S: Final = 0.5
LONGEST_BACKOFF_S: Final = 5.0
MOST_CRASHES: Final = 3
GONE_WITHIN_S: Final = 2.0
SHORT_OF_END_S: Final = 3.0
"""An end that comes earlier than this before the media's is a stream that broke off."""
# Exit codes of mpv: 0 as asked, 2 and 3 a file that could not be played, 4 by a signal; without a
# terminal it leaves signals to the system (SIGHUP 1, SIGINT 2, SIGTERM 15): someone ended it.
_QUIT_CODES: Final = frozenset({0, 2, 3, 4, -1, -2, -15})
_RENDITIONS: Final = {
    "auto": (),
    "highest": ("--hls-bitrate=max",),
    "lowest": ("--hls-bitrate=min",),
}
_NOT_MEDIA: Final = "what the address gives is no media that a player knows"


@attrs.frozen
class _Ended:
    """How one mpv process came to its end."""

    how: Literal["finished", "quit", "crashed"]
    code: int | None = None


class MpvPlayer:
    """Plays for a `Watcher` with mpv.

    Args:
        watcher: the running watcher that is told of everything.
        rendition: `auto` leaves the choice to mpv (which takes the highest and keeps it),
            `highest` and `lowest` fix it.
        headless: True plays without picture and sound, None does so where there is no display.
        extra_args: more options for mpv, last on its command line.
        program: mpv's name or path.

    Raises:
        HostError: *rendition* is unknown.
    """

    name = "mpv"

    def __init__(
        self,
        watcher: Watcher,
        rendition: RenditionChoice = "auto",
        headless: bool | None = None,
        extra_args: Sequence[str] = (),
        *,
        program: str = "mpv",
    ) -> None:
        if rendition not in _RENDITIONS:
            raise HostError(f"unknown rendition {rendition!r}; known are auto, highest, lowest")
        self._watcher = watcher
        self._rendition = rendition
        self._headless = not _has_display() if headless is None else headless
        self._extra_args = tuple(extra_args)
        self._program = program
        self._loop: asyncio.AbstractEventLoop | None = None
        self._screen = MpvScreen(watcher)

    @property
    def actions(self) -> Mapping[str, HostAction]:
        """Nothing: mpv lowers the rendition only by loading anew, which can end playback."""
        return {}

    @property
    def face(self) -> MpvScreen:
        """mpv's screen as a face: `watcher.add_face(player.face)`, instead of calling `show`."""
        return self._screen

    async def play(self, url: str) -> None:
        """Play *url* to its end, until the viewer quits mpv, or until cancelled.

        A stream that fails or breaks off is loaded again where it stopped, for as long as it takes.

        Raises:
            NotAManifestError: what *url* gives is no media.
            MediaError: mpv is missing, can't be started, or crashes again and again.
        """
        if sys.platform == "win32":
            raise MediaError("mpv can be driven on Unix only")
        path = shutil.which(self._program)
        if path is None:
            raise MediaError(f"{self._program} is not installed, or not on the PATH")
        self._loop = asyncio.get_running_loop()
        crashes = 0
        async with TapProxy(self._watcher) as proxy:
            local = await proxy.open(url)
            state = MpvState()
            while True:
                run = _Run(self._watcher, proxy, local, state, self._screen, self._rendition)
                ended = await run.run([path, *self._arguments()])
                if ended.how != "crashed":
                    break
                crashes += 1
                if crashes >= MOST_CRASHES:
                    raise MediaError(f"mpv crashed {crashes} times (exit code {ended.code})")
                self._watcher.session.failed(
                    "player.mpv", f"mpv crashed (exit code {ended.code}); it is started again"
                )
                await asyncio.sleep(FIRST_BACKOFF_S)

    def show(self, notice: ShownNotice) -> None:
        """Show *notice* in mpv's OSD; callable from any thread. Never raises."""
        loop = self._loop
        if loop is None:
            self._screen.show(notice)  # not playing yet: kept until there is a screen
            return
        try:
            loop.call_soon_threadsafe(self._screen.show, notice)
        except RuntimeError as error:  # the loop is closed, and mpv gone with it
            self._watcher.session.log.debug("streamnotice.mpv.show", error=repr(error))

    def _arguments(self) -> list[str]:
        return [
            "--no-config",
            "--no-terminal",
            "--load-scripts=no",
            "--ytdl=no",
            "--idle=yes",
            *(("--vo=null", "--ao=null") if self._headless else ("--force-window=immediate",)),
            *_RENDITIONS[self._rendition],
            *self._extra_args,
        ]


class _Run:
    """One mpv process, from its start to its end."""

    def __init__(
        self,
        watcher: Watcher,
        proxy: TapProxy,
        local: str,
        state: MpvState,
        screen: MpvScreen,
        rendition: str,
    ) -> None:
        self._watcher = watcher
        self._proxy = proxy
        self._local = local
        self._state = state
        self._screen = screen
        self._fixed = rendition != "auto"
        self._ends: asyncio.Queue[Message] = asyncio.Queue()
        self._told: str | None = None
        self._silent = False
        self._most_bytes: float | None = None
        self._most_s: float | None = None
        self._quit = False

    # -- the process --------------------------------------------------------------------------

    async def run(self, command: list[str]) -> _Ended:
        process, ipc = await launch(command, self._event)
        tasks: list[asyncio.Task[Any]] = []
        try:
            self._tell()
            self._screen.attach(ipc)
            playing = asyncio.create_task(self._play(ipc), name="streamnotice-mpv-play")
            judging = asyncio.create_task(self._judge(), name="streamnotice-mpv-look")
            polling = asyncio.create_task(self._poll(ipc), name="streamnotice-mpv-poll")
            tasks += (playing, judging, polling)
            # whichever comes first: the end, the insight that it is no media, mpv's own end
            await asyncio.wait({playing, judging, ipc.closed}, return_when=asyncio.FIRST_COMPLETED)
            if judging.done():
                judging.result()
            if not playing.done():
                return await self._went(process)
            playing.result()
            self._state.ended = True
            self._tell()
            return _Ended("finished")
        except MpvError:
            return await self._went(process)
        finally:
            self._screen.detach(ipc)
            for task in tasks:
                task.cancel()
            await stop(process, ipc)
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _went(self, process: asyncio.subprocess.Process) -> _Ended:
        """mpv closed the connection: the viewer quit it, or it broke."""
        try:
            async with asyncio.timeout(GONE_WITHIN_S):
                code = await process.wait()
        except TimeoutError:
            return _Ended("crashed", None)
        if self._quit or code in _QUIT_CODES:
            self._state.ended = True
            self._tell()
            return _Ended("quit", code)
        if code == 1 and not self._state.begun:
            raise MediaError("mpv did not start: too old (< 0.35), or an option it doesn't know")
        if self._state.begun:
            self._state.interrupted = True
            self._tell()
        return _Ended("crashed", code)

    # -- what it plays ------------------------------------------------------------------------

    async def _play(self, ipc: MpvIpc) -> None:
        """Load the stream, and again whenever it breaks off; returns at its end."""
        for number, name in enumerate(OBSERVED, 1):
            await ipc.command("observe_property", number, name)
        self._most_bytes = _positive(await _option(ipc, "demuxer-max-bytes"))
        self._most_s = _positive(await _option(ipc, "demuxer-readahead-secs"))
        if await _option(ipc, "cache") not in ("no", False):  # then the longer of the two counts
            cached_s = _positive(await _option(ipc, "cache-secs"))
            self._most_s = max(self._most_s or 0.0, cached_s or 0.0) or None
        backoff_s = FIRST_BACKOFF_S
        can_resume = True
        while True:
            resume_s = self._resume_s() if can_resume else None
            failures, loaded_s = self._proxy.failures, self._now_s()
            start = "none" if resume_s is None else f"+{resume_s:.3f}"
            await ipc.command("set_property", "options/start", start)
            await ipc.command("loadfile", self._local, "replace")
            if await self._end(ipc):
                return
            if resume_s is not None and self._state.interrupted:
                # All came, and it still played nothing: FFmpeg can't enter this stream in the
                # middle (fragmented MP4 before version 6). From its beginning, then.
                can_resume = self._proxy.failures > failures
            if self._now_s() - loaded_s > 2 * LONGEST_BACKOFF_S:
                backoff_s = FIRST_BACKOFF_S
            self._state.interrupted = self._state.begun
            self._tell()
            await asyncio.sleep(backoff_s)
            backoff_s = min(LONGEST_BACKOFF_S, backoff_s * 2)

    def _resume_s(self) -> float | None:
        """Where to go on; None from the beginning, or for live streams from their edge."""
        if not self._state.begun or self._proxy.live:
            return None
        return self._state.position_s

    async def _end(self, ipc: MpvIpc) -> bool:
        """Wait until mpv has nothing more to play; True if that is the end, False to try again."""
        while True:
            message = await self._ends.get()
            reason = message.get("reason")
            if reason == "quit":
                self._quit = True
                return True
            if reason in ("stop", "redirect"):
                continue
            if reason == "error":
                error = str(message.get("file_error", "unknown error"))[:200]
                self._watcher.session.log.info("streamnotice.mpv.failed", error=error)
                seen = self._proxy.seen(self._local)
                if (
                    not self._state.begun
                    and error == "unrecognized file format"
                    and seen is not None
                    and seen.kind in ("other", "unknown")
                ):
                    raise NotAManifestError(_NOT_MEDIA)
                return False
            if await ipc.command("get_property", "idle-active") is not True:
                continue  # a list of files: the next one plays
            return self._finished()

    def _finished(self) -> bool:
        duration_s, position_s = self._state.duration_s, self._state.position_s
        if self._proxy.live or duration_s is None or position_s is None:
            return self._proxy.live is not True
        return position_s >= duration_s - SHORT_OF_END_S

    async def _judge(self) -> None:
        """Returns never; raises as soon as the address has given something that is no media."""
        look = await self._proxy.look(self._local)
        if look.kind == "other":
            raise NotAManifestError(_NOT_MEDIA)
        await asyncio.Event().wait()

    # -- what it says -------------------------------------------------------------------------

    def _event(self, message: Message) -> None:
        try:
            self._state.event(message, self._now_s())
            if message.get("event") == "client-message":
                self._screen.heard(message)
            if message.get("event") == "end-file":
                self._ends.put_nowait(message)
            if self._told is not None and self._state.playback(self._now_s()).state != self._told:
                self._tell()
        except Exception as error:
            self._watcher.session.failed("player.mpv", error)

    async def _poll(self, ipc: MpvIpc) -> None:
        while True:
            started_s = self._now_s()
            try:
                for name in POLLED:
                    future = ipc.start(["get_property", name])
                    async with asyncio.timeout(4 * TELL_EVERY_S):
                        self._state.prop(name, await _or_none(future), self._now_s())
                self._silent = False
                self._tell()
            except TimeoutError:
                if not self._silent:
                    self._silent = True
                    self._watcher.session.failed("player.mpv", "mpv does not answer")
            except Exception as error:
                self._watcher.session.failed("player.mpv", error)
            await asyncio.sleep(max(0.05, TELL_EVERY_S - (self._now_s() - started_s)))

    def _tell(self) -> None:
        now = self._state.playback(self._now_s())
        self._told = now.state
        ladder = self._proxy.ladder_bps
        rate = self._proxy.rendition_bps or self._proxy.measured_bps
        self._watcher.playback(
            state=now.state,
            buffer_s=now.buffer_s,
            position_s=now.position_s,
            rendition_bps=rate,
            ladder_bps=ladder or None,
            rendition_fixed=self._fixed,
            dropped_frames=now.dropped_frames,
            decoded_frames=now.decoded_frames,
            wants_data=now.wants_data,
            target_s=self._target_s(rate),
            live=self._proxy.live,
            speed=now.speed,
        )

    def _target_s(self, rate_bps: float | None) -> float | None:
        """How far mpv reads ahead: as much as it may keep, or as long as it is told."""
        if not self._most_bytes or not rate_bps:
            return None
        target_s = self._most_bytes * 8 / rate_bps
        return target_s if self._most_s is None else min(target_s, self._most_s)

    def _now_s(self) -> float:
        return self._watcher.session.now() / 1e9


async def _or_none(future: asyncio.Future[Any]) -> Any:
    """The answer, or None where mpv has none (a property that is unavailable now)."""
    try:
        return await future
    except MpvError:
        return None


async def _option(ipc: MpvIpc, name: str) -> Any:
    try:
        return await ipc.command("get_property", f"options/{name}")
    except MpvError:
        return None


def _positive(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and value > 0 else None


def _has_display() -> bool:
    if sys.platform == "darwin":
        return True
    return bool(os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY"))
