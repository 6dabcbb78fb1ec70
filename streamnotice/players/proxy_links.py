"""The table of what a tap proxy may fetch: upstream addresses and the tokens that stand for them.

Only addresses that the host opened, or that stood in a playlist it led to, are in it: the proxy
can't be made to fetch anything else. A token is a keyed hash of its address, so the same address
keeps its local one (players compare segment and playlist addresses between reloads), local
addresses stay short (FFmpeg's limit is 4096 characters) and tell nothing.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections import OrderedDict
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote, urljoin, urlsplit

import attrs

from streamnotice.players.proxy_rewrite import Found, LinkKind

MAX_LINKS: Final = 200_000
"""The least recently used ones are forgotten beyond this (some 60 MB)."""

_NAME_CHARS = re.compile(r"[^A-Za-z0-9._-]+")
_MAX_NAME_CHARS: Final = 80


@attrs.define
class Link:
    """One upstream address.

    Attributes:
        url: absolute http(s) address.
        found: what a playlist said of it; None for an opened one, of which nothing is known.
        imported: variables of the playlist that led here (EXT-X-DEFINE).
        bandwidth_bps: rate of the rendition that it belongs to.
        tree: once it proved to be a DASH manifest: the folder whose content may be fetched by
            relative addresses, since those are not rewritten.
    """

    url: str
    found: Found | None = None
    imported: Mapping[str, str] | None = None
    bandwidth_bps: int | None = None
    tree: str | None = None

    @property
    def kind(self) -> LinkKind | None:
        return None if self.found is None else self.found.kind


class Links:
    """Tokens for addresses, bounded, least recently used out first."""

    def __init__(self, key: bytes, max_links: int = MAX_LINKS) -> None:
        self._key = key
        self._max = max_links
        self._links: OrderedDict[str, Link] = OrderedDict()
        self._pinned: dict[str, Link] = {}

    def __len__(self) -> int:
        return len(self._links)

    def add(
        self,
        url: str,
        found: Found | None = None,
        imported: Mapping[str, str] | None = None,
        *,
        pinned: bool = False,
    ) -> str:
        """The token for *url*, made if need be; a pinned one is never forgotten."""
        digest = hashlib.blake2b(url.encode("utf-8", "replace"), key=self._key, digest_size=15)
        token = base64.urlsafe_b64encode(digest.digest()).decode("ascii")
        known = self.get(token)
        if known is None:
            known = self._links[token] = Link(url)
            while len(self._links) > self._max:
                self._links.popitem(last=False)
        if found is not None:
            known.found = found
            known.bandwidth_bps = found.bandwidth_bps
        if imported is not None:
            known.imported = imported
        if pinned:
            self._pinned[token] = known
        return token

    def get(self, token: str) -> Link | None:
        """The link behind *token*; None if there is none (any more)."""
        link = self._links.get(token)
        if link is None:
            return self._pinned.get(token)
        self._links.move_to_end(token)
        return link


def local_name(url: str, kind: LinkKind | None) -> str:
    """A harmless last path part for a local address that keeps the upstream's file extension.

    Players judge by it: FFmpeg accepts HLS only with a known ending or content type.
    """
    try:
        last = urlsplit(url).path.rpartition("/")[2]
    except ValueError:
        last = ""
    name = _NAME_CHARS.sub("-", unquote(last)).lstrip(".")[-_MAX_NAME_CHARS:] or "stream"
    if kind == "playlist" and not name.lower().endswith((".m3u8", ".m3u")):
        name += ".m3u8"
    return name


def inside(tree: str, tail: str) -> str | None:
    """The address of *tail* (still encoded) below the folder *tree*; None if it would leave it."""
    if any(unquote(part) in (".", "..") or "\\" in unquote(part) for part in tail.split("/")):
        return None
    if tail.startswith("/") or ":" in tail.partition("/")[0]:
        return None
    folder = urljoin(tree, ".")
    found = folder + tail
    return found if found.startswith(folder) else None
