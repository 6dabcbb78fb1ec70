"""Instants by the clock, as records and the command line write them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time


def instant(text: str) -> datetime | None:
    """A date (its first moment) or an instant (ISO 8601; UTC where no zone is given), or None."""
    try:
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def last_instant(text: str) -> datetime | None:
    """The same, but of a date its last moment: the day is in it."""
    try:
        return datetime.combine(date.fromisoformat(text), time.max, UTC)
    except ValueError:
        return instant(text)
