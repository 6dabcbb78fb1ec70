"""The page's tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median_low
from typing import Any, Final

import attrs

from streamnotice.bottlenecks import is_named
from streamnotice.dossier.examination import words
from streamnotice.dossier.examination.leaving import LeftOut
from streamnotice.dossier.examination.reweigh import Fate
from streamnotice.dossier.phrases import MINUS
from streamnotice.dossier.report import charts
from streamnotice.dossier.report.frame import Frame
from streamnotice.dossier.report.gather import HopDelays, PathDelays, ninth_decile
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
        say = self.say
        if not is_named(notice.bottleneck, notice.among):
            seen = [
                [visible(item.rule, 40), self.item(item, notice)]
                for item in notice.items[:MOST_ROWS]
            ]
            heads = [say("table.rule"), say("table.saw")]
            return table(say("evidence.seen"), heads, seen)
        rows = [
            [
                visible(item.rule, 40),
                self.item(item, notice),
                say("table.shadow") if item.shadow else say.signed(item.weight_mdb / 1000),
            ]
            for item in notice.items[:MOST_ROWS]
        ]
        rows.append([say("table.in_all"), "", say.signed(notice.weight_mdb / 1000)])
        return table(
            say("evidence.caption", place=self.place(notice.against)),
            [say("table.rule"), say("table.saw"), "dB"],
            rows,
            [2],
        )

    def delays(self) -> Iterator[tuple[str, str, Table]]:
        """(heading, chart, table) of each path that was probed."""
        say = self.say
        ranked = sorted(
            self.found.paths.values(),
            key=lambda path: (path.role != "service", -_answers(path)),
        )
        ranked = [path for path in ranked if _answers(path)]
        for number, path in enumerate(ranked[:MOST_PATHS]):
            rows = list(self._hops(path))
            heading = say(f"delay.{path.role}", target=visible(path.target, 24))
            body = [
                [
                    label,
                    say.number(hop.sent),
                    say.share(hop.lost / hop.sent),
                    self._figures(hop.idle_ms),
                    self._figures(hop.loaded_ms),
                ]
                for label, hop in rows
                if hop.sent
            ]
            yield (
                heading,
                charts.hops(rows, heading, f"hops{'abcdefgh'[number]}", say),
                table(
                    say("delay.caption", path=heading),
                    [say(f"delay.{head}") for head in ("hop", "sent", "lost", "idle", "loaded")],
                    body,
                    [1, 2, 3, 4],
                ),
            )

    def _hops(self, path: PathDelays) -> Iterator[tuple[str, HopDelays]]:
        for ttl in sorted(path.hops)[:MOST_HOPS]:
            hop = path.hops[ttl]
            if hop.sent:
                yield f"{ttl}  {self._link(hop.place)}", hop
        if path.far.sent:
            box = self.found.ways.ended_near() and path.role != "underlay"
            yield self.say("delay.box" if box else "delay.server"), path.far

    def _link(self, place: str | None) -> str:
        """A hop's link in a few characters."""
        if place is None:
            return self.say("delay.unknown")
        return visible(
            self.say.either(one.removeprefix("network.") for one in place.split(JOIN)), 60
        )

    def _figures(self, values: list[float]) -> str:
        if not values:
            return "-"
        shown = (min(values), median_low(values), ninth_decile(values))
        return " / ".join(self.say.number(value, 1) for value in shown)

    def rivals(self) -> Table | None:
        """Every other place, held against the named one."""
        seen = self.examined
        if seen is None:
            return None
        say = self.say
        heads = [say(f"rivals.{head}") for head in ("probability", "behind", "most")]
        heads = [say("table.place"), *heads, "dB"]
        nothing = say("rivals.nothing")
        rows = [
            [
                self.place(one.place),
                say.percent(one.ppm),
                self._db(one.balance_mdb),
                self.item(one.strongest, seen.notice) if one.strongest else nothing,
                self._db(-one.strongest.weight_mdb) if one.strongest else "",
            ]
            for one in seen.rivals
        ]
        return table(say("rivals.caption"), heads, rows, [1, 2, 4])

    def left_out(self) -> Iterator[tuple[str, Table, str]]:
        """(heading, table of what changes, sentence of what doesn't) of each way to leave out."""
        seen = self.examined
        if seen is None:
            return
        condition, say = seen.notice.condition, self.say
        for what, found in (
            ("rule", seen.without_rules),
            ("sensor", seen.without_sensors),
            ("time", seen.without_times),
        ):
            heading = say(f"left.{what}s")
            changed, same = words.standing(found)
            rows = [[self._left(one), self._fate(one.fate, condition)] for one in changed]
            yield (
                heading,
                table(heading, [say(f"left.{what}"), say("table.then_verdict")], rows),
                self._stands(same, len(found)),
            )

    def _stands(self, same: list[LeftOut], of: int) -> str:
        if len(same) == of:
            return self.say("stands.all", count=of)
        if not same:
            return self.say("stands.none", count=of)
        names = self.say.items(map(self._left, same))
        return self.say("stands.some", same=len(same), count=of, names=names)

    def _left(self, one: LeftOut) -> str:
        if one.name:
            return self.say.get(f"sensor.{one.name}", visible(one.name, 40))
        first, last = words.clock(one.from_ns), words.clock(one.to_ns)
        return self.say("left.span", first=first, last=last)

    def _fate(self, found: Fate, condition: str | None) -> str:
        return visible(words.fate(found, condition, self.say), 300)

    def _db(self, mdb: int) -> str:
        sign = MINUS if mdb < 0 else ""
        return f"{sign}{self.say.number(abs(mdb) / 1000, 1)}"

    def turns(self) -> Table | None:
        """What would have overturned it."""
        seen, say = self.examined, self.say
        if seen is None or not seen.turns:
            return None
        heads = ("table.rule", "turns.had", "turns.instead", "turns.last", "table.verdict")
        return table(
            say("turns.caption"),
            [say(head) for head in heads],
            [
                [
                    visible(turn.rule, 40),
                    visible(turn.instead, 40),
                    visible(turn.said, 40),
                    say.seconds(turn.steps),
                    self._fate(turn.fate, seen.notice.condition),
                ]
                for turn in seen.turns
            ],
            [3],
        )

    def margins(self) -> list[str]:
        """How near the verdict was to not being said."""
        if self.examined is None:
            return []
        return [visible(line, 300) for line in words.margins(self.examined, self.say)]

    def contested(self) -> str:
        """What becomes of the verdict if all that speaks against it is weighed, too."""
        seen = self.examined
        if seen is None or seen.carrying is None:
            return ""
        return self._fate(seen.carrying.contested, seen.notice.condition)

    def pairs(self) -> Table | None:
        """What the sensors could not have told apart."""
        seen, say = self.examined, self.say
        if seen is None:
            return None
        rows = [
            [
                f"{self.place(pair.one)} ({self._condition(pair.one_condition)})",
                f"{self.place(pair.other)} ({self._condition(pair.other_condition)})",
                self._db(pair.most_mdb),
                say.items(rule for rule, _ in pair.unseen[:3]) or "-",
            ]
            for pair in seen.pairs
        ]
        heads = ("table.place", "table.and", "pairs.most", "pairs.unseen")
        return table(say("pairs.caption"), [say(head) for head in heads], rows, [2])

    def _condition(self, name: str | None) -> str:
        """A condition in words."""
        return self.say.get(f"condition.{name}", visible(name, 40))

    def priors(self) -> Table | None:
        """The verdict under other priors and bars, and other shares of bystanders."""
        seen, say = self.examined, self.say
        if seen is None:
            return None
        condition = seen.notice.condition
        rows = [
            [visible(words.prior(one, say), 200), self._fate(one.fate, condition)]
            for one in seen.priors
            if one.mix != "place" or one.fate.word != "stands"
        ]
        if any(one.mix == "place" and one.fate.word == "stands" for one in seen.priors):
            rows.append([say("prior.any"), say("fate.stands")])
        rows += [
            [say("bar.every", percent=say.percent(one.value)), self._fate(one.fate, condition)]
            for one in seen.bars
        ]
        settings = self.found.header.settings
        rows += [
            [words.budget(one, settings, say), self._fate(one.fate, condition)]
            for one in seen.budgets
        ]
        if seen.beside is not None:
            rows += [
                [words.share(one, seen.beside, say), self._fate(one.fate, condition)]
                for one in seen.beside.shares
            ]
        return table(say("priors.caption"), [say("priors.if"), say("table.verdict")], rows)

    def appendix(self) -> list[Table]:
        """The figures behind the charts over time."""
        found, say = self.found, self.say
        states = [
            [words.clock(at), self._state(state), say.length((end - at) / 1e9)]
            for at, state, end in found.state_spans()
        ]
        levels = [
            [words.clock(int(at * 1e9)), say.number(level, 1)]
            for at, level in _each(found.buffer, 60)
        ]
        rates = [[words.clock(int(at * 1e9)), say.number(rate, 2)] for at, rate in found.rates]
        chances = [
            [
                words.clock(v.at_ns),
                say.clauses(
                    say("chart.item", name=visible(p, 40), number=say.percent(ppm))
                    for p, ppm in v.alternatives[:3]
                ),
                visible(words.named(v.bottleneck, v.among, v.condition, say), 120),
            ]
            for v in _each(found.verdicts, 60)
        ]
        return [
            table(
                say("states.caption"),
                [say("table.from"), say("states.state"), say("states.length")],
                states,
                [2],
            ),
            table(say("buffer.caption"), [say("table.at"), self._unit("s")], levels, [1]),
            table(say("rates.caption"), [say("table.from"), self._unit("mbps")], rates, [1]),
            table(
                say("chances.caption"),
                [say("table.at"), say("chances.likeliest"), say("chances.named")],
                chances,
            ),
        ]

    def _state(self, name: str) -> str:
        return self.say.get(f"state.{name}", visible(name, 20))

    def _unit(self, name: str) -> str:
        """A unit by itself."""
        return self.catalog.text(f"unit.{name}", {"number": ""}).strip()

    def strengths(self) -> list[tuple[str, str]]:
        """(from dB, word) of the verbal scale."""
        return [
            (self.say.number(mdb / 1000), self.catalog.text(f"strength.{word}"))
            for word, mdb in STRENGTHS
        ]


def _answers(path: PathDelays) -> int:
    return sum(len(hop.idle_ms) + len(hop.loaded_ms) for hop in (*path.hops.values(), path.far))


def _each(rows: Sequence[Any], most: int) -> list[Any]:
    """About *most* of the rows, evenly."""
    step = max(1, -(-len(rows) // most))
    return list(rows[::step])
