"""The report's charts. Each says in `desc` what it shows, for those who can't see it."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median_low
from typing import TYPE_CHECKING, Any, Final
from unicodedata import east_asian_width

from streamnotice.bottlenecks import NONE
from streamnotice.dossier.examination.words import clock
from streamnotice.dossier.phrases import Phrases
from streamnotice.dossier.report.gather import HopDelays, Point, Recorded, ninth_decile, thinned
from streamnotice.dossier.report.safe import visible
from streamnotice.dossier.report.svg import COLOURS, chart

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from streamnotice.events import Notice

MOST_BARS: Final = 12
MOST_PLACES: Final = 5
MOST_SPANS: Final = 300
LEAST_WIDTH: Final = 0.003
"""Share of the axis that even the shortest stall or notice takes, so that it is seen."""
Span = tuple[str, float, float, str]
"""(notice id, from s, to s, name)."""


def notice_spans(found: Recorded) -> list[Span]:
    """Each stretch of a notice with one name."""
    spans: list[Span] = []
    open_: tuple[str, float, str] | None = None
    for notice in found.notices:
        at_s = notice.at_ns / 1e9
        if open_ is not None:
            spans.append((open_[0], open_[1], at_s, open_[2]))
            open_ = None
        if notice.state != "resolved":
            open_ = (visible(notice.id, 12), at_s, short_name(notice))
    if open_ is not None:
        spans.append((open_[0], open_[1], found.end_ns / 1e9, open_[2]))
    return spans[-MOST_SPANS:]


def short_name(notice: Notice) -> str:
    """The name in a few characters: the last parts of its leaves."""
    leaves = notice.among[:4] or (notice.bottleneck,)
    name = " / ".join(leaf.rpartition(".")[2] for leaf in leaves)
    return visible(name + (f", {notice.condition}" if notice.condition else ""), 60)


def timeline(found: Recorded, say: Phrases) -> str:
    """Buffer, quality and notices over time."""
    stalls, spans = found.stalls, notice_spans(found)
    desc = say(
        "chart.playback.desc",
        length=say.length((found.end_ns - found.begin_ns) / 1e9),
        stalls=len(stalls),
        stalled=say.length(sum(end - start for start, end in stalls)),
        notices=len({span[0] for span in spans}),
    )

    def draw(figure: Figure, narrow: bool) -> None:
        rows = [3.0, 1.4, 0.9] if found.rates else [3.0, 0.9]
        grid = figure.add_gridspec(
            len(rows), 1, height_ratios=rows, left=0.13 if narrow else 0.075, right=0.965,
            top=0.93, bottom=0.1 if not narrow else 0.09, hspace=0.28,
        )  # fmt: skip
        first = figure.add_subplot(grid[0])
        _buffer(first, found, stalls, say)
        axes = [first]
        if found.rates:
            axes.append(figure.add_subplot(grid[1], sharex=first))
            _rates(axes[-1], found, say)
        axes.append(figure.add_subplot(grid[len(rows) - 1], sharex=first))
        _spans(axes[-1], spans, (found.end_ns - found.begin_ns) / 1e9, narrow, say)
        for axis in axes[:-1]:
            axis.tick_params(labelbottom=False, length=0)
        first.set_xlim(*_reach(found))
        _clocked(axes[-1], found, narrow)

    return chart("timeline", say("chart.playback"), desc, draw, (380, 380))


def _reach(found: Recorded) -> Point:
    """From and to of the axis of time, s: a second at least."""
    begin_s = found.begin_ns / 1e9
    return begin_s, max(begin_s + 1.0, found.end_ns / 1e9)


def _clocked(axis: Axes, found: Recorded, narrow: bool) -> None:
    """Ticks at round session times."""
    begin_s, end_s = found.begin_ns / 1e9, found.end_ns / 1e9
    most = 5 if narrow else 9
    for step in (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200):
        if (end_s - begin_s) / step <= most:
            break
    else:
        step = max(1, round((end_s - begin_s) / most))
    ticks = [step * i for i in range(-int(-begin_s // step), int(end_s // step) + 1)]
    axis.set_xticks(ticks, [clock(int(tick * 1e9)) for tick in ticks])


def _buffer(axis: Axes, found: Recorded, stalls: list[tuple[float, float]], say: Phrases) -> None:
    least = (found.end_ns - found.begin_ns) / 1e9 * LEAST_WIDTH
    longest = sorted(stalls, key=lambda span: span[0] - span[1])[:MOST_SPANS]
    for start, stop in sorted(longest):
        end = max(stop, start + least)
        axis.axvspan(
            start, end, facecolor=COLOURS["bad-soft"], edgecolor=COLOURS["bad"], hatch="///",
            linewidth=0,
        )  # fmt: skip
    xs, ys = [p[0] for p in found.buffer], [p[1] for p in found.buffer]
    if xs:
        axis.fill_between(xs, ys, color=COLOURS["accent-soft"], linewidth=0)
        axis.plot(xs, ys, color=COLOURS["accent"], linewidth=1.6)
        axis.set_ylim(0, max(2.0, *ys) * 1.12)
    else:
        axis.text(0.5, 0.5, say("chart.no_buffer"), ha="center", transform=axis.transAxes)
    _titled(axis, say("chart.hatched" if stalls else "chart.buffer"))
    axis.grid(axis="x", visible=False)


def _rates(axis: Axes, found: Recorded, say: Phrases) -> None:
    xs, ys = [p[0] for p in found.rates], [p[1] for p in found.rates]
    axis.step(xs, ys, where="post", color=COLOURS["series2"], linewidth=1.6)
    top = max((*ys, *found.ladder))
    axis.set_ylim(0, top * 1.15)
    offered = list(found.ladder) or sorted(set(ys))
    ticks: list[float] = []
    for rate in offered:
        if not ticks or rate - ticks[-1] > top * 0.22:
            ticks.append(rate)
    axis.set_yticks(ticks, [say.number(rate, 1) for rate in ticks])
    axis.grid(axis="x", visible=False)
    _titled(axis, say("chart.rates"))


def _titled(axis: Axes, text: str) -> None:
    axis.set_title(text, loc="left", fontsize=11, color=COLOURS["ink"], pad=4)


def _spans(axis: Axes, spans: list[Span], length_s: float, narrow: bool, say: Phrases) -> None:
    axis.set_ylim(0, 1)
    axis.set_yticks([])
    axis.grid(visible=False)
    axis.spines["left"].set_visible(False)
    _titled(axis, say("chart.notices" if spans else "chart.no_notices"))
    room = 1 / (52 if narrow else 120)  # width of a character, in shares of the axis
    for id_, start, stop, name in spans:
        end = max(stop, start + length_s * LEAST_WIDTH)
        axis.barh(
            0.5, end - start, left=start, height=0.72, color=COLOURS["note"],
            edgecolor=COLOURS["ground"], linewidth=1.5,
        )  # fmt: skip
        fits = int((end - start) / max(1.0, length_s) / room) - 1
        text = f"{id_}: {name}"
        text = text if len(text) <= fits else (text[: fits - 1] + "…" if fits > 6 else "")
        axis.text(
            start + length_s * 0.006, 0.5, text, va="center", fontsize=10, color=COLOURS["ground"]
        )


def likelihoods(found: Recorded, say: Phrases) -> str:
    """How likely each place was, over time."""
    best: dict[str, int] = {}
    for verdict in found.verdicts:
        for place, ppm in verdict.alternatives:
            best[place] = max(best.get(place, 0), ppm)
    named = {place: visible(place, 40) for place in best}
    ranked = sorted((p for p in best if p != NONE), key=lambda p: (-best[p], p))[:MOST_PLACES]
    order = [place for place in ranked if best[place] >= 50_000] or ranked[:1]
    last = found.verdicts[-1].alternatives if found.verdicts else ()
    highest = say.items(
        say("chart.item", name=named[place], number=say.share(best[place] // 10_000 / 100))
        for place in order
    )
    lines = [say("chart.likelihoods.desc", places=highest)]
    if last:
        lines.append(say("chart.likelihoods.end", place=named[last[0][0]]))
    desc = say.sentences(lines)

    def draw(figure: Figure, narrow: bool) -> None:
        axis = figure.add_axes((0.13 if narrow else 0.075, 0.13, 0.83 if narrow else 0.89, 0.62))
        lines: list[tuple[str, dict[str, Any]]] = [
            (NONE, {"color": COLOURS["muted"], "linestyle": (0, (2, 2))})
        ]
        for number, place in enumerate(order):
            lines.append(
                (place, {"color": COLOURS[f"series{number + 1}"], "linestyle": _DASHES[number]})
            )
        for place, look in lines:
            points = [
                (v.at_ns / 1e9, dict(v.alternatives).get(place, 0) / 1e4) for v in found.verdicts
            ]
            kept = thinned(points)
            axis.plot(
                [p[0] for p in kept], [p[1] for p in kept], linewidth=1.7,
                label=say("chart.fine") if place == NONE else named[place], **look,
            )  # fmt: skip
        for notice in found.notices[-MOST_SPANS:]:
            if notice.state != "resolved":
                axis.axvline(notice.at_ns / 1e9, color=COLOURS["note"], linewidth=0.9)
        axis.set_ylim(0, 102)
        axis.set_xlim(*_reach(found))
        axis.grid(axis="x", visible=False)
        _clocked(axis, found, narrow)
        figure.legend(
            loc="upper left", bbox_to_anchor=(0.0 if narrow else 0.06, 1.0), frameon=False,
            ncols=1 if narrow else 3, fontsize=10, handlelength=2.6, columnspacing=1.6,
        )  # fmt: skip
        if narrow:
            axis.set_position((0.13, 0.1, 0.83, 0.52))
        _titled(axis, say("chart.probability"))

    return chart("likelihoods", say("chances.caption"), desc, draw, (290, 330))


_DASHES: Final = ("-", (0, (6, 2)), (0, (6, 2, 1.5, 2)), (0, (3, 1.5)), (0, (1.2, 1.5)))


_UNDER_AXIS: Final = 46.0
"""Room for the ticks' numbers and the unit, in the units of a chart's height."""


def hops(rows: Sequence[tuple[str, HopDelays]], title: str, name: str, say: Phrases) -> str:
    """Round trips by hop: median and the slowest tenth, idle and loaded."""
    seen = [(label, hop) for label, hop in rows if hop.idle_ms or hop.loaded_ms]
    desc = say(
        "chart.hops.desc",
        hops=say.clauses(
            say(
                "chart.hop",
                hop=label,
                idle=_median(hop.idle_ms, say),
                loaded=_median(hop.loaded_ms, say),
            )
            for label, hop in seen
        ),
    )

    size = 110.0 + 38 * max(1, len(seen))

    def draw(figure: Figure, narrow: bool) -> None:
        left = 0.4 if narrow else 0.27
        bottom = max(0.2, _UNDER_AXIS / size)  # a single hop's chart is low
        axis = figure.add_axes((left, bottom, 0.97 - left, 0.82 - bottom))
        for number, (_, hop) in enumerate(seen):
            for values, shift, colour, marker in (
                (hop.idle_ms, -0.17, "series1", "o"),
                (hop.loaded_ms, 0.17, "bad", "D"),
            ):
                if not values:
                    continue
                at = number + shift
                axis.plot(
                    [min(values), ninth_decile(values)], [at, at], color=COLOURS[colour],
                    linewidth=2.2, alpha=0.55,
                )  # fmt: skip
                axis.plot([median_low(values)], [at], marker, color=COLOURS[colour], markersize=6)
        axis.set_yticks(range(len(seen)), [label for label, _ in seen])
        axis.set_ylim(len(seen) - 0.45, -0.55)
        axis.set_xlim(left=0)
        axis.grid(axis="y", visible=False)
        axis.tick_params(axis="y", length=0)
        axis.set_xlabel("ms", loc="right")
        idle = say("chart.idle")
        after = 0.08 + wide(idle) * 10 / (figure.get_figwidth() * 72)
        for x, marker, colour, text in (
            (0.01, "o", "series1", idle),
            (after, "D", "bad", say("chart.loaded")),
        ):
            figure.text(x + 0.035, 0.955, text, va="center", fontsize=10)
            axis.plot(
                [x + 0.018], [0.955], marker, color=COLOURS[colour], markersize=6,
                transform=figure.transFigure, clip_on=False,
            )  # fmt: skip
        figure.text(
            0.01, 0.905, say("chart.marks"), fontsize=10,
            va="top", color=COLOURS["muted"],
        )  # fmt: skip

    return chart(name, title, desc, draw, (size, size))


def _median(values: list[float], say: Phrases) -> str:
    return say.milliseconds(median_low(values)) if values else say("chart.unseen")


def wide(text: str) -> float:
    """About how wide *text* is, in widths of its letters' height."""
    return sum(1.0 if east_asian_width(char) in "WF" else 0.55 for char in text)


