"""A Watcher that says what it is told: for testing how a host shows notices.

All else is the real thing: texts, overrides, hooks, queues, dispatch, the record.
"""

from __future__ import annotations

from streamnotice.bottlenecks import INNER_NAMES, UNDETERMINED, is_leaf, leaf
from streamnotice.errors import HostError
from streamnotice.events import Impact, Item, Notice, NoticeState, Reason
from streamnotice.watcher import Watcher


class ToldWatcher(Watcher):
    """`Watcher` with `say`; observations are still taken, its own verdicts are never shown."""

    _told: Notice | None = None
    _count = 0

    def _show(self, event: Notice) -> None:
        if event is self._told:
            super()._show(event)

    def say(
        self,
        bottleneck: str,
        condition: str | None = None,
        *,
        impact: Impact = "stalled",
        state: NoticeState = "raised",
        reason: Reason | None = None,
        among: tuple[str, ...] = (),
        confidence: float = 0.97,
        items: tuple[Item, ...] = (),
    ) -> None:
        """Have a notice shown. HostError if no such notice can be.

        Args:
            reason: with state "resolved": recovered, ended or withdrawn.
        """
        if is_leaf(bottleneck):
            if condition is not None and condition not in leaf(bottleneck).conditions:
                raise HostError(f"{bottleneck} has no condition {condition!r}")
        elif bottleneck not in (*INNER_NAMES, UNDETERMINED) or condition is not None:
            raise HostError(f"{bottleneck!r} with condition {condition!r} is no name of the tree")
        if (state == "resolved") != (reason is not None):
            raise HostError("a reason belongs to state 'resolved', and only there")
        if state == "raised":
            self._count += 1
        now = self.session.now()
        self._told = Notice(
            at_ns=now,
            id=f"n{max(1, self._count)}",
            state=state,
            reason=reason,
            since_ns=now,
            bottleneck=bottleneck,
            among=among,
            condition=condition,
            impact=impact,
            confidence_ppm=round(confidence * 1_000_000),
            against="none",
            weight_mdb=sum(item.weight_mdb for item in items),
            items=items,
            alternatives=((bottleneck, round(confidence * 1_000_000)),)
            if is_leaf(bottleneck)
            else (),
        )
        self._act([self._told])
