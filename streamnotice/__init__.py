"""Tells the viewer, truly and with evidence, what holds up the stream.

The public names, loaded when first used (PEP 562), so that `import streamnotice` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from streamnotice.engine import Engine
    from streamnotice.errors import (
        EvidenceError,
        HostError,
        MediaError,
        MessageError,
        MissingExtraError,
        NotAManifestError,
        StreamnoticeError,
    )
    from streamnotice.notices.shown import ShownNotice
    from streamnotice.policy import Policy
    from streamnotice.threads import ThreadWatcher
    from streamnotice.watcher import Watcher

_HOMES = {
    "Engine": "streamnotice.engine",
    "EvidenceError": "streamnotice.errors",
    "HostError": "streamnotice.errors",
    "MediaError": "streamnotice.errors",
    "MessageError": "streamnotice.errors",
    "MissingExtraError": "streamnotice.errors",
    "NotAManifestError": "streamnotice.errors",
    "Policy": "streamnotice.policy",
    "ShownNotice": "streamnotice.notices.shown",
    "StreamnoticeError": "streamnotice.errors",
    "ThreadWatcher": "streamnotice.threads",
    "Watcher": "streamnotice.watcher",
}

__all__ = [
    "Engine",
    "EvidenceError",
    "HostError",
    "MediaError",
    "MessageError",
    "MissingExtraError",
    "NotAManifestError",
    "Policy",
    "ShownNotice",
    "StreamnoticeError",
    "ThreadWatcher",
    "Watcher",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
