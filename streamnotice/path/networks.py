"""Which network an address belongs to: a table of prefixes, longest match first. Pure.

The table is a CSV file of the host's: `network,asn,operator`, one prefix a line, a header line if
you like, `#` starts a comment. asn 0 is the viewer's own (the home). The operator's name
may be left out; it is said to nobody unless the host's policy permits it.
Or it is an MMDB file, told by its content (`streamnotice.path.mmdb`).
"""

from __future__ import annotations

import csv
import ipaddress
import os
from collections.abc import Iterable, Iterator
from typing import Final

import attrs

from streamnotice.errors import HostError

HOME_ASN: Final = 0
_MOST_ASN: Final = 2**32 - 1
_MOST_OPERATOR_CHARS: Final = 200


_TRANSLATED: Final = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052, the well-known prefix


def unwrapped(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The IPv4 address that *address* stands for (mapped, or behind a NAT64), else itself."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _TRANSLATED:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


@attrs.frozen
class Network:
    """Who runs a prefix.

    Attributes:
        asn: autonomous system number; 0 is the viewer's own.
        operator: name, empty if the table gives none.
    """

    asn: int
    operator: str = ""


class NetworkTable:
    """Prefixes with their networks, looked up by longest match. IPv4 and IPv6."""

    def __init__(self, entries: Iterable[tuple[str, Network]] = ()) -> None:
        # (version, prefix length) -> network bits -> who
        self._tables: dict[tuple[int, int], dict[int, Network]] = {}
        self._lengths: dict[int, list[int]] = {4: [], 6: []}
        self._size = 0
        for prefix, network in entries:
            self.add(prefix, network)

    def add(self, prefix: str, network: Network) -> None:
        """Add one prefix.

        Raises:
            HostError: not a prefix, bits set behind its length, or given twice with two owners.
        """
        try:
            parsed = ipaddress.ip_network(prefix, strict=True)
        except ValueError as error:
            raise HostError(f"not a network prefix: {prefix[:80]!r}: {error}") from None
        shift = parsed.max_prefixlen - parsed.prefixlen
        bits = int(parsed.network_address) >> shift
        key = (parsed.version, parsed.prefixlen)
        if key not in self._tables:
            self._tables[key] = {}
            self._lengths[parsed.version] = sorted(
                (*self._lengths[parsed.version], parsed.prefixlen), reverse=True
            )
        known = self._tables[key].get(bits)
        if known is not None and known.asn != network.asn:
            raise HostError(f"{parsed} is given twice, for AS {known.asn} and for AS {network.asn}")
        if known is None:
            self._size += 1
        self._tables[key][bits] = network

    def lookup(self, address: str) -> Network | None:
        """The network of *address* by the longest prefix; None if none covers it, or no address."""
        try:
            parsed = unwrapped(ipaddress.ip_address(address))
        except ValueError:
            return None
        value = int(parsed)
        for length in self._lengths[parsed.version]:
            found = self._tables[parsed.version, length].get(
                value >> (parsed.max_prefixlen - length)
            )
            if found is not None:
                return found
        return None

    def has(self, asn: int) -> bool:
        """Some prefix belongs to *asn*."""
        return any(n.asn == asn for table in self._tables.values() for n in table.values())

    def __len__(self) -> int:
        return self._size


def parse_networks(lines: Iterable[str], name: str = "networks") -> NetworkTable:
    """Read the table's lines.

    Raises:
        HostError: a line can't be understood; the text names *name* and the line's number.
    """
    table = NetworkTable()
    for number, row in _rows(lines, name):
        try:
            table.add(row[0], Network(_asn(row[1]), row[2]))
        except HostError as error:
            raise HostError(f"{name}, line {number}: {error}") from None
    return table


def load_networks(path: str | os.PathLike[str]) -> NetworkTable:
    """Read a table from a CSV file, or an MMDB file (extra `mmdb`).

    Raises:
        HostError: the file can't be read, or can't be understood.
    """
    name = os.fspath(path)
    try:
        if _is_mmdb(path):
            from streamnotice.path.mmdb import load_mmdb

            return load_mmdb(path)
        with open(path, encoding="utf-8-sig", newline="") as file:
            return parse_networks(file, name)
    except OSError as error:
        raise HostError(f"can't read the table of networks {name}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise HostError(f"{name} is no UTF-8 text") from None


def _is_mmdb(path: str | os.PathLike[str]) -> bool:
    from streamnotice.path.mmdb import MARKER, MARKER_WITHIN

    with open(path, "rb") as file:
        if not file.seekable():  # a pipe is text
            return False
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - MARKER_WITHIN))
        return MARKER in file.read(MARKER_WITHIN)


def _rows(lines: Iterable[str], name: str) -> Iterator[tuple[int, tuple[str, str, str]]]:
    first = True
    reader = csv.reader(_without_comments(lines), skipinitialspace=True, strict=True)
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if not any(cells):
                continue
            if first and cells[0].lower() in ("network", "prefix"):
                first = False
                continue
            first = False
            if not 2 <= len(cells) <= 3:
                raise HostError(
                    f"{name}, line {reader.line_num}: want network,asn,operator, "
                    f"not {len(cells)} fields"
                )
            operator = cells[2] if len(cells) == 3 else ""
            yield reader.line_num, (cells[0], cells[1], operator[:_MOST_OPERATOR_CHARS])
    except csv.Error as error:
        raise HostError(f"{name}, line {reader.line_num}: {error}") from None


def _without_comments(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        yield "\n" if line.lstrip().startswith("#") else line


def _asn(text: str) -> int:
    digits = text[2:] if text[:2].lower() == "as" else text
    if digits.isascii() and digits.isdigit() and len(digits) <= 10 and int(digits) <= _MOST_ASN:
        return int(digits)
    raise HostError(f"not an AS number: {text[:40]!r}")
