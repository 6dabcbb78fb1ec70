"""Players: each file here drives or watches one player. To add one: a file, and a line here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from streamnotice.registry import choose

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamnotice.faces import Face
    from streamnotice.notices.actions import HostAction
    from streamnotice.notices.shown import ShownNotice


class Player(Protocol):
    """What `streamnotice watch` drives.

    Made as `Player(watcher, rendition="auto" | "highest" | "lowest")`.
    """

    name: str

    async def play(self, url: str) -> None:
        """Play *url* until its end or until cancelled, telling the watcher of playback.

        Trouble on the way is retried, not raised. Raises `NotAManifestError` at once if what
        *url* gives is no media at all, and `MediaError` if the player itself can't run.
        """

    def show(self, notice: ShownNotice) -> None:
        """Show a notice on the player's own screen, if it has one. Never raises."""

    @property
    def actions(self) -> Mapping[str, HostAction]:
        """What it can do for the viewer, by action id: what a notice then offers as a button."""

    @property
    def face(self) -> Face | None:
        """The player's own screen as a face, which is answered there, too; None without one."""


# name on the command line -> "module:class", loaded only when wanted
PLAYERS: dict[str, str] = {
    "none": "streamnotice.players.headless:HeadlessPlayer",
    "mpv": "streamnotice.players.mpv:MpvPlayer",
}


def load_player(name: str) -> Any:
    """The player class called *name*; HostError if there is none."""
    return choose("player", name, PLAYERS)
