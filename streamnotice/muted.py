"""The mutes of one session: its own, and those of the file, which is written off the loop.

A wish counts at once; that a disk is slow or full costs at most that it is forgotten with
the session.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal

import attrs

from streamnotice.errors import HostError, StreamnoticeError
from streamnotice.network import network_label
from streamnotice.notices.muting import Mute, MuteFile, Scope, check_place, muted_by

if TYPE_CHECKING:
    from streamnotice.events import Notice
    from streamnotice.session import Session

_CLOSE_WITHIN_S: Final = 2.0


class Muted:
    """What is muted now. All of it runs on the loop's thread, but for the writing.

    Args:
        mutes: a file of lasting mutes or its path; None keeps mutes for this session only. A
            damaged file costs the lasting mutes, and is reported.
    """

    def __init__(self, session: Session, mutes: MuteFile | str | os.PathLike[str] | None) -> None:
        self._session = session
        self._file = self._opened(mutes)
        self._lasting = self._file.mutes() if self._file is not None else ()
        self._own: tuple[Mute, ...] = ()
        self._salt = self._file.salt if self._file is not None else secrets.token_bytes(16)
        self._network = ""
        self._writing: asyncio.Task[None] | None = None

    def _opened(self, mutes: MuteFile | str | os.PathLike[str] | None) -> MuteFile | None:
        if mutes is None or isinstance(mutes, MuteFile):
            return mutes
        try:
            return MuteFile(mutes)
        except StreamnoticeError as error:
            self._session.failed("mutes", str(error))
            return None

    def all(self) -> tuple[Mute, ...]:
        """This session's first."""
        return (*self._own, *self._lasting)

    def silences(self, event: Notice) -> Mute | None:
        """The mute that keeps *event* from being shown here, None if none does."""
        mutes = self.all()
        return muted_by(mutes, event, self.here()) if mutes else None

    def here(self) -> str:
        """Label of this computer's network; empty if it can't be told from others."""
        # the gateway's address may be forgotten for a moment; the network is still the same
        self._network = network_label(self._salt) or self._network
        return self._network

    def add(self, place: str, scope: Scope, network: Literal["here", "any"]) -> Mute:
        check_place(place)
        if scope not in ("session", "always"):
            raise HostError(f"a mute's scope is session or always, not {scope!r}")
        if network not in ("here", "any"):
            raise HostError(f"a mute's network is here or any, not {network!r}")
        label = self.here() if network == "here" else ""
        mute = Mute(place, label, scope, datetime.now(UTC).date().isoformat())
        file = self._file
        if scope == "session" or file is None:
            mute = attrs.evolve(mute, scope="session")
            self._own = (*(one for one in self._own if one != mute), mute)
        elif mute not in self._lasting:
            self._lasting = (*self._lasting, mute)
            self._write(lambda: file.add(mute), mute)
        return mute

    def remove(self, place: str) -> int:
        check_place(place)
        before = len(self.all())
        self._own = tuple(one for one in self._own if one.place != place)
        lasting = tuple(one for one in self._lasting if one.place != place)
        file = self._file
        if file is not None and lasting != self._lasting:
            self._lasting = lasting
            self._write(lambda: file.remove(place))
        return before - len(self.all())

    async def close(self) -> None:
        """Wait for what is being written, for a short while."""
        if self._writing is not None:
            await asyncio.wait({self._writing}, timeout=_CLOSE_WITHIN_S)

    # -- writing ------------------------------------------------------------------------------

    def _write(self, job: Callable[[], object], mute: Mute | None = None) -> None:
        """Do *job* in a thread, after those before it; *mute* is what it should keep."""
        before = self._writing

        async def write() -> None:
            if before is not None:
                await asyncio.wait({before})
            try:
                await asyncio.to_thread(job)
            except Exception as error:
                self._failed(error, mute)

        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._write_now(job, mute)
        else:
            self._writing = loop.create_task(write(), name="streamnotice-mutes")

    def _write_now(self, job: Callable[[], object], mute: Mute | None) -> None:
        """Before the session, where there is no loop to hold up."""
        try:
            job()
        except StreamnoticeError as error:
            self._failed(error, mute)

    def _failed(self, error: Exception, mute: Mute | None) -> None:
        what = str(error) if isinstance(error, StreamnoticeError) else repr(error)
        self._session.failed("mutes", what)
        if mute is not None and mute in self._lasting:
            # the wish holds for as long as it can be kept
            self._lasting = tuple(one for one in self._lasting if one != mute)
            self._own = (*self._own, attrs.evolve(mute, scope="session"))
