"""The whole page, as the template asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

import attrs
from markupsafe import Markup

from streamnotice.bottlenecks import INNER_NAMES, LEAF_NAMES, LEAVES, NONE, UNDETERMINED
from streamnotice.dossier.deeds import Deed, as_read, deeds
from streamnotice.dossier.examination import words
from streamnotice.dossier.report import charts
from streamnotice.dossier.report.frame import capital, language
from streamnotice.dossier.report.integrity import MOST_FINDINGS, NAME, text
from streamnotice.dossier.report.safe import visible
from streamnotice.dossier.report.summary import Summary
from streamnotice.dossier.report.tables import Tables
from streamnotice.dossier.verify import Finding

MOST_SAID: Final = 200
MOST_TEXT: Final = 800
"""What a real session has is far below; a made-up one must not burst the page."""


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


class Page(Summary, Tables):
    """Summary, charts, tables, the log of notices, and where it all comes from."""

    def since(self) -> str:
        """Start of the main notice's window."""
        return words.clock(self.main.since_ns) if self.main is not None else ""

    def time_caption(self) -> Markup:
        link = Markup('<a href="#appendix">{}</a>').format(self.say("time.figures"))
        return self.marked("time.caption", figures=link)

    def minimal(self) -> str:
        """What the carrying set is, and what it is worth."""
        say, seen = self.say, self.examined
        lines = [say("carrying.minimal")]
        if seen is not None and seen.carrying is not None and seen.carrying.opposing:
            rules = say.items(seen.carrying.opposing)
            lines.append(say("carrying.opposed", rules=rules, fate=self.contested()))
        return say.sentences(lines)

    def doubt(self) -> Markup:
        """How to check the page."""
        return self.marked("record.doubt", command=Markup("<code>streamnotice replay</code>"))

    def timeline(self) -> str:
        return charts.timeline(self.found, self.say)

    def likelihoods(self) -> str:
        return charts.likelihoods(self.found, self.say) if self.found.verdicts else ""

    def waterfall(self) -> str:
        notice = self.main
        if notice is None or not any(item.weight_mdb for item in notice.items):
            return ""
        return charts.waterfall(notice, self.say)

    def log(self) -> list[Said]:
        """Every notice as shown, the last `MOST_SAID` of them."""
        reasons = {(n.id, n.state, n.at_ns): n.reason for n in self.found.notices}
        rows = []
        for row in self.found.shown[-MOST_SAID:]:
            reason = reasons.get((row["id"], row["state"], row["at_ns"]))
            word = reason or row["state"]
            actions = row.get("actions")
            rows.append(
                Said(
                    at=words.clock(row["at_ns"]),
                    id=visible(row["id"], 40),
                    state=self.say.get(f"notice.{word}", visible(word, 40)),
                    title=visible(row["title"], 200),
                    text=visible(row["sentence"], MOST_TEXT),
                    evidence=visible(row["evidence"], MOST_TEXT),
                    actions=tuple(
                        visible(action[1], 300)
                        for action in (actions[:4] if isinstance(actions, list) else ())
                        if isinstance(action, list) and len(action) == 2
                    ),
                    lang=language(row["locale"]),
                )
            )
        return rows

    @property
    def unsaid(self) -> int:
        """How many earlier notices the log leaves out."""
        return max(0, len(self.found.shown) - MOST_SAID)

    def asides(self) -> list[tuple[str, str]]:
        """(when, what) of what viewer and host did about notices."""
        found = self.found
        acted = [row for row in found.asides if row["type"] == "acted"]
        done = iter(deeds(acted, found.notices))
        rows = []
        for row in found.asides:
            if row["type"] == "dismissed":
                told = {"scope": row["scope"], "place": row["bottleneck"]}
                if row["id"]:
                    told["id"] = row["id"]
                id_ = "aside.dismissed" if row["id"] else "aside.dismissed_place"
                what = self.say(id_, **{name: visible(text, 300) for name, text in told.items()})
            else:
                what = self._deed(next(done))
            rows.append((words.clock(row["at_ns"]), what))
        return rows[-MOST_SAID:]

    def _deed(self, one: Deed) -> str:
        said = visible(as_read(one, self.found.shown), 300)
        shown = attrs.evolve(one, action=visible(one.action, 300), note=visible(one.note, 300))
        return words.deed(shown, said, self.say)

    def status(self) -> str:
        """Whether the record holds, in a sentence."""
        return text(self.integrity.state, self.integrity.verified, self.say)

    def findings(self) -> list[Markup]:
        """What does not hold, and where."""
        if self.integrity.state == "other_engine":
            return []
        found = self.integrity.verified.findings
        lines = [self._finding(one) for one in found[:MOST_FINDINGS]]
        if len(found) > MOST_FINDINGS:
            lines.append(self.marked("finding.more", count=f"{len(found) - MOST_FINDINGS}"))
        return lines

    def _finding(self, one: Finding) -> Markup:
        _, _, why = one.text.partition(": ")
        if one.check == "start":
            told = self.marked("finding.part", part=f"{self.found.header.part}")
        elif one.check == "end" and why:
            told = self.marked("finding.end", why=self.told(why))
        else:
            told = self.told(one.text)
        if one.first == one.last:
            return self.marked("finding.line", line=f"{one.first}", text=told)
        return self.marked("finding.lines", first=f"{one.first}", last=f"{one.last}", text=told)

    def notes(self) -> Iterator[Markup]:
        """What the check can't say."""
        for note in self.integrity.verified.notes:
            if note.startswith("signed by the key "):
                key = visible(self.found.header.signed, 64)
                yield self.marked("note.unchecked", key=key, option=Markup("<code>--key</code>"))
            else:
                yield Markup("{}.").format(capital(self.told(note)))

    def names(self) -> list[tuple[str, str]]:
        """(name, what it means) of all places and conditions."""
        places = (*LEAF_NAMES, *INNER_NAMES, UNDETERMINED, NONE)
        conditions = sorted({word for one in LEAVES for word in one.conditions})
        return [
            *((name, self.place(name)) for name in places),
            *((word, self.say(f"condition.{word}")) for word in conditions),
        ]

    def began(self) -> str:
        """When the session began; "" if it isn't told."""
        started = self.found.header.plain.get("started_utc")
        return self.say("meta.began", when=self._moment(started)) if started else ""

    def provenance(self) -> list[tuple[str, str]]:
        """Where the record comes from."""
        header, say = self.found.header, self.say
        bars = header.settings
        tables = visible(say.items(f"{n} {h[:16]}" for n, h in sorted(header.tables.items())), 300)
        single = words.place_bars(bars, say)
        rare = say("budget.rare", length=say.seconds(bars.false_naming_steps))
        return [
            (say("fact.began"), self._moment(header.plain.get("started_utc"))),
            (
                say("fact.by"),
                say(
                    "fact.version",
                    streamnotice=NAME,
                    version=visible(header.version, 60),
                    engine=visible(header.engine, 60),
                ),
            ),
            (
                say("fact.tables"),
                say("fact.provisional", tables=tables) if header.provisional else tables,
            ),
            (
                say("fact.bars"),
                say(
                    "fact.bars_are",
                    viewer=say.percent(bars.bar_viewer_ppm),
                    service=say.percent(bars.bar_service_ppm),
                    third=say.percent(bars.bar_third_party_ppm),
                    budget=rare,
                ),
            ),
            *([(say("fact.place_bars"), visible(single, 900))] if single else []),
            (say("fact.measurements"), say.number(self.found.observations)),
            (say("fact.signed"), visible(header.signed, 80) or say("fact.unsigned")),
            (say("fact.head"), self.integrity.verified.head or say("fact.no_head")),
            *(
                (
                    say("fact.dossier")
                    if len(self.found.files) == 1
                    else say("fact.part", part=part),
                    f"SHA-256 {digest}",
                )
                for part, digest in self.found.files
            ),
        ]

    def _moment(self, told: object) -> str:
        """A wall-clock instant for people; as it stands if it is none."""
        if not isinstance(told, str) or not told:
            return self.say("fact.untold")
        try:
            return self.say.moment(datetime.fromisoformat(told))
        except ValueError:
            return visible(told, 60)
