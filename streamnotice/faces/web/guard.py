"""Which requests are ours: host, origin and token. Pure.

Another web page must neither read notices nor answer them. Its scripts can't read the stream
across origins; but a name that is made to point here (DNS rebinding) is the same origin to a
browser, so only literal addresses, localhost and the origins that the host lists are served.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from streamnotice.errors import HostError

TOKEN_HEADER = "X-Stream-Notice"


class Guard:
    """Decides by a request's headers.

    Args:
        origins: where the page comes from, e.g. "https://watch.example"; localhost and literal
            addresses need not be listed.

    Raises:
        HostError: an origin that is none.
    """

    def __init__(self, origins: Iterable[str] = ()) -> None:
        self.token = secrets.token_urlsafe(24)
        self._origins = frozenset(_check_origin(origin) for origin in origins)
        self._hosts = frozenset(urlsplit(origin).netloc for origin in self._origins)

    def serves(self, headers: Mapping[str, str]) -> bool:
        """The request was meant for us: no name that points here without our knowing."""
        host = headers.get("Host", "").lower()
        return host in self._hosts or _is_plain(host)

    def cross_origin(self, headers: Mapping[str, str]) -> str | None:
        """The listed origin that a request comes from; None if it is of our own, or not listed."""
        origin = headers.get("Origin", "").lower()
        return origin if origin in self._origins else None

    def answers(self, headers: Mapping[str, str]) -> bool:
        """The request comes from a page of ours, and knows the token."""
        origin = headers.get("Origin", "").lower()
        own = urlsplit(origin).netloc == headers.get("Host", "").lower() != ""
        if not (own or origin in self._origins):
            return False
        given = headers.get(TOKEN_HEADER, "").encode("utf-8", "replace")
        return hmac.compare_digest(given, self.token.encode())


def _is_plain(host: str) -> bool:
    """localhost or a literal address, with or without a port."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        if name == "localhost" or name.endswith(".localhost"):
            return True
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _check_origin(origin: str) -> str:
    parts = urlsplit(origin.lower().rstrip("/"))
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path or parts.query:
        raise HostError(f"an origin looks like https://watch.example, not {origin[:80]!r}")
    return f"{parts.scheme}://{parts.netloc}"
