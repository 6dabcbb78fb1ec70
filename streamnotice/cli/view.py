"""What a viewer of the command line is shown: state from events, and pure drawing of it (rich).

The drawing takes width and height and fills them exactly, from a wide terminal down to a
narrow one: what matters least is left out first.
"""

from __future__ import annotations

import io
from collections import deque
from typing import TYPE_CHECKING, Final

import attrs
from rich.console import Console, Group, OverflowMethod, RenderableType
from rich.panel import Panel
from rich.rule import Rule
from rich.text import Text

from streamnotice.bottlenecks import NONE, spelt
from streamnotice.cli.faces import action_lines
from streamnotice.events import PlaybackChanged, Verdict
from streamnotice.policy import S_NS

if TYPE_CHECKING:
    from streamnotice.notices.shown import ShownNotice

_BAR_ROWS: Final = 5
_LOG_ROWS: Final = 50

_STATE_STYLE: Final = {
    "starting": "cyan",
    "playing": "green",
    "stalled": "bold red",
    "seeking": "cyan",
    "paused": "dim",
    "ended": "dim",
}
_IMPACT_WORDS: Final = {
    "stalled": "playback stands still",
    "stall_ahead": "a stall is coming",
    "quality": "picture quality had to be given up",
}


@attrs.define
class ViewState:
    """All that the view draws.

    Attributes:
        title: what is played, in words.
        now_s: session time.
        target_s: buffer level that fills the bar; grows with what is seen.
        arriving_bps: media rate of the last seconds.
        keys: which keys answer a notice; empty where none do.
    """

    title: str
    now_s: float = 0.0
    state: str = "starting"
    buffer_s: float | None = None
    target_s: float = 10.0
    rendition_bps: int | None = None
    ladder_bps: tuple[int, ...] = ()
    arriving_bps: int | None = None
    verdict: Verdict | None = None
    notice: ShownNotice | None = None
    keys: str = ""
    coverage: dict[str, bool | str] = attrs.field(factory=dict)
    log: deque[str] = attrs.field(factory=lambda: deque(maxlen=_LOG_ROWS))

    def playback(self, event: PlaybackChanged) -> None:
        self.state = event.state
        if event.buffer_ns is not None:
            self.level(event.buffer_ns / S_NS)

    def level(self, buffer_s: float | None) -> None:
        self.buffer_s = buffer_s
        if buffer_s is not None:
            self.target_s = max(self.target_s, buffer_s)


@attrs.frozen
class _Marks:
    full: str
    empty: str
    arrow: str
    dot: str
    dash: str
    overflow: OverflowMethod


_FINE_MARKS: Final = _Marks("█", "░", "→", "·", "–", "ellipsis")
_PLAIN_MARKS: Final = _Marks("#", ".", "->", "-", "-", "crop")


def marks_for(encoding: str) -> _Marks:
    """Block characters where the terminal's encoding has them, else ASCII."""
    try:
        "█░→·–╭│".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return _PLAIN_MARKS
    return _FINE_MARKS


def draw(
    state: ViewState, width: int, height: int, marks: _Marks = _FINE_MARKS
) -> list[RenderableType]:
    """The view as rows of renderables; together they are at most *height* lines."""
    top: list[RenderableType] = [
        _head(state, width, marks),
        Rule(style="dim", characters="─" if marks is _FINE_MARKS else "-"),
        _buffer(state, width, marks),
        _media(state, marks),
        Text(),
    ]
    notice = _notice(state, width, marks)
    notice_rows = _rows_of(notice, width)
    coverage = _coverage(state, width, marks)
    # title, bars and notice always; coverage and log where there is room
    room = height - len(top) - notice_rows
    bar_rows = max(2, min(_BAR_ROWS, room - 3))
    bars = _bars(state, width, bar_rows, marks)
    room -= len(bars) + 1
    parts: list[RenderableType]
    if room < 0:
        # What doesn't fit is cut off below: on a very low terminal that must not be the notice.
        parts = [*top, notice, *bars]
    else:
        parts = [*top, *bars, Text()]
        if room >= len(coverage) + 1:
            parts += [*coverage, Text()]
            room -= len(coverage) + 1
        parts.append(notice)
        parts += [Text(line, style="dim") for line in list(state.log)[-room:] if room > 0]
    for part in parts:
        if isinstance(part, Text):
            part.no_wrap = True
            part.overflow = marks.overflow
    return parts


