"""The lab's one error: what is missing or wrong, in one line."""

from __future__ import annotations


class LabError(Exception):
    """The lab can't do what was asked; the text says what and why."""
