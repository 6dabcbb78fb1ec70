"""`Watcher`: what a host app holds. The asyncio shell around the engine.

It stamps observations, feeds the engine, keeps the record, runs sensors and delivers notices.
Whatever breaks here is logged and reported to `on_error`; the host's playback goes on.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, Self, cast
from urllib.parse import urlsplit

import attrs

from streamnotice.bottlenecks import INNER_NAMES, is_leaf
from streamnotice.coverage import coverage
from streamnotice.delivery import Delivery
from streamnotice.dossier.record import Recorder, make_header
from streamnotice.engine import ENGINE_VERSION, Engine
from streamnotice.errors import HostError
from streamnotice.events import AnyEvent, Notice, PlaybackChanged, ProbingWanted, Verdict
from streamnotice.evidence.hunger import HUNGRY_NS
from streamnotice.faces import Face
from streamnotice.hooks import Dispatch, Hooks, safe_repr
from streamnotice.notices.actions import HostAction, check_actions
from streamnotice.notices.catalog import Catalog
from streamnotice.notices.muting import Mute, MuteFile, Scope
from streamnotice.notices.overrides import OverrideSource
from streamnotice.notices.shown import Context, ShownNotice
from streamnotice.observations import (
    Closed,
    Observation,
    Playback,
    PlaybackState,
    StoredBaseline,
)
from streamnotice.path.rounds import FAR_END
from streamnotice.playback.news import PlaybackNews
from streamnotice.playback.told import (
    Ear,
    count,
    media_ns,
    nanoseconds,
    permille,
    rates,
    truth,
    word,
)
from streamnotice.policy import S_NS, Policy
from streamnotice.registry import load
from streamnotice.sensors import PASSIVE, PROBES, Sensor
from streamnotice.sensors.requests import RequestScope, RequestTracker
from streamnotice.sensors.tap import make_tap
from streamnotice.session import Session
from streamnotice.tasks import end

if TYPE_CHECKING:
    import aiohttp

    from streamnotice.baselines import BaselineFile
    from streamnotice.dossier.signing import Signer
    from streamnotice.path.networks import NetworkTable
    from streamnotice.players.proxy import TapProxy

_STOP_WITHIN_S: Final = 5.0
"""Sensors that don't end so long after they were told to are left behind."""
_LOOK_AGAIN_S: Final = 0.02


@attrs.frozen
class Summary:
    """What a session came to; the last line of the command's output."""

    stalls: int
    stalled_s: float
    notices: int
    probe_bytes: int
    media_bytes: int
    verdict: Verdict | None


