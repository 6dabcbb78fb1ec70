"""The library's exceptions: one base class, split by whose mistake it was.

`HostError` means the embedding application (or the person at the command line)
used the library wrongly; `EvidenceError` means that a file or message from
elsewhere is not what it claims to be; `MediaError`, of a player, that its stream
can't be played. Nothing else is raised on purpose.
"""

from __future__ import annotations


class StreamnoticeError(Exception):
    """Base of every error that the library raises on purpose."""


class HostError(StreamnoticeError):
    """The host used the library wrongly; the text says what, where and what to do."""


class MessageError(HostError):
    """A message override that can't be used; raised when it is loaded, never when it is shown."""


class MissingExtraError(HostError):
    """A feature needs an optional dependency that is not installed."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f"{feature} needs an optional part: pip install 'streamnotice[{extra}]'")
        self.feature = feature
        self.extra = extra


class EvidenceError(StreamnoticeError):
    """A record (dossier, table, stored baselines) is damaged or not of a known form."""


class LineError(EvidenceError):
    """One line of a record is damaged, or not of a known form."""

    def __init__(self, path: str, line: int, reason: str) -> None:
        super().__init__(f"{path}: line {line}: {reason}")
        self.path = path
        self.line = line
        self.reason = reason


class MediaError(StreamnoticeError):
    """The media can't be played: not a manifest, unreachable, or of an unsupported kind."""


class NotAManifestError(MediaError):
    """What the address gives is no manifest that this player knows."""
