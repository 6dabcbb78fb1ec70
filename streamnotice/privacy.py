"""Labels instead of names: what makes a record safe to share.

Each session draws a random salt. Host names and addresses become short keyed
hashes: the same host keeps its label within a session, and nobody without the
salt can go back, or follow a viewer from one record to the next.
"""

from __future__ import annotations

import hashlib
import secrets

from streamnotice.addresses import plain


class Labels:
    """Session-salted labels for hosts, addresses and sockets."""

    def __init__(self, salt: bytes | None = None) -> None:
        self._salt = salt or secrets.token_bytes(16)

    def _label(self, prefix: str, value: str) -> str:
        digest = hashlib.blake2b(value.encode("utf-8", "replace"), key=self._salt, digest_size=5)
        return f"{prefix}-{digest.hexdigest()}"

    def host(self, host: str) -> str:
        """Label of a server, by its name (lower case) or literal address."""
        return self._label("host", host.lower().rstrip("."))

    def address(self, address: str) -> str:
        """Label of a network address (a router's, a server's), however it is spelt.

        A zone is the name of an interface here, and left out.
        """
        return self._label("addr", plain(address.partition("%")[0]))

    def network(self, label: str) -> str:
        """Label of the viewer's own network, from its lasting one: no two records share it."""
        return self._label("net", label)

    def socket(self, local: object, remote: object) -> str:
        """Label of one connection, by both its ends."""
        return self._label("sock", f"{local}|{remote}")
