"""The dossiers of a log in one zip file, with an index: to be handed on as evidence."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import attrs

from streamnotice.dossier.log import Session, as_json, dossier_files
from streamnotice.dossier.regular import open_regular
from streamnotice.dossier.targets import keep_apart
from streamnotice.errors import HostError
from streamnotice.files import replacing

_TIME: Final = (1980, 1, 1, 0, 0, 0)  # the same dossiers give the same bundle
_INDEX: Final = "index.json"
_PLAIN: Final = frozenset(range(0x20, 0x7F)) - frozenset(b"%\\")


@attrs.frozen
class Bundled:
    """What came of it.

    Attributes:
        files: how many dossier files are in the bundle.
        left_out: (path, why) of those that are not.
    """

    files: int
    left_out: tuple[tuple[Path, str], ...]


def bundle(
    sessions: Iterable[Session], folder: str | os.PathLike[str], target: str | os.PathLike[str]
) -> Bundled:
    """Put the dossiers of *sessions*, every part of them, and an index into one zip file.

    The index is the log, with the SHA-256 of every file. Written wholly or not at all. What is no
    dossier stays out, and so does what a link fetches from outside of *folder*: only the
    folder's own records are handed on.

    Raises:
        HostError: a file can't be read, or the target can't be written or is one of the dossiers.
    """
    chosen = list(sessions)
    out, home = Path(target), Path(folder)
    keep_apart(out, dossier_files(home), "--bundle")
    left_out: dict[Path, str] = {}
    digests: dict[str, str] = {}
    try:
        with replacing(out) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
            for path, why in _files(chosen, home):
                if why:
                    left_out[path] = why
                    continue
                name = member_name(path.relative_to(home))
                with open_regular(path) as source:
                    data = source.read()
                digests[name] = hashlib.sha256(data).hexdigest()
                packed.writestr(zipfile.ZipInfo(name, _TIME), data)
            index = as_json(chosen) | {
                "files": digests,
                "left_out": [
                    {"file": member_name(path.relative_to(home)), "why": why}
                    for path, why in left_out.items()
                ],
            }
            for one in index["sessions"]:
                one["file"] = member_name(Path(one["file"]).relative_to(home))
            text = json.dumps(index, indent=1, ensure_ascii=False)
            # a lone surrogate is written as JSON's own escape for it
            packed.writestr(
                zipfile.ZipInfo(_INDEX, _TIME), text.encode("utf-8", "backslashreplace")
            )
    except OSError as error:
        raise HostError(f"can't write the bundle {out}: {error.strerror or error}") from None
    return Bundled(len(digests), tuple(left_out.items()))


def _files(sessions: Iterable[Session], folder: Path) -> Iterator[tuple[Path, str]]:
    """Each file once, and why it stays out; "" for one that doesn't."""
    home = folder.resolve()
    for path, session in {path: one for one in sessions for path in one.paths}.items():
        if session.verified is None:
            yield path, "no dossier that can be read"
        elif not path.resolve().is_relative_to(home):
            yield path, "a link that leaves the folder"
        else:
            yield path, ""


def member_name(path: Path) -> str:
    """A name in the bundle that nobody takes for another path, and that is no two files' name.

    What is no Unicode, drives a terminal, or parts folders elsewhere is written as in an address.
    """
    text = path.as_posix()
    return "".join(char if _fine(char) else _escaped(char) for char in text)


def _fine(char: str) -> bool:
    return ord(char) in _PLAIN or (ord(char) > 0x9F and char.isprintable())


def _escaped(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "surrogateescape"))
