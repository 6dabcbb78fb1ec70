"""The live view in a terminal (rich, extra `cli`)."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from streamnotice.cli.faces import Coverage, summary_words
from streamnotice.errors import MissingExtraError
from streamnotice.events import PlaybackChanged, Verdict
from streamnotice.notices.placeholders import clean
from streamnotice.policy import S_NS

try:
    from rich.console import Console
    from rich.live import Live

    from streamnotice.cli.view import ViewState, clock, marks_for, notice_panel, page
except ImportError as error:
    raise MissingExtraError("the live view", "cli") from error

if TYPE_CHECKING:
    from streamnotice.faces import TakenAway
    from streamnotice.notices.actions import Acted
    from streamnotice.notices.shown import ShownNotice
    from streamnotice.watcher import Summary

_RATE_WINDOW_S: Final = 3.0


class LiveFace:
    """Draws on the terminal's other screen, and leaves what mattered on the usual one.

    Use as a context manager; `received` (a few times a second) redraws.

    Args:
        title: what is played.
        after: a line to leave at the end (where the dossier is).
    """

    def __init__(self, title: str, after: str = "", console: Console | None = None) -> None:
        self.console = console or Console()
        self.state = ViewState(title)
        self._after = after
        self._marks = marks_for(self.console.encoding)
        self._live = Live(
            console=self.console, screen=True, auto_refresh=False, vertical_overflow="crop"
        )
        self._seen: deque[tuple[float, int]] = deque()
        self._shown: dict[str, ShownNotice] = {}
        self._broken = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._leave()

    def started(self, player: str, coverage: Coverage) -> None:
        self._live.start()  # not earlier: an option that can't be used is told on the usual screen
        self.state.coverage = dict(coverage)
        self.state.log.append(f"{clock(0)} player {player}")
        self.redraw()

    def level(self, fields: Mapping[str, Any]) -> None:
        state = self.state
        state.level(fields.get("buffer_s"))
        target_s = fields.get("target_s")
        if target_s:
            state.target_s = max(state.target_s, float(target_s))
        rendition_bps = fields.get("rendition_bps")
        if rendition_bps:
            state.rendition_bps = round(rendition_bps)
        ladder_bps = fields.get("ladder_bps")
        if ladder_bps:
            state.ladder_bps = tuple(sorted(round(bps) for bps in ladder_bps))

    def received(self, at_s: float, media_bytes: int) -> None:
        self.state.now_s = at_s
        seen = self._seen
        seen.append((at_s, media_bytes))
        while len(seen) > 2 and at_s - seen[0][0] > _RATE_WINDOW_S:
            seen.popleft()
        span_s = at_s - seen[0][0]
        if span_s > 0.5:
            self.state.arriving_bps = round((media_bytes - seen[0][1]) * 8 / span_s)
        self.redraw()

    def playback(self, event: PlaybackChanged) -> None:
        self.state.playback(event)
        self._note(event.at_ns / S_NS, event.state)

    def verdict(self, event: Verdict) -> None:
        self.state.verdict = event

    def notice(self, shown: ShownNotice) -> None:
        self.state.notice = shown
        # At the end everything is resolved; what was said before is what mattered.
        if shown.event.reason != "ended":
            self._shown[shown.event.id] = shown
        while len(self._shown) > 8:
            del self._shown[next(iter(self._shown))]
        self._note(shown.event.at_ns / S_NS, f"notice {shown.event.state}: {shown.title}")
        self.redraw()

    def taken_away(self, what: TakenAway) -> None:
        notice = self.state.notice
        if notice is not None and notice.event.id == what.notice_id:
            self.state.notice = None
        self._note(what.at_ns / S_NS, f"understood: {what.bottleneck}")
        self.redraw()

    def acted(self, acted: Acted) -> None:
        self._note(acted.at_ns / S_NS, acted.text)
        self.redraw()

    def hint(self, text: str) -> None:
        self._note(self.state.now_s, text)

    def keys(self, legend: str) -> None:
        self.state.keys = legend

    def error(self, at_s: float, text: str) -> None:
        self._note(at_s, f"error: {text}")

    def log(self, line: str) -> None:
        """A log line of the library."""
        self._note(self.state.now_s, clean(line, 500))

    def summary(self, at_s: float, summary: Summary) -> None:
        self._leave()
        for shown in self._shown.values():
            self.console.print(notice_panel(shown, self.console.width, self._marks))
        self.console.print(f"{clock(at_s)}  {summary_words(summary)}", highlight=False)
        if self._after:
            # a name of a file is no markup
            self.console.print(self._after, highlight=False, markup=False, soft_wrap=True)

    @property
    def broken(self) -> bool:
        return self._broken

    def redraw(self) -> None:
        """Draw the state as it is; a terminal that went away is noticed and never raised."""
        if self._broken or not self._live.is_started:
            return
        width, height = self.console.size
        try:
            self._live.update(page(self.state, width, height, self._marks), refresh=True)
        except (OSError, ValueError):
            self._broken = True

    def _note(self, at_s: float, text: str) -> None:
        self.state.log.append(f"{clock(at_s)} {text}")

    def _leave(self) -> None:
        try:
            self._live.stop()
        except (OSError, ValueError):
            self._broken = True


def fits_terminal() -> bool:
    """Standard output is a terminal that a live view can be drawn on."""
    if not sys.stdout.isatty():
        return False
    return not Console().is_dumb_terminal
