"""Runs one watched session for a command: player, watcher, face, signals, exit code."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib.util
import math
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs

from streamnotice.cli import BAD_USE, FAILED, OK, logs
from streamnotice.cli.faces import Face, JsonFace, LineFace
from streamnotice.cli.keys import KEYS, SCOPES, Keys, legend
from streamnotice.cli.plain import complain, harmless
from streamnotice.errors import HostError, StreamnoticeError
from streamnotice.events import PlaybackChanged, Verdict
from streamnotice.faces import load_face
from streamnotice.notices.locales import wanted_here
from streamnotice.notices.placeholders import clean
from streamnotice.policy import KNOWN_PROBES, Policy
from streamnotice.watcher import Watcher

if TYPE_CHECKING:
    from streamnotice.baselines import BaselineFile
    from streamnotice.faces import TakenAway
    from streamnotice.notices.actions import Acted
    from streamnotice.notices.shown import ShownNotice
    from streamnotice.players import Player

NO_MEDIA_AFTER_S: Final = 30.0
_REDRAW_S: Final = 0.125
_STOP_PATIENCE_S: Final = 8.0
_SAME_ERROR_S: Final = 10.0
_MAX_TEXT: Final = 500


@attrs.frozen(kw_only=True)
class Plan:
    """What a command wants to have run.

    Attributes:
        command: its name, for messages.
        url: what is played.
        title: the same, in words.
        player: its name, for the start line.
        make_player: makes it for a watcher.
        alongside: runs beside the player until the session ends (the demo's fault).
        duration_s: end after this long; None is the end of the media.
        locale: language of the texts; None is what the environment asks for.
        keep: without a dossier, write the record at close all the same if a notice was shown.
        live: draw the live view where the terminal can show it.
        faces: where notices are shown, too, as given on the command line.
        mutes: the file of what is muted for good; None knows of none.
        baselines: the file of what was normal on this network; None keeps none.
        without: what was wished for and can't be had, though playback can go on, in words.
        needs_viewer: somebody may be looking at the player itself: when the reader of our
            output goes away, playback goes on.
    """

    command: str
    url: str
    title: str
    player: str
    make_player: Callable[[Watcher], Player]
    policy: Policy = attrs.field(factory=Policy)
    references: Sequence[str] = ()
    networks: str | None = None
    locale: str | None = None
    messages: str | None = None
    dossier: str | None = None
    sign: str | None = None
    keep: bool = False
    json: bool = False
    quiet: bool = False
    live: bool = True
    duration_s: float | None = None
    needs_viewer: bool = False
    faces: Sequence[str] = ()
    mutes: str | None = None
    baselines: BaselineFile | str | None = None
    without: Sequence[str] = ()
    alongside: Callable[[Watcher], Awaitable[None]] | None = None


def add_output_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that `watch` and `demo` share."""
    parser.add_argument("--json", action="store_true", help="JSON lines on standard output")
    parser.add_argument("--quiet", action="store_true", help="no live view, only notices")
    parser.add_argument("--dossier", metavar="FILE", help="write the record (.jsonl, .jsonl.gz)")
    parser.add_argument("--sign", metavar="KEY", help="sign the record with this private key")
    parser.add_argument("--messages", metavar="FILE", help="TOML file with texts of your own")
    parser.add_argument("--locale", metavar="L", help="language of the texts (default: LANG's)")
    parser.add_argument(
        "--face",
        action="append",
        default=[],
        metavar="NAME",
        help="show notices there, too: desktop, web, web:PORT (repeatable)",
    )


def seconds(text: str) -> float:
    """An argument in seconds, above 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return value


class _SeenWatcher(Watcher):
    """A watcher whose player's words reach the face as well (the level between changes)."""

    face: Face | None = None

    def playback(self, **fields: Any) -> None:
        super().playback(**fields)
        if self.face is not None:
            self.face.level(fields)


class _Session:
    """One run of a plan.

    Attributes:
        answered: a viewer can answer notices: only then is anything offered to be done.
    """

    def __init__(self, plan: Plan, face: Face, stop: asyncio.Event) -> None:
        self._plan = plan
        self._face = face
        self._stop = stop
        self._player: Player | None = None
        self._error: tuple[str, float] = ("", -math.inf)
        self._early: list[Callable[[], None]] | None = []  # what came before the start line
        self._faces = [make_face(text) for text in plan.faces]
        self._unannounced = list(self._faces)
        loop = asyncio.get_running_loop()
        self.watcher = _SeenWatcher(
            on_notice=self._on_notice,
            on_playback=self._on_playback,
            on_verdict=self._on_verdict,
            on_error=self._on_error,
            policy=plan.policy,
            dispatch=loop.call_soon_threadsafe,
            locale=plan.locale or wanted_here(os.environ),
            messages=plan.messages,
            networks=plan.networks,
            references=plan.references,
            dossier=plan.dossier,
            sign=plan.sign,
            on_dismissed=self._on_dismissed,
            on_acted=self._on_acted,
            mutes=plan.mutes,
            baselines=plan.baselines,
            faces=self._faces,
        )
        self.watcher.face = face
        self.answered = bool(self._faces)

    async def run(self) -> tuple[int, str]:
        """Play; returns (exit code, what to say on standard error)."""
        code, words = FAILED, ""
        try:
            async with self.watcher as watcher:
                # Sensors say at once whether they can see; let that be part of the start line.
                await asyncio.sleep(0.05)
                self._start(watcher)
                for lack in self._plan.without:
                    self._say_error(lack)
                try:
                    code, words = await self._play(watcher)
                except StreamnoticeError as error:
                    code, words = BAD_USE, str(error)
                except Exception as error:
                    watcher.session.failed(f"player {self._plan.player}", error)
                    code, words = FAILED, f"the player failed: {error!r}"
                if words:
                    self._say_error(words)
        finally:
            await asyncio.sleep(0)  # what the close queued (a last notice) comes first
            self._face.summary(self._now_s(), self.watcher.summary())
        return code, words

    async def _play(self, watcher: Watcher) -> tuple[int, str]:
        plan = self._plan
        self._player = plan.make_player(watcher)
        if self._player.face is not None:
            watcher.add_face(self._player.face)
        if self.answered:
            for action, call in self._player.actions.items():
                watcher.add_action(action, call)
        playing = asyncio.create_task(self._player.play(plan.url), name="player")
        others = [asyncio.create_task(self._refresh(watcher), name="refresh")]
        if plan.alongside is not None:
            others.append(asyncio.create_task(_run(plan.alongside(watcher)), name="alongside"))
        stopped = asyncio.create_task(self._stop.wait(), name="stop")
        try:
            patience_s = min(plan.duration_s or math.inf, NO_MEDIA_AFTER_S)
            await self._until(playing, stopped, patience_s)
            if not playing.done() and not stopped.done():
                if watcher.summary().media_bytes == 0:
                    return BAD_USE, f"no media came within {patience_s:g} s{self._trouble}"
                await self._until(playing, stopped, plan.duration_s)
            if playing.done():
                await playing  # raises what went wrong
                if watcher.summary().media_bytes == 0:
                    return BAD_USE, f"the player ended, and no media had come{self._trouble}"
            return OK, ""
        finally:
            for other in others:
                if other.done() and not other.cancelled() and other.exception() is not None:
                    watcher.session.failed(other.get_name(), other.exception() or "")
            await _end([playing, stopped, *others])

    @property
    def _trouble(self) -> str:
        """What stands in the player's way, where it can tell."""
        trouble = getattr(self._player, "trouble", None)
        return f": {trouble}" if trouble else ""

    async def _until(
        self, playing: asyncio.Task[None], stopped: asyncio.Task[Any], until_s: float | None
    ) -> None:
        left_s = None if until_s is None else max(0.0, until_s - self._now_s())
        await asyncio.wait({playing, stopped}, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)

    async def _refresh(self, watcher: Watcher) -> None:
        while True:
            self._announce()
            self._face.received(self._now_s(), watcher.session.budget.media_bytes)
            if self._face.broken and not self._plan.needs_viewer:
                self._stop.set()
            await asyncio.sleep(_REDRAW_S)

    def _start(self, watcher: Watcher) -> None:
        self._face.started(self._plan.player, watcher.coverage())
        early, self._early = self._early or [], None
        for tell in early:
            tell()

    def _announce(self) -> None:
        """Say where faces that have an address are to be found, once they are open."""
        for one in list(self._unannounced):
            address = getattr(one, "address", "")
            if address is not None:
                self._unannounced.remove(one)
            if address:
                self._face.hint(f"notices are shown at {address}")

    def key(self, key: str) -> None:
        """A key of the terminal: an answer to the notice that stands."""
        notice = self.watcher.on_screen
        if notice is None:
            return
        if key in SCOPES:
            self.watcher.dismiss(notice.event.id, SCOPES[key], face="terminal")
        elif key.isdigit() and 0 < int(key) <= len(notice.actions):
            self.watcher.act(notice.event.id, notice.actions[int(key) - 1].id)

    def _tell(self, tell: Callable[[], None]) -> None:
        if self._early is None:
            tell()
        else:
            self._early.append(tell)

    def _now_s(self) -> float:
        return self.watcher.session.now() / 1e9

    def _on_notice(self, shown: ShownNotice) -> None:
        self._tell(lambda: self._face.notice(shown))

    def _on_dismissed(self, what: TakenAway) -> None:
        self._tell(lambda: self._face.taken_away(what))

    def _on_acted(self, acted: Acted) -> None:
        self._tell(lambda: self._face.acted(acted))

    def _on_playback(self, event: PlaybackChanged) -> None:
        self._tell(lambda: self._face.playback(event))

    def _on_verdict(self, event: Verdict) -> None:
        self._tell(lambda: self._face.verdict(event))

    def _on_error(self, what: tuple[str, str]) -> None:
        where, text = what
        self._say_error(f"{where}: {text}")

    def _say_error(self, text: str) -> None:
        # A server that fails for an hour says so every ten seconds, not with every retry.
        now_s = self._now_s()
        # parts of it may come from a server: no terminal sequences, no direction tricks
        line = clean(text, _MAX_TEXT)
        last, last_s = self._error
        if line == last and now_s - last_s < _SAME_ERROR_S:
            return
        self._error = (line, now_s)
        self._tell(lambda: self._face.error(now_s, line))


async def _run(work: Awaitable[None]) -> None:
    await work


async def _end(tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    _, late = await asyncio.wait(tasks, timeout=_STOP_PATIENCE_S)
    for task in tasks:
        if task.done() and not task.cancelled():
            task.exception()  # seen: it was raised or reported before
    if late:
        print("streamnotice: a player did not stop in time", file=sys.stderr)


@contextlib.contextmanager
def stop_on_signals(stop: asyncio.Event) -> Iterator[None]:
    """SIGINT, SIGTERM and SIGHUP end the session in order: notice, summary, dossier."""
    loop = asyncio.get_running_loop()
    taken: list[signal.Signals] = []
    before: dict[signal.Signals, Any] = {}
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is None:
            continue
        try:
            loop.add_signal_handler(number, stop.set)
            taken.append(number)
        except (NotImplementedError, RuntimeError, ValueError):
            # Windows, or not the main thread
            with contextlib.suppress(ValueError):
                before[number] = signal.signal(
                    number, lambda *_: loop.call_soon_threadsafe(stop.set)
                )
    try:
        yield
    finally:
        for number in taken:
            loop.remove_signal_handler(number)
        for number, handler in before.items():
            signal.signal(number, handler)


async def run_session(plan: Plan) -> int:
    """Run *plan*; the exit code.

    Raises:
        HostError: an option can't be used (nothing was printed yet).
    """
    stop = asyncio.Event()
    with stop_on_signals(stop), contextlib.ExitStack() as closing:
        face = _face(attrs.evolve(plan, title=clean(plan.title)), closing)
        session = _Session(plan, face, stop)
        if not plan.json and not plan.quiet:
            keys = closing.enter_context(Keys(session.key))
            if keys.active:
                session.answered = True
                face.keys(legend(session.watcher.words(*KEYS.values())))
        code, words = await session.run()
    _keep(plan, session.watcher)
    if words:
        print(f"streamnotice {plan.command}: {clean(words, _MAX_TEXT)}", file=sys.stderr)
    elif plan.json and not plan.quiet and plan.dossier is not None:
        complain(plan.command, _after(plan))
    return code


def _keep(plan: Plan, watcher: Watcher) -> None:
    """No notice without its record: written where the user's programs keep such things."""
    if not plan.keep or plan.dossier is not None or watcher.summary().notices == 0:
        return
    from streamnotice.dossier.kept import keep

    try:
        path = keep(watcher.save_dossier)
    except HostError as error:
        complain(plan.command, f"the record wasn't kept: {error}")
        return
    if not plan.quiet:
        complain(
            plan.command,
            f"the record of what was shown: {path} "
            "(streamnotice log lists all; --no-record writes none)",
        )


def _face(plan: Plan, closing: contextlib.ExitStack) -> Face:
    take = None
    face: Face
    if plan.json:
        face = JsonFace()
    elif plan.live and not plan.quiet and _wants_live():
        from streamnotice.cli.live import LiveFace

        live = LiveFace(plan.title, _after(plan))
        closing.enter_context(live)
        take, face = live.log, live
    else:
        face = LineFace(plan.title, quiet=plan.quiet, after=_after(plan))
    handler = logs.configure(quiet=plan.quiet, take=take)
    closing.callback(logs.remove, handler)
    return face


def make_face(text: str) -> Any:
    """The face that *text* (`desktop`, `web`, `web:8080`) asks for.

    Raises:
        HostError: there is none of that name, it takes no port, or an extra is missing.
    """
    name, colon, port = text.partition(":")
    face = load_face(name)
    if not colon:
        return face()
    if name != "web" or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise HostError(f"--face: {text[:60]!r} should be desktop, web, or web:PORT")
    return face(int(port))


def _wants_live() -> bool:
    if not sys.stdout.isatty() or importlib.util.find_spec("rich") is None:
        return False
    from streamnotice.cli.live import fits_terminal

    return fits_terminal()


def _after(plan: Plan) -> str:
    if plan.dossier is None:
        return ""
    return harmless(f"The record: {plan.dossier} (streamnotice replay {plan.dossier})")


def run(plan: Plan) -> int:
    """`run_session` on a loop of its own."""
    return asyncio.run(run_session(plan))


def parse_probes(text: str, references: Sequence[str]) -> frozenset[str]:
    """The probes that *text* (`off`, `all` or a list) asks for.

    Raises:
        HostError: an unknown one, or `reference` without any reference.
    """
    words = [word.strip() for word in text.split(",")]
    if words == ["off"]:
        return frozenset()
    if words == ["all"]:
        # all that can be used: references can't be made up
        return frozenset(KNOWN_PROBES) if references else frozenset(KNOWN_PROBES) - {"reference"}
    for word in words:
        if word not in KNOWN_PROBES:
            raise HostError(
                f"--probes: {word!r} is not a probe; known are off, all, or a list of "
                + ", ".join(KNOWN_PROBES)
            )
    if "reference" in words and not references:
        raise HostError("--probes: reference needs at least one --reference URL")
    return frozenset(words)