def page(state: ViewState, width: int, height: int, marks: _Marks = _FINE_MARKS) -> Group:
    """`draw` as one renderable."""
    return Group(*draw(state, width, height, marks))


def _head(state: ViewState, width: int, marks: _Marks) -> Text:
    right = Text()
    right.append(clock(state.now_s), style="dim")
    right.append(f"  {state.state}", style=_STATE_STYLE.get(state.state, ""))
    left = Text("streamnotice", style="bold")
    left.append(f" {marks.dot} {state.title}", style="none")
    left.truncate(max(12, width - right.cell_len - 2), overflow=marks.overflow)
    left.append(" " * max(1, width - left.cell_len - right.cell_len))
    return left + right


def _buffer(state: ViewState, width: int, marks: _Marks) -> Text:
    line = Text("Buffer    ", style="bold")
    size = max(10, min(40, width - 44))
    if state.buffer_s is None:
        line.append(marks.empty * size, style="dim")
        line.append("  level unknown", style="dim")
    else:
        share = min(1.0, state.buffer_s / state.target_s) if state.target_s else 0.0
        colour = "green" if state.buffer_s > 8 else "yellow" if state.buffer_s > 3 else "red"
        filled = round(share * size)
        line.append(marks.full * filled, style=colour)
        line.append(marks.empty * (size - filled), style="dim")
        line.append(f" {state.buffer_s:5.1f} s", style=colour)
    ahead = state.verdict.stall_in_ns if state.verdict is not None else None
    if ahead is not None and state.state == "playing":
        low, high = (max(0, ns) / S_NS for ns in ahead)
        line.append(f"   stalls in {low:.0f}{marks.dash}{high:.0f} s", style="bold red")
    return line


def _media(state: ViewState, marks: _Marks) -> Text:
    line = Text("Media     ", style="bold")
    bits = []
    if state.rendition_bps:
        rank = ""
        if state.rendition_bps in state.ladder_bps and len(state.ladder_bps) > 1:
            place = state.ladder_bps.index(state.rendition_bps) + 1
            rank = f" (step {place} of {len(state.ladder_bps)})"
        bits.append(f"needs {rate(state.rendition_bps)}{rank}")
    if state.arriving_bps is not None:
        bits.append(f"arriving {rate(state.arriving_bps)}")
    line.append(f"  {marks.dot}  ".join(bits) or "rate unknown", style="none")
    return line


def _bars(state: ViewState, width: int, rows: int, marks: _Marks) -> list[Text]:
    verdict = state.verdict
    head = Text("Weighing  ", style="bold")
    if verdict is None:
        head.append("no decision yet", style="dim")
        return [head] + [Text() for _ in range(rows)]
    if verdict.impact is None:
        head.append("nothing is wrong with playback", style="green")
    else:
        head.append(_IMPACT_WORDS[verdict.impact], style="bold")
        name = spelt(verdict.bottleneck, verdict.among, verdict.condition)
        head.append(f"  {marks.arrow} {name}", style="yellow")
    head.truncate(width, overflow=marks.overflow)
    lines = [head]
    size = max(10, min(40, width - 34))
    for place, ppm in verdict.alternatives[:rows]:
        share = max(0, min(1_000_000, ppm)) / 1_000_000
        named = place != NONE and (
            place in (verdict.bottleneck, *verdict.among)
            or (not verdict.among and place.startswith(verdict.bottleneck + "."))
        )
        style = "green" if place == NONE else "yellow" if named else "cyan"
        filled = round(share * size)
        label = "nothing wrong" if place == NONE else place
        row = Text(f"  {label:<21} ", style=style if share >= 0.05 else "dim")
        row.append(marks.full * filled, style=style)
        row.append(marks.empty * (size - filled), style="dim")
        row.append(f" {share * 100:5.1f} %", style="none" if share >= 0.05 else "dim")
        lines.append(row)
    return lines + [Text() for _ in range(rows + 1 - len(lines))]


