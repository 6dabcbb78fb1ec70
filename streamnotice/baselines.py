"""What quiet paths of this network looked like in earlier sessions: a small file of figures.

Trouble that is there before Play looks normal to a session that never saw better times. So a host
may keep, by network and place, round trips from seconds in which nothing was wrong. The file
holds labels by a salt of its own: no address, no name, no time of day.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import attrs

from streamnotice.errors import EvidenceError, HostError
from streamnotice.files import OWNER_ONLY, locked, replacing, xdg_folder
from streamnotice.path.rounds import FAR_END

FORMAT: Final = 1
LEAST_SAMPLES: Final = 8
"""Round trips that a session must have seen of a place to say anything of it."""
MOST_SESSIONS: Final = 8
"""Sessions kept for each place: a way that has changed for good is normal after a few."""
MOST_NETWORKS: Final = 32
MOST_PLACES: Final = 32
_MOST_BYTES: Final = 256 * 1024
_MOST_NS: Final = 60_000_000_000
_SALT_BYTES: Final = 16
_LOW_PERMILLE: Final = 100


@attrs.frozen
class Quiet:
    """Round trips to one place in one session's quiet seconds.

    Attributes:
        low_ns: the tenth part of them is at or below this.
        median_ns: half of them are.
        samples: how many there were.
    """

    low_ns: int
    median_ns: int
    samples: int


@attrs.frozen
class Baseline:
    """What was normal.

    Attributes:
        rtt_ns: base round trip.
        sessions: how many it rests on.
    """

    rtt_ns: int
    sessions: int


Places = dict[str, tuple[Quiet, ...]]
"""Place -> sessions, oldest first."""


def quiet_of(round_trips_ns: Sequence[int]) -> Quiet | None:
    """Sum up a session's quiet round trips; None if there are too few."""
    if len(round_trips_ns) < LEAST_SAMPLES:
        return None
    ordered = sorted(round_trips_ns)
    low = ordered[len(ordered) * _LOW_PERMILLE // 1000]
    return Quiet(low, ordered[(len(ordered) - 1) // 2], len(ordered))


def baseline_of(sessions: Sequence[Quiet]) -> Baseline | None:
    """The lower quartile of the sessions' low round trips; None without any.

    Not the smallest ever: that would call every longer way, taken since, a queue.
    """
    if not sessions:
        return None
    ordered = sorted(one.low_ns for one in sessions)
    return Baseline(ordered[len(ordered) // 4], len(ordered))


class BaselineFile:
    """Baselines by network and place, in one small JSON file, written by its owner alone.

    Written wholly or not at all. A missing file is an empty one.

    Args:
        path: where it is, or will be at the first session's end.

    Raises:
        HostError: it can't be read.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.damage: str | None = None
        """What is wrong with the file, in one line; it is then set aside and begun anew."""
        self.salt, self._networks = self._read()

    def of(self, network: str) -> Mapping[str, tuple[Quiet, ...]]:
        """Earlier sessions on *network* (a label by this file's salt), by place."""
        return self._networks.get(network, {})

    def server(self, address: str) -> str:
        """The name under which the far end at *address* is kept."""
        digest = hashlib.blake2b(address.encode("utf-8", "replace"), key=self.salt, digest_size=8)
        return f"{FAR_END} {digest.hexdigest()}"

    def add(self, network: str, session: Mapping[str, Quiet]) -> None:
        """Keep what a session saw on *network*; HostError if it can't be written."""
        if not network or not session:
            return
        with self._changing():
            # the network and the places that were seen last stand last; the first go first
            places = self._networks.pop(network, {})
            for place, quiet in session.items():
                places[place] = (*places.pop(place, ()), quiet)[-MOST_SESSIONS:]
            while len(places) > MOST_PLACES:
                del places[next(iter(places))]
            self._networks[network] = places
            while len(self._networks) > MOST_NETWORKS:
                del self._networks[next(iter(self._networks))]
            self._write()

    # -- the file -----------------------------------------------------------------------------

    def _read(self) -> tuple[bytes, dict[str, Places]]:
        try:
            with self.path.open("rb") as file:
                data = file.read(_MOST_BYTES + 1)
        except FileNotFoundError:
            return secrets.token_bytes(_SALT_BYTES), {}
        except OSError as error:
            raise HostError(
                f"can't read the baselines {self.path}: {error.strerror or error}"
            ) from None
        try:
            if len(data) > _MOST_BYTES:
                raise EvidenceError(f"it is larger than {_MOST_BYTES} bytes")
            return parse_baselines(data)
        except EvidenceError as error:
            self.damage = (
                f"the baselines {self.path} are damaged ({error}); they are set aside as "
                f"{self._aside().name} and begun anew"
            )
            return secrets.token_bytes(_SALT_BYTES), {}

    def _aside(self) -> Path:
        return self.path.with_name(self.path.name + ".damaged")

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Alone with the file, and with what other sessions have put there since."""
        try:
            with locked(self.path):
                salt = self.salt
                self.damage = None
                self.salt, self._networks = self._read()
                if self.damage is not None or not self.path.exists():
                    self.salt = salt  # labels made with it are in use
                elif salt != self.salt:
                    raise HostError(f"the baselines {self.path} were begun anew by somebody else")
                yield
        except OSError as error:
            raise HostError(f"can't write the baselines {self.path}: {error.strerror}") from None

    def _write(self) -> None:
        body = {
            "streamnotice": "baselines",
            "format": FORMAT,
            "salt": self.salt.hex(),
            "networks": {
                network: {
                    place: [[q.low_ns, q.median_ns, q.samples] for q in sessions]
                    for place, sessions in places.items()
                }
                for network, places in self._networks.items()
            },
        }
        try:
            if self.damage is not None:
                self.path.replace(self._aside())
            with replacing(self.path, OWNER_ONLY) as out:
                out.write(json.dumps(body, separators=(",", ":")).encode("ascii") + b"\n")
        except OSError as error:
            raise HostError(
                f"can't write the baselines {self.path}: {error.strerror or error}"
            ) from None


def default_path() -> Path:
    """Where the command line keeps baselines if asked to: the XDG state folder.

    Raises:
        HostError: this user has no home folder.
    """
    return xdg_folder("state", "baselines") / "baselines.json"


def parse_baselines(data: bytes) -> tuple[bytes, dict[str, Places]]:
    """Salt and baselines of a file's content.

    Raises:
        EvidenceError: it is not what it should be; the text says what is wrong.
    """
    try:
        body = json.loads(data.decode("utf-8"))
    except UnicodeDecodeError:
        raise EvidenceError("it is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise EvidenceError(f"no JSON, line {error.lineno}") from None
    except (ValueError, RecursionError):
        raise EvidenceError("no JSON that can be read") from None
    if not isinstance(body, dict) or body.get("streamnotice") != "baselines":
        raise EvidenceError("it is no file of baselines")
    if body.get("format") != FORMAT:
        raise EvidenceError(f"its format is {str(body.get('format'))[:20]!r}, known is {FORMAT}")
    return _salt(body.get("salt")), {
        network: {
            place: tuple(_quiet(row) for row in _list(rows))
            for place, rows in _table(places, MOST_PLACES).items()
        }
        for network, places in _table(body.get("networks"), MOST_NETWORKS).items()
    }


def _salt(text: Any) -> bytes:
    try:
        salt = bytes.fromhex(text)
    except (TypeError, ValueError):
        raise EvidenceError("its salt is no hexadecimal text") from None
    if len(salt) != _SALT_BYTES:
        raise EvidenceError("its salt has another length")
    return salt


def _table(found: Any, most: int) -> dict[str, Any]:
    if not isinstance(found, dict) or len(found) > most or any(len(key) > 64 for key in found):
        raise EvidenceError(f"want a table of at most {most} entries")
    return found


def _list(found: Any) -> list[Any]:
    if not isinstance(found, list) or len(found) > MOST_SESSIONS:
        raise EvidenceError(f"want a list of at most {MOST_SESSIONS} sessions")
    return found


def _quiet(row: Any) -> Quiet:
    if (
        not isinstance(row, list)
        or len(row) != 3
        or not all(type(value) is int and 0 < value <= _MOST_NS for value in row)
        or row[0] > row[1]
    ):
        raise EvidenceError("a session's figures are no round trips")
    return Quiet(*row)
