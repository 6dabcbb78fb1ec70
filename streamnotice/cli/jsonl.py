"""JSON Lines on standard output: one object a line, flushed, nothing else there."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import IO, Any


class JsonLines:
    """Writes objects as lines. A reader that went away is noticed and never raised.

    Attributes:
        broken: the reader went away; later lines are dropped.
    """

    def __init__(self, out: IO[str] | None = None) -> None:
        self._out = out if out is not None else sys.stdout
        self._last_s = 0.0
        self.broken = False

    def write(self, kind: str, fields: Mapping[str, Any], at_s: float | None = None) -> None:
        """One line of type *kind*. `at` never runs backwards, whatever queue a line came through.

        Args:
            kind: the line's `type`.
            fields: the rest of the object; strict JSON (no NaN).
            at_s: seconds since the start; None for lines without `at`.
        """
        line: dict[str, Any] = {"type": kind}
        if at_s is not None:
            self._last_s = max(self._last_s, round(at_s, 3))
            line["at"] = self._last_s
        line.update((name, value) for name, value in fields.items() if name not in line)
        self._put(json.dumps(line, ensure_ascii=False, allow_nan=False))

    def _put(self, text: str) -> None:
        if self.broken:
            return
        try:
            # A terminal of another encoding must not end the session: JSON can escape.
            self._out.write(self._encodable(text) + "\n")
            self._out.flush()
        except BrokenPipeError:
            self.broken = True
            self._quieten()
        except ValueError:  # closed
            self.broken = True

    def _encodable(self, text: str) -> str:
        try:
            text.encode(getattr(self._out, "encoding", None) or "utf-8")
        except UnicodeEncodeError:
            return json.dumps(json.loads(text))
        return text

    def _quieten(self) -> None:
        # The interpreter flushes standard output once more at exit; let that go nowhere.
        if self._out is sys.stdout:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            try:
                os.dup2(nowhere, self._out.fileno())
            except (OSError, ValueError):
                self.broken = True  # no file behind it: nothing to redirect
            finally:
                os.close(nowhere)
