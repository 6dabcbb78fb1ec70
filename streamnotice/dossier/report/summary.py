"""In short: for readers who know nothing of all this."""

from __future__ import annotations

from typing import Final

from markupsafe import Markup

from streamnotice.bottlenecks import LEAF_NAMES, is_named
from streamnotice.coverage import coverage
from streamnotice.dossier.examination import last_words, words
from streamnotice.dossier.report.frame import Frame, capital, language
from streamnotice.dossier.report.safe import visible
from streamnotice.events import Notice
from streamnotice.notices.ids import strength
from streamnotice.policy import KNOWN_PROBES, Policy
from streamnotice.verdict.tables import shipped

MOST_QUOTED: Final = 12
"""Notices beyond the last so many are in the log alone."""


class Summary(Frame):
    """The answers to the first questions."""

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
        return self.say("meta.which", id=visible(self.main.id, 20), count=len(ids))

    def happened(self) -> str:
        """What happened to playback."""
        found, say = self.found, self.say
        length = say.length((found.end_ns - found.begin_ns) / 1e9)
        lines = [say("happened.watched", length=length)]
        if found.begin_ns:
            lines.append(say("happened.cut", when=words.clock(found.begin_ns)))
        elif found.started_s is None:
            lines.append(say("happened.never_began"))
        else:
            lines.append(say("happened.began", length=say.length(found.started_s)))
        stalls = found.stalls
        if stalls:
            total = say.length(sum(end - start for start, end in stalls))
            lines.append(say("happened.stood", count=len(stalls), length=total))
        else:
            lines.append(say("happened.never_stood"))
        rates = [rate for _, rate in found.rates]
        if rates and min(rates) < max(rates):
            least, most = say.rate(min(rates)), say.rate(max(rates))
            lines.append(say("happened.quality", least=least, most=most))
        return say.sentences(lines)

    def said(self) -> list[tuple[str, str, str, str]]:
        """(when, what was last said, what became of it, language) of each notice."""
        found = []
        ends = {n.id: n for n in self.found.notices if n.state == "resolved"}
        shown = {row["id"]: row for row in self.found.shown if row["state"] != "resolved"}
        for id_, last in [*last_words(self.found.notices).items()][-MOST_QUOTED:]:
            row = shown.get(id_)
            if row is None:
                text = self.say("said.not_shown", name=self.name(last))
                found.append((words.clock(last.at_ns), text, "", self.say.locale))
            else:
                text, became = visible(row["sentence"], 800), self._became(ends.get(id_))
                found.append((words.clock(last.at_ns), text, became, language(row["locale"])))
        return found

    def _became(self, end: Notice | None) -> str:
        if end is None:
            return self.say("became.stands")
        word = end.reason if end.reason in ("recovered", "withdrawn") else "ended"
        return self.say(f"became.{word}", when=words.clock(end.at_ns))

    def sure(self) -> list[str]:
        """How sure the main notice was."""
        notice, say = self.main, self.say
        if notice is None:
            return []
        sure = say.certainty(notice.confidence_ppm)
        if not is_named(notice.bottleneck, notice.among):
            return [say("sure.undetermined", certainty=sure)]
        provisional = self.found.header.provisional
        return [
            say("sure.provisional" if provisional else "sure.named", certainty=sure),
            say(
                "sure.against",
                place=self.place(notice.against),
                strength=self.catalog.text(f"strength.{strength(notice.weight_mdb)}"),
                weight=say.decibans(notice.weight_mdb),
                odds=self._odds(notice.weight_mdb),
            ),
            *self.tried(),
        ]

    def _odds(self, weight_mdb: int) -> str:
        """A weight as odds: "about 3 to 1", "more than a million to 1"."""
        if abs(weight_mdb) >= 60_000:
            return self.say("odds.million")
        odds = 10 ** (abs(weight_mdb) / 10_000)
        digits = len(str(int(odds))) - 1
        rounded = round(odds) if digits < 1 else round(odds, -digits)
        return self.say("odds.about", odds=int(rounded))

    def tried(self) -> list[str]:
        """The examination in two sentences."""
        seen, say = self.examined, self.say
        if seen is None:
            return []
        changed, same = words.standing(seen.without_rules)
        whole = len(seen.without_rules)
        stands = sum(one.fate.word == "stands" for one in seen.priors)
        return [
            say("tried.some", same=len(same), count=whole)
            if changed
            else say("tried.all", count=whole),
            say("tried.priors", stands=stands, count=len(seen.priors)),
        ]

    def needed(self) -> list[str]:
        """What was measured by the rules without which the verdict would have been another."""
        seen = self.examined
        if seen is None:
            return []
        items = {item.rule: item for item in seen.notice.items if item.weight_mdb > 0}
        changed, _ = words.standing(seen.without_rules)
        return [self.item(items[one.name], seen.notice) for one in changed if one.name in items][:4]

    def else_(self) -> list[str]:
        """Probability and place of the alternatives of the main notice."""
        notice = self.main
        if notice is None:
            return []
        inside = {notice.bottleneck, *notice.among}
        return [
            self.say("else.row", percent=self.say.percent(ppm), place=self.place(place))
            for place, ppm in notice.alternatives[:MOST_QUOTED]
            if place not in inside
        ]

    def against(self) -> list[str]:
        """The strongest that speaks against the main notice."""
        notice = self.main
        if notice is None or not is_named(notice.bottleneck, notice.among):
            return []
        found = [(notice.against, item) for item in notice.items if item.weight_mdb < 0][:3]
        if self.examined is not None:
            strongest = words.strongest_against(self.examined)
            if strongest is not None:
                # the heaviest item first, whatever place it speaks for
                found = [strongest] + [row for row in found if row[1].rule != strongest[1].rule]
        return [
            self.say(
                "against.item",
                seen=self.item(item, notice),
                place=self.place(place),
                weight=self.say.decibans(-item.weight_mdb),
            )
            for place, item in found[:3]
        ] or [self.say("against.nothing")]

    def unseen(self) -> list[Markup]:
        """What could not be seen, in sentences."""
        found = self.found
        lines = [
            self._sight(name, why) for name, (sees, why) in sorted(found.sights.items()) if not sees
        ]
        blind = [self.place(place) for place, how in self.coverage() if how is not True]
        if blind:
            lines.append(self.marked("unseen.blind", places=self.say.items(blind)))
        if found.ways.ended_near():
            lines.append(self.marked("unseen.box"))
        if found.cut or not found.closed:
            why = self.told(found.cut or "the writer did not close it, or it was cut off")
            lines.append(self.marked("unseen.cut", why=why))
        if found.truncated:
            lines.append(self.marked("unseen.truncated"))
        return lines or [self.marked("unseen.nothing")]

    def _sight(self, name: str, why: str) -> Markup:
        """Why a sensor did not see, as a sentence."""
        sensor = self.say.get(f"sensor.{name}", visible(name, 40))
        said = self.told(why) if why else Markup.escape(self.say("unseen.bare"))
        if said.startswith(Markup.escape(sensor)):  # it is named already
            return Markup("{}.").format(capital(said))
        return self.marked("unseen.sensor", sensor=capital(sensor), why=said)

    def coverage(self) -> list[tuple[str, bool | str]]:
        """(place, True or what would add it), as far as the record tells."""
        policy = self.found.header.plain.get("policy")
        asked = policy.get("probes") if isinstance(policy, dict) else None
        probes = frozenset(asked if isinstance(asked, list) else ()).intersection(KNOWN_PROBES)
        networks = any(
            path.route is not None and "table" in path.route.why
            for path in self.found.paths.values()
        )
        found = coverage(
            Policy(probes=probes), shipped(), networks=networks, sights=self.found.sights
        )
        return [(place, found[place]) for place in LEAF_NAMES]
