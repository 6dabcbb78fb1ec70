"""From a dossier's contents to what stands on the page: words, tables, charts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

import attrs

from streamnotice.bottlenecks import LEAF_NAMES, UNDETERMINED
from streamnotice.coverage import coverage
from streamnotice.dossier.examination import Examined, last_words, main_notice, words
from streamnotice.dossier.examination.leaving import LeftOut
from streamnotice.dossier.report import charts
from streamnotice.dossier.report.gather import HopDelays, PathDelays, Recorded, high, middle
from streamnotice.dossier.report.integrity import Integrity
from streamnotice.dossier.report.safe import visible
from streamnotice.events import Item, Notice
from streamnotice.notices.catalog import Catalog
from streamnotice.notices.ids import STRENGTHS, strength
from streamnotice.path.roles import JOIN
from streamnotice.policy import Policy
from streamnotice.verdict.tables import shipped

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


@attrs.frozen
class Said:
    """A notice as it stood on screen."""

    at: str
    id: str
    state: str
    title: str
    text: str
    evidence: str
    actions: tuple[str, ...]
    lang: str


def table(caption: str, heads: Row, rows: Sequence[Row], numbers: Sequence[int] = ()) -> Table:
    kept = rows[:MOST_ROWS]
    return Table(caption, heads, kept, frozenset(numbers), len(rows) - len(kept))


def seconds(value_s: float) -> str:
    """A length of time in words: "35 s", "2 min 5 s", "1 h 3 min"."""
    if value_s < 10:
        return f"{value_s:.1f} s"
    whole = round(value_s)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


class Page:
    """Everything that the template asks for.

    Args:
        found: the dossier's contents.
        integrity: whether they hold.
        examined: the main notice's examination; None without one.
        catalog: words for places and rules.
    """

    def __init__(
        self, found: Recorded, integrity: Integrity, examined: Examined | None, catalog: Catalog
    ) -> None:
        self.found, self.integrity, self.examined, self.catalog = (
            found, integrity, examined, catalog,
        )  # fmt: skip
        self.main = main_notice(found.notices)

    # -- words --------------------------------------------------------------------------------

    def place(self, name: str) -> str:
        """A place in words; its name where the catalog has none."""
        text = self.catalog.text(f"place.{name}")
        return visible(name if text == f"place.{name}" else text, 120)

    def places(self, notice: Notice) -> str:
        """What a notice names, in words."""
        if notice.among:
            return " or ".join(self.place(name) for name in notice.among)
        return self.place(notice.bottleneck)

    def name(self, notice: Notice) -> str:
        return visible(words.name(notice.bottleneck, notice.among, notice.condition), 200)

    def item(self, item: Item, of: Notice) -> str:
        """A rule's outcome in a sentence."""
        shown = self.catalog.show(attrs.evolve(of, state="updated", items=(item,)))
        return visible(shown.evidence[0].text, 300) if shown.evidence else visible(item.rule, 60)

    # -- in short -----------------------------------------------------------------------------

    @property
    def withdrawn(self) -> bool:
        """The main notice was taken back."""
        id_ = self.main.id if self.main is not None else None
        return any(n.id == id_ and n.reason == "withdrawn" for n in self.found.notices)

    def which(self) -> str:
        """Which of the session's notices the page is about; "" of one."""
        ids = [*last_words(self.found.notices)]
        if self.main is None or len(ids) < 2:
            return ""
        return f"notice {visible(self.main.id, 20)}, one of {len(ids)}"

    def happened(self) -> list[str]:
        """What happened to playback."""
        found = self.found
        lines = [f"Playback was watched for {seconds(found.end_ns / 1e9)}."]
        if found.started_s is None:
            lines.append("It never began to play.")
        else:
            lines.append(f"It began after {seconds(found.started_s)}.")
        stalls = found.stalls
        if stalls:
            total = sum(end - start for start, end in stalls)
            times = {1: "once", 2: "twice"}.get(len(stalls), f"{len(stalls)} times")
            lines.append(f"It stood still {times}, for {seconds(total)} in all.")
        else:
            lines.append("It never stood still.")
        rates = [rate for _, rate in found.rates]
        if rates and min(rates) < max(rates):
            lines.append(
                f"The quality asked for went between {min(rates):.1f} and {max(rates):.1f} Mbit/s."
            )
        return lines

    def said(self) -> list[tuple[str, str, str, str]]:
        """(when, what was last said, what became of it, language) of each notice."""
        found = []
        ends = {n.id: n for n in self.found.notices if n.state == "resolved"}
        for id_, last in last_words(self.found.notices).items():
            texts = [row for row in self.found.shown if row["id"] == id_]
            standing = [row for row in texts if row["state"] != "resolved"]
            if standing:
                text, lang = visible(standing[-1]["sentence"]), _lang(standing[-1]["locale"])
            else:
                text, lang = visible(self.catalog.show(last).sentence), self.catalog.locale
            end = ends.get(id_)
            found.append((words.clock(last.at_ns), text, _became(end), lang))
        return found

    def sure(self) -> list[str]:
        """How sure the main notice was."""
        notice = self.main
        if notice is None:
            return []
        if notice.bottleneck == UNDETERMINED:
            return [
                "Nothing was named: the evidence did not suffice. That something was wrong was "
                f"{self.catalog.numbers.certainty(notice.confidence_ppm)} sure."
            ]
        sure = self.catalog.numbers.certainty(notice.confidence_ppm)
        lines = [
            f"{sure}, by this evidence and this version's table"
            + (
                ", whose numbers come from an emulated lab and are provisional."
                if self.found.header.provisional
                else "."
            ),
            f"Against the next explanation ({self.place(notice.against)}) the support is "
            f"{self.catalog.text(f'strength.{strength(notice.weight_mdb)}')}: "
            f"{words.decibans(notice.weight_mdb)}, {_ratio(notice.weight_mdb)}.",
        ]
        return lines + self.tried()

    def tried(self) -> list[str]:
        """The examination in two sentences."""
        seen = self.examined
        if seen is None:
            return []
        changed, same = words.standing(seen.without_rules)
        whole = len(seen.without_rules)
        turned = [one for one in seen.priors if one.fate.word != "stands"]
        return [
            "Cross-examined: it would have been said without any single one of "
            + (f"{len(same)} of " if changed else "")
            + f"the {whole} kinds of evidence that were weighed"
            + (f", but not without {_any_of(len(changed))}." if changed else "."),
            f"It stands under {len(seen.priors) - len(turned)} of {len(seen.priors)} "
            "assumptions about how often each place is at fault.",
        ]

    def needed(self) -> list[str]:
        """What was measured by the rules without which the verdict would have been another."""
        seen = self.examined
        if seen is None:
            return []
        items = {item.rule: item for item in seen.notice.items if item.weight_mdb > 0}
        changed, _ = words.standing(seen.without_rules)
        return [self.item(items[one.name], seen.notice) for one in changed if one.name in items][:4]

    def else_(self) -> list[tuple[str, str, str]]:
        """(probability, place in words, its name) of the alternatives of the main notice."""
        notice = self.main
        if notice is None:
            return []
        inside = {notice.bottleneck, *notice.among}
        return [
            (words.percent(ppm), self.place(place), visible(place, 60))
            for place, ppm in notice.alternatives
            if place not in inside
        ]

    def against(self) -> list[str]:
        """The strongest that speaks against the main notice."""
        notice = self.main
        if notice is None or notice.bottleneck == UNDETERMINED:
            return []
        found = [(notice.against, item) for item in notice.items if item.weight_mdb < 0][:3]
        if self.examined is not None:
            strongest = words.strongest_against(self.examined)
            if strongest is not None:
                # the heaviest item first, whatever place it speaks for
                found = [strongest] + [row for row in found if row[1].rule != strongest[1].rule]
        return [
            f"{self.item(item, notice)} This speaks for {self.place(place)} rather than for what "
            f"was named, by {words.decibans(-item.weight_mdb)}."
            for place, item in found[:3]
        ] or ["Nothing that was measured."]

    def unseen(self) -> list[str]:
        """What could not be seen, in sentences."""
        lines = [
            _sight(name, visible(why, 200))
            for name, (sees, why) in sorted(self.found.sights.items())
            if not sees
        ]
        blind = [place for place, how in self.coverage() if how is not True]
        if blind:
            lines.append(
                "Places that could not have been named alone in this session: "
                + ", ".join(self.place(place) for place in blind) + "."
            )  # fmt: skip
        if self.found.cut or not self.found.closed:
            lines.append(
                "The record's end is missing" + (f": {visible(self.found.cut, 200)}." if
                self.found.cut else ": the writer did not close it.")
            )  # fmt: skip
        if self.found.truncated:
            lines.append("Recording stopped at its bound; what came later is not on record.")
        return lines or ["Every sensor that this version has could see."]

    def coverage(self) -> list[tuple[str, bool | str]]:
        """(place, True or what would add it), as far as the record tells."""
        policy = self.found.header.plain.get("policy")
        asked = policy.get("probes") if isinstance(policy, dict) else None
        probes = frozenset(asked if isinstance(asked, list) else ()) & {
            "path", "reference", "gateway"
        }  # fmt: skip
        networks = any(
            path.route is not None and "table" in path.route.why
            for path in self.found.paths.values()
        )
        found = coverage(
            Policy(probes=probes), shipped(), networks=networks, sights=self.found.sights
        )
        return [(place, found[place]) for place in LEAF_NAMES]

    def since(self) -> str:
        """Start of the main notice's window."""
        return words.clock(self.main.since_ns) if self.main is not None else ""

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

    # -- charts and tables --------------------------------------------------------------------

    def timeline(self) -> str:
        return charts.timeline(self.found)

    def likelihoods(self) -> str:
        return charts.likelihoods(self.found) if self.found.verdicts else ""

    def waterfall(self) -> str:
        notice = self.main
        if notice is None or not any(item.weight_mdb for item in notice.items):
            return ""
        return charts.waterfall(notice)

    def evidence(self) -> Table | None:
        """The main notice's waterfall in words."""
        notice = self.main
        if notice is None or not notice.items:
            return None
        if notice.bottleneck == UNDETERMINED:
            seen = [[visible(item.rule, 40), self.item(item, notice)] for item in notice.items]
            return table("What was seen then", ["Rule", "What it saw"], seen)
        rows = [
            [
                visible(item.rule, 40),
                self.item(item, notice),
                "in shadow" if item.shadow else charts.signed(item.weight_mdb / 1000),
            ]
            for item in notice.items
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

    def log(self) -> list[Said]:
        """Every notice as shown."""
        reasons = {(n.id, n.state, n.at_ns): n.reason for n in self.found.notices}
        rows = []
        for row in self.found.shown:
            reason = reasons.get((row["id"], row["state"], row["at_ns"]))
            state = row["state"] + (f": {reason}" if reason else "")
            actions = row.get("actions")
            rows.append(
                Said(
                    at=words.clock(row["at_ns"]),
                    id=visible(row["id"], 40),
                    state=visible(state, 40),
                    title=visible(row["title"], 200),
                    text=visible(row["sentence"]),
                    evidence=visible(row["evidence"]),
                    actions=tuple(
                        visible(action[1], 300)
                        for action in (actions if isinstance(actions, list) else ())
                        if isinstance(action, list) and len(action) == 2
                    ),
                    lang=_lang(row["locale"]),
                )
            )
        return rows

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
                f"Stands without {len(same)} of {len(found)}"
                + (": " + ", ".join(map(_left, same)) if same else "") + ".",
            )  # fmt: skip

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

    def provenance(self) -> list[tuple[str, str]]:
        """Where the record comes from."""
        header = self.found.header
        started = _moment(header.plain.get("started_utc"))
        bars = header.settings
        return [
            ("Session began", started),
            ("Recorded by", visible(f"streamnotice {header.version}, engine {header.engine}", 120)),
            (
                "Tables",
                visible(", ".join(f"{n} {h[:16]}" for n, h in sorted(header.tables.items())), 300)
                + (" (provisional)" if header.provisional else ""),
            ),
            (
                "Bars",
                f"viewer's own side {words.percent(bars.bar_viewer_ppm)}, "
                f"service {words.percent(bars.bar_service_ppm)}, "
                f"third party {words.percent(bars.bar_third_party_ppm)}; one false name in "
                + f"{bars.false_naming_steps:,} s".replace(",", "\u202f"),
            ),
            ("Measurements", f"{self.found.observations}"),
            ("This dossier", f"SHA-256 {self.found.sha256}"),
        ]

    def appendix(self) -> list[Table]:
        """The figures behind the charts over time."""
        found = self.found
        states = [
            [words.clock(at), visible(state, 20), seconds((end - at) / 1e9)]
            for (at, state), end in zip(
                found.states, [at for at, _ in found.states[1:]] + [found.end_ns], strict=True
            )
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


def _became(end: Notice | None) -> str:
    if end is None:
        return "It still stood when the record ended."
    at = words.clock(end.at_ns)
    return {
        "recovered": f"Playback was well again at {at}, and the notice went.",
        "withdrawn": f"It was withdrawn at {at}: it no longer stood.",
    }.get(str(end.reason), f"It stood until playback ended at {at}.")


def _lang(locale: str) -> str:
    """A language tag that is fit for an attribute; "en" for anything odd."""
    parts = locale.replace("_", "-").partition(".")[0].split("-")
    fine = all(part.isascii() and part.isalnum() and len(part) <= 8 for part in parts)
    return "-".join(parts) if fine else "en"


def _moment(told: object) -> str:
    """A wall-clock instant for people; as it stands if it is none."""
    if not isinstance(told, str) or not told:
        return "at a time that isn't told"
    try:
        at = datetime.fromisoformat(told)
    except ValueError:
        return visible(told, 60)
    zone = "UTC" if not at.utcoffset() else f"UTC{at:%z}"
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year}, {at:%H:%M} {zone}"


_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip


def _ratio(weight_mdb: int) -> str:
    """A weight as odds: "about 3 to 1", "more than a million to 1"."""
    if abs(weight_mdb) >= 60_000:
        return "more than a million to 1"
    odds = 10 ** (abs(weight_mdb) / 10_000)
    digits = len(str(int(odds))) - 1
    rounded = round(odds) if digits < 1 else round(odds, -digits)
    return f"about {int(rounded):,} to 1".replace(",", "\u202f")


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " or " + names[-1]


def _sight(name: str, why: str) -> str:
    """Why a sensor did not see, as a sentence."""
    text = words.SENSORS.get(name, visible(name, 40))
    said = why if why.startswith(text) else f"{text}: {why or 'did not see'}"
    return f"{said[:1].upper()}{said[1:]}."


def _any_of(count: int) -> str:
    return {1: "the other", 2: "either of the others"}.get(count, f"any one of the other {count}")


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
