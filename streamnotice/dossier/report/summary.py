"""In short: for readers who know nothing of all this."""

from __future__ import annotations

from typing import Final

from markupsafe import Markup

from streamnotice.bottlenecks import LEAF_NAMES, UNDETERMINED
from streamnotice.coverage import coverage
from streamnotice.dossier.examination import last_words, words
from streamnotice.dossier.report.frame import Frame, language, seconds
from streamnotice.dossier.report.safe import visible
from streamnotice.events import Notice
from streamnotice.notices.ids import strength
from streamnotice.policy import Policy
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
        return f"notice {visible(self.main.id, 20)}, one of {len(ids)}"

    def happened(self) -> list[str]:
        """What happened to playback."""
        found = self.found
        lines = [f"Playback was watched for {seconds((found.end_ns - found.begin_ns) / 1e9)}."]
        if found.begin_ns:
            lines.append(
                f"What was before {words.clock(found.begin_ns)} of the session is not on record."
            )
        elif found.started_s is None:
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
        shown = {row["id"]: row for row in self.found.shown if row["state"] != "resolved"}
        for id_, last in [*last_words(self.found.notices).items()][-MOST_QUOTED:]:
            row = shown.get(id_)
            if row is None:
                text = f"{self.name(last)}: raised, and not on record as shown"
                found.append((words.clock(last.at_ns), text, "", "en"))
            else:
                text, became = visible(row["sentence"], 800), _became(ends.get(id_))
                found.append((words.clock(last.at_ns), text, became, language(row["locale"])))
        return found

    def sure(self) -> list[Markup]:
        """How sure the main notice was."""
        notice = self.main
        if notice is None:
            return []
        sure = self.own(self.catalog.numbers.certainty(notice.confidence_ppm))
        if notice.bottleneck == UNDETERMINED:
            return [
                Markup(
                    "Nothing was named: the evidence did not suffice. That something was wrong was "
                    "{} sure."
                ).format(sure)
            ]
        return [
            Markup("{}, by this evidence and this version's table{}").format(
                sure,
                ", whose numbers come from an emulated lab and are provisional."
                if self.found.header.provisional
                else ".",
            ),
            Markup("Against the next explanation ({}) the support is {}: {}, {}.").format(
                self.own(self.place(notice.against)),
                self.own(self.catalog.text(f"strength.{strength(notice.weight_mdb)}")),
                words.decibans(notice.weight_mdb),
                _ratio(notice.weight_mdb),
            ),
            *map(Markup.escape, self.tried()),
        ]

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
            for place, ppm in notice.alternatives[:MOST_QUOTED]
            if place not in inside
        ]

    def against(self) -> list[Markup]:
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
            Markup("{} This speaks for {} rather than for what was named, by {}.").format(
                self.own(self.item(item, notice)),
                self.own(self.place(place)),
                words.decibans(-item.weight_mdb),
            )
            for place, item in found[:3]
        ] or [Markup("Nothing that was measured.")]

    def unseen(self) -> list[Markup]:
        """What could not be seen, in sentences."""
        lines = [
            Markup("<bdi>{}</bdi>").format(_sight(name, visible(why, 200)))
            for name, (sees, why) in sorted(self.found.sights.items())
            if not sees
        ]
        blind = [place for place, how in self.coverage() if how is not True]
        if blind:
            lines.append(
                Markup("Places that could not have been named alone in this session: {}.").format(
                    Markup(", ").join(self.own(self.place(place)) for place in blind)
                )
            )
        if self.found.cut:
            lines.append(Markup("The record's end is missing: {}.").format(self.found.cut))
        elif not self.found.closed:
            lines.append(Markup("The record's end is missing: the writer did not close it."))
        if self.found.truncated:
            lines.append(
                Markup("Recording stopped at its bound; what came later is not on record.")
            )
        return lines or [Markup("Every sensor that this version has could see.")]

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


def _became(end: Notice | None) -> str:
    if end is None:
        return "It still stood when the record ended."
    at = words.clock(end.at_ns)
    return {
        "recovered": f"Playback was well again at {at}, and the notice went.",
        "withdrawn": f"It was withdrawn at {at}: it no longer stood.",
    }.get(str(end.reason), f"It stood until playback ended at {at}.")


def _ratio(weight_mdb: int) -> str:
    """A weight as odds: "about 3 to 1", "more than a million to 1"."""
    if abs(weight_mdb) >= 60_000:
        return "more than a million to 1"
    odds = 10 ** (abs(weight_mdb) / 10_000)
    digits = len(str(int(odds))) - 1
    rounded = round(odds) if digits < 1 else round(odds, -digits)
    return f"about {int(rounded):,} to 1".replace(",", "\u202f")


def _sight(name: str, why: str) -> str:
    """Why a sensor did not see, as a sentence."""
    text = words.SENSORS.get(name, visible(name, 40))
    said = why if why.startswith(text) else f"{text}: {why or 'did not see'}"
    return f"{said[:1].upper()}{said[1:]}."


def _any_of(count: int) -> str:
    return {1: "the other", 2: "either of the others"}.get(count, f"any one of the other {count}")
