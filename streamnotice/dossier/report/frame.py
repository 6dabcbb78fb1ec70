"""What all parts of the page share: the record, and the words for what is in it."""

from __future__ import annotations

from typing import TypeVar

import attrs
from markupsafe import Markup

from streamnotice.bottlenecks import is_named
from streamnotice.dossier.examination import Examined, main_notice, words
from streamnotice.dossier.phrases import Phrases
from streamnotice.dossier.report.gather import Recorded
from streamnotice.dossier.report.integrity import Integrity
from streamnotice.dossier.report.safe import visible
from streamnotice.events import Item, Notice
from streamnotice.notices.placeholders import ISOLATE, fill


class Frame:
    """The record and its words.

    Args:
        found: the dossier's contents.
        integrity: whether they hold.
        examined: the main notice's examination; None without one.
        say: the page's language.
    """

    def __init__(
        self, found: Recorded, integrity: Integrity, examined: Examined | None, say: Phrases
    ) -> None:
        self.found, self.integrity = found, integrity
        self.examined, self.say, self.catalog = examined, say, say.catalog
        self.main = main_notice(found.notices)

    def place(self, name: str) -> str:
        """A place in words; its name where the catalog has none."""
        text = self.catalog.text(f"place.{name}")
        return visible(name if text == f"place.{name}" else text, 120)

    def places(self, notice: Notice) -> str:
        """What a notice names, in words."""
        if notice.among:
            return self.say.either(self.place(name) for name in notice.among[:6])
        return self.place(notice.bottleneck)

    def is_named(self, notice: Notice) -> bool:
        """It says of some place, or places, that the trouble lies there."""
        return is_named(notice.bottleneck, notice.among)

    def name(self, notice: Notice) -> str:
        """What a notice names, by its names."""
        named = words.named(notice.bottleneck, notice.among, notice.condition, self.say)
        return visible(named, 200)

    def item(self, item: Item, of: Notice) -> str:
        """A rule's outcome in a sentence."""
        shown = self.catalog.show(attrs.evolve(of, state="updated", items=(item,)))
        return visible(shown.evidence[0].text, 300) if shown.evidence else visible(item.rule, 60)

    def marked(self, id_: str, /, **values: str) -> Markup:
        """A phrase as markup: all of it is escaped but values that are markup already."""
        made = {
            name: str(value if isinstance(value, Markup) else Markup.escape(self.say.value(value)))
            for name, value in values.items()
        }
        return Markup(fill(str(Markup.escape(self.say.template(id_))), made) or "")

    def told(self, text: str) -> Markup:
        """A text that a check or a sensor gave in English: in the page's language where it is
        known, else as it stands, said to be English."""
        known = self.say.known(text)
        if known is not None or self.say.locale == "en":
            return Markup.escape(visible(known or text, 300))
        return Markup('<bdi lang="en">{}</bdi>').format(visible(text, 300))


Text = TypeVar("Text", str, Markup)


def capital(text: Text) -> Text:
    """*text* with a capital first letter; markup that begins with an element stays as it is."""
    return text if text.startswith("<") else text[:1].upper() + text[1:]


def apart(text: str) -> Markup:
    """*text* kept apart from what stands around it: a value may run in the other direction.

    What was put together by the page has the page's direction, and its values are apart already.
    """
    return Markup.escape(text) if ISOLATE in text else Markup("<bdi>{}</bdi>").format(text)


def language(locale: str) -> str:
    """A language tag that is fit for an attribute; "en" for anything odd."""
    parts = locale.replace("_", "-").partition(".")[0].split("-")
    fine = all(part.isascii() and part.isalnum() and len(part) <= 8 for part in parts)
    return "-".join(parts) if fine else "en"
