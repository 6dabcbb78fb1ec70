"""The chain of seals: which line of a record was changed, cut, swapped or put in.

Every few seconds stands a line of its own:

    {"head":"<64 hex digits>","tags":"<3 hex digits a line>","type":"seal"}

With D(line) the SHA-256 of a line's bytes, newline included:

    tags    the first three digits of D of each line since the seal before, in order
    head    SHA-256(head of the seal before, then D of each of those lines)

The first head of a record goes on from 32 zero bytes, that of a later part from the last head of
the part before. So a head stands for every byte before it; the tags, which cost two bytes a line,
say which line it was. Whoever edits a record can compute all of it anew: only a signature over a
head (`streamnotice.dossier.signing`) keeps them from that.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from difflib import SequenceMatcher
from itertools import takewhile
from typing import Final

import attrs

from streamnotice.errors import EvidenceError

START: Final = bytes(32)
"""The head before the first line."""
UNSEALED: Final = "no seal stands behind these lines"

_TAG_DIGITS: Final = 3
_MOST_STEPS: Final = 5_000_000
"""Work that a chain spends on saying which lines they are, in comparisons at worst: half a second
or so. A seal over lines as they are written takes less than a tenth of it."""
_END: Final = b'"type":"seal"}\n'
_SEAL: Final = re.compile(
    rb'\{"head":"([0-9a-f]{64})","tags":"((?:[0-9a-f]{3})*)","type":"seal"\}\n'
)


@attrs.frozen
class Fault:
    """Something that does not fit, and where.

    Attributes:
        first, last: numbers of the lines in question.
        text: what is wrong with them.
    """

    first: int
    last: int
    text: str


@attrs.define
class Chain:
    """A running chain: add lines, then seal them (writing) or try a seal on them (reading).

    Attributes:
        head: of the last seal.
        steps_left: work that may still be spent on naming lines; behind that only ranges are named.
        unsealed: how many lines were added since.
    """

    head: bytes = START
    steps_left: int = _MOST_STEPS
    _digests: list[bytes] = attrs.field(factory=list)
    _numbers: list[int] = attrs.field(factory=list)

    @property
    def unsealed(self) -> int:
        return len(self._digests)

    @property
    def unsealed_lines(self) -> tuple[int, int]:
        """Numbers of the first and last line that no seal stands behind; (0, 0) for none."""
        return (self._numbers[0], self._numbers[-1]) if self._numbers else (0, 0)

    def add(self, line: bytes, number: int = 0) -> None:
        """Add a line; its *number* is for faults."""
        self._digests.append(hashlib.sha256(line).digest())
        self._numbers.append(number)

    def seal(self) -> bytes:
        """The seal over the lines added since the last one, as a line."""
        self.head = self._head()
        tags = "".join(map(_tag, self._digests))
        self._digests.clear()
        self._numbers.clear()
        return f'{{"head":"{self.head.hex()}","tags":"{tags}","type":"seal"}}\n'.encode()

    def check(self, line: bytes, number: int) -> list[Fault]:
        """Try the seal *line* on what was added since the last one.

        The chain then goes on from the recorded head, so that one fault is told once and what
        follows is still checked.
        """
        match = _SEAL.fullmatch(line)
        if match is None:
            raise EvidenceError("not a seal")
        recorded, tags = bytes.fromhex(match[1].decode()), match[2].decode()
        faults = []
        if recorded != self._head():
            numbers = self._numbers or [number]
            faults = self._unlike(numbers, tags, number) or [
                Fault(
                    numbers[0], number, "the seal's head does not follow from what stands before it"
                )
            ]
        elif tags != "".join(map(_tag, self._digests)):
            faults = [Fault(number, number, "the seal's tags are not those of the lines before it")]
        self.head = recorded
        self._digests.clear()
        self._numbers.clear()
        return faults

    def _head(self) -> bytes:
        return hashlib.sha256(self.head + b"".join(self._digests)).digest()

    def _unlike(self, numbers: list[int], tags: str, seal: int) -> list[Fault]:
        """Where the lines that are there are not those that were sealed."""
        have = [_tag(digest) for digest in self._digests]
        want = [tags[at : at + _TAG_DIGITS] for at in range(0, len(tags), _TAG_DIGITS)]
        head = _alike(want, have)
        tail = _alike(reversed(want[head:]), reversed(have[head:]))
        want, have = want[head : len(want) - tail], have[head : len(have) - tail]
        steps = _steps(want, have)
        detailed = steps <= self.steps_left
        if detailed:
            self.steps_left -= steps
        faults = []
        for want_from, want_to, have_from, have_to in (
            _edits(want, have) if detailed else [[0, len(want), 0, len(have)]]
        ):
            lost, found = want_to - want_from, have_to - have_from
            # a line of the same place in the seal, or the seal itself where nothing follows
            at = head + have_from
            first = numbers[at] if at < len(numbers) else seal
            last = numbers[head + have_to - 1] if found else first
            text = _edited(lost, found)
            if not detailed:
                text = f"{_lines(found)} where {_lines(lost)} stood; too many to say which differ"
            faults.append(Fault(first, last, text))
        return faults


def is_seal(line: bytes) -> bool:
    """Does *line* claim to be a seal?"""
    return line.endswith(_END)


def _tag(digest: bytes) -> str:
    return digest.hex()[:_TAG_DIGITS]


def _alike(one: Iterable[str], other: Iterable[str]) -> int:
    """How many of the first tags are the same."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _steps(want: list[str], have: list[str]) -> int:
    """Comparisons that it may take to find what differs: a tag that occurs often is costly."""
    counts = Counter(want)
    pairs = sum(counts[tag] for tag in have)
    return (pairs + len(want) + len(have)) * min(len(want), len(have))


def _edits(want: list[str], have: list[str]) -> list[list[int]]:
    """The stretches that differ: from and to in *want*, from and to in *have*."""
    matcher = SequenceMatcher(None, want, have, autojunk=False)
    return [places for kind, *places in matcher.get_opcodes() if kind != "equal"]


def _edited(lost: int, found: int) -> str:
    if not found:
        return f"{_lines(lost)} before it cut out"
    if not lost:
        return f"{_lines(found)} put in"
    if lost == found:
        return f"{_lines(found)} changed"
    return f"{_lines(found)} where {_lines(lost)} stood"


def _lines(count: int) -> str:
    return "1 line" if count == 1 else f"{count} lines"
