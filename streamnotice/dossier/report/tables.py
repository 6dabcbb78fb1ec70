"""The page's tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import attrs

from streamnotice.bottlenecks import UNDETERMINED
from streamnotice.dossier.examination import words
from streamnotice.dossier.examination.leaving import LeftOut
from streamnotice.dossier.report import charts
from streamnotice.dossier.report.frame import Frame, seconds
from streamnotice.dossier.report.gather import HopDelays, PathDelays, high, middle
from streamnotice.dossier.report.safe import visible
from streamnotice.notices.ids import STRENGTHS
from streamnotice.path.roles import JOIN

MOST_ROWS: Final = 120
"""Longest table of the appendix; a longer one says how much was left out."""
MOST_PATHS: Final = 4
MOST_HOPS: Final = 24

Row = Sequence[str]


@attrs.frozen
class Table:
    """A table: heads, rows, and a caption; columns in *numbers* are set to the right."""

    caption: str
    heads: Row
    rows: Sequence[Row]
    numbers: frozenset[int] = frozenset()
    more: int = 0


def table(caption: str, heads: Row, rows: Sequence[Row], numbers: Sequence[int] = ()) -> Table:
    kept = rows[:MOST_ROWS]
    return Table(caption, heads, kept, frozenset(numbers), len(rows) - len(kept))


class Tables(Frame):
    """All tables, and the sentences that stand beside them."""

    def evidence(self) -> Table | None:
        """The main notice's waterfall in words."""
        notice = self.main
        if notice is None or not notice.items:
            return None
        if notice.bottleneck == UNDETERMINED:
            seen = [
                [visible(item.rule, 40), self.item(item, notice)]
                for item in notice.items[:MOST_ROWS]
            ]
            return table("What was seen then", ["Rule", "What it saw"], seen)
        rows = [
            [
                visible(item.rule, 40),
                self.item(item, notice),
                "in shadow" if item.shadow else charts.signed(item.weight_mdb / 1000),
            ]
            for item in notice.items[:MOST_ROWS]
        ]
        rows.append(["in all", "", charts.signed(notice.weight_mdb / 1000)])
        return table(
            f"What was measured, and what it weighs against {self.place(notice.against)}",
            ["Rule", "What it saw", "dB"],
            rows,
            [2],
        )

    def delays(self) -> Iterator[tuple[str, str, Table]]:
        """(heading, chart, table) of each path that was probed."""
        ranked = sorted(
            self.found.paths.values(),
            key=lambda path: (path.role != "service", -_answers(path)),
        )
        ranked = [path for path in ranked if _answers(path)]
        for number, path in enumerate(ranked[:MOST_PATHS]):
            rows = list(self._hops(path))
            what = "Towards the service" if path.role == "service" else "Towards a reference"
            heading = f"{what} ({visible(path.target, 24)})"
            body = [
                [
                    label,
                    f"{hop.sent}",
                    f"{100 * hop.lost / hop.sent:.0f} %" if hop.sent else "-",
                    _figures(hop.idle_ms),
                    _figures(hop.loaded_ms),
                ]
                for label, hop in rows
                if hop.sent
            ]
            yield (
                heading,
                charts.hops(rows, heading, f"hops{'abcdefgh'[number]}"),
                table(
                    f"{heading}: round trips in ms (fastest / median / slowest tenth)",
                    ["Hop", "Sent", "Lost", "Idle", "While our media loads"],
                    body,
                    [1, 2, 3, 4],
                ),
            )

    def _hops(self, path: PathDelays) -> Iterator[tuple[str, HopDelays]]:
        for ttl in sorted(path.hops)[:MOST_HOPS]:
            hop = path.hops[ttl]
            if hop.sent:
                yield f"{ttl}  {_link(hop.place)}", hop
        if path.far.sent:
            yield "server, handshake", path.far

    def rivals(self) -> Table | None:
        """Every other place, held against the named one."""
        seen = self.examined
        if seen is None:
            return None
        return table(
            "Every other place, and what speaks most for it",
            ["Place", "Probability", "Behind by, dB", "Speaks most for it", "dB"],
            [
                [
                    self.place(one.place), words.percent(one.ppm),
                    f"{one.balance_mdb / 1000:.1f}",
                    self.item(one.strongest, seen.notice) if one.strongest else "nothing",
                    f"{-one.strongest.weight_mdb / 1000:.1f}" if one.strongest else "",
                ]
                for one in seen.rivals
            ],
            [1, 2, 4],
        )  # fmt: skip

    def left_out(self) -> Iterator[tuple[str, Table, str]]:
        """(heading, table of what changes, sentence of what doesn't) of each way to leave out."""
        seen = self.examined
        if seen is None:
            return
        condition = seen.notice.condition
        for heading, what, found in (
            ("Without each rule", "Rule left out", seen.without_rules),
            ("Without each sensor", "Sensor left out", seen.without_sensors),
            ("Without each stretch of time", "Time left out", seen.without_times),
        ):
            changed, same = words.standing(found)
            rows = [[_left(one), visible(words.fate(one.fate, condition), 300)] for one in changed]
            yield (
                heading,
                table(heading, [what, "Then the verdict ..."], rows),
                _stands(same, len(found)),
            )

    def turns(self) -> Table | None:
        """What would have overturned it."""
        seen = self.examined
        if seen is None or not seen.turns:
            return None
        return table(
            "Other answers that would have changed the verdict",
            ["Rule", "Had it said", "instead of", "in the last", "the verdict ..."],
            [
                [visible(t.rule, 40), visible(t.instead, 40), visible(t.said, 40),
                 f"{t.steps} s", visible(words.fate(t.fate, seen.notice.condition), 300)]
                for t in seen.turns
            ],
            [3],
        )  # fmt: skip

    def margins(self) -> list[str]:
        """How near the verdict was to not being said."""
        if self.examined is None:
            return []
        return [f"{line[0].upper()}{line[1:]}." for line in words.margins(self.examined)]

    def contested(self) -> str:
        """What becomes of the verdict if all that speaks against it is weighed, too."""
        seen = self.examined
        if seen is None or seen.carrying is None:
            return ""
        return visible(words.fate(seen.carrying.contested, seen.notice.condition), 300)

    def pairs(self) -> Table | None:
        """What the sensors could not have told apart."""
        seen = self.examined
        if seen is None:
            return None
        rows = [
            [
                f"{self.place(pair.one)} ({pair.one_condition})",
                f"{self.place(pair.other)} ({pair.other_condition})",
                f"{pair.most_mdb / 1000:.1f}",
                ", ".join(rule for rule, _ in pair.unseen[:3]) or "-",
            ]
            for pair in seen.pairs
        ]
        return table(
            "Places by how far apart one second's answers could have told them, the nearest first",
            ["Place", "and", "at most, dB", "Not seen, could tell"], rows, [2],
        )  # fmt: skip

    def priors(self) -> Table | None:
        """The verdict under other priors and bars."""
        seen = self.examined
        if seen is None:
            return None
        condition = seen.notice.condition
        rows = [
            [words.prior(one), visible(words.fate(one.fate, condition), 300)]
            for one in seen.priors
            if one.mix != "place" or one.fate.word != "stands"
        ]
        rows.append(["any other single place a tenth or ten times as often", "stands"])
        rows += [
            [f"every name's bar at {words.percent(one.value)}",
             visible(words.fate(one.fate, condition), 300)]
            for one in seen.bars
        ]  # fmt: skip
        rows += [
            [
                words.budget(one, self.found.header.settings),
                visible(words.fate(one.fate, condition), 300),
            ]
            for one in seen.budgets
        ]  # fmt: skip
        return table("Other assumptions", ["If", "the verdict ..."], rows)

    def appendix(self) -> list[Table]:
        """The figures behind the charts over time."""
        found = self.found
        states = [
            [words.clock(at), visible(state, 20), seconds((end - at) / 1e9)]
            for at, state, end in found.state_spans()
        ]
        levels = [
            [words.clock(int(at * 1e9)), f"{level:.1f}"] for at, level in _each(found.buffer, 60)
        ]
        rates = [[words.clock(int(at * 1e9)), f"{rate:.2f}"] for at, rate in found.rates]
        chances = [
            [
                words.clock(v.at_ns),
                "; ".join(f"{visible(p, 40)} {words.percent(ppm)}" for p, ppm in
                          v.alternatives[:3]),
                visible(words.name(v.bottleneck, v.among, v.condition), 120),
            ]
            for v in _each(found.verdicts, 60)
        ]  # fmt: skip
        return [
            table("Playback states", ["From", "State", "For"], states, [2]),
            table("Buffer level", ["At", "s"], levels, [1]),
            table("Quality asked for", ["From", "Mbit/s"], rates, [1]),
            table("How likely each place was", ["At", "Likeliest", "Could be named"], chances),
        ]

    def strengths(self) -> list[tuple[str, str]]:
        """(from dB, word) of the verbal scale."""
        return [
            (f"{mdb / 1000:.0f}", self.catalog.text(f"strength.{word}")) for word, mdb in STRENGTHS
        ]


def _stands(same: list[LeftOut], of: int) -> str:
    if len(same) == of:
        return f"It stands without any single one of the {of}."
    return f"It stands without any single one of {len(same)} of {of}: " + (
        ", ".join(map(_left, same)) + "." if same else "none."
    )


def _left(one: LeftOut) -> str:
    if one.name:
        return words.SENSORS.get(one.name, visible(one.name, 40))
    return f"{words.clock(one.from_ns)} to {words.clock(one.to_ns)}"


def _link(place: str | None) -> str:
    """A hop's link in a few characters."""
    if place is None:
        return "place not known"
    return visible(" or ".join(p.removeprefix("network.") for p in place.split(JOIN)), 40)


def _answers(path: PathDelays) -> int:
    return sum(len(hop.idle_ms) + len(hop.loaded_ms) for hop in (*path.hops.values(), path.far))


def _figures(values: list[float]) -> str:
    if not values:
        return "-"
    return f"{min(values):.1f} / {middle(values):.1f} / {high(values):.1f}"


def _each(rows: Sequence[Any], most: int) -> list[Any]:
    """About *most* of the rows, evenly."""
    step = max(1, -(-len(rows) // most))
    return list(rows[::step])