class Watcher:
    """Watches one playback session and gives notice of what holds it up.

    Use as `async with Watcher(...) as w`. All methods but `playback` and `request` belong to the
    loop's thread; those two may be called from any.

    Args:
        on_notice: called with each `ShownNotice` (raised, updated, resolved).
        on_playback: called with each `PlaybackChanged`.
        on_verdict: called with each step's `Verdict`, below the threshold too.
        on_error: called with (where, what) pairs, as one tuple, for failures inside the library
            and in the host's other callbacks.
        on_dismissed: called with each `TakenAway`: the viewer has understood a notice.
        on_acted: called with each `Acted`: an action was carried out, and what followed it.
        on_dossier: called at close with the record's lines (bytes).
        policy: bars, thresholds, budgets.
        dispatch: runs plain callbacks where the host wants them.
        locale, messages: language of the texts; overrides as a TOML file's path, a mapping, or a
            function (id, language, values) -> text or None.
        networks: a prefix table (see `streamnotice.path.networks`) or the path of its CSV.
        references: URLs of servers that a healthy line reaches as well; used only if
            "reference" is among the policy's probes.
        baselines: what was normal in earlier sessions, for trouble that is there before Play: a
            file (a path, or a `BaselineFile`) that this session goes by and adds to; or base round
            trips in seconds from this same network, as `baselines()` gave them.
        dossier: also write the record to this file as the session goes.
        mutes: file of what the viewer doesn't want to be told for good (a path, or a `MuteFile`);
            None keeps mutes for this session only. A damaged file is told to `on_error`.
        actions: what the host can do for the viewer, by action id: called with the notice.
        faces: shown to beside `on_notice`.
        sign: an Ed25519 private key (a PEM file's path) that the record is signed with as it
            grows (`streamnotice.dossier.signing`).

    Raises:
        HostError: an argument can't be used; the text says which and why.
    """

    def __init__(
        self,
        *,
        on_notice: Callable[[Any], Any] | None = None,
        on_playback: Callable[[Any], Any] | None = None,
        on_verdict: Callable[[Any], Any] | None = None,
        on_error: Callable[[Any], Any] | None = None,
        on_dismissed: Callable[[Any], Any] | None = None,
        on_acted: Callable[[Any], Any] | None = None,
        on_dossier: Callable[[Any], Any] | None = None,
        policy: Policy | None = None,
        dispatch: Dispatch | None = None,
        locale: str | Sequence[str] = "en",
        messages: OverrideSource | Sequence[OverrideSource] | None = None,
        networks: NetworkTable | str | os.PathLike[str] | None = None,
        references: Sequence[str] = (),
        baselines: BaselineFile | str | os.PathLike[str] | Mapping[str, float] | None = None,
        dossier: str | os.PathLike[str] | None = None,
        mutes: MuteFile | str | os.PathLike[str] | None = None,
        actions: Mapping[str, HostAction] | None = None,
        faces: Sequence[Face] = (),
        sign: Signer | str | os.PathLike[str] | None = None,
    ) -> None:
        self.policy = policy or Policy()
        if "reference" in self.policy.probes and not references:
            raise HostError("the probe 'reference' needs at least one reference URL")
        actions = check_actions(actions)  # before a file is opened
        self._settings = self.policy.settings()
        self._engine = Engine(self._settings)
        self._catalog = Catalog(
            locale,
            overrides=messages,
            name_operators=self.policy.name_operators,
            on_error=self._on_error,
        )
        self._hooks = Hooks(
            {
                "notice": on_notice,
                "playback": on_playback,
                "verdict": on_verdict,
                "error": on_error,
                "dismissed": on_dismissed,
                "acted": on_acted,
                "dossier": on_dossier,
            },
            dispatch,
        )
        self._networks = _networks(networks)
        self._references = tuple(check_reference(url) for url in references)
        self._baseline_file = _baseline_file(baselines)
        self._baselines = dict(baselines) if isinstance(baselines, Mapping) else {}
        self.session = Session(self.policy, self._hand_in, on_error=self._on_error)
        self._tap: aiohttp.TraceConfig | None = None
        self._news = PlaybackNews()
        self._ear = Ear(partial(self.session.failed, "playback"))
        self._recorder = Recorder(
            make_header(
                settings=self._settings,
                engine_version=ENGINE_VERSION,
                tables=self._engine.tables.hashes(),
                provisional=self._engine.tables.provisional,
                policy=self.policy,
                catalog_hash=self._catalog.hash,
                locale=self._catalog.locale,
                started_utc=datetime.now(UTC).isoformat(timespec="seconds"),
            ),
            self.policy.record_bytes,
            stream=dossier,
            on_error=self._on_error,
            snapshot=self._engine.snapshot,
            signer=_signer(sign),
        )
        self._delivery = Delivery(
            session=self.session,
            hooks=self._hooks,
            recorder=self._recorder,
            catalog=self._catalog,
            estimates=lambda: self._engine.estimates,
            mutes=mutes,
            actions=actions,
            faces=faces,
            dispatch=dispatch,
        )
        self._verdict: Verdict | None = None
        self._named: Verdict | None = None
        self._notices = 0
        self._counted = ""
        self._said: str | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        self._process = os.getpid()  # a fork of the host's has no session
        self._waiting: list[Observation] = []
        self._feeding = False
        self._closed = False
        self._over_ns: int | None = None
        self._record_ended = False
        self._proxy: TapProxy | None = None
        self.requests = RequestTracker(self.session)  # last: it may speak at once

    # -- the host's side ----------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        if self._loop is not None or self._closed:
            raise HostError("a Watcher watches one session: make another one for the next")
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._process = os.getpid()
        self._recorder.take_over()
        self._hooks.open(self._loop)
        self.requests.open(self._loop)
        self.session.opened(True)
        self._spawn("ticks", self._tick())
        for subject, seconds in self._baselines.items():
            value = nanoseconds(seconds)
            if not (is_leaf(str(subject)) or subject in (*INNER_NAMES, FAR_END)):
                # a host's own name for it would be on record, and says nothing to the engine
                self.session.failed("baselines", "one that is of no place was left out")
            elif value:
                now = self.session.now()
                self._hand_in(StoredBaseline(now, "rtt_ns", str(subject)[:64], value, samples=1))
        for name, spec in PASSIVE.items():
            self._start(name, partial(_loaded, spec))
        if self._baseline_file is not None:
            self._start("baselines", partial(self._baseline_sensor, self._baseline_file))
        if "path" in self.policy.probes:
            for name in ("path", "underlay", "first-hop"):
                self._start(name, partial(_loaded, PROBES[name], self._networks))
        if "reference" in self.policy.probes:
            self._start("reference", self._reference_sensor)
        if "gateway" in self.policy.probes:
            self._start("gateway", partial(_loaded, PROBES["gateway"]))
        self._delivery.open(self)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End the session: resolve what is shown, stop sensors, hand over the record.

        On another loop, too, where the session's own has ended. Takes seconds at most, whatever
        hangs, and finishes the record even if it is cancelled. More calls do nothing.
        """
        if os.getpid() != self._process or await self._closed_at_home() or self._closed:
            return
        self._closed = True
        self.session.opened(False)
        try:
            await end(self._tasks, _STOP_WITHIN_S)
            await self._close_proxy()
        finally:
            try:
                self._end()
                await self._delivery.close()
            finally:
                self._finish_record()
                await self._hooks.close()

    async def _closed_at_home(self) -> bool:
        """Close on the session's loop if that is another one than this; False if it has ended."""
        home, here = self._loop, asyncio.get_running_loop()
        if home is None or home is here:
            return False
        if home.is_running():
            closing = asyncio.run_coroutine_threadsafe(self.close(), home)
            while home.is_running() and not closing.done():  # noqa: ASYNC110 -- it may stop unsaid
                await asyncio.sleep(_LOOK_AGAIN_S)
            if closing.done():
                return True
        self._loop, self._thread = here, threading.get_ident()
        self._hooks.open(here)
        if self._closed:  # the other loop stopped half-way
            self._end()
            self._finish_record()
        return False

    async def _close_proxy(self) -> None:
        if self._proxy is not None:
            try:
                # aiohttp waits for its connections to be closed, however long that takes
                async with asyncio.timeout(_STOP_WITHIN_S):
                    await self._proxy.close()
            except Exception as error:
                self.session.failed("proxy", error)

    def _end(self) -> None:
        """The engine's last words: what is shown is resolved."""
        if self._over_ns is not None:
            return
        self.requests.close()
        self.session.budget.close()
        now = self._over_ns = self.session.now()
        self._advance(now)
        self._take(Closed(now))

    def _finish_record(self) -> None:
        if self._record_ended:
            return
        self._record_ended = True
        try:
            self._recorder.close(self._over_ns or self.session.now())
            if self._hooks.wants("dossier"):
                self._hooks.call("dossier", self._recorder.lines())
        except Exception as error:
            self.session.failed("dossier", error)

    @property
    def tap(self) -> aiohttp.TraceConfig:
        """For `aiohttp.ClientSession(trace_configs=[w.tap])`: sees the host's requests."""
        if self._tap is None:
            self._tap = make_tap(self.requests)
        return self._tap

    def playback(
        self,
        *,
        state: PlaybackState | None = None,
        buffer_s: float | None = None,
        position_s: float | None = None,
        rendition_bps: float | None = None,
        ladder_bps: Sequence[float] | None = None,
        rendition_fixed: bool | None = None,
        dropped_frames: int | None = None,
        decoded_frames: int | None = None,
        wants_data: bool | None = None,
        target_s: float | None = None,
        live: bool | None = None,
        speed: float | None = None,
        duration_s: float | None = None,
    ) -> None:
        """Say how playback stands; call it at each change and a few times a second.

        Every argument is optional, None is unknown. Seconds and bits per second; counts run from
        the start. `duration_s` is the length of what plays now: not of a live stream, nor of what
        is fetched for later. Values that can't be (negative, not finite, of another kind, such as
        text for a number or a number for yes and no) are taken as unknown, each for itself; of
        each argument `on_error` is told the first one, but for numbers that aren't finite. Never
        raises.
        """
        take = self._ear.take
        told = Playback(
            at_ns=self.session.now(),
            state=take("state", state, _state),
            buffer_ns=take("buffer_s", buffer_s, media_ns),
            position_ns=take("position_s", position_s, media_ns),
            rendition_bps=take("rendition_bps", rendition_bps, count),
            ladder_bps=take("ladder_bps", ladder_bps, rates),
            rendition_fixed=take("rendition_fixed", rendition_fixed, truth),
            dropped_frames=take("dropped_frames", dropped_frames, count),
            decoded_frames=take("decoded_frames", decoded_frames, count),
            wants_data=take("wants_data", wants_data, truth),
            target_ns=take("target_s", target_s, media_ns),
            live=take("live", live, truth),
            speed_permille=take("speed", speed, permille),
            duration_ns=take("duration_s", duration_s, media_ns),
        )
        has_enough = (told.buffer_ns or 0) >= HUNGRY_NS
        if told.wants_data is None and has_enough and self.requests.held_back():
            # between two marks of its buffer a player leaves one long answer unread
            told = attrs.evolve(told, wants_data=False)
        self._hand_in(told)

    def request(
        self, url: str, role: Literal["media", "playlist", "other"] | None = None
    ) -> RequestScope:
        """For hosts whose HTTP isn't aiohttp: `with w.request(url) as r: r.first_byte(); ...`."""
        return self.requests.request(url, role)

    async def proxy(self, url: str) -> str:
        """A local address that plays *url* through a tap: for players with an HTTP of their own."""
        if self._proxy is None:
            from streamnotice.players.proxy import TapProxy

            self._proxy = TapProxy(self)
        return await self._proxy.open(url)

    def sockets_of(self, pid: int, hosts: Sequence[str] = ()) -> None:
        """Look at the connections of a player in another process (Linux, extra `linux`).

        For players with an HTTP of their own that go through neither tap nor proxy. Call it in the
        open session, once the player runs.

        Args:
            pid: its process; children count.
            hosts: names, addresses or URLs of the service; none: every connection out of this
                machine that has received much.
        """
        from streamnotice.sensors.sockets import SocketSensor

        self._start("sockets", lambda: SocketSensor(pid, hosts))

    def coverage(self) -> dict[str, bool | str]:
        """Place -> True if this session can name it, else what would add it."""
        return coverage(
            self.policy,
            self._engine.tables,
            networks=self._networks is not None,
            sights=self.session.sights,
        )

    def explain(self) -> Verdict | None:
        """The last step's verdict with its waterfall; None before the first second."""
        return self._verdict

    def baselines(self) -> dict[str, float]:
        """Base round trips (s) that this session saw, by place and "far end": for the host's store.

        Keep the smallest of several sessions by network and server; hand them to the next.
        """
        return {place: ns / S_NS for place, ns in self._engine.estimates.learnt().items()}

    @property
    def on_screen(self) -> ShownNotice | None:
        """The notice that stands now; None if there is none, or the viewer has understood it."""
        return self._delivery.on_screen

    def dismiss(self, notice_id: str, scope: Scope = "notice", *, face: str = "") -> bool:
        """The viewer has understood a notice: it goes from every face, and stays away.

        Args:
            notice_id: `event.id` of the notice on screen.
            scope: "notice"; or mute its place on this network, too, for the "session" or "always".
            face: where the viewer said so, for the record.

        Returns:
            False if that notice isn't on screen (any more).

        Raises:
            HostError: the scope is none of these.
        """
        return self._delivery.dismiss(notice_id, scope, face)

    def mute(
        self, place: str, scope: Scope = "session", *, network: Literal["here", "any"] = "here"
    ) -> Mute:
        """Show no notices of *place* (with all that lies under it; "all" for everything).

        Args:
            scope: "session", or "always" (kept in the file of mutes, where there is one; written
                off the loop, and told to `on_error` if it can't be).
            network: on the network that this computer is on, or on any. Where this one can't be
                told from others, it is any.

        Raises:
            HostError: no such place, scope or network.
        """
        return self._delivery.muted.add(place, scope, network)

    def unmute(self, place: str) -> int:
        """Show notices of *place* again, on all networks; how many mutes that ended.

        Raises:
            HostError: no such place.
        """
        return self._delivery.muted.remove(place)

    def muted(self) -> tuple[Mute, ...]:
        """What is muted, for this session first."""
        return self._delivery.muted.all()

    def act(self, notice_id: str, action_id: str) -> bool:
        """Carry out an action of the notice on screen, and look at what follows (`on_acted`).

        The host's callback runs if there is one; else the viewer says that they did it.

        Returns:
            False if that notice isn't on screen, doesn't offer it, or it is under way.
        """
        return self._delivery.act(notice_id, action_id)

    def add_action(self, action: str, call: HostAction) -> None:
        """Offer one more action, as with `Watcher(actions=...)`: for a player that is made later.

        Raises:
            HostError: no notice offers *action*, or *call* can't be called.
        """
        self._delivery.add_action(action, call)

    def add_face(self, face: Face) -> None:
        """Show notices on *face*, too, from the present one on."""
        self._delivery.add_face(face)

    def remove_face(self, face: Face) -> None:
        """Show no more on *face*; it is not closed."""
        self._delivery.remove_face(face)

    def words(self, *ids: str) -> dict[str, str]:
        """Texts of the session's language by message id: what a face puts around a notice."""
        return {id_: self._catalog.text(id_) for id_ in ids}

    @property
    def locale(self) -> str:
        """Language of the texts."""
        return self._catalog.locale

    @property
    def direction(self) -> str:
        """How that language is written: "ltr" or "rtl"."""
        return self._catalog.direction

    def summary(self) -> Summary:
        """What the session came to so far."""
        stalls, stalled_ns = self._engine.stalls()
        return Summary(
            stalls=stalls,
            stalled_s=stalled_ns / S_NS,
            notices=self._notices,
            probe_bytes=self.session.budget.spent_bytes,
            media_bytes=self.session.budget.media_bytes,
            verdict=self._named,
        )

    def save_dossier(self, path: str | os.PathLike[str]) -> None:
        """Write the record so far (gzip if the name ends in `.gz`); HostError if it can't be."""
        self._recorder.save(path)

    # -- inside -------------------------------------------------------------------------------

    def _hand_in(self, observation: Observation) -> None:
        if self._closed or os.getpid() != self._process:
            return
        if self._loop is not None and threading.get_ident() != self._thread:
            try:
                self._loop.call_soon_threadsafe(self._take, observation)
            except RuntimeError as error:  # the loop is gone: so is the session
                self.session.failed("watcher.thread", error)
            return
        self._take(observation)

    def _take(self, observation: Observation) -> None:
        """Record, feed, act; whatever fails in it stays here."""
        self._waiting.append(observation)
        if self._feeding:
            return
        self._feeding = True
        try:
            while self._waiting:
                seen = self._waiting.pop(0)
                try:
                    if not self._news.is_news(seen):
                        continue
                    self._recorder.observation(seen)
                    events = self._engine.feed(seen)
                    self._news.took(seen)
                    self._recorder.events(events)
                    self._act(events)
                except Exception as error:
                    self.session.failed("engine.feed", error)
        finally:
            self._feeding = False

    def _advance(self, now_ns: int) -> None:
        try:
            self._recorder.tick(now_ns)
            events = self._engine.tick(now_ns)
            self._recorder.events(events)
            self._act(events)
        except Exception as error:
            self.session.failed("engine.tick", error)

    def _act(self, events: list[AnyEvent]) -> None:
        for event in events:
            if isinstance(event, Verdict):
                self._verdict = event
                self.session.suspects = dict(event.alternatives)
                if event.impact is not None:
                    self._named = event
                self._hooks.call("verdict", event)
            elif isinstance(event, PlaybackChanged):
                self._hooks.call("playback", event)
            elif isinstance(event, ProbingWanted):
                self.session.intensity = event.intensity
            elif isinstance(event, Notice):
                self._show(event)

    def _show(self, event: Notice) -> None:
        if not self._delivery.judged(event):
            return
        if event.state != "resolved" and event.id != self._counted:
            self._counted = event.id
            self._notices += 1
        shown = self._catalog.show(
            event,
            self.policy,
            Context(
                medium=self._engine.estimates.medium,
                operators=dict(self.session.operators),
                said=self._said if event.reason == "withdrawn" else None,
            ),
        )
        self._said = shown.sentence
        shown = self._delivery.with_actions(shown)
        self._recorder.shown(shown)
        self.session.log.info(
            "streamnotice.notice",
            id=event.id,
            state=event.state,
            bottleneck=event.bottleneck,
            among=event.among,
            condition=event.condition,
            confidence_ppm=event.confidence_ppm,
        )
        self._delivery.show(shown)

    async def _tick(self) -> None:
        try:
            while True:
                now = self.session.now()
                due = (now // S_NS + 1) * S_NS
                await asyncio.sleep((due - now) / S_NS + 0.002)
                self._advance(self.session.now())
        finally:
            if not self._closed:  # the loop ends without `close`, which may never come
                self._save_what_is_there()

    def _save_what_is_there(self) -> None:
        try:
            self._recorder.seal()
        except Exception as error:
            self.session.failed("dossier", error)

    def _start(self, name: str, make: Callable[[], Sensor]) -> None:
        async def run() -> None:
            try:
                await make().run(self.session)
            except Exception as error:
                self.session.sight(name, False, f"it failed: {type(error).__name__}")
                self.session.failed(f"sensor.{name}", error)

        self._spawn(name, run())

    def _spawn(self, name: str, work: Any) -> None:
        assert self._loop is not None
        self._tasks.append(self._loop.create_task(work, name=f"streamnotice-{name}"))

    def _baseline_sensor(self, file: BaselineFile) -> Sensor:
        from streamnotice.sensors.baselines import BaselineSensor

        return BaselineSensor(file, lambda: self._engine.estimates, lambda: self._verdict)

    def _reference_sensor(self) -> Sensor:
        from streamnotice.sensors.reference import ReferenceSensor

        return ReferenceSensor(self._references, self._networks)

    def _on_error(self, where: str, error: BaseException | str) -> None:
        self._hooks.call("error", (where, error if isinstance(error, str) else safe_repr(error)))


_STATES: Final = frozenset(("starting", "playing", "stalled", "seeking", "paused", "ended"))


def _state(value: object) -> PlaybackState | None:
    return cast("PlaybackState | None", word(value, _STATES))


def _loaded(spec: str, *wants: Any) -> Sensor:
    made: Sensor = load(spec)(*wants)
    return made


def _signer(given: Signer | str | os.PathLike[str] | None) -> Signer | None:
    if given is None or not isinstance(given, str | os.PathLike):
        return given
    from streamnotice.dossier.signing import load_signer

    return load_signer(given)


def _baseline_file(given: object) -> BaselineFile | None:
    from streamnotice.baselines import BaselineFile

    if isinstance(given, BaselineFile):
        return given
    return BaselineFile(given) if isinstance(given, str | os.PathLike) else None


def _networks(given: NetworkTable | str | os.PathLike[str] | None) -> NetworkTable | None:
    if given is None or not isinstance(given, str | os.PathLike):
        return given
    from streamnotice.path.networks import load_networks

    return load_networks(given)


def check_reference(url: str) -> str:
    """*url* if it can serve as a reference; HostError if not."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise HostError(f"a reference must be an http or https URL, not {url[:80]!r}")
    return url
