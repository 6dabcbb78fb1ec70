"""What all parts of the page share: the record, and the words for what is in it."""

from __future__ import annotations

import attrs
from markupsafe import Markup

from streamnotice.dossier.examination import Examined, main_notice, words
from streamnotice.dossier.report.gather import Recorded
from streamnotice.dossier.report.integrity import Integrity
from streamnotice.dossier.report.safe import visible
from streamnotice.events import Item, Notice
from streamnotice.notices.catalog import Catalog


class Frame:
    """The record and its words.

    Args:
        found: the dossier's contents.
        integrity: whether they hold.
        examined: the main notice's examination; None without one.
        catalog: words for places and rules.
    """

    def __init__(
        self, found: Recorded, integrity: Integrity, examined: Examined | None, catalog: Catalog
    ) -> None:
        self.found, self.integrity = found, integrity
        self.examined, self.catalog = examined, catalog
        self.main = main_notice(found.notices)

    def place(self, name: str) -> str:
        """A place in words; its name where the catalog has none."""
        text = self.catalog.text(f"place.{name}")
        return visible(name if text == f"place.{name}" else text, 120)

    def places(self, notice: Notice) -> str:
        """What a notice names, in words."""
        if notice.among:
            return " or ".join(self.place(name) for name in notice.among[:6])
        return self.place(notice.bottleneck)

    def name(self, notice: Notice) -> str:
        return visible(words.name(notice.bottleneck, notice.among, notice.condition), 200)

    def item(self, item: Item, of: Notice) -> str:
        """A rule's outcome in a sentence."""
        shown = self.catalog.show(attrs.evolve(of, state="updated", items=(item,)))
        return visible(shown.evidence[0].text, 300) if shown.evidence else visible(item.rule, 60)

    def own(self, text: str) -> Markup:
        """A text of the catalog's language, to stand in an English sentence."""
        return Markup('<bdi lang="{}">{}</bdi>').format(self.catalog.locale, text)


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


def language(locale: str) -> str:
    """A language tag that is fit for an attribute; "en" for anything odd."""
    parts = locale.replace("_", "-").partition(".")[0].split("-")
    fine = all(part.isascii() and part.isalnum() and len(part) <= 8 for part in parts)
    return "-".join(parts) if fine else "en"
