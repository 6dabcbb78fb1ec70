"""Internet addresses in one spelling: the same address is the same text, whoever tells it. Pure."""

from __future__ import annotations

import ipaddress


def plain(address: str) -> str:
    """*address* in its shortest form; IPv4 that a socket for both families wraps is unwrapped.

    A zone ("fe80::1%eth0") stays. What is no address comes back as it is.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(parsed)


def is_ipv6(address: str) -> bool:
    """The literal *address* is one of IPv6: only those are written with colons."""
    return ":" in address


def is_literal(host: str) -> bool:
    """*host* is an address, and no name that would have to be resolved."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
