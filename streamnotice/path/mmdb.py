"""Which network an address belongs to, from an MMDB file (the form of GeoLite2-ASN, DB-IP, IPinfo).

Extra `mmdb`. The file is read whole: a mapped one that is replaced while we look would take the
host's process down. Such tables know nobody's home; address ranges do.
"""

from __future__ import annotations

import ipaddress
import os
from typing import Any, Final

from streamnotice.errors import HostError, MissingExtraError
from streamnotice.path.networks import HOME_ASN, Network, NetworkTable, unwrapped

MARKER: Final = b"\xab\xcd\xefMaxMind.com"
"""Begins the metadata, which end the file."""
MARKER_WITHIN: Final = 128 * 1024
_MOST_BYTES: Final = 512 * 1024 * 1024
_MOST_ASN: Final = 2**32 - 1
_MOST_OPERATOR_CHARS: Final = 200
_NUMBERS: Final = ("autonomous_system_number", "asn")
_NAMES: Final = ("autonomous_system_organization", "as_name", "name", "organization")
# What the reader raises on bytes that make no sense, beside its own error.
_SENSELESS: Final = (ValueError, KeyError, IndexError, TypeError, OverflowError, RecursionError)


class MmdbTable(NetworkTable):
    """A table of prefixes that is looked up in an MMDB file's content."""

    def __init__(self, reader: Any) -> None:
        super().__init__()
        self._reader = reader

    def lookup(self, address: str) -> Network | None:
        """The network of *address*; None if the file has none, or it is no address."""
        try:
            return _network(self._reader.get(unwrapped(ipaddress.ip_address(address))))
        except (RuntimeError, *_SENSELESS):  # the reader's own error is a RuntimeError
            return None

    def has(self, asn: int) -> bool:
        """True of the home: that it isn't listed means nothing in a table of the whole world."""
        return asn == HOME_ASN

    def __len__(self) -> int:
        return int(self._reader.metadata().node_count)


def load_mmdb(path: str | os.PathLike[str]) -> MmdbTable:
    """Read an MMDB file whose records tell AS numbers.

    Raises:
        HostError: it can't be read, is damaged, or tells no AS numbers.
    """
    name = os.fspath(path)
    try:
        import maxminddb
    except ImportError:
        raise MissingExtraError(f"reading {name} (an MMDB file)", "mmdb") from None
    try:
        if os.path.getsize(path) > _MOST_BYTES:
            raise HostError(f"{name} is larger than {_MOST_BYTES} bytes")
        reader = maxminddb.open_database(path, maxminddb.MODE_MEMORY)
        told = _tells_numbers(reader)
    except OSError as error:
        raise HostError(f"can't read the table of networks {name}: {error.strerror}") from None
    except (maxminddb.InvalidDatabaseError, *_SENSELESS) as error:
        words = " ".join(str(error).split())[:120] or type(error).__name__
        raise HostError(f"{name} is a damaged MMDB file: {words}") from None
    if not told:
        kind = str(reader.metadata().database_type)[:40]
        raise HostError(f"{name} ({kind!r}) tells no AS numbers: want an ASN database")
    return MmdbTable(reader)


def _tells_numbers(reader: Any) -> bool:
    """Among its first records there is one with an AS number."""
    for number, (_, record) in enumerate(reader):
        if _network(record) is not None:
            return True
        if number >= 1000:
            break
    return False


def _network(record: Any) -> Network | None:
    if not isinstance(record, dict):
        return None
    for key in _NUMBERS:
        asn = _asn(record.get(key))
        if asn is not None:
            names = (record.get(name) for name in _NAMES)
            operator = next((name for name in names if isinstance(name, str) and name), "")
            return Network(asn, operator.strip()[:_MOST_OPERATOR_CHARS])
    return None


def _asn(value: Any) -> int | None:
    if isinstance(value, str):
        digits = value[2:] if value[:2].upper() == "AS" else value
        value = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 11 else None
    # 0 is nobody's number there: it must not be taken for the viewer's home
    return value if type(value) is int and 0 < value <= _MOST_ASN else None
