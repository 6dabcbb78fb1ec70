"""The whole page, as the template asks for it."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import attrs

from streamnotice.dossier.examination import words
from streamnotice.dossier.report import charts
from streamnotice.dossier.report.frame import language
from streamnotice.dossier.report.safe import visible
from streamnotice.dossier.report.summary import Summary
from streamnotice.dossier.report.tables import Tables

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

    def timeline(self) -> str:
        return charts.timeline(self.found)

    def likelihoods(self) -> str:
        return charts.likelihoods(self.found) if self.found.verdicts else ""

    def waterfall(self) -> str:
        notice = self.main
        if notice is None or not any(item.weight_mdb for item in notice.items):
            return ""
        return charts.waterfall(notice)

    def log(self) -> list[Said]:
        """Every notice as shown, the last `MOST_SAID` of them."""
        reasons = {(n.id, n.state, n.at_ns): n.reason for n in self.found.notices}
        rows = []
        for row in self.found.shown[-MOST_SAID:]:
            reason = reasons.get((row["id"], row["state"], row["at_ns"]))
            state = row["state"] + (f": {reason}" if reason else "")
            actions = row.get("actions")
            rows.append(
                Said(
                    at=words.clock(row["at_ns"]),
                    id=visible(row["id"], 40),
                    state=visible(state, 40),
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
        rows = []
        for row in self.found.asides[-MOST_SAID:]:
            if row["type"] == "dismissed":
                what = (
                    f"{row['id'] or 'A place'} was waved away ({row['scope']}): {row['bottleneck']}"
                )
            else:
                what = f"{row['action']} was carried out. {row['note']}"
            rows.append((words.clock(row["at_ns"]), visible(what, 400)))
        return rows

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
                f"third party {words.percent(bars.bar_third_party_ppm)}"
                + (f", {visible(single, 900)}" if (single := words.place_bars(bars)) else "")
                + f"; one false name in {bars.false_naming_steps:,} s".replace(",", "\u202f"),
            ),
            ("Measurements", f"{self.found.observations}"),
            ("Signed", visible(header.signed, 80) or "no"),
            ("Head of its chain", self.integrity.verified.head or "none in this format"),
            *(
                (
                    "This dossier" if len(self.found.files) == 1 else f"Part {part}",
                    f"SHA-256 {digest}",
                )
                for part, digest in self.found.files
            ),
        ]


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
