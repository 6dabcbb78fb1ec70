"""Files of our own: written wholly or not at all, changed by one at a time, in their place."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final, Literal

from streamnotice.errors import HostError

try:
    import fcntl
except ImportError:  # Windows: of two writers at once one may be lost, never the file
    fcntl = None  # type: ignore[assignment,unused-ignore]

OWNER_ONLY: Final = 0o600
_HANDED: Final = re.compile(r"/(?:dev|proc/self)/fd/([0-9]{1,9})")
_LOCK_FLAGS: Final = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
_XDG: Final = {
    "config": ("XDG_CONFIG_HOME", (".config",)),
    "state": ("XDG_STATE_HOME", (".local", "state")),
}


@contextmanager
def replacing(target: Path, mode: int = 0o666) -> Iterator[IO[bytes]]:
    """A new file that takes the place of *target* when the block ends, and is gone if it fails.

    A pipe or a device (`/dev/stdout`, `/dev/null`) is written into: nothing takes its place. Not
    tempfile: its files are for the owner alone, whatever the user's usual rights are.

    Args:
        mode: rights before the user's mask.

    Raises:
        OSError: it can't be written.
    """
    number = handed(target)
    if number is not None or (target.exists() and not target.is_file()):
        with open(target if number is None else os.dup(number), "wb") as out:
            yield out
        return
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with open(temporary, "xb", opener=lambda path, flags: os.open(path, flags, mode)) as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        temporary.replace(target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def handed(target: Path) -> int | None:
    """Number of the open file that *target* names (`/dev/stdout`, `/dev/fd/3`); None if none.

    It is written through that: opened anew, a file would be emptied below whoever writes to it.
    """
    names = {"/dev/stdout": 1, "/dev/stderr": 2}
    match = _HANDED.fullmatch(os.fspath(target))
    return int(match[1]) if match else names.get(os.fspath(target))


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Alone with the file at *path*, among all who ask in this way; its folder is made if need be.

    Raises:
        OSError: the lock beside it can't be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = os.open(path.with_name(path.name + ".lock"), _LOCK_FLAGS, OWNER_ONLY)
    try:
        if fcntl is not None:
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def xdg_folder(kind: Literal["config", "state"], what: str) -> Path:
    """Our part of the user's folder of that kind (XDG Base Directory Specification).

    Args:
        what: is kept there, for the message.

    Raises:
        HostError: this user has no home folder.
    """
    variable, usual = _XDG[kind]
    base = os.environ.get(variable, "")
    try:
        folder = Path(base) if os.path.isabs(base) else Path.home().joinpath(*usual)
    except RuntimeError:
        raise HostError(
            f"this user has no home folder to keep {what} in; set HOME or {variable}"
        ) from None
    return folder / "streamnotice"
