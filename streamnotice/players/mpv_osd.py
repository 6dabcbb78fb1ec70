"""A notice drawn on mpv's own screen: ASS events for the `osd-overlay` command. Pure.

The canvas is 720 units high and as wide as the window's shape makes it. Values can't become
markup: backslashes and braces are disarmed, and `osd-overlay` (unlike `show-text`) expands no
`${}`.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata
from typing import TYPE_CHECKING, Final

import attrs

from streamnotice.notices.manners import stays_s

if TYPE_CHECKING:
    from streamnotice.notices.shown import ShownNotice

CANVAS_HEIGHT: Final = 720
DEFAULT_ASPECT: Final = 16 / 9
MARGIN: Final = 36
PADDING_X: Final = 26
PADDING_Y: Final = 20
BAR_WIDTH: Final = 6
MAX_WIDTH: Final = 820
_GAP: Final = 8
_LINE: Final = 1.22
_MEAN_GLYPH: Final = 0.45
"""Mean width of a letter in the OSD's sans-serif face, of its size; wide glyphs count twice."""

# Colours are ASS's, blue-green-red.
_WHITE, _SOFT, _GREY = "FFFFFF", "F2EEEA", "D6CEC8"
_AMBER, _GREEN, _BLUE = "3DB4FF", "7CD08A", "F0B27A"
_BACK, _BACK_ALPHA = "1C1613", "1A"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


@attrs.frozen
class Paragraph:
    """Text of one size and colour."""

    text: str
    size: int
    colour: str
    bold: bool = False
    lines_at_most: int = 8


@attrs.frozen
class Card:
    """What is shown: paragraphs in a box with a coloured bar.

    Attributes:
        stays_s: when it goes by itself; None stays until it is replaced or taken away.
        rtl: its language is written from right to left, so it hangs on the right side.
    """

    paragraphs: tuple[Paragraph, ...]
    bar: str
    stays_s: float | None = None
    rtl: bool = False


def escape(text: str) -> str:
    """*text* as ASS shows it literally, on one line."""
    flat = _CONTROL.sub(" ", text)
    # A word joiner after the backslash keeps it from beginning an escape (as mpv itself does).
    return flat.replace("\\", "\\\u2060").replace("{", "\\{").replace("}", "\\}")


def card(notice: ShownNotice, hint: str = "", after: str = "") -> Card:
    """What the viewer gets to see of *notice*.

    Args:
        hint: which key answers it; only while it stands.
        after: what was seen after an action, in place of the evidence.
    """
    event = notice.event
    if event.state == "resolved":
        withdrawn = event.reason == "withdrawn"
        return Card(
            (
                Paragraph(notice.title, 28, _WHITE, bold=True, lines_at_most=3),
                Paragraph(notice.sentence, 24, _SOFT),
            ),
            _BLUE if withdrawn else _GREEN,
            stays_s=stays_s(event),
            rtl=notice.direction == "rtl",
        )
    paragraphs = [
        Paragraph(notice.title, 30, _WHITE, bold=True, lines_at_most=3),
        Paragraph(notice.sentence, 26, _SOFT),
        Paragraph(after or notice.evidence_line, 21, _GREY, lines_at_most=6),
    ]
    if notice.actions:
        paragraphs.append(Paragraph(notice.actions[0].text, 22, _AMBER, lines_at_most=4))
    paragraphs.append(Paragraph(hint, 18, _GREY, lines_at_most=2))
    kept = tuple(p for p in paragraphs if p.text.strip())
    return Card(kept, _AMBER, rtl=notice.direction == "rtl")


def draw(what: Card, aspect: float = DEFAULT_ASPECT) -> str:
    """*what* as ASS events for a canvas of CANVAS_HEIGHT, for a window of the given shape."""
    width = CANVAS_HEIGHT * (aspect if 0.2 <= aspect <= 10 else DEFAULT_ASPECT)
    room = min(MAX_WIDTH, width - 2 * MARGIN - 2 * PADDING_X - BAR_WIDTH)
    laid = [(paragraph, _wrap(paragraph, room)) for paragraph in what.paragraphs]
    inner = max((_width(line, p.size, p.bold) for p, lines in laid for line in lines), default=0.0)
    box_width = min(room, inner) + 2 * PADDING_X + BAR_WIDTH
    events: list[str] = []
    y = float(MARGIN + PADDING_Y)
    # lines hang on the side that their language begins on, and so does the bar
    left = width - MARGIN - box_width if what.rtl else MARGIN
    bar_left = left + box_width - BAR_WIDTH if what.rtl else left
    x = bar_left - PADDING_X if what.rtl else left + BAR_WIDTH + PADDING_X
    anchor = 9 if what.rtl else 7
    for paragraph, lines in laid:
        for line in lines:
            events.append(
                f"{{\\an{anchor}\\q2\\pos({x:.0f},{y:.0f})\\bord0\\shad0\\b{int(paragraph.bold)}"
                f"\\fs{paragraph.size}\\1c&H{paragraph.colour}&}}{escape(line)}"
            )
            y += paragraph.size * _LINE
        y += _GAP
    height = y - _GAP + PADDING_Y - MARGIN
    back = _box(left, MARGIN, box_width, height, _BACK, _BACK_ALPHA)
    bar = _box(bar_left, MARGIN, BAR_WIDTH, height, what.bar, "00")
    return "\n".join((back, bar, *events))


def _box(x: float, y: float, width: float, height: float, colour: str, alpha: str) -> str:
    w, h = round(width), round(height)
    return (
        f"{{\\an7\\pos({x:.0f},{y:.0f})\\bord0\\shad0\\1c&H{colour}&\\1a&H{alpha}&\\p1}}"
        f"m 0 0 l {w} 0 {w} {h} 0 {h}{{\\p0}}"
    )


def _width(text: str, size: int, bold: bool) -> float:
    units = sum(
        0.0
        if unicodedata.combining(ch)
        else 2.0
        if unicodedata.east_asian_width(ch) in "WF"
        else 1.0
        for ch in text
    )
    return units * size * _MEAN_GLYPH * (1.08 if bold else 1.0)


def _wrap(paragraph: Paragraph, room: float) -> list[str]:
    # not split(): the spaces between numbers and their units don't break
    flat = re.sub(" +", " ", _CONTROL.sub(" ", paragraph.text)).strip()
    glyphs = _width(flat, paragraph.size, paragraph.bold) / max(1, len(flat))
    columns = max(8, int(room / max(glyphs, 1.0)))
    return textwrap.wrap(
        flat, columns, max_lines=paragraph.lines_at_most, placeholder=" …", break_long_words=True
    )
