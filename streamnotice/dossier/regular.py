"""Opens files that come to an end: no pipe that nobody writes to, no device, no socket."""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_NO_WAIT: Final = getattr(os, "O_NONBLOCK", 0)  # Windows has neither the flag nor such files
_OURS: Final = ("/dev/stdin", "/dev/fd/", "/proc/self/fd/")
"""What this process was handed open: to wait for it is what was asked for."""


@contextmanager
def open_regular(
    path: str | os.PathLike[str], *, handed: bool = False
) -> Iterator[io.BufferedReader]:
    """Open the file at *path* for reading; opening never waits.

    Args:
        handed: a pipe may be read, too, if this process was handed it open (`/dev/stdin`,
            `/dev/fd/63`).

    Raises:
        OSError: it can't be opened, or is no regular file.
    """
    ours = handed and os.fspath(path).startswith(_OURS)
    with open(path, "rb", opener=None if ours else _open) as file:
        if not (ours or stat.S_ISREG(os.fstat(file.fileno()).st_mode)):
            raise OSError(errno.EINVAL, "not a regular file, but a pipe, a device or the like")
        yield file


def _open(path: str, flags: int) -> int:
    return os.open(path, flags | _NO_WAIT)
