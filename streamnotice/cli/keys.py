"""Answers from the keyboard, where standard input is a terminal: "I understand", mutes, actions.

The terminal gives single keys as long as a session runs, and is left as it was. Control-C and the
like keep their meaning; a session in the background neither reads nor changes anything.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, Self

from streamnotice.notices.muting import Scope

try:
    import termios
    import tty
except ImportError:  # Windows: no keys
    termios = None  # type: ignore[assignment,unused-ignore]

KEYS: Final = {"u": "face.understood", "s": "face.hide_session", "n": "face.hide_always"}
"""key -> id of what it says; digits carry out the notice's actions in their order."""
SCOPES: Final[dict[str, Scope]] = {"u": "notice", "s": "session", "n": "always"}


_SPECIAL: Final = re.compile(rb"\x1b(?:\[[0-9;]*[ -/]*[@-~]?|O.?)?")
"""Arrows and other special keys come as several bytes; none of them means anything here."""


class Keys:
    """Hands each key to *take* while entered. Harmless where there is no terminal.

    Attributes:
        active: keys are read.
    """

    def __init__(self, take: Callable[[str], None]) -> None:
        self._take = take
        self._before: list[Any] | None = None
        self._fd = -1

    @property
    def active(self) -> bool:
        return self._before is not None

    def __enter__(self) -> Self:
        try:
            self._fd = sys.stdin.fileno()
            if termios is None or not os.isatty(self._fd) or not self._ours():
                return self
            self._before = termios.tcgetattr(self._fd)
            self._single_keys()
            loop = asyncio.get_running_loop()
            loop.add_reader(self._fd, self._read)
            loop.add_signal_handler(signal.SIGCONT, self._single_keys)
        except (OSError, ValueError, AttributeError, NotImplementedError, RuntimeError):
            self._leave()  # no standard input, or none that can be waited for: no keys
        except termios.error:
            self._leave()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._leave()

    def _ours(self) -> bool:
        """This process is in the foreground: else reading or setting the terminal would stop it."""
        return os.tcgetpgrp(self._fd) == os.getpgrp()

    def _single_keys(self) -> None:
        """Also after the process was stopped and goes on: the shell had set the terminal back."""
        if self._before is not None and self._ours():
            tty.setcbreak(self._fd, termios.TCSANOW)

    def _read(self) -> None:
        try:
            if not self._ours():
                return
            data = os.read(self._fd, 64)
        except OSError:
            data = b""
        if not data:  # the terminal is gone
            asyncio.get_running_loop().remove_reader(self._fd)
            return
        for key in _SPECIAL.sub(b"", data).decode("ascii", "ignore"):
            self._take(key)

    def _leave(self) -> None:
        before, self._before = self._before, None
        if before is None:
            return
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._fd)
        loop.remove_signal_handler(signal.SIGCONT)
        try:
            if self._ours():
                termios.tcsetattr(self._fd, termios.TCSADRAIN, before)
        except (OSError, termios.error):
            return  # the terminal is gone, and its settings with it


def legend(words: dict[str, str]) -> str:
    """The keys in one line."""
    return "  ".join(f"[{key}] {words[id_]}" for key, id_ in KEYS.items())
