"""The library's own player: plays HLS without showing it. Also the example of how to embed.

It fetches real segments over real sockets, keeps a real buffer clock, and tells the watcher
what a player knows: state, buffer, position, rates. It doesn't decode. Three things connect it
to the library, and any host does the same:

1. its HTTP session carries the watcher's tap (`trace_configs=[watcher.tap]`),
2. each request says what it is for (`trace_request_ctx={"role": "media"}`; optional),
3. `watcher.playback(...)` is called at each change, and a few times a second.

Not covered: separate audio playlists (EXT-X-MEDIA), low-latency parts, decryption.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final, Literal

import aiohttp

from streamnotice.errors import HostError, MediaError, MissingExtraError
from streamnotice.observations import LiveEdge
from streamnotice.players import abr, hls
from streamnotice.players.buffer import BufferClock
from streamnotice.players.decoding import Decoding, Work
from streamnotice.players.fetch import Fetched, FetchError, fetch_piece, fetch_playlist

if TYPE_CHECKING:
    from streamnotice.notices.actions import HostAction
    from streamnotice.notices.shown import ShownNotice
    from streamnotice.watcher import Watcher

RenditionChoice = Literal["auto", "highest", "lowest"]

TICK_S: Final = 0.1
REPORT_EVERY_S: Final = 0.2
FIRST_BACKOFF_S: Final = 0.5
LONGEST_BACKOFF_S: Final = 4.0
LIVE_HOLD_BACK: Final = 3
"""A live stream is joined this many target durations before its end (RFC 8216, 6.3.3)."""
ASSUMED_FRAME_RATE: Final = 25.0
_THREAD_FROM_CHARS: Final = 200_000


class HeadlessPlayer:
    """Plays HLS for a `Watcher`, without a screen.

    Args:
        watcher: the running watcher that is told of everything.
        rendition: `auto` adapts by BBA-0 (`streamnotice.players.abr`); `highest` and `lowest`
            keep to one and say so.
        session: HTTP session to use, with the watcher's tap among its trace configs; it is not
            closed. None makes one.
        target_s: buffer level at which no more is asked for.
        start_at_s: level at which playback starts.
        resume_at_s: level at which a stall ends.
        work: what must be done with all media before it is shown, off the event loop
            (`streamnotice.players.decoding`); frames are counted only with it.

    Attributes:
        trouble: one line on what stands in the way now; None if nothing does.
        media_came: at least one segment has come.

    Raises:
        HostError: *rendition* is none of the three, or the levels don't fit together.
    """

    name = "none"

    def __init__(
        self,
        watcher: Watcher,
        rendition: RenditionChoice = "auto",
        session: aiohttp.ClientSession | None = None,
        *,
        target_s: float = 30.0,
        start_at_s: float = 2.5,
        resume_at_s: float = 5.0,
        work: Work | None = None,
    ) -> None:
        if rendition not in ("auto", "highest", "lowest"):
            raise HostError(f"rendition must be auto, highest or lowest, not {rendition!r}")
        if not (0 < start_at_s <= target_s and 0 < resume_at_s <= target_s):
            raise HostError("start_at_s and resume_at_s must be above 0 and at most target_s")
        self._watcher = watcher
        self._choice = rendition
        self._given_session = session
        self._target_s = target_s
        self._clock = BufferClock(start_at_s, resume_at_s, decodes=work is not None)
        self._decoding = (
            Decoding(work, self._clock, lambda e: watcher.session.failed("player.work", e))
            if work is not None
            else None
        )
        self._started = False
        self.trouble: str | None = None
        self.media_came = False

        self._http: aiohttp.ClientSession
        self._renditions: tuple[hls.Rendition, ...] = ()
        self._current = 0
        self._cap_bps: float | None = None
        self._coming: asyncio.Task[Fetched] | None = None
        self._coming_bytes = 0
        self._segment_s = 0.0
        self._playlists: dict[int, hls.MediaPlaylist] = {}
        self._init: hls.Piece | None = None
        self._live: bool | None = None
        self._last: hls.Segment | None = None
        self._last_rendition = 0
        self._reload_at_s = 0.0
        self._failures = 0
        self._fetched_bytes = 0

    face = None

    def show(self, notice: ShownNotice) -> None:
        """Nothing to show it on."""

    @property
    def actions(self) -> Mapping[str, HostAction]:
        """What it can do for a viewer who reads a notice."""

        async def lower_quality(notice: ShownNotice) -> None:
            self.lower()

        return {"lower_quality": lower_quality}

    def cap(self, most_bps: float | None) -> None:
        """Ask for no rendition above *most_bps* (bit/s) from now on; None lifts the cap.

        The lowest stays permitted whatever the cap. A segment above it that is on its way is given
        up if more of it is missing than the same in the rendition below would take.
        """
        self._cap_bps = most_bps
        permitted = self._permitted_bps
        if self._coming is None or not permitted or self._current < len(permitted):
            return
        segment_s = self._segment_s
        missing = self._ladder_bps[self._current] * segment_s / 8 - self._coming_bytes
        if missing > permitted[-1] * segment_s / 8:
            self._coming.cancel()

    def lower(self) -> int:
        """Cap at the next rendition below the one that is asked for now; its rate (bit/s).

        Raises:
            HostError: there is none below, or the stream doesn't tell its rates.
        """
        ladder = self._ladder_bps
        if len(ladder) != len(self._renditions) or not ladder:
            raise HostError("this stream doesn't tell how much its renditions need")
        below = [rate for rate in ladder if rate < ladder[self._current]]
        if not below:
            raise HostError("the lowest quality plays already")
        self.cap(below[-1])
        return below[-1]

    async def play(self, url: str) -> None:
        """Play *url* until its end or until cancelled. One player plays once.

        Trouble on the way (no connection, HTTP errors, hangs, cut transfers) is retried for as
        long as it lasts.

        Raises:
            NotAManifestError: what *url* gives is no HLS playlist.
            MediaError: it is one that can't be played, or the session given is closed.
            MissingExtraError: the `player` extra isn't installed.
            HostError: the player has played before.
        """
        if self._started:
            raise HostError("a HeadlessPlayer plays once; make a new one")
        self._started = True
        loop = asyncio.get_running_loop()
        async with AsyncExitStack() as stack:
            if self._given_session is not None:
                self._http = self._given_session
            else:
                self._http = await stack.enter_async_context(
                    aiohttp.ClientSession(trace_configs=[self._watcher.tap])
                )
            tasks = [loop.create_task(self._run_clock())]
            if self._decoding is not None:
                tasks.append(loop.create_task(self._decoding.run()))
            stack.push_async_callback(_cancel, tasks)
            await self._open(url)
            while not self._clock.finished:
                await self._try_step()
            await tasks[0]  # until all that is buffered has been played

    # what the watcher is told

    async def _run_clock(self) -> None:
        loop = asyncio.get_running_loop()
        reported_s, reported_state = float("-inf"), ""
        while True:
            now_s = loop.time()
            self._clock.advance(now_s)
            state = self._clock.state
            if state != reported_state or now_s - reported_s >= REPORT_EVERY_S - TICK_S / 2:
                try:
                    self._report()
                except Exception as error:  # the clock must go on
                    self._watcher.session.failed("player.report", error)
                reported_s, reported_state = now_s, state
            if state == "ended":
                return
            await asyncio.sleep(TICK_S)

    def _report(self) -> None:
        ladder = self._permitted_bps
        self._watcher.playback(
            state=self._clock.state,
            buffer_s=self._clock.level_s,
            position_s=self._clock.position_s,
            rendition_bps=self._rendition_bps,
            ladder_bps=ladder or None,
            rendition_fixed=self._choice != "auto" or len(ladder or self._renditions) == 1,
            wants_data=self._wants_data,
            target_s=self._level_wanted_s,
            live=self._live,
            decoded_frames=self._decoding.decoded_frames if self._decoding else None,
            dropped_frames=self._decoding.dropped_frames if self._decoding else None,
        )

    @property
    def _ladder_bps(self) -> list[int]:
        return [r.rate_bps for r in self._renditions if r.rate_bps is not None]

    @property
    def _permitted_bps(self) -> list[int]:
        """The rates that the cap leaves, ascending; all of them may be chosen from."""
        ladder, cap_bps = self._ladder_bps, self._cap_bps
        if cap_bps is None or len(ladder) != len(self._renditions):
            return ladder
        return [rate for rate in ladder if rate <= cap_bps] or ladder[:1]

    @property
    def _rendition_bps(self) -> int | None:
        """As declared; for a stream that declares nothing, as measured."""
        if self._renditions and (declared := self._renditions[self._current].rate_bps):
            return declared
        if self._clock.buffered_s <= 0:
            return None
        return round(self._fetched_bytes * 8 / self._clock.buffered_s)

    @property
    def _level_wanted_s(self) -> float:
        """The target; in a live stream there is never more than the hold-back to be had."""
        if not self._live:
            return self._target_s
        return min(self._target_s, LIVE_HOLD_BACK * self._target_duration_s)

    @property
    def _target_duration_s(self) -> float:
        """Of the playlist in use, or of the one before it until that has come."""
        known = self._playlists.get(self._current) or next(iter(self._playlists.values()))
        return known.target_duration_s

    @property
    def _wants_data(self) -> bool:
        if self._clock.finished:
            return False
        room_s = self._level_wanted_s - self._clock.level_s
        if self._live:
            return room_s >= self._target_duration_s
        return room_s > 0

    # fetching

    async def _open(self, url: str) -> None:
        """Load what *url* names: a master playlist, or a media playlist that stands alone."""
        url = hls.absolute(url, "")
        while True:
            try:
                playlist, final_url = await self._load(url)
                break
            except FetchError as error:
                await self._back_off(str(error))
        self._recovered()
        if isinstance(playlist, hls.MasterPlaylist):
            self._renditions = playlist.renditions
        else:
            self._renditions = (hls.Rendition(final_url),)
            self._keep(0, playlist)
        if self._choice == "highest":
            self._current = len(self._renditions) - 1

    async def _load(self, url: str) -> tuple[hls.Playlist, str]:
        if self._http.closed:
            raise MediaError("the HTTP session given to the player is closed")
        text, final_url = await fetch_playlist(self._http, url)
        if len(text) < _THREAD_FROM_CHARS:
            return hls.parse(text, final_url), final_url
        # long lists take up to a second to read: not on the host's loop
        return await asyncio.to_thread(hls.parse, text, final_url), final_url

    async def _try_step(self) -> None:
        """One step towards the end, or a pause after trouble."""
        try:
            came = await self._step()
        except MissingExtraError:
            raise
        except MediaError as error:
            if self._http.closed:
                raise
            await self._back_off(str(error))
        except Exception as error:  # our own bug must not end the viewer's session
            self._watcher.session.failed("player.headless", error)
            await self._back_off("the player had a fault of its own")
        else:
            if came:
                self._recovered()

    async def _step(self) -> bool:
        """Fetch the next segment; False after a short wait if none is wanted or to be had yet."""
        if not self._room:
            await asyncio.sleep(TICK_S)
            return False
        self._adapt()
        playlist = await self._current_playlist()
        segment = self._next_segment(playlist)
        if segment is None:
            if not playlist.live:
                self._clock.finish()
                return True
            await asyncio.sleep(TICK_S)
            return False
        await self._fetch(segment)
        return True

    @property
    def _room(self) -> bool:
        # A live player takes whatever is announced; the end of the list bounds it.
        return bool(self._live) or self._clock.level_s < self._target_s

    def _adapt(self) -> None:
        permitted = self._permitted_bps
        if len(self._ladder_bps) != len(self._renditions) or len(self._renditions) < 2:
            return
        if self._choice == "auto":
            self._current = abr.choose(
                permitted, self._current, self._clock.level_s, self._level_wanted_s
            )
        else:
            self._current = min(self._current, len(permitted) - 1)

    async def _current_playlist(self) -> hls.MediaPlaylist:
        index = self._current
        known = self._playlists.get(index)
        now_s = asyncio.get_running_loop().time()
        if known is not None and (
            not known.live or now_s < self._reload_at_s or self._next_segment(known) is not None
        ):
            return known
        playlist, _ = await self._load(self._renditions[index].url)
        if isinstance(playlist, hls.MasterPlaylist):
            raise MediaError("a rendition's playlist is itself a list of renditions")
        self._keep(index, playlist)
        return playlist

    def _keep(self, index: int, playlist: hls.MediaPlaylist) -> None:
        if self._live is None:
            self._live = playlist.live
        before = self._playlists.get(index)
        if playlist.live:
            self._playlists.clear()  # a live list that isn't followed is out of date
        self._playlists[index] = playlist
        if not playlist.live:
            return
        # RFC 8216, 6.3.4: one target duration until the next look, half of it if nothing is new
        news = before is None or playlist.next_sequence != before.next_sequence
        pause_s = playlist.target_duration_s * (1.0 if news else 0.5)
        self._reload_at_s = asyncio.get_running_loop().time() + pause_s
        if playlist.segments:
            session = self._watcher.session
            session.emit(
                LiveEdge(
                    session.now(),
                    newest=playlist.next_sequence - 1,
                    target_duration_ns=round(playlist.target_duration_s * 1e9),
                )
            )

    def _next_segment(self, playlist: hls.MediaPlaylist) -> hls.Segment | None:
        segments = playlist.segments
        if not segments:
            return None
        last = self._last
        if last is None:
            wanted = _join(playlist) if self._live else segments[0].sequence
        elif self._live or self._last_rendition == self._current:
            wanted = last.sequence + 1
            if self._live and wanted > playlist.next_sequence + LIVE_HOLD_BACK:
                wanted = _join(playlist)  # the packager started its count anew
        else:
            # Sequence numbers of two renditions need not agree, media time does.
            end_s = last.start_s + last.duration_s
            at = bisect_left(segments, end_s, key=lambda s: s.start_s + s.duration_s / 2)
            return segments[at] if at < len(segments) else None
        at = bisect_left(segments, wanted, key=lambda s: s.sequence)
        return segments[at] if at < len(segments) else None

    async def _fetch(self, segment: hls.Segment) -> None:
        limit_s = max(60.0, 20.0 * segment.duration_s)
        keep = self._decoding is not None
        if segment.init is not None and segment.init != self._init:
            await fetch_piece(self._http, segment.init, limit_s=limit_s, keep=False)
            self._init = segment.init
        fetched = await self._whole(segment, limit_s, keep)
        if fetched is None:
            return
        self._last, self._last_rendition = segment, self._current
        self._fetched_bytes += fetched.length_bytes
        self.media_came = True
        self._clock.advance(asyncio.get_running_loop().time())
        self._clock.append(segment.duration_s)
        if self._decoding is not None and fetched.body is not None:
            frame_rate = self._renditions[self._current].frame_rate or ASSUMED_FRAME_RATE
            self._decoding.put(fetched.body, segment.duration_s, frame_rate)

    async def _whole(self, segment: hls.Segment, limit_s: float, keep: bool) -> Fetched | None:
        """The segment's media; None if it was given up for one of a lower rendition."""
        self._coming_bytes, self._segment_s = 0, segment.duration_s

        def count(length: int) -> None:
            self._coming_bytes += length

        coming = self._coming = asyncio.create_task(
            fetch_piece(self._http, segment.piece, limit_s=limit_s, keep=keep, on_bytes=count)
        )
        try:
            await asyncio.wait((coming,))
        finally:
            self._coming = None
            if not coming.done():  # this player is cancelled
                await _cancel([coming])
        return None if coming.cancelled() else coming.result()

    async def _back_off(self, trouble: str) -> None:
        self._failures += 1
        if trouble != self.trouble:
            self._watcher.session.log.info("streamnotice.player.trouble", text=trouble)
        self.trouble = trouble
        doublings = min(self._failures - 1, 8)
        await asyncio.sleep(min(FIRST_BACKOFF_S * 2**doublings, LONGEST_BACKOFF_S))

    def _recovered(self) -> None:
        self._failures = 0
        self.trouble = None


def _join(playlist: hls.MediaPlaylist) -> int:
    """Where to enter a live stream: `LIVE_HOLD_BACK` target durations before its end."""
    behind_s = 0.0
    for segment in reversed(playlist.segments):
        behind_s += segment.duration_s
        if behind_s >= LIVE_HOLD_BACK * playlist.target_duration_s:
            return segment.sequence
    return playlist.first_sequence


async def _cancel(tasks: Sequence[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
