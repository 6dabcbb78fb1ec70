"""Do the texts shown say what the notices do: told where the record's catalog is one of ours.

A catalog's hash stands for all its texts, and for how they are put together. Where it is that of
a catalog that this version ships, the words follow from the notice, and can be made again. Texts
of a host's own, or of another version, can't.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from streamnotice.dossier.beside import by_key, key_of
from streamnotice.dossier.codec import Json
from streamnotice.dossier.reader import Header
from streamnotice.errors import MessageError
from streamnotice.events import Notice
from streamnotice.notices.actions import MOST_OFFERED
from streamnotice.notices.catalog import Catalog
from streamnotice.notices.ids import AT_LOWEST, HOST_ACTIONS, WAIT
from streamnotice.notices.shown import Context, ShownNotice
from streamnotice.policy import Policy

_MEDIA: Final = (None, "wifi")
"""Kinds of the device's own link that make a difference in the texts."""


def catalog_of(header: Header) -> Catalog | None:
    """The catalog that the record's texts were made with; None if it isn't one of ours, or if they
    may hold what isn't on record (operators' names)."""
    policy = header.plain.get("policy")
    if not isinstance(policy, dict) or policy.get("name_operators") is not False:
        return None
    try:
        found = Catalog(header.locale)
    except MessageError:
        return None
    return found if found.hash == header.catalog else None


def unlike(
    catalog: Catalog, header: Header, shown: Iterable[Json], notices: Iterable[Notice]
) -> set[int]:
    """Which of the *shown* lines are not in the catalog's words, by their number in the row.

    Args:
        notices: what the engine said. A line that is of none of them is passed over.
    """
    policy = Policy(subscribed_bps=header.settings.subscribed_bps)
    events = by_key(notices)
    found = set()
    said: str | None = None
    for number, line in enumerate(shown):
        event = events.get(key_of(line))
        if event is not None:
            quoted = said if event.reason == "withdrawn" else None
            unknown = event.reason == "withdrawn" and said is None  # what it quotes is not there
            made = (
                catalog.show(event, policy, Context(medium=medium, said=quoted))
                for medium in _MEDIA
            )
            if not unknown and not any(_same(line, one, catalog) for one in made):
                found.add(number)
        said = line["sentence"]
    return found


def _same(line: Json, made: ShownNotice, catalog: Catalog) -> bool:
    words = (made.locale, made.title, made.sentence, made.evidence_line, made.text)
    names = ("locale", "title", "sentence", "evidence", "text")
    return tuple(line[name] for name in names) == words and _may_offer(line, made, catalog)


def _may_offer(line: Json, made: ShownNotice, catalog: Catalog) -> bool:
    """Which actions a host could carry out isn't on record; of what may be offered all is known."""
    offered = {(id_, text) for id_, text in line["actions"]}
    if made.event.state == "resolved":
        return not offered
    own = {(one.id, one.text) for one in made.actions}
    hosts = {(name, catalog.text(f"action.{name}")) for name in HOST_ACTIONS}
    lowest = {(WAIT, catalog.text(f"action.{AT_LOWEST}"))}
    return len(line["actions"]) <= MOST_OFFERED and offered <= own | hosts | lowest
