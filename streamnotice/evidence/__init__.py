"""Rules of evidence, one a file. To add one: a file, and a line here; a table row when it is fitted."""

from __future__ import annotations

from streamnotice.evidence.rule import Outcome, Rule

RULES: tuple[Rule, ...] = ()

__all__ = ["RULES", "Outcome", "Rule"]
