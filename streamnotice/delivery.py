"""How notices reach the viewer, and how the viewer answers: mutes, dismissals, actions, faces.

The shell's side of manners. What is decided here changes what is shown, never what is measured,
weighed or recorded.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

import attrs

from streamnotice.errors import HostError, StreamnoticeError
from streamnotice.faces import Face, TakenAway
from streamnotice.hooks import is_coroutine_function
from streamnotice.muted import Muted
from streamnotice.notices.actions import Acted, HostAction, check_actions, offered
from streamnotice.notices.effects import WATCH_NS, By, Figures, figures, followed
from streamnotice.notices.manners import Manners
from streamnotice.notices.muting import SCOPES, MuteFile, Scope
from streamnotice.policy import S_NS
from streamnotice.tasks import end

if TYPE_CHECKING:
    from streamnotice.dossier.record import Recorder
    from streamnotice.estimates import Estimates
    from streamnotice.events import Notice
    from streamnotice.hooks import Dispatch, Hooks
    from streamnotice.notices.catalog import Catalog
    from streamnotice.notices.shown import ShownAction, ShownNotice
    from streamnotice.session import Session
    from streamnotice.watcher import Watcher

ACTION_WITHIN_S: Final = 30.0
_CLOSE_WITHIN_S: Final = 2.0
_END_WITHIN_S: Final = 5.0
_OPEN_WITHIN_S: Final = 10.0


class Delivery:
    """Between the engine's notices and those who show them. All of it runs on the loop's thread.

    Args:
        estimates: gives the engine's present picture, for what was seen around an action.
        mutes: a file of lasting mutes or its path; None keeps mutes for this session only.
        actions: the host's callbacks by action id.
        faces: told of each step that may be shown.
    """

    def __init__(
        self,
        *,
        session: Session,
        hooks: Hooks,
        recorder: Recorder,
        catalog: Catalog,
        estimates: Callable[[], Estimates],
        mutes: MuteFile | str | os.PathLike[str] | None = None,
        actions: Mapping[str, HostAction],
        faces: Sequence[Face] = (),
        dispatch: Dispatch | None = None,
    ) -> None:
        self._session = session
        self._hooks = hooks
        self._recorder = recorder
        self._catalog = catalog
        self._estimates = estimates
        self._actions = actions
        self._dispatch = dispatch
        self._manners = Manners(session.policy.least_severity, session.policy.notices_per_hour)
        self.muted = Muted(session, mutes)
        self._silenced = ""  # the last notice that a mute kept away
        self._faces: list[Face] = list(faces)
        self._watcher: Watcher | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._shown: ShownNotice | None = None
        self._running: set[tuple[str, str]] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    # -- faces --------------------------------------------------------------------------------

    def open(self, watcher: Watcher) -> None:
        """The session begins: get the faces ready."""
        self._watcher = watcher
        self._loop = asyncio.get_running_loop()
        faces, self._faces = self._faces, []
        for face in faces:
            self.add_face(face)

    def add_face(self, face: Face) -> None:
        """Have *face* told from now on, and of the notice that is on screen."""
        watcher = self._watcher
        if watcher is None:
            self._faces.append(face)
            return

        async def open_face() -> None:
            opened = False
            try:
                async with asyncio.timeout(_OPEN_WITHIN_S):
                    await face.open(watcher)
                opened = True
            except (Exception, SystemExit) as error:
                what = str(error) if isinstance(error, StreamnoticeError) else repr(error)
                self._session.failed(f"face.{_name(face)}", what)
                return
            finally:
                if not opened:  # also where the session ended meanwhile
                    await self._close_face(face)
            self._faces.append(face)
            if self.on_screen is not None:
                self._call(face, "notice", self.on_screen)

        self._spawn(open_face(), f"face-{_name(face)}")

    def add_action(self, action: str, call: HostAction) -> None:
        """The host can carry out *action*, too; notices offer it from the next step on."""
        self._actions = {**self._actions, **check_actions({action: call})}

    def remove_face(self, face: Face) -> None:
        """Tell *face* no more."""
        if face in self._faces:
            self._faces.remove(face)

    async def close(self) -> None:
        """The session is over: close the faces, leave unfinished actions behind."""
        # a face that is still opening is closed as its task ends
        await end(self._tasks, _END_WITHIN_S)
        faces, self._faces = self._faces, []
        for face in faces:
            await self._close_face(face)
        if self._loop in (None, asyncio.get_running_loop()):
            await self.muted.close()  # what a loop that has ended was writing can't be waited for

    async def _close_face(self, face: Face) -> None:
        try:
            async with asyncio.timeout(_CLOSE_WITHIN_S):
                await face.close()
        except (Exception, SystemExit) as error:
            self._session.failed(f"face.{_name(face)}", error)

    def _call(self, face: Face, method: str, value: Any) -> None:
        try:
            getattr(face, method)(value)
        except (Exception, SystemExit) as error:  # sys.exit in a face must not end the loop
            self._session.failed(f"face.{_name(face)}.{method}", error)

    def _tell(self, method: str, value: Any, hook: str) -> None:
        self._hooks.call(hook, value)
        for face in tuple(self._faces):
            self._call(face, method, value)

    # -- notices ------------------------------------------------------------------------------

    def judged(self, event: Notice) -> bool:
        """Whether the viewer gets *event*; what must go from the screen for it is taken away."""
        before = self._manners.on_screen
        mute = None if event.state == "resolved" else self.muted.silences(event)
        judgement = self._manners.judge(event, muted=mute is not None)
        if judgement.why == "muted" and mute is not None and event.id != self._silenced:
            self._silenced = event.id
            self._record(event.at_ns, event, mute.scope, mute.network)
        if judgement.take_away and before is not None:
            scope: Scope = "notice" if mute is None else mute.scope
            gone = TakenAway(event.at_ns, before.id, before.bottleneck, scope, by_viewer=False)
            self._tell("taken_away", gone, "dismissed")
        if not judgement.show:
            self._session.log.info(
                "streamnotice.not_shown", id=event.id, state=event.state, why=judgement.why
            )
        return judgement.show

    def with_actions(self, shown: ShownNotice) -> ShownNotice:
        """*shown* with the actions that this host can carry out."""
        model = self._estimates().playback
        lowest = bool(model.ladder_bps) and model.rendition_bps == min(model.ladder_bps)
        if not self._actions and not lowest:
            return shown
        actions = offered(
            shown.event, shown.actions, self._actions, self._catalog, at_lowest=lowest
        )
        return attrs.evolve(shown, actions=actions)

    def show(self, shown: ShownNotice) -> None:
        """Hand *shown* to the host and to every face."""
        self._shown = shown
        self._tell("notice", shown, "notice")

    @property
    def on_screen(self) -> ShownNotice | None:
        return None if self._manners.on_screen is None else self._shown

    # -- the viewer's answers -----------------------------------------------------------------

    def dismiss(self, notice_id: str, scope: Scope, face: str) -> bool:
        if scope not in SCOPES:
            raise HostError(f"scope must be one of {', '.join(SCOPES)}, not {scope!r}")
        event = self._manners.dismiss(str(notice_id))
        if event is None:
            return False
        network = ""
        if scope != "notice":
            network = self.muted.add(event.bottleneck, scope, "here").network
        now = self._session.now()
        self._record(now, event, scope, network)
        gone = TakenAway(now, event.id, event.bottleneck, scope, face)
        self._tell("taken_away", gone, "dismissed")
        return True

    def _record(self, at_ns: int, event: Notice, scope: Scope, network: str) -> None:
        """With a label of this session's own: no record tells of two that they share a network."""
        label = self._session.labels.network(network) if network else ""
        self._recorder.dismissed(at_ns, event.id, event.bottleneck, scope, label)

    # -- actions ------------------------------------------------------------------------------

    def act(self, notice_id: str, action_id: str) -> bool:
        shown = self.on_screen
        if shown is None or shown.event.id != notice_id:
            return False
        action = next((one for one in shown.actions if one.id == action_id), None)
        if action is None:
            return False
        key = (notice_id, action_id)
        if key in self._running:
            return False
        self._running.add(key)
        self._spawn(self._carry_out(shown, action), f"action-{action_id}")
        return True

    async def _carry_out(self, shown: ShownNotice, chosen: ShownAction) -> None:
        action = chosen.id
        key = (shown.event.id, action)
        call = self._actions.get(action) if chosen.runnable else None
        by: By = "viewer" if call is None else "host"
        before = self._figures()
        try:
            if call is not None:
                async with asyncio.timeout(ACTION_WITHIN_S):
                    await self._run(call, shown)
        except (Exception, SystemExit) as error:  # sys.exit in an action must not end the loop
            what = str(error) if isinstance(error, StreamnoticeError) else error
            self._session.failed(f"action.{action}", what)
            self._acted(shown, action, by, "failed", before)
            self._running.discard(key)
            return
        self._acted(shown, action, by, "done", before)
        await asyncio.sleep(WATCH_NS / S_NS)
        self._running.discard(key)
        self._acted(shown, action, by, "observed", before, self._figures())

    async def _run(self, call: HostAction, shown: ShownNotice) -> None:
        if is_coroutine_function(call):
            came: Any = call(shown)
        else:
            came = await self._run_plain(call, shown)
        # a lambda around a coroutine function gives an awaitable, too
        elsewhere = asyncio.isfuture(came) and came.get_loop() is not asyncio.get_running_loop()
        if inspect.isawaitable(came) and not elsewhere:
            await came

    async def _run_plain(self, call: HostAction, shown: ShownNotice) -> Any:
        """What *call* gives, from a thread of its own or wherever the host wants it called."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[tuple[Any, BaseException | None]] = loop.create_future()

        def finish(came: Any, failure: BaseException | None) -> None:
            if not done.done():
                done.set_result((came, failure))

        def run() -> None:
            came: Any = None
            failure: BaseException | None = None
            try:
                came = call(shown)
            except (Exception, SystemExit) as error:
                failure = error
            try:
                loop.call_soon_threadsafe(finish, came, failure)
            except RuntimeError:
                return  # the session is over, and nobody asks any more

        if self._dispatch is not None:
            self._dispatch(run)
        else:
            # a thread of its own: one that blocks holds up neither the loop nor other callbacks
            threading.Thread(target=run, name="streamnotice-action", daemon=True).start()
        came, failure = await done
        if failure is not None:
            raise failure
        return came

    def _figures(self) -> Figures:
        # harm as the watcher last heard it from the engine
        verdict = self._watcher.explain() if self._watcher is not None else None
        harmed = verdict is not None and verdict.impact is not None
        return figures(self._estimates(), self._session.now(), harmed)

    def _acted(
        self,
        shown: ShownNotice,
        action: str,
        by: By,
        state: Literal["done", "failed", "observed"],
        before: Figures,
        after: Figures | None = None,
    ) -> None:
        word = followed(before, after) if after is not None else None
        text = next(one.label or one.text for one in shown.actions if one.id == action)
        said = self._catalog.text(f"acted.{word or state}", {"action": text.rstrip(".!。")})
        if word in ("queue_gone", "recovered", "better", "worse"):
            said += " " + self._catalog.text("acted.caveat")
        acted = Acted(
            at_ns=self._session.now(),
            notice_id=shown.event.id,
            bottleneck=shown.event.bottleneck,
            action=action,
            by=by,
            state=state,
            text=said,
            followed=word,
            before=before,
            after=after,
        )
        self._recorder.acted(acted.at_ns, action, _note(acted))
        self._session.log.info("streamnotice.acted", action=action, by=by, state=state, after=word)
        self._tell("acted", acted, "acted")

    def _spawn(self, work: Any, name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=f"streamnotice-{name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _note(acted: Acted) -> str:
    """By whom, and what was seen: numbers and words of ours, nothing that names anybody."""
    if acted.state != "observed" or acted.before is None or acted.after is None:
        return f"{acted.by} {acted.state}"
    figures = {"before": acted.before.as_json(), "after": acted.after.as_json()}
    return f"{acted.by} {acted.followed} {json.dumps(figures, separators=(',', ':'))}"


def _name(face: Face) -> str:
    return str(getattr(face, "name", type(face).__name__))[:40]
