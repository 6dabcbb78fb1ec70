"""Which header fields pass a proxy, in either direction. Pure.

RFC 9110 section 7.6.1: fields that speak of the connection end at each hop.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from multidict import CIMultiDict, CIMultiDictProxy

HOP_BY_HOP: Final = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-connection",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
# Host and length are made anew. Referer and Origin would tell the server our local address.
_NOT_UP: Final = frozenset({"host", "content-length", "expect", "accept-encoding"})
_LOCAL_ONLY: Final = frozenset({"referer", "origin"})
# Length is set anew. Cookies are kept here, since the player knows only one server: us. The others
# would lead the player past the proxy, or bind the loopback address to HTTPS.
_NOT_DOWN: Final = frozenset(
    {
        "content-length",
        "set-cookie",
        "location",
        "content-location",
        "alt-svc",
        "strict-transport-security",
        "date",
        "server",
    }
)
# Made for the body as it came, untrue for a rewritten one.
_OF_THE_BODY: Final = frozenset(
    {"content-encoding", "content-range", "accept-ranges", "content-md5", "digest", "repr-digest"}
)
_CONTENT_RANGE = re.compile(r"bytes\s+(\d{1,19})-(\d{1,19})/(\d{1,19}|\*)\s*\Z", re.IGNORECASE)


def _passing(
    headers: CIMultiDictProxy[str] | CIMultiDict[str], dropped: frozenset[str]
) -> CIMultiDict[str]:
    named = {
        token.strip().lower()
        for value in headers.getall("Connection", [])
        for token in value.split(",")
    }
    return CIMultiDict(
        (name, value)
        for name, value in headers.items()
        if (low := name.lower()) not in HOP_BY_HOP and low not in dropped and low not in named
    )


def upstream_headers(
    headers: CIMultiDictProxy[str], *, local_base: str, whole: bool
) -> CIMultiDict[str]:
    """What of the player's request goes on to the server.

    Args:
        headers: as the player sent them; its cookies and credentials are among them.
        local_base: our own address, which the server need not know.
        whole: the answer will be rewritten, so that all of it is needed: no ranges.
    """
    out = _passing(headers, _NOT_UP)
    for name in _LOCAL_ONLY:
        if out.get(name, "").startswith(local_base):
            del out[name]
    if whole:
        out.popall("Range", None)
        out.popall("If-Range", None)
    # gzip is the only coding that we can look into; without a wish, the body comes as it is.
    wished = headers.get("Accept-Encoding", "").lower()
    out["Accept-Encoding"] = "gzip" if whole or "gzip" in wished else "identity"
    return out


def player_headers(
    headers: CIMultiDictProxy[str] | CIMultiDict[str], *, rewritten: bool = False
) -> CIMultiDict[str]:
    """What of the server's answer goes on to the player; less where the body is another one."""
    return _passing(headers, _NOT_DOWN | _OF_THE_BODY if rewritten else _NOT_DOWN)


def covers_all(headers: Mapping[str, str]) -> bool:
    """True if a 206 answer holds the whole body after all (a player asked for `bytes=0-`)."""
    match = _CONTENT_RANGE.match(headers.get("Content-Range", "").strip())
    if match is None or match[3] == "*":
        return False
    return int(match[1]) == 0 and int(match[2]) + 1 == int(match[3])
