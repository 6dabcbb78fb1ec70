"""Classes by name: a table of `name -> "module:class"`, each loaded only when it is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from streamnotice.errors import HostError


def load(spec: str) -> Any:
    """The class that *spec* ("module:class") names; MissingExtraError if it needs an extra."""
    module, _, name = spec.partition(":")
    return getattr(import_module(module), name)


def choose(what: str, name: str, table: Mapping[str, str]) -> Any:
    """The class called *name* in *table*; HostError if there is none.

    Args:
        what: the table's entries are, for the message.
    """
    spec = table.get(name)
    if spec is None:
        raise HostError(f"unknown {what} {name!r:.60}; known are {', '.join(sorted(table))}")
    return load(spec)
