"""Walks over a record's lines: bounds, parts, seals and signatures, before anything is parsed.

A record is one file, or the last of several (`streamnotice.dossier.parts`), each plain or gzip
as told by its first bytes. What is wrong with the chain is noted in `faults` and the walk goes
on; what can't be read at all is an `EvidenceError`. What a killed writer leaves (a cut last line,
a gzip stream without its end) is forgiven, and told; behind the session's end nothing is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import attrs

from streamnotice.dossier.chain import Chain, Fault, is_seal
from streamnotice.dossier.codec import Json, parse, parse_canonical
from streamnotice.dossier.gunzip import MAGIC, Gunzip
from streamnotice.dossier.parts import is_earlier_part, part_path
from streamnotice.dossier.regular import open_regular
from streamnotice.dossier.signing import Verifier, opened
from streamnotice.dossier.tables import short
from streamnotice.errors import EvidenceError, LineError

MAX_LINE_BYTES: Final = 4 * 1024 * 1024
"""Longest line; the longest that is written is an engine's memory, some 0.7 MB."""
MAX_FILE_BYTES: Final = 1024 * 1024 * 1024
MAX_EXPANSION: Final = 100
"""Most bytes that one compressed byte may stand for; a record comes to about ten."""
MAX_PART_BYTES: Final = 64 * 1024 * 1024
MAX_FAULTS: Final = 1_000

FORMATS: Final = (1, 2)

_BLOCK_BYTES: Final = 64 * 1024
_LONGEST_NAME: Final = 40
_HEADER: Final = b'"type":"header"'
_SIGNATURE: Final = b'"type":"signature"}\n'
_CONTINUED: Final = b'"type":"continued"}\n'
_CLOSED: Final = b'"type":"closed"}\n'


class Line(NamedTuple):
    """One line with its place.

    Attributes:
        path: its file.
        number: in its file, from 1.
        part: number of its part; 1 in format 1.
        raw: its bytes, newline included.
    """

    path: str
    number: int
    part: int
    raw: bytes

    def error(self, reason: object) -> LineError:
        return LineError(self.path, self.number, str(reason))


@attrs.frozen
class FaultAt:
    """A fault of the chain or of a signature, with its file.

    Attributes:
        check: "chain" or "signature".
    """

    path: str
    check: str
    fault: Fault


