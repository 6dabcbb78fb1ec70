"""Where a record's parts are kept: compressed in memory, and in a row of files.

A part is a stretch of lines that opens with a header and can be read on its own. The file that
the host named always holds the part that is being written; earlier ones stand beside it:

    session.part-0001.jsonl.gz  session.part-0002.jsonl.gz  session.jsonl.gz

All of them behind one another in one file are a record, too: that is what `save` writes.
"""

from __future__ import annotations

import contextlib
import os
import re
import zlib
from collections import deque
from pathlib import Path
from typing import IO, Final

import attrs

_LEVEL: Final = 9  # of 3 kB a second: a smaller file for next to no time
_GZIP: Final = 31  # zlib's window bits for a gzip stream; it writes no time into its head
_NAME: Final = re.compile(r"(.+)\.part-([0-9]{4,9})((?:\.jsonl)?(?:\.gz)?)", re.DOTALL)


def part_path(path: Path, number: int) -> Path:
    """Where part *number* of the record at *path* stands once it is no longer the last."""
    name, ends = path.name, ""
    for end in (".gz", ".jsonl"):
        if name.endswith(end):
            name, ends = name.removesuffix(end), end + ends
    return path.with_name(f"{name}.part-{number:04d}{ends}")


def is_earlier_part(path: Path) -> bool:
    """Is *path* the name of a part that stands beside the last one?"""
    return _NAME.fullmatch(path.name) is not None


class Packed:
    """One part, compressed as it grows."""

    def __init__(self) -> None:
        self._pack = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
        self._chunks: list[bytes] = []
        self.raw_bytes = 0
        self.bytes = 0

    def add(self, raw: bytes) -> bytes:
        """Take *raw* in; what it adds to the compressed stream, readable as far as it goes."""
        self.raw_bytes += len(raw)
        return self._keep(self._pack.compress(raw) + self._pack.flush(zlib.Z_SYNC_FLUSH))

    def finish(self) -> bytes:
        """End the stream; the last of it."""
        return self._keep(self._pack.flush())

    def ending(self) -> bytes:
        """What would end the stream here; it can still go on."""
        return self._pack.copy().flush()

    def whole(self) -> bytes:
        """The stream so far."""
        return b"".join(self._chunks)

    def _keep(self, chunk: bytes) -> bytes:
        self._chunks.append(chunk)
        self.bytes += len(chunk)
        return chunk


@attrs.define
class Memory:
    """The parts kept in memory; beyond the bound the oldest go first.

    Attributes:
        bound_bytes: of all parts, compressed. The part being written is kept whatever its size.
        dropped: how many parts went.
    """

    bound_bytes: int
    dropped: int = 0
    _done: deque[bytes] = attrs.field(factory=deque)
    _now: Packed = attrs.field(factory=Packed)

    @property
    def raw_bytes(self) -> int:
        """Size of the part being written, not compressed."""
        return self._now.raw_bytes

    def add(self, raw: bytes) -> bytes:
        """As `Packed.add`, to the part being written."""
        chunk = self._now.add(raw)
        self._trim()
        return chunk

    def ending(self) -> bytes:
        """What ends the stream of the part being written, were it to end now."""
        return self._now.ending()

    def next_part(self) -> bytes:
        """End the part being written and begin another; the end of its stream."""
        chunk = self._now.finish()
        self._done.append(self._now.whole())
        self._now = Packed()
        self._trim()
        return chunk

    def packed(self) -> bytes:
        """All parts as one gzip file."""
        return b"".join((*self._done, self._now.whole(), self._now.ending()))

    def raw(self) -> bytes:
        """All parts as plain lines."""
        now = self._now.whole() + self._now.ending()
        return b"".join(zlib.decompress(part, _GZIP) for part in (*self._done, now))

    def _trim(self) -> None:
        while self._done and self._now.bytes + sum(map(len, self._done)) > self.bound_bytes:
            self._done.popleft()
            self.dropped += 1


class Files:
    """Writes the parts to files as they grow.

    Args:
        path: where the part being written stands. Compressed if it ends in `.gz`.
        keep: most parts that are kept; beyond that the oldest file is removed.

    Raises:
        OSError: (from every method but `close`) it can't be written.
    """

    def __init__(self, path: Path, keep: int) -> None:
        self.path = path
        self._keep = keep
        self._number = 1
        self.packed = path.suffix == ".gz"
        self._file: IO[bytes] = path.open("wb")
        # A pipe or a device can't be turned into several files: all parts go into it.
        self._turns = path.is_file()
        self.take_over()

    def take_over(self) -> None:
        """This process writes from here on. Its forks have the file open, too, and don't."""
        self._process = os.getpid()

    def write(self, data: bytes) -> None:
        if os.getpid() != self._process:
            return
        self._file.write(data)
        self._file.flush()

    def next_part(self) -> None:
        """Put the part that is complete aside, and go on in a new file."""
        if not self._turns or os.getpid() != self._process:
            return
        self._file.close()
        self.path.replace(part_path(self.path, self._number))
        self._file = self.path.open("wb")
        oldest = self._number + 1 - self._keep
        self._number += 1
        if oldest > 0:
            with contextlib.suppress(OSError):
                os.unlink(part_path(self.path, oldest))

    def close(self) -> None:
        self._file.close()
