"""What is written must not take the place of what is read."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from streamnotice.errors import HostError


def keep_apart(
    target: str | os.PathLike[str], sources: Iterable[str | os.PathLike[str]], option: str
) -> None:
    """Refuse a *target* that is one of *sources*, by whatever name.

    Args:
        option: of the command line, that names another target.

    Raises:
        HostError: it is one of them.
    """
    out = Path(target)
    for source in sources:
        try:
            same = out.samefile(source)
        except OSError:
            continue  # one of them isn't there
        if same:
            what = "the dossier itself" if out == Path(source) else f"the dossier {source} itself"
            raise HostError(f"{out} is {what}; give another name with {option}")