@attrs.define
class Walk:
    """Iterate once over the lines that are neither seals nor signatures.

    Attributes:
        paths: the files, first part first.
        header: the first line, parsed.
        faults: what does not fit, found so far.
        cut: how the end is missing, in words; None if it is whole.
        behind: something torn stands behind the last line.
        closed: the session's end is on record (not told of format 1).
        lines: lines seen.
        seals, signatures: how many were seen.
        unsealed: (first, last) line of the last file behind its last seal; None if there is none.
        unsigned: the same for signatures, where the record says that it is signed.
        unsigned_from: the first line, headers left out, that no signature stands behind, in
            whatever file.
        head: the chain's last head, in hex; empty in format 1.
        parts: how many parts were seen.
    """

    paths: list[str]
    header: Json
    verifier: Verifier | None = None
    faults: list[FaultAt] = attrs.field(factory=list)
    cut: str | None = None
    behind: bool = False
    closed: bool = False
    lines: int = 0
    seals: int = 0
    signatures: int = 0
    unsealed: tuple[int, int] | None = None
    unsigned: tuple[int, int] | None = None
    unsigned_from: Line | None = None
    parts: int = 1
    _chain: Chain | None = None
    _part: int = 1

    @property
    def head(self) -> str:
        return self._chain.head.hex() if self._chain is not None and self.seals else ""

    def __iter__(self) -> Iterator[Line]:
        self._part = self.header["part"]
        if self.header["format"] > 1:
            self._chain = Chain(bytes.fromhex(self.header["previous"] or "00" * 32))
        for path in self.paths:
            yield from self._file(path)

    def _file(self, path: str) -> Iterator[Line]:
        follows = path != self.paths[0]
        ended = follows  # a file that follows opens with a header
        signed_to = 0
        number = part_bytes = 0
        for number, raw in read_lines(path, self):
            self.lines += 1
            part_bytes += len(raw)
            line = Line(path, number, self._part, raw)
            if number == 1 and not follows:
                self._still_there(line)
            if self._chain is None:
                yield line
                continue
            if is_seal(raw):
                self._seal(self._chain, line)
                continue
            if raw.endswith(_SIGNATURE):
                self._signature(self._chain, line)
                signed_to, self.unsigned_from = number, None
                continue
            if self.closed:
                raise line.error("something follows the end of the session")
            if _HEADER in raw and (number > 1 or follows):
                self._next_part(self._chain, line, ended)
                part_bytes = len(raw)
                line = line._replace(part=self._part)
            elif ended:
                raise line.error("something follows the end of a part")
            else:
                self._chain.add(raw, number)
                if self.unsigned_from is None and number > 1:
                    self.unsigned_from = line
            if part_bytes > MAX_PART_BYTES:
                raise line.error(f"a part of more than {MAX_PART_BYTES} bytes")
            ended = raw.endswith(_CONTINUED)
            self.closed = raw.endswith(_CLOSED)
            yield line
        if self.cut and path != self.paths[-1]:
            raise LineError(path, number, f"the end of the part is missing: {self.cut}")
        self._file_ended(signed_to, number)
        if self.closed and self.behind and not (self.unsealed or self.unsigned):
            # else it may be the end's own seal or signature, which is then missing
            text = f"something follows the end of the session: {self.cut}"
            torn = Line(path, number + 1, self._part, b"")
            self._fault(torn, "chain", text)

    def _still_there(self, first: Line) -> None:
        """The first line is the one that was read before: a writer may have begun a part since."""
        try:
            same = read_header(first.raw) == self.header
        except EvidenceError:
            same = False
        if not same:
            raise first.error("the file was changed while it was read; try again")

    def _seal(self, chain: Chain, line: Line) -> None:
        self.seals += 1
        if not chain.unsealed:
            raise line.error("a seal over nothing")
        if len(self.faults) > MAX_FAULTS:
            raise line.error("more faults before it than are worth telling")
        try:
            faults = chain.check(line.raw, line.number)
        except EvidenceError as error:
            raise line.error(error) from None
        self.faults += [FaultAt(line.path, "chain", fault) for fault in faults]

    def _signature(self, chain: Chain, line: Line) -> None:
        self.signatures += 1
        try:
            plain = parse_canonical(line.raw)
            if len(plain) != 2:
                raise EvidenceError("signature: unknown field")
            statement, key_id = opened(plain.get("envelope"))
            if key_id != self.header["signed"]:
                raise EvidenceError("signed by another key than the header says")
            if chain.unsealed or statement.head != chain.head.hex():
                raise EvidenceError("not a signature over the seal before it")
            if statement.part != self._part:
                raise EvidenceError("a signature over another part")
            if self.verifier is not None:
                self.verifier.check(plain["envelope"])
        except EvidenceError as error:
            self._fault(line, "signature", str(error))
        chain.add(line.raw, line.number)

    def _next_part(self, chain: Chain, line: Line, ended: bool) -> None:
        try:
            header = read_header(line.raw)
        except EvidenceError as error:
            raise line.error(error) from None
        if not ended:
            raise line.error("a header in the middle of a part")
        own = ("part", "previous")
        for name in sorted(header.keys() | self.header.keys()):
            if name not in own and header.get(name) != self.header.get(name):
                raise line.error(f"{_name(name)}: not as in the header of the part before")
        if header["part"] != self._part + 1:
            raise line.error(f"part {header['part']} follows part {self._part}")
        if header["previous"] != chain.head.hex():
            self._fault(line, "chain", "the part does not go on from the head of the one before")
        self._part += 1
        self.parts += 1
        self._chain = Chain(bytes.fromhex(header["previous"]), chain.steps_left)
        self._chain.add(line.raw, line.number)

    def _file_ended(self, signed_to: int, number: int) -> None:
        chain = self._chain
        if chain is None:
            return
        first, last = chain.unsealed_lines
        first += first == signed_to  # a signature stands behind the seal that it signs
        self.unsealed = (first, last) if 0 < first <= last else None
        if self.header["signed"]:
            from_line = signed_to + 1
            self.unsigned = (from_line, number) if from_line <= number else None

    def _fault(self, line: Line, check: str, text: str) -> None:
        self.faults.append(FaultAt(line.path, check, Fault(line.number, line.number, text)))


def open_walk(path: str | os.PathLike[str], verifier: Verifier | None = None) -> Walk:
    """A walk over the record at *path*, with the parts that stand beside it.

    A path that names an earlier part (`*.part-0001.*`) is walked alone.

    Raises:
        EvidenceError: it can't be read, is no dossier, or of a form that this version
            doesn't know. Iterating raises the same for later lines.
    """
    last = Path(path)
    headers = [_first(os.fspath(path))]
    paths = [os.fspath(path)]
    faults: list[FaultAt] = []
    if not is_earlier_part(last):
        for number in range(headers[0]["part"] - 1, 0, -1):
            before = part_path(last, number)
            if not os.path.lexists(before):
                break
            header, why = _of_part(before, number, headers[0]["format"])
            if header is None:
                text = f"the file where part {number} belongs is another one: {why}"
                faults.append(FaultAt(os.fspath(before), "chain", Fault(1, 1, text)))
                break
            headers.insert(0, header)
            paths.insert(0, os.fspath(before))
    return Walk(paths, headers[0], verifier, faults)


def _of_part(path: Path, number: int, form: int) -> tuple[Json | None, str]:
    """The header of the file where part *number* should stand; None if it isn't, and why."""
    try:
        header = _first(os.fspath(path))
    except LineError as error:
        return None, error.reason
    except EvidenceError as error:
        return None, str(error).removeprefix(f"{path}: ")
    if header["part"] != number:
        return None, f"it is part {header['part']}, of this record or of another"
    if header["format"] != form:
        return None, f"it is of format {header['format']}"
    return header, ""


