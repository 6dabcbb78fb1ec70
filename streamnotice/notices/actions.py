"""What a host can do for the viewer: which of its callbacks fit a notice. Pure.

A host registers callables by action id (`Watcher(actions={"lower_quality": ...})`). A notice's own
action becomes runnable where the host has it; one or two more are added where they can help.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal

import attrs

from streamnotice.bottlenecks import UNDETERMINED, is_named
from streamnotice.errors import HostError
from streamnotice.events import Notice
from streamnotice.notices.effects import By, Figures, Followed
from streamnotice.notices.figures import seconds
from streamnotice.notices.ids import AT_LOWEST, HOST_ACTIONS, LOWER, WAIT, action_ids
from streamnotice.notices.shown import ShownAction

if TYPE_CHECKING:
    from streamnotice.notices.catalog import Catalog
    from streamnotice.notices.shown import ShownNotice

HostAction = Callable[["ShownNotice"], Any]
"""Called with the notice that it is for; a coroutine function or a plain one. Returning is success,
raising is failure."""

MOST_OFFERED: Final = 3


@attrs.frozen(kw_only=True)
class Acted:
    """An action was carried out, and later what was seen after it.

    Attributes:
        at_ns: session time.
        notice_id, bottleneck: the notice that it was for.
        action: its id.
        by: the host's callback, or the viewer who says so.
        state: "done" or "failed" at once; "observed" when what followed has been looked at.
        followed: what was seen after it; only with "observed".
        before, after: the figures that this is read from.
        text: the same for people, in the session's language.
    """

    at_ns: int
    notice_id: str
    bottleneck: str
    action: str
    by: By
    state: Literal["done", "failed", "observed"]
    text: str
    followed: Followed | None = None
    before: Figures | None = None
    after: Figures | None = None

    def as_json(self) -> dict[str, Any]:
        """The `acted` line of the JSON output."""
        return {
            "type": "acted",
            "at": seconds(self.at_ns),
            "id": self.notice_id,
            "action": self.action,
            "by": self.by,
            "state": self.state,
            "followed": self.followed,
            "before": None if self.before is None else self.before.as_json(),
            "after": None if self.after is None else self.after.as_json(),
            "text": self.text,
        }


def check_actions(actions: Mapping[str, HostAction] | None) -> dict[str, HostAction]:
    """The host's callbacks by action id.

    Raises:
        HostError: an id that no notice offers, or something that can't be called.
    """
    found = dict(actions or {})
    for name, call in found.items():
        if name not in action_ids():
            raise HostError(
                f"actions: {str(name)[:60]!r} is no action; known are {', '.join(action_ids())}"
            )
        if not callable(call):
            raise HostError(f"actions: {name} must be callable, not a {type(call).__name__}")
    return found


def offered(
    event: Notice,
    own: tuple[ShownAction, ...],
    host: Mapping[str, HostAction],
    catalog: Catalog,
    *,
    at_lowest: bool,
) -> tuple[ShownAction, ...]:
    """The actions that a notice offers, the catalog's own first.

    Args:
        at_lowest: the lowest rendition plays already: lowering it further is neither offered nor
            advised.
    """
    if event.state == "resolved":
        return ()
    can = {name for name in host if not (at_lowest and name == LOWER)}
    if at_lowest:
        nothing_lower = ShownAction(WAIT, catalog.text(f"action.{AT_LOWEST}"))
        own = tuple(nothing_lower if one.id == LOWER else one for one in own)
    found = [
        attrs.evolve(one, runnable=True, label=_label(one, catalog)) if one.id in can else one
        for one in own
    ]
    for name, places in HOST_ACTIONS.items():
        if name not in can or any(one.id == name for one in found):
            continue
        if any(_touches(event, place) for place in places):
            text = catalog.text(f"action.{name}")
            found.append(ShownAction(name, text, runnable=True, label=text))
    return tuple(found[:MOST_OFFERED])


def _label(action: ShownAction, catalog: Catalog) -> str:
    """Short words for a button: the notice's own text is advice, and long."""
    return catalog.text(f"action.{action.id}") if action.id in HOST_ACTIONS else action.text


def _touches(event: Notice, place: str) -> bool:
    named = event.among or (event.bottleneck,)
    if place == UNDETERMINED:
        return not is_named(event.bottleneck, event.among)
    return any(
        name == place or name.startswith(place + ".") or place.startswith(name + ".")
        for name in named
    )
