"""All messages of a language as a page of Markdown: `python -m streamnotice.notices.listing en`.

The documentation's message pages are made by it, and a test keeps them up to date.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from streamnotice.notices.catalog import Catalog, known_ids
from streamnotice.notices.ids import PARTS, place_stems

_OTHERS = (
    ("Places in words", "place."),
    ("What playback suffers", "impact."),
    ("The end of a notice, and other texts around it", "notice."),
    ("Lists", "list."),
    ("Actions that a host can offer", "action."),
    ("What followed an action", "acted."),
    ("Labels in faces", "face."),
    ("Verbal strength", "strength."),
    ("Places that are ruled out", "ruled_out."),
    ("Evidence, by rule and outcome", "rule."),
    ("Numbers", "number."),
    ("Units", "unit."),
    ("The language", "language."),
)


def listing(catalog: Catalog) -> str:
    """A Markdown page with every message of *catalog*: id, text, placeholders."""
    ids = [id_ for id_ in known_ids() if catalog.template(id_) is not None]
    others = tuple(start for _, start in _OTHERS)
    stems = dict.fromkeys(id_.rpartition(".")[0] for id_ in ids if not id_.startswith(others))
    lines = [
        f"# All messages: {catalog.locale}",
        "",
        "Made by `python -m streamnotice.notices.listing "
        f"{catalog.locale}`; edit the catalog, not this page.",
        "[What ids and placeholders mean, and how to override a text](messages.md).",
        "",
        "## Places and conditions",
    ]
    for stem in sorted(stems, key=_order):
        lines += ["", f"### `{stem}`", ""]
        lines += _table(catalog, (f"{stem}.{part}" for part in PARTS), shorten=f"{stem}.")
    for heading, start in _OTHERS:
        found = [id_ for id_ in ids if id_.startswith(start)]
        lines += ["", f"## {heading}", "", *_table(catalog, found)]
    return "\n".join(lines) + "\n"


def _order(stem: str) -> tuple[int, str]:
    """The tree's order; what the tree does not hold stands behind what it belongs to."""
    known, base = place_stems(), stem
    while base and base not in known:
        base = base.rpartition(".")[0]
    return known.index(base) if base else len(known), stem


def _table(catalog: Catalog, ids: Iterable[str], shorten: str = "") -> Iterator[str]:
    yield "| id | text | may contain |"
    yield "|---|---|---|"
    for id_ in ids:
        forms = catalog.templates(id_)
        if forms:
            slots = known_ids()[id_]
            names = sorted(slots.permitted, key=lambda name: (name not in slots.required, name))
            shown = ", ".join(
                f"**{{{name}}}**" if name in slots.required else f"{{{name}}}" for name in names
            )
            escaped = "<br>".join(form.replace("|", "\\|") for form in forms)
            yield f"| `{id_.removeprefix(shorten)}` | {escaped} | {shown} |"


if __name__ == "__main__":
    sys.stdout.write(listing(Catalog(sys.argv[1] if len(sys.argv) > 1 else "en")))
