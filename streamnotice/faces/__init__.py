"""Faces: each file here shows notices somewhere. To add one: a file, and a line here.

A face is told, on the loop's thread and in order, of each step that the viewer may see, of what is
to be taken away, and of what followed an action. What it raises is logged; the session and the
other faces go on without that call. It speaks back by `watcher.dismiss` and `watcher.act`.

Texts are one line each, without control, format or direction characters; a face escapes them
for its own medium.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import attrs

from streamnotice.notices.figures import seconds
from streamnotice.registry import choose

if TYPE_CHECKING:
    from streamnotice.notices.actions import Acted
    from streamnotice.notices.muting import Scope
    from streamnotice.notices.shown import ShownNotice
    from streamnotice.watcher import Watcher


@attrs.frozen
class TakenAway:
    """A notice that is to go from every screen at once.

    Attributes:
        at_ns: session time.
        notice_id, bottleneck: which one, and what it named.
        scope: what the viewer wanted: this notice, this place for the session, or for good here.
        face: where the viewer said so; empty if the host did.
        by_viewer: the viewer has understood it; else what it said no longer stands and what
            stands now is muted.
    """

    at_ns: int
    notice_id: str
    bottleneck: str
    scope: Scope
    face: str = ""
    by_viewer: bool = True

    def as_json(self) -> dict[str, Any]:
        """The `dismissed` line of the JSON output."""
        return {
            "type": "dismissed",
            "at": seconds(self.at_ns),
            "id": self.notice_id,
            "bottleneck": self.bottleneck,
            "scope": self.scope,
            "face": self.face,
            "by_viewer": self.by_viewer,
        }


class Face(Protocol):
    """One place where notices are shown."""

    name: str

    async def open(self, watcher: Watcher) -> None:
        """Get ready. What it raises is reported, and the face is left out."""

    def notice(self, shown: ShownNotice) -> None:
        """Show a step: `shown.event.state` is raised, updated or resolved.

        The first step that a viewer sees may be an update, or a withdrawal.
        """

    def taken_away(self, what: TakenAway) -> None:
        """Show that notice no longer."""

    def acted(self, acted: Acted) -> None:
        """An action was carried out, or what followed it has been looked at."""

    async def close(self) -> None:
        """The session is over; leave nothing standing."""


# name on the command line -> "module:class", loaded only when wanted; made without arguments
FACES: dict[str, str] = {
    "desktop": "streamnotice.faces.desktop:DesktopFace",
    "web": "streamnotice.faces.web:WebFace",
}


def load_face(name: str) -> Any:
    """The face class called *name*; HostError if there is none."""
    return choose("face", name, FACES)
