"""matplotlib's drawings as SVG that fits into a page: its colours, its fonts, its rules.

A drawing is made with stand-in colours; they become the page's CSS variables, so that light and
dark need one drawing. Inline styles become attributes (the page's policy forbids them), ids
that nothing refers to go, the others get a prefix of their own.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any, Final
from unicodedata import bidirectional

from streamnotice.errors import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS: Final = {
    "ink": "#010101",
    "muted": "#020202",
    "grid": "#030303",
    "accent": "#040404",
    "accent-soft": "#050505",
    "bad": "#060606",
    "bad-soft": "#070707",
    "good": "#080808",
    "note": "#090909",
    "ground": "#0a0a0a",
    "series1": "#0b0b0b",
    "series2": "#0c0c0c",
    "series3": "#0d0d0d",
    "series4": "#0e0e0e",
    "series5": "#0f0f0f",
}
"""CSS variable (without its dashes) -> the stand-in that it is drawn with."""

_STYLE: Final[Any] = {
    "svg.fonttype": "none",  # text stays text: it can be read aloud, found and copied
    "text.parse_math": False,
    "font.size": 11,
    "axes.facecolor": "none",
    "axes.edgecolor": COLOURS["muted"],
    "axes.labelcolor": COLOURS["ink"],
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": COLOURS["grid"],
    "grid.linewidth": 0.7,
    "xtick.color": COLOURS["muted"],
    "ytick.color": COLOURS["muted"],
    "xtick.labelcolor": COLOURS["ink"],
    "ytick.labelcolor": COLOURS["ink"],
    "text.color": COLOURS["ink"],
    "hatch.color": COLOURS["bad"],
    "hatch.linewidth": 0.7,
    "path.simplify": True,
    "lines.solid_capstyle": "round",
}

_ATTRIBUTES: Final = frozenset(
    {"fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-linecap",
     "stroke-linejoin", "stroke-dasharray", "stroke-dashoffset", "opacity", "text-anchor",
     "font-size", "font-weight"}
)  # fmt: skip
Draw = Callable[["Figure", bool], None]
"""(figure, is it the narrow one) -> draws."""


def chart(name: str, title: str, desc: str, draw: Draw, height: tuple[float, float]) -> str:
    """Two SVGs, for a wide and for a narrow page; the page's style shows one of them.

    Args:
        name: unique on the page; letters only.
        title, desc: what a screen reader says: what it is, and what it shows.
        draw: draws on a figure; 1 unit is 1 CSS pixel at the size that it is meant for.
        height: of the wide and the narrow one.

    Raises:
        MissingExtraError: matplotlib isn't installed.
    """
    wide = _drawn(f"{name}-w", title, desc, draw, 820, height[0], narrow=False)
    narrow = _drawn(f"{name}-n", title, desc, draw, 356, height[1], narrow=True)
    return wide + narrow


def _drawn(
    name: str, title: str, desc: str, draw: Draw, width: int, height: float, *, narrow: bool
) -> str:
    try:
        from matplotlib import rc_context
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("the report", "report") from None

    with rc_context(_STYLE | {"svg.hashsalt": name}), warnings.catch_warnings():
        # text stays text: that its own font lacks a letter is no matter
        warnings.filterwarnings("ignore", message="Glyph", category=UserWarning)
        figure = Figure(figsize=(width / 72, height / 72))
        figure.patch.set_visible(False)
        FigureCanvasSVG(figure)
        draw(figure, narrow)
        out = io.StringIO()
        metadata: dict[str, Any] = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(out, format="svg", metadata=metadata)
    return _fitted(out.getvalue(), name, title, desc, "narrow" if narrow else "wide")


def _fitted(text: str, name: str, title: str, desc: str, kind: str) -> str:
    body = text[text.index("<svg") :]
    opening = body.index(">") + 1
    box = re.search(r'viewBox="([^"]*)"', body[:opening])
    assert box is not None, "matplotlib always writes a viewBox"
    inside = body[opening : body.rindex("</svg>")]
    inside = re.sub(r"<metadata>.*?</metadata>", "", inside, flags=re.DOTALL)
    inside = re.sub(r'<style type="text/css">.*?</style>', "", inside, flags=re.DOTALL)
    inside = re.sub(r"<!--.*?-->", "", inside, flags=re.DOTALL)
    inside = re.sub(r' style="([^"]*)"', _attributes, inside)
    for variable, colour in COLOURS.items():
        inside = inside.replace(colour, f"var(--{variable})")
    used = set(re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', inside))
    wanted = {one or other for one, other in used}

    def renamed(match: re.Match[str]) -> str:
        return f' id="{name}-{match[1]}"' if match[1] in wanted else ""

    inside = re.sub(r' id="([^"]*)"', renamed, inside)
    inside = inside.replace("url(#", f"url(#{name}-")
    inside = re.sub(r'(?:xlink:)?href="#', f'href="#{name}-', inside)
    inside = re.sub(r"\n\s*", "\n", inside)
    inside = re.sub(r"(<text\b[^>]*>)([^<]+)(</text>)", _isolated, inside)
    return (
        f'<svg class="chart {kind}" role="img" viewBox="{box[1]}" '
        f'aria-labelledby="{name}-title {name}-desc">'
        f'<title id="{name}-title">{escape(title)}</title>'
        f'<desc id="{name}-desc">{escape(desc)}</desc>'
        f'<g aria-hidden="true">{inside}</g></svg>'
    )


def _isolated(match: re.Match[str]) -> str:
    """A text that begins from right to left, kept together: the drawing runs from left to right,
    whatever the page does, and its anchors are meant so."""
    kinds = map(bidirectional, match[2])
    strong = next((kind for kind in kinds if kind in ("L", "R", "AL")), "L")
    return match[0] if strong == "L" else f"{match[1]}\u2067{match[2]}\u2069{match[3]}"


def _attributes(match: re.Match[str]) -> str:
    """A style as presentation attributes; what has none is left to the page's style."""
    found = []
    for part in match[1].split(";"):
        key, _, value = part.strip().partition(":")
        if key.strip() in _ATTRIBUTES:
            found.append(f' {key.strip()}="{value.strip()}"')
        elif key.strip() == "font":
            size = re.search(r"([\d.]+)px", value)
            bold = ' font-weight="700"' if re.search(r"\b(700|bold)\b", value) else ""
            found.append(f' font-size="{size[1] if size else 10}"{bold}')
    return "".join(found)
