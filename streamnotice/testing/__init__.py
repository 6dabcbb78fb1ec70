"""For the tests of host apps: a clock, sessions to play, and a Watcher that says what it is told.

Nothing here is used by the library itself.
"""

from __future__ import annotations

from streamnotice.testing.clock import Clock
from streamnotice.testing.recorded import RECORDED, play_recorded
from streamnotice.testing.told import ToldWatcher

__all__ = ["RECORDED", "Clock", "ToldWatcher", "play_recorded"]
