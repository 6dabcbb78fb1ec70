"""Unpacks a gzip file strictly: nothing may stand behind a stream but another one.

Python's own reader passes over zeros behind the last stream, and over streams that hold nothing;
in a record neither belongs there.
"""

from __future__ import annotations

import zlib
from typing import IO, Final

import attrs

from streamnotice.errors import EvidenceError

MAGIC: Final = b"\x1f\x8b"
_GZIP: Final = 31  # zlib's window bits for a gzip stream
_READ_BYTES: Final = 64 * 1024


@attrs.define
class Gunzip:
    """The bytes of a gzip file, block by block.

    Attributes:
        file: the compressed one.
        streams: how many were begun.
        empty: the present one has given nothing so far.
    """

    file: IO[bytes]
    streams: int = 1
    empty: bool = True
    _unpack: zlib._Decompress = attrs.field(factory=lambda: zlib.decompressobj(_GZIP))
    _rest: bytes = b""

    def read1(self, size: int) -> bytes:
        """At most *size* bytes; nothing at the end.

        Raises:
            EOFError: the file ends in the middle of a stream.
            EvidenceError: it is damaged, or something else stands in it.
        """
        while True:
            packed = self._rest or self.file.read(_READ_BYTES)
            if not packed and not self._unpack.eof:
                # with nothing to read zlib may still hold what did not fit into the last block
                block = self._unpacked(b"", size)
                if block:
                    return block
                if not self._unpack.eof:
                    raise EOFError
            if self._unpack.eof:
                if self.empty:
                    raise EvidenceError("damaged gzip: a stream that holds nothing")
                if not packed:
                    return b""
                if not MAGIC.startswith(packed[:2]):
                    raise EvidenceError("damaged gzip: something else stands behind a stream")
                self._unpack = zlib.decompressobj(_GZIP)
                self.streams, self.empty = self.streams + 1, True
            block = self._unpacked(packed, size)
            if block:
                return block

    def _unpacked(self, packed: bytes, size: int) -> bytes:
        try:
            block = self._unpack.decompress(packed, size)
        except zlib.error as error:
            raise EvidenceError(f"damaged gzip: {error}") from None
        self._rest = self._unpack.unused_data or self._unpack.unconsumed_tail
        self.empty = self.empty and not block
        return block
