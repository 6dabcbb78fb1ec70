"""A whole delivery chain on loopback, with faults to be put in: for seeing a notice, and for tests.

`Demo` runs origin, caching edge and reference in this process, on loopback only, and serves a
small real clip. A scenario says which of them goes wrong, and when.
"""

from streamnotice.demo.scenarios import SCENARIOS, Scenario
from streamnotice.demo.stage import Demo

__all__ = ["SCENARIOS", "Demo", "Scenario"]
