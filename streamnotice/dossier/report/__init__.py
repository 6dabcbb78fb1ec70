"""A dossier as one page of HTML that needs nothing else: no network, no script, no other file.

    html = report("session.jsonl.gz")

Charts are drawn by matplotlib: of what was tried its SVG is the smallest by far, its text stays
text, and its colours can be left to the page's style, for light and dark. The page is put
together by Jinja, which escapes everything that comes from the record.

The same dossier gives the same page: nothing in it is of the time or place of its making.
"""

from __future__ import annotations

import base64
import hashlib
import os
from pkgutil import get_data

import attrs

from streamnotice.dossier.examination import Examined, examined, main_notice
from streamnotice.dossier.phrases import Phrases
from streamnotice.dossier.report.gather import gather
from streamnotice.dossier.report.integrity import Integrity, check
from streamnotice.dossier.signing import Verifier
from streamnotice.errors import EvidenceError, MissingExtraError
from streamnotice.notices.locales import SOURCE_LANGUAGE, is_language_tag, language_tag


@attrs.frozen(eq=False)
class Report:
    """A page, and whether the record behind it holds."""

    html: str
    integrity: Integrity


def report(
    path: str | os.PathLike[str], locale: str | None = None, verifier: Verifier | None = None
) -> Report:
    """The report of the dossier at *path*.

    A record that was changed is reported, too: with what is in it, and that it does not hold.

    Args:
        locale: language of the page; that of the record by default, and English where there are no
            words in it. Notices appear as they were shown, in their own.
        verifier: the key that it must be signed with.

    Raises:
        EvidenceError: the file is no dossier, or can't be read.
        MessageError: *locale* is no language tag.
        MissingExtraError: jinja2 or matplotlib isn't installed.
    """
    try:
        from jinja2 import Environment, FunctionLoader, StrictUndefined
        from markupsafe import Markup
    except ImportError:
        raise MissingExtraError("the report", "report") from None
    from streamnotice.dossier.report.frame import apart
    from streamnotice.dossier.report.page import Page

    found = gather(path)
    say = Phrases(locale or _recorded(found.header.locale))
    integrity = check(path, verifier)
    page = Page(found, integrity, _examined(integrity), say)
    style = _data("style.css")
    environment = Environment(
        loader=FunctionLoader(_data), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["drawn"] = Markup  # our own drawings, already escaped
    environment.filters["apart"] = apart
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
    html = environment.get_template("page.html.j2").render(
        page=page, found=found, integrity=integrity, examined=page.examined,
        style=Markup(style), style_digest=digest, say=say,
    )  # fmt: skip
    return Report(html, integrity)


def _recorded(locale: str) -> str:
    """The record's language; English if what it says is none."""
    tag = language_tag(locale)
    return tag if is_language_tag(tag) else SOURCE_LANGUAGE


def _examined(integrity: Integrity) -> Examined | None:
    session = integrity.session
    notice = main_notice(session.notices) if session is not None else None
    if session is None or notice is None:
        return None
    try:
        return examined(session, notice)
    except EvidenceError as error:
        why = str(error).removeprefix(f"{session.path}: ")
        integrity.verified.notes.append(f"no cross-examination: {why}")
        return None


def _data(name: str) -> str:
    found = get_data("streamnotice.dossier.report", name)
    assert found is not None, "part of the package"
    return found.decode("utf-8")
