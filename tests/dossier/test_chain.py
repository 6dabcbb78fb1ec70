"""The chain of seals: what does not fit is found, and named by its line."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamnotice.dossier.chain import Chain, Fault, is_seal
from streamnotice.errors import EvidenceError

LINES = [b'{"at_ns":%d,"type":"tick"}\n' % number for number in range(40)]


def seal(lines: list[bytes]) -> bytes:
    chain = Chain()
    for line in lines:
        chain.add(line)
    return chain.seal()


def faults(lines: list[bytes], sealed: bytes) -> list[Fault]:
    """What reading *lines* and then *sealed* finds; lines are numbered from 1."""
    chain = Chain()
    for number, line in enumerate(lines, 1):
        chain.add(line, number)
    return chain.check(sealed, len(lines) + 1)


def test_what_was_sealed_fits() -> None:
    assert faults(LINES, seal(LINES)) == []
    assert is_seal(seal(LINES))


def test_the_form_is_pinned() -> None:
    """These bytes are in files that people keep: a change of form is a new format number."""
    assert seal([b"a\n", b"b\n"]) == (
        b'{"head":"f362d1e0eaa5b75a485463db0557b5b6339053506dd6fa9f2e354b180c8a3580",'
        b'"tags":"874026","type":"seal"}\n'
    )


@pytest.mark.parametrize(
    ("edit", "wanted"),
    [
        (lambda ls: [*ls[:6], b"x\n", *ls[7:]], Fault(7, 7, "1 line changed")),
        (lambda ls: [*ls[:6], *ls[7:]], Fault(7, 7, "1 line before it cut out")),
        (lambda ls: [*ls[:6], *ls[16:]], Fault(7, 7, "10 lines before it cut out")),
        (lambda ls: ls[:-3], Fault(38, 38, "3 lines before it cut out")),
        (lambda ls: [*ls[:6], b"x\n", b"y\n", *ls[6:]], Fault(7, 8, "2 lines put in")),
        (lambda ls: [*ls, b"x\n"], Fault(41, 41, "1 line put in")),
        (
            lambda ls: [*ls[:6], b"x\n", *ls[9:]],
            Fault(7, 7, "1 line where 3 lines stood"),
        ),
    ],
)
def test_an_edit_is_named(edit: object, wanted: Fault) -> None:
    assert faults(edit(LINES), seal(LINES)) == [wanted]  # type: ignore[operator]


def test_swapped_lines_are_found_where_they_are() -> None:
    swapped = [*LINES[:6], LINES[7], LINES[6], *LINES[8:]]
    found = faults(swapped, seal(LINES))
    assert {line for fault in found for line in (fault.first, fault.last)} <= {7, 8, 9}
    assert found


def test_one_fault_is_told_once_and_the_rest_is_still_checked() -> None:
    chain = Chain()
    for line in LINES[:10]:
        chain.add(line)
    first = chain.seal()
    for line in LINES[10:]:
        chain.add(line)
    second = chain.seal()
    reading = Chain()
    for number, line in enumerate([*LINES[:9], b"x\n"], 1):
        reading.add(line, number)
    assert reading.check(first, 11) == [Fault(10, 10, "1 line changed")]
    for number, line in enumerate(LINES[10:], 12):
        reading.add(line, number)
    assert reading.check(second, 42) == []
    assert reading.head.hex().encode() in second


def test_a_line_with_the_same_tag_is_found_all_the_same() -> None:
    """Three digits only name a line; the head is the whole hash."""
    sealed = seal(LINES)
    chance = random.Random(1)
    tag = sealed.split(b'"tags":"')[1][:3]
    while True:
        other = b"%d\n" % chance.randrange(10**9)
        if seal([other]).split(b'"tags":"')[1][:3] == tag:
            break
    (fault,) = faults([other, *LINES[1:]], sealed)
    assert (fault.first, fault.last) == (1, 41)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_seal_or_one_error(line: bytes) -> None:
    for raw in (line, b'{"head":"' + line + b'","tags":"","type":"seal"}\n'):
        try:
            Chain().check(raw, 1)
        except EvidenceError:
            pass


@given(st.lists(st.binary(max_size=8), max_size=30), st.lists(st.binary(max_size=8), max_size=30))
def test_other_lines_never_fit(sealed: list[bytes], read: list[bytes]) -> None:
    assert bool(faults(read, seal(sealed))) == (sealed != read)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("spoilt", ["none", "one end", "both ends"])
def test_what_has_no_end_to_compare_is_named_as_a_range(spoilt: str) -> None:
    """A made-up seal over 30 000 equal lines: to compare each with each would take hours."""
    same = [b'{"at_ns":1,"type":"tick"}\n'] * 30_000
    sealed = seal(same).split(b'"tags"')
    forged = b'{"head":"' + b"0" * 64 + b'","tags"' + sealed[1]
    there = list(same)
    if spoilt != "none":
        there[10] = b"x\n"
    if spoilt == "both ends":
        there[-10] = b"y\n"
    (fault,) = faults(there, forged)
    first, last, words = {
        "none": (1, 30_001, "the seal's head does not follow"),
        "one end": (11, 11, "1 line changed"),
        "both ends": (11, 29_991, "29981 lines where 29981 lines stood; too many"),
    }[spoilt]
    assert (fault.first, fault.last) == (first, last)
    assert fault.text.startswith(words)


@pytest.mark.timeout(30)
def test_many_seals_that_are_costly_to_compare_spend_one_budget() -> None:
    chain, other = Chain(), [b"x\n", *[b"a\n", b"b\n"] * 300, b"y\n"]
    head = b'{"head":"' + b"0" * 64 + b'","tags"'
    forged = head + seal([b"p\n", *[b"b\n", b"a\n"] * 300, b"q\n"]).split(b'"tags"')[1]
    for _ in range(300):
        for number, line in enumerate(other, 1):
            chain.add(line, number)
        assert chain.check(forged, 700)
    assert chain.steps_left >= 0