def waterfall(notice: Notice, say: Phrases) -> str:
    """What each rule weighs, added up one by one."""
    items = [item for item in notice.items if item.weight_mdb]
    shown, rest = items[:MOST_BARS], items[MOST_BARS:]
    bars = [(visible(item.rule, 24), item.weight_mdb / 1000) for item in shown]
    against = visible(notice.against, 40)
    if rest:
        bars.append(
            (say("chart.others", count=len(rest)), sum(item.weight_mdb for item in rest) / 1000)
        )
    total = notice.weight_mdb / 1000
    desc = say(
        "chart.weights.desc",
        name=short_name(notice),
        place=against,
        weights=say.items(
            say("chart.item", name=rule, number=say.signed(weight)) for rule, weight in bars
        ),
        total=say.signed(total),
    )

    def draw(figure: Figure, narrow: bool) -> None:
        left = 0.36 if narrow else 0.2
        height = figure.get_figheight() * 72
        axis = figure.add_axes((left, 44 / height, 0.97 - left, 1 - 58 / height))
        reach = 0.0
        low = high_ = 0.0
        for number, (_, weight) in enumerate(bars):
            look: dict[str, Any] = {"color": COLOURS["good"]}
            if weight < 0:
                look = {
                    "facecolor": COLOURS["bad-soft"], "edgecolor": COLOURS["bad"],
                    "hatch": "////", "linewidth": 0.8,
                }  # fmt: skip
            axis.barh(number, weight, left=reach, height=0.62, **look)
            reach += weight
            low, high_ = min(low, reach), max(high_, reach)
            axis.plot([reach, reach], [number - 0.31, number + 1.31], color=COLOURS["muted"],
                      linewidth=0.8)  # fmt: skip
        axis.barh(len(bars), total, height=0.62, color=COLOURS["ink"])
        span = max(1e-9, high_ - low)
        reach = 0.0
        for number, (_, weight) in enumerate([*bars, ("", total)]):
            end = total if number == len(bars) else max(reach, reach + weight)
            axis.text(max(0.0, end) + span * 0.012, number, say.signed(weight), va="center",
                      fontsize=10)  # fmt: skip
            reach += weight
        axis.set_yticks(range(len(bars) + 1), [*(label for label, _ in bars), say("table.in_all")])
        axis.set_ylim(len(bars) + 0.6, -0.6)
        axis.set_xlim(low - span * 0.03, high_ + span * (0.2 if narrow else 0.1))
        axis.grid(axis="y", visible=False)
        axis.tick_params(axis="y", length=0)
        axis.axvline(0, color=COLOURS["muted"], linewidth=0.8)
        axis.set_xlabel(say("chart.weights.axis", place=against))

    size = 62.0 + 24 * (len(bars) + 1)
    return chart("waterfall", say("chart.weights"), desc, draw, (size, size))