def _coverage(state: ViewState, width: int, marks: _Marks) -> list[Text]:
    if not state.coverage:
        return []
    seen = [place for place, how in state.coverage.items() if how is True]
    switches: dict[str, list[str]] = {}
    for place, how in state.coverage.items():
        if how is not True:
            switches.setdefault(str(how), []).append(place)
    line = Text("Can name  ", style="bold")
    line.append(", ".join(shorten(seen)) or "nothing yet", style="none")
    lines = [line]
    for how, places in list(switches.items())[:2]:
        missing = Text("          ")
        missing.append(f"with {how}: {', '.join(shorten(places))}", style="dim")
        lines.append(missing)
    for line in lines:
        line.truncate(width, overflow=marks.overflow)
    return lines


def shorten(places: list[str]) -> list[str]:
    """Places without the prefix that the one before already has: `network.home.wifi, sharing`."""
    short: list[str] = []
    before = ""
    for place in places:
        head, _, tail = place.rpartition(".")
        short.append(tail if head and head == before else place)
        before = head
    return short


def _notice(state: ViewState, width: int, marks: _Marks) -> RenderableType:
    shown = state.notice
    if shown is None:
        return Text("No notice.", style="dim")
    return notice_panel(shown, width, marks, state.keys)


def notice_panel(
    shown: ShownNotice, width: int, marks: _Marks = _FINE_MARKS, keys: str = ""
) -> Panel:
    """A notice as a panel, coloured by where in its life it is; *keys* answer a standing one."""
    event = shown.event
    colour = {"raised": "red", "updated": "yellow", "resolved": "green"}[event.state]
    if event.reason == "withdrawn":
        colour = "magenta"
    body = Text()
    if event.state == "resolved":
        body.append(shown.text)
    else:
        body.append(shown.sentence, style="bold")
        if shown.evidence_line:
            body.append(f"\n{shown.evidence_line}")
        for line in action_lines(shown, keys, marks.arrow):
            body.append(f"\n{line}", style="cyan")
        if keys:
            body.append(f"\n{keys}", style="dim")
    standing = event.state if event.reason is None else f"{event.state}: {event.reason}"
    foot = (
        f"{standing} {marks.dot} {spelt(event.bottleneck, event.among)} {marks.dot} "
        f"{event.confidence_ppm / 10_000:.0f} %"
    )
    from rich import box

    return Panel(
        body,
        title=Text(shown.title, style=f"bold {colour}"),
        title_align="left",
        subtitle=Text(foot, style="dim"),
        subtitle_align="right",
        border_style=colour,
        box=box.ROUNDED if marks is _FINE_MARKS else box.ASCII,
        width=min(width, 100),
        padding=(0, 1),
    )


def _rows_of(part: RenderableType, width: int) -> int:
    console = Console(width=width, height=100, color_system=None, file=io.StringIO())
    return len(console.render_lines(part, pad=False))


def rate(bps: int) -> str:
    """Bits a second for people: `2.4 Mbit/s`."""
    if bps >= 10_000_000:
        return f"{bps / 1e6:.0f} Mbit/s"
    if bps >= 1_000_000:
        return f"{bps / 1e6:.1f} Mbit/s"
    return f"{bps / 1e3:.0f} kbit/s"


def clock(seconds: float) -> str:
    """Session time as `m:ss`."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"
