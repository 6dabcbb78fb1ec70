"""The lab's name server: answers A and AAAA records over UDP (RFC 1035, 3596), late or not at all.

Runs as a program: `names.py ADDRESS SPEC`, SPEC as JSON: `records` (name -> address), `ttl_s`,
`seed`. It prints "listening", then reads one fault a line from standard input, as `DnsFault` in
JSON; `null` ends the fault.
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
import struct
import sys
import time
import zlib
from typing import Any, Literal

PORT = 53
_A, _AAAA, _IN = 1, 28, 1
_HEADER = struct.Struct("!6H")
_NOERROR, _FORMERR, _SERVFAIL, _NXDOMAIN, _NOTIMP = 0, 1, 2, 3, 4
_SLICE_S = 4.0
Failure = Literal["servfail", "silent"]


class QueryError(ValueError):
    """A packet that is no question."""


def question(packet: bytes) -> tuple[str, int, int]:
    """(name in lower case, type, end of the question) of a query; QueryError if it is none."""
    if len(packet) < _HEADER.size:
        raise QueryError("short header")
    _, flags, count, *_ = _HEADER.unpack_from(packet)
    if flags & 0x8000 or count != 1:
        raise QueryError("not one question")
    at, labels = _HEADER.size, []
    while True:
        if at >= len(packet):
            raise QueryError("name without end")
        length = packet[at]
        at += 1
        if length == 0:
            break
        if length > 63 or at + length > len(packet):
            raise QueryError("bad label")
        labels.append(packet[at : at + length])
        at += length
    if at + 4 > len(packet):
        raise QueryError("no type")
    kind, _ = struct.unpack_from("!HH", packet, at)
    return b".".join(labels).decode("ascii", "replace").lower(), kind, at + 4


def answer(packet: bytes, records: dict[str, str], ttl_s: int, *, fails: bool = False) -> bytes:
    """The response to a query: the record of its address, no data for other types, or an error."""
    identity, flags = struct.unpack_from("!HH", packet)
    name, kind, end = question(packet)
    known = name in records
    code = _SERVFAIL if fails else _NOERROR if known else _NXDOMAIN
    address = records[name] if known else ""
    has, family = (_AAAA, socket.AF_INET6) if ":" in address else (_A, socket.AF_INET)
    found = known and kind == has and not fails
    # response, authoritative, recursion as asked and available
    head = _HEADER.pack(identity, 0x8480 | (flags & 0x0100) | code, 1, int(found), 0, 0)
    body = packet[_HEADER.size : end]
    if found:
        data = socket.inet_pton(family, address)
        body += struct.pack("!HHHIH", 0xC00C, kind, _IN, ttl_s, len(data)) + data
    return head + body


class Faults:
    """The fault of the moment, and what it does to a question."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        self._seed = seed
        self.now: dict[str, Any] | None = None

    def treat(self, name: str, at_s: float) -> tuple[float, Failure | None]:
        """(seconds to wait, how it fails or None)."""
        fault = self.now
        if fault is None or not name.endswith(fault["zone"]):
            return 0.0, None
        delay_s = fault["delay_s"] * self._rng.uniform(0.8, 1.15)
        if fault["fails"] is None:
            return delay_s, None
        # The same for all tries of one look-up, so that repeating it at once doesn't help.
        mark = f"{name} {int(at_s / _SLICE_S)} {self._seed}".encode()
        fails = zlib.crc32(mark) % 1000 < fault["share"] * 1000
        return delay_s, fault["fails"] if fails else None


class _Server(asyncio.DatagramProtocol):
    def __init__(self, spec: dict[str, Any], faults: Faults) -> None:
        self._spec = spec
        self._faults = faults
        self._transport: asyncio.DatagramTransport

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, packet: bytes, client: Any) -> None:
        try:
            name, _, _ = question(packet)
        except QueryError:
            return
        delay_s, failure = self._faults.treat(name, time.monotonic())
        if failure == "silent":
            return
        said = answer(
            packet, self._spec["records"], self._spec["ttl_s"], fails=failure == "servfail"
        )
        asyncio.get_running_loop().call_later(delay_s, self._transport.sendto, said, client)


async def serve(address: str, spec: dict[str, Any]) -> None:
    loop = asyncio.get_running_loop()
    faults = Faults(spec["seed"])
    await loop.create_datagram_endpoint(lambda: _Server(spec, faults), local_addr=(address, PORT))
    orders = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    print("listening", flush=True)
    while line := await orders.readline():
        faults.now = json.loads(line)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], json.loads(sys.argv[2])))