def _name(name: str) -> str:
    """A field's name; one that is none of ours in a form that can be shown."""
    return name if name.isidentifier() and len(name) <= _LONGEST_NAME else short(name[:30])


def _first(path: str) -> Json:
    tail = _Tail()
    first = next(read_lines(path, tail), None)
    if first is None:
        raise EvidenceError(f"{path}: " + (tail.cut or "empty, no dossier"))
    try:
        return read_header(first[1])
    except EvidenceError as error:
        raise LineError(path, 1, str(error)) from None


def read_header(raw: bytes) -> Json:
    """A header line as an object, its structure checked; format 1 gets `part` and the like.

    Raises:
        EvidenceError: it is none, or of a form that this version doesn't know.
    """
    plain = parse(raw)
    if plain.get("type") != "header":
        raise EvidenceError("no dossier: its first line is no header")
    form = plain.get("format")
    if form not in FORMATS or type(form) is not int:
        known = " and ".join(map(str, FORMATS))
        text = f"format {short(form)} is not known; this version reads formats {known}"
        raise EvidenceError(text)
    if form == 1:
        return plain | {"part": 1, "previous": "", "signed": ""}
    parse_canonical(raw)
    part, previous, signed = plain.get("part"), plain.get("previous"), plain.get("signed")
    if type(part) is not int or not 0 < part < 10**9:
        raise EvidenceError("part: wants a number from 1 on")
    if type(previous) is not str or len(previous) != (0 if part == 1 else 64):
        raise EvidenceError("previous: wants the head of the part before, or nothing in the first")
    try:
        bytes.fromhex(previous)
    except ValueError:
        raise EvidenceError("previous: not a head") from None
    if type(signed) is not str:
        raise EvidenceError("signed: wants a text")
    return plain


class Tail(Protocol):
    """Where it is told how a file's end is missing.

    Attributes:
        cut: in words; None if it is whole.
        behind: something stands behind the last whole line: not only the end of the compressed
            stream around it is missing.
    """

    cut: str | None
    behind: bool


@attrs.define
class _Tail:
    cut: str | None = None
    behind: bool = False


def read_lines(path: str, tail: Tail) -> Iterator[tuple[int, bytes]]:
    """(number, bytes) of each whole line of a file; how the end is missing goes to *tail*.

    Raises:
        EvidenceError: it can't be read, is no regular file, or is damaged.
    """
    tail.cut, tail.behind = None, False
    try:
        with open_regular(path) as plain:
            magic = plain.read(len(MAGIC))
            plain.seek(0)
            if magic == MAGIC:
                bound = MAX_EXPANSION * max(4096, os.fstat(plain.fileno()).st_size)
                yield from _bounded(path, Gunzip(plain), tail, bound)
            else:
                yield from _bounded(path, plain, tail, MAX_FILE_BYTES)
    except OSError as error:
        raise EvidenceError(f"{path}: can't be read: {error.strerror or error}") from None


class _File(Protocol):
    def read1(self, size: int, /) -> bytes: ...


def _bounded(path: str, file: _File, tail: Tail, bound_bytes: int) -> Iterator[tuple[int, bytes]]:
    total_bytes = 0
    bound_bytes = min(bound_bytes, MAX_FILE_BYTES)
    for number, raw in enumerate(_lines(path, file, tail), 1):
        total_bytes += len(raw)
        if len(raw) > MAX_LINE_BYTES:
            raise LineError(path, number, f"longer than {MAX_LINE_BYTES} bytes")
        if raw[:1] != b"{":
            raise LineError(path, number, "not a JSON object")
        if total_bytes > bound_bytes:
            raise LineError(path, number, f"the file unpacks to more than {bound_bytes} bytes")
        if not raw.endswith(b"\n"):
            tail.cut = f"line {number} is cut off after {len(raw)} bytes"
            tail.behind = True
            return
        yield number, raw


def _lines(path: str, file: _File, tail: Tail) -> Iterator[bytes]:
    """The lines of *file*, the last one perhaps without its newline.

    One that is too long is given as far as it was read. Blocks are taken apart here: to ask a gzip
    file for each line would take several times as long.
    """
    number = 1
    begun: list[bytes] = []  # pieces of a line whose end was not read yet
    begun_bytes = 0
    while True:
        try:
            block = file.read1(_BLOCK_BYTES)
        except EOFError:
            tail.cut = "the compressed file ends early"
            another = isinstance(file, Gunzip) and file.streams > 1 and file.empty
            tail.behind = begun_bytes > 0 or another
            return
        except EvidenceError as error:
            raise LineError(path, number, str(error)) from None
        begun.append(block)
        begun_bytes += len(block)
        if block and b"\n" not in block and begun_bytes <= MAX_LINE_BYTES:
            continue
        *whole, rest = b"".join(begun).split(b"\n")
        for line in whole:
            yield line + b"\n"
        if rest and (not block or len(rest) > MAX_LINE_BYTES):
            yield rest
        if not block:
            return
        number += len(whole)
        begun, begun_bytes = [rest], len(rest)
