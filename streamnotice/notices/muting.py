"""What the viewer doesn't want to be told again: per place, per network, for a session or for good.

Pure rules first; then the small file in which the lasting ones are kept. A mute changes what is
shown, never what is measured or recorded.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal, get_args

import attrs

from streamnotice.bottlenecks import NAMEABLE, UNDETERMINED, is_leaf, is_named
from streamnotice.errors import EvidenceError, HostError
from streamnotice.events import Notice
from streamnotice.files import OWNER_ONLY, locked, replacing, xdg_folder

Scope = Literal["notice", "session", "always"]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)

EVERYTHING: Final = "all"
"""Instead of a place: every notice."""
FORMAT: Final = 1
MOST_MUTES: Final = 256
_MOST_BYTES: Final = 64 * 1024
_SALT_BYTES: Final = 16


@attrs.frozen
class Mute:
    """One wish not to be told.

    Attributes:
        place: a name of the tree, which covers what lies under it; or "all".
        network: label of the network that it holds on; empty holds on all.
        scope: "session", or "always" for what is kept in the file.
        since: the day it was made, ISO 8601; empty if that is not known.
    """

    place: str
    network: str = ""
    scope: Scope = "session"
    since: str = ""


def check_place(place: str) -> str:
    """*place* if it can be muted; HostError if not."""
    if place != EVERYTHING and place not in NAMEABLE:
        raise HostError(
            f"{place[:60]!r} can't be muted: it is no name of the tree, nor {EVERYTHING!r}"
        )
    return place


def covers(place: str, bottleneck: str, among: Iterable[str] = ()) -> bool:
    """A mute of *place* is also one of what is named here.

    An inner name covers its leaves; a leaf does not cover the inner name above it, since the
    trouble may be elsewhere in there. Several leaves are covered if each of them is.
    """
    if place == EVERYTHING:
        return True
    named = set(among)
    if place == UNDETERMINED or not is_named(bottleneck, named):
        return place == bottleneck
    if place == bottleneck and not is_leaf(place):
        return True
    if is_leaf(bottleneck) or not named:
        named.add(bottleneck)
    return all(name == place or name.startswith(place + ".") for name in named)


def muted_by(mutes: Iterable[Mute], event: Notice, network: str) -> Mute | None:
    """The first of *mutes* that silences *event* on this network, None if none does."""
    for mute in mutes:
        if mute.network in ("", network) and covers(mute.place, event.bottleneck, event.among):
            return mute
    return None


class MuteFile:
    """The lasting mutes, in one small JSON file with the salt of the network labels.

    Read once, written wholly or not at all, by its owner alone. A missing file is an empty one.

    Args:
        path: where it is, or will be when the first mute is made.

    Raises:
        EvidenceError: the file is there and is not what it claims to be. It is left as it is.
        HostError: it can't be read.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.salt, self._mutes = self._read()

    def mutes(self) -> tuple[Mute, ...]:
        """What is muted for good."""
        return self._mutes

    def add(self, mute: Mute) -> None:
        """Keep *mute*; HostError if it can't be written."""
        with self._changing():
            same = [one for one in self._mutes if (one.place, one.network) == _key(mute)]
            if not same:
                kept = self._mutes[-(MOST_MUTES - 1) :]
                self._write((*kept, attrs.evolve(mute, scope="always")))

    def remove(self, place: str, network: str | None = None) -> int:
        """Forget the mutes of *place* (on all networks, or on one); how many there were."""
        with self._changing():
            kept = tuple(
                one
                for one in self._mutes
                if one.place != place or network not in (None, one.network)
            )
            gone = len(self._mutes) - len(kept)
            if gone:
                self._write(kept)
        return gone

    # -- the file -----------------------------------------------------------------------------

    def _read(self) -> tuple[bytes, tuple[Mute, ...]]:
        try:
            with self.path.open("rb") as file:
                data = file.read(_MOST_BYTES + 1)
        except FileNotFoundError:
            return secrets.token_bytes(_SALT_BYTES), ()
        except OSError as error:
            raise HostError(
                f"can't read the mutes {self.path}: {error.strerror or error}"
            ) from None
        try:
            if len(data) > _MOST_BYTES:
                raise ValueError(f"it is larger than {_MOST_BYTES} bytes")
            return _parse(json.loads(data.decode("utf-8")))
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise EvidenceError(
                f"the mutes {self.path} are damaged ({_why(error)}); move the file away to start "
                "anew"
            ) from None

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Alone with the file, and with what others have put there since."""
        try:
            with locked(self.path):
                if self.path.exists():
                    self.salt, self._mutes = self._read()
                yield
        except OSError as error:
            raise HostError(f"can't write the mutes {self.path}: {error.strerror}") from None

    def _write(self, mutes: tuple[Mute, ...]) -> None:
        body = {
            "streamnotice": "mutes",
            "format": FORMAT,
            "salt": self.salt.hex(),
            "mutes": [
                {"place": one.place, "network": one.network, "since": one.since} for one in mutes
            ],
        }
        try:
            with replacing(self.path, OWNER_ONLY) as out:
                out.write(json.dumps(body, indent=1).encode("ascii") + b"\n")
        except OSError as error:
            raise HostError(
                f"can't write the mutes {self.path}: {error.strerror or error}"
            ) from None
        self._mutes = mutes


def default_path() -> Path:
    """Where the command line keeps its mutes: the XDG configuration folder.

    Raises:
        HostError: this user has no home folder.
    """
    return xdg_folder("config", "mutes") / "mutes.json"


def _key(mute: Mute) -> tuple[str, str]:
    return mute.place, mute.network


def _parse(body: Any) -> tuple[bytes, tuple[Mute, ...]]:
    if not isinstance(body, dict) or body.get("streamnotice") != "mutes":
        raise ValueError("it is no file of mutes")
    if body.get("format") != FORMAT:
        raise ValueError(f"its format is {str(body.get('format'))[:20]!r}, known is {FORMAT}")
    salt = bytes.fromhex(_text(body, "salt", 64))
    if len(salt) != _SALT_BYTES:
        raise ValueError("its salt has another length")
    rows = body.get("mutes")
    if not isinstance(rows, list) or len(rows) > MOST_MUTES:
        raise ValueError(f"'mutes' must be a list of at most {MOST_MUTES}")
    found = []
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise ValueError(f"mute {number} is no object")
        place = _text(row, "place", 60)
        # a place that a later version knows is kept, and silences nothing here
        found.append(Mute(place, _text(row, "network", 40), "always", _text(row, "since", 10)))
    return salt, tuple(found)


def _text(row: dict[str, Any], name: str, length: int) -> str:
    value = row.get(name)
    if not isinstance(value, str) or len(value) > length or not value.isascii():
        raise ValueError(f"{name!r} must be ASCII text of at most {length} characters")
    if not value.isprintable():
        raise ValueError(f"{name!r} has a control character")
    return value


def _why(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    if isinstance(error, json.JSONDecodeError):
        return f"no JSON, line {error.lineno}"
    return str(error)[:200] or type(error).__name__
