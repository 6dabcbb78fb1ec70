"""Where the command line keeps the records of sessions in which a notice was shown."""

from __future__ import annotations

import contextlib
import re
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from streamnotice.errors import HostError
from streamnotice.files import xdg_folder

MOST_KEPT: Final = 200
"""Beyond this the oldest are removed."""

_NAME: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{4}\.jsonl\.gz")


def kept_folder() -> Path:
    """The XDG state folder's part that is ours.

    Raises:
        HostError: this user has no home folder.
    """
    return xdg_folder("state", "records") / "dossiers"


def keep(save: Callable[[Path], None]) -> Path:
    """Have *save* write a record into the folder; its path.

    Raises:
        HostError: it can't be written.
    """
    folder = kept_folder()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise HostError(f"can't make the folder {folder}: {error.strerror or error}") from None
    path = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}.jsonl.gz"
    save(path)
    ours: list[Path] = []
    with contextlib.suppress(OSError):  # the record is there; what is too old stays
        ours = sorted(entry for entry in folder.iterdir() if _NAME.fullmatch(entry.name))
    for old in ours[:-MOST_KEPT]:
        with contextlib.suppress(OSError):
            old.unlink()
    return path
