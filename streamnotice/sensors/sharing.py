"""One prober for what several sessions of a process want to know: asked once, told to all.

Sessions that want the same thing (the path to one server) sit in one circle. One of them leads:
it asks, and tells every session in that one's own labels and time. When it goes, another takes
the lead. Sessions may live on loops of several threads.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Hashable
from typing import Final

import attrs

from streamnotice.commons import ProbeBudget
from streamnotice.events import Intensity
from streamnotice.observations import Observation, Route
from streamnotice.path.networks import NetworkTable
from streamnotice.session import Session, Target

_LOOK_S: Final = 0.2
"""How soon a session takes over from one that has gone, in seconds."""
_DENSITY: Final[tuple[Intensity, ...]] = ("rest", "watch", "suspect")


@attrs.define(eq=False)
class Seat:
    """One session's place in a circle.

    Attributes:
        session: whose it is.
        target: the far end, as this session has it.
        networks: the table that this session goes by.
        said: the route that it was last told of.
    """

    session: Session
    target: Target
    networks: NetworkTable | None = None
    said: Route | None = None

    @property
    def loaded(self) -> bool:
        """A media transfer of this session is under way."""
        return self.session.loads > 0


class Circle:
    """Sessions that want the same thing, at least one."""

    def __init__(self) -> None:
        self._seats: tuple[Seat, ...] = ()
        self._leader: Seat | None = None

    @property
    def seats(self) -> tuple[Seat, ...]:
        """Who is told."""
        return self._seats

    @property
    def budgets(self) -> list[ProbeBudget]:
        """Who may pay, those first that have paid least."""
        return sorted((s.session.budget for s in self._seats), key=lambda b: b.spent_bytes)

    @property
    def intensity(self) -> Intensity:
        """The density that the most suspicious wants."""
        most = self._most_suspicious()
        return "rest" if most is None else most.intensity

    @property
    def suspects(self) -> dict[str, int]:
        """What the most suspicious takes for the place of the trouble."""
        most = self._most_suspicious()
        return {} if most is None else most.suspects

    def _most_suspicious(self) -> Session | None:
        sessions = [seat.session for seat in self._seats]
        return max(sessions, key=lambda one: _DENSITY.index(one.intensity), default=None)

    def tell(self, seats: tuple[Seat, ...], make: Callable[[Seat, int], Observation]) -> None:
        """Emit to each of *seats* what *make* makes of it and of the session's time."""
        for seat in seats:
            seat.session.emit(make(seat, seat.session.now()))


_LOCK: Final = threading.Lock()
_CIRCLES: Final[dict[Hashable, Circle]] = {}


async def share(key: Hashable, seat: Seat, work: Callable[[Circle], Awaitable[None]]) -> None:
    """Have *seat* told of what *key* stands for, until cancelled.

    Runs *work* if no other session of the process does; else waits until that falls to us.
    """
    whole = (id(seat.session.commons), key)
    with _LOCK:
        circle = _CIRCLES.setdefault(whole, Circle())
        circle._seats = (*circle._seats, seat)
    try:
        while True:
            with _LOCK:
                leads = circle._leader is None
                if leads:
                    circle._leader = seat
            if leads:
                await work(circle)
                with _LOCK:
                    circle._leader = None
            await asyncio.sleep(_LOOK_S)
    finally:
        with _LOCK:
            if circle._leader is seat:
                circle._leader = None
            circle._seats = tuple(one for one in circle._seats if one is not seat)
            if not circle._seats:
                _CIRCLES.pop(whole, None)
