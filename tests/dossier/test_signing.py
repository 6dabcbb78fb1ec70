"""Signatures: DSSE envelopes over the chain's heads, checked against a key by name."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import stat
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from hypothesis import given
from hypothesis import strategies as st
from recorded import at, changed, forged, record, resealed
from retold import retold

from streamnotice.dossier.record import Recorder
from streamnotice.dossier.signing import (
    Signer,
    Verifier,
    load_signer,
    load_verifier,
    make_key,
    opened,
)
from streamnotice.dossier.verify import verify
from streamnotice.engine import Engine
from streamnotice.errors import EvidenceError, HostError
from streamnotice.policy import Policy


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Signer, Verifier, Path]:
    path = tmp_path_factory.mktemp("keys") / "key"
    private, public, key_id = make_key(path)
    signer, verifier = load_signer(private), load_verifier(public)
    assert signer.key_id == verifier.key_id == key_id
    return signer, verifier, public


def _saved(tmp_path: Path, lines: list[bytes]) -> Path:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"".join(lines))
    return path


def test_a_signed_record_verifies(tmp_path: Path, keys: tuple[Signer, Verifier, Path]) -> None:
    signer, verifier, _ = keys
    record(stream=tmp_path / "a.jsonl.gz", signer=signer)
    found = verify(tmp_path / "a.jsonl.gz", verifier)
    assert (found.outcome, found.findings) == ("verified", [])
    assert [note.partition(":")[0] for note in found.notes] == ["no text is on record for n1"]
    assert found.signatures >= 1
    without = verify(tmp_path / "a.jsonl.gz")
    assert without.outcome == "verified"
    assert signer.key_id in without.notes[0]


def test_the_last_signature_is_over_the_last_head_by_the_letter_of_dsse(
    keys: tuple[Signer, Verifier, Path],
) -> None:
    """Checked here by hand, as another tool would."""
    signer, _, public = keys
    *_, seal, signature = map(json.loads, record(signer=signer).lines())
    envelope = signature["envelope"]
    payload = base64.b64decode(envelope["payload"])
    assert json.loads(payload) == {"head": seal["head"], "part": 1}
    kind = envelope["payloadType"].encode()
    signed = b" ".join(
        [b"DSSEv1", str(len(kind)).encode(), kind, str(len(payload)).encode(), payload]
    )
    key = load_pem_public_key(public.read_bytes())
    key.verify(base64.b64decode(envelope["signatures"][0]["sig"]), signed)  # type: ignore[union-attr,call-arg]
    raw = key.public_bytes_raw()  # type: ignore[union-attr]
    assert envelope["signatures"][0]["keyid"] == hashlib.sha256(raw).hexdigest()[:16]


def test_a_forger_without_the_key_can_not_hide(
    tmp_path: Path, keys: tuple[Signer, Verifier, Path]
) -> None:
    """All seals computed anew: unsigned that passes the chain, signed it does not."""
    signer, verifier, _ = keys
    lines = record(signer=signer).lines()
    at = next(n for n, line in enumerate(lines) if b'"buffer_ns":8750000000' in line)
    lines[at] = changed(lines[at], position_ns=1)
    found = verify(_saved(tmp_path, resealed(lines)), verifier)
    assert found.outcome == "failed"
    assert {one.check for one in found.findings} == {"signature"}
    assert all(b'"signature"' in lines[one.first - 1] for one in found.findings)


def test_taken_off_signatures_are_missed(
    tmp_path: Path, keys: tuple[Signer, Verifier, Path]
) -> None:
    signer, verifier, _ = keys
    bare = [line for line in record(signer=signer).lines() if b'"signature"' not in line]
    for lines in (bare, [changed(bare[0], signed=""), *bare[1:]]):
        found = verify(_saved(tmp_path, resealed(lines)), verifier)
        assert found.outcome == "failed"
        assert found.findings[0].check == "signature"
    assert verify(_saved(tmp_path, resealed(bare))).findings[0].check == "signature"


def test_another_key_is_not_enough(tmp_path: Path, keys: tuple[Signer, Verifier, Path]) -> None:
    other, public, _ = make_key(tmp_path / "other")
    path = _saved(tmp_path, record(signer=keys[0]).lines())
    found = verify(path, load_verifier(public))
    assert found.outcome == "failed"
    assert "signed by the key" in found.findings[0].text
    # signed anew by the other key, the record says so in its header
    forged = _saved(tmp_path, record(signer=load_signer(other)).lines())
    assert verify(forged, keys[1]).outcome == "failed"


def test_an_unsigned_record_does_not_pass_for_a_signed_one(
    tmp_path: Path, keys: tuple[Signer, Verifier, Path]
) -> None:
    found = verify(_saved(tmp_path, record().lines()), keys[1])
    assert [one.text for one in found.findings] == ["the record is not signed"]


def test_a_private_key_is_for_its_owner_alone_and_never_overwritten(tmp_path: Path) -> None:
    private, public, _ = make_key(tmp_path / "k")
    if os.name == "posix":
        assert stat.S_IMODE(private.stat().st_mode) == 0o600
    before = private.read_bytes(), public.read_bytes()
    with pytest.raises(HostError, match="is there already"):
        make_key(tmp_path / "k")
    assert (private.read_bytes(), public.read_bytes()) == before


def test_half_a_pair_of_keys_is_not_left_behind(tmp_path: Path) -> None:
    (tmp_path / "k.pub").write_bytes(b"somebody's")
    with pytest.raises(HostError, match=r"k\.pub is there already"):
        make_key(tmp_path / "k")
    assert [path.name for path in tmp_path.iterdir()] == ["k.pub"]
    assert (tmp_path / "k.pub").read_bytes() == b"somebody's"


@pytest.mark.needs("openssl")
def test_keys_are_those_of_openssl(tmp_path: Path) -> None:
    private, public = tmp_path / "k.pem", tmp_path / "k.pub"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", private], check=True)
    subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out", public], check=True)
    path = _saved(tmp_path, record(signer=load_signer(private)).lines())
    assert verify(path, load_verifier(public)).outcome == "verified"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "the key can't be read"),
        (b"", "no private key"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "no private key"),
    ],
)
def test_a_bad_key_is_one_clear_error(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(HostError, match=words) as caught:
        load_signer(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
    with pytest.raises(HostError):
        load_verifier(path)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(json_values, json_values, json_values)
def test_any_envelope_is_read_or_one_error(one: object, two: object, three: object) -> None:
    kind = "application/vnd.streamnotice.head+json"
    for envelope in (
        one,
        {"payload": one, "payloadType": two, "signatures": three},
        {"payload": one, "payloadType": kind, "signatures": [{"keyid": two, "sig": three}]},
        {"payload": "e30=", "payloadType": kind, "signatures": [{"keyid": "x", "sig": one}]},
    ):
        with pytest.raises(EvidenceError):
            opened(envelope)


# -- what no signature covers -----------------------------------------------------------------


@pytest.fixture(scope="module")
def shown(
    tmp_path_factory: pytest.TempPathFactory, keys: tuple[Signer, Verifier, Path]
) -> list[bytes]:
    """A signed session in which notices were shown."""
    path = retold("home-slow", tmp_path_factory.mktemp("shown") / "a.jsonl", signer=keys[0])
    return path.read_bytes().splitlines(keepends=True)


def test_an_open_record_without_any_signature_is_not_vouched_for(
    tmp_path: Path, keys: tuple[Signer, Verifier, Path], shown: list[bytes]
) -> None:
    for lines in (forged(shown), record(signer=keys[0]).lines()[:30]):
        found = verify(_saved(tmp_path, lines), keys[1])
        assert not found.signatures
        assert found.outcome == "failed"
        assert "signature" in {one.check for one in found.findings}


def test_a_text_behind_the_last_signature_is_missed_there(
    tmp_path: Path, keys: tuple[Signer, Verifier, Path], shown: list[bytes]
) -> None:
    """Genuine up to a signature, the rest made up: what a viewer sees is signed at once."""
    signed = at(b'"type":"signature"', shown)
    lines = forged(shown, signed + 1)
    for verifier in (keys[1], None):
        found = verify(_saved(tmp_path, lines), verifier)
        assert found.outcome == "failed"
        (finding,) = [one for one in found.findings if one.check == "signature"]
        assert (finding.first, finding.last) == (signed + 2, len(lines)) == found.unsigned
        assert "is signed at once" in finding.text


def test_an_end_without_a_signature_is_a_minute_at_most(
    tmp_path: Path, keys: tuple[Signer, Verifier, Path]
) -> None:
    """What a killed writer leaves holds; a longer stretch had its signatures taken out."""
    signer, verifier, _ = keys
    header = record(close=False).header
    for seconds, outcome in ((55, "partial"), (110, "partial"), (240, "failed")):
        recorder = Recorder(header, 1_000_000, tmp_path / "live.jsonl", signer=signer)
        engine = Engine(Policy().settings())
        for second in range(seconds):
            recorder.tick(second * 10**9)
            recorder.events(engine.tick(second * 10**9))
        lines = (tmp_path / "live.jsonl").read_bytes().splitlines(keepends=True)
        if outcome == "failed":  # all but the first are taken out
            lines = forged(lines, at(b'"type":"signature"', lines) + 1)
        found = verify(_saved(tmp_path, lines), verifier if seconds > 60 else None)
        assert found.outcome == outcome, found.findings
        tail = [one for one in found.findings if "no signature stands behind" in one.text]
        assert [one.check for one in tail] == ["end" if outcome == "partial" else "signature"]


def test_a_key_in_a_pipe_that_nobody_writes_to_is_an_error(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "k")
    for load in (load_signer, load_verifier):
        with pytest.raises(HostError, match=r"k: the key can't be read: not a regular file"):
            load(tmp_path / "k")


def test_a_key_may_come_through_a_pipe_that_is_open(
    tmp_path: Path, keys: tuple[Signer, Verifier, Path]
) -> None:
    reading, writing = os.pipe()
    os.write(writing, keys[2].read_bytes())
    os.close(writing)
    try:
        assert load_verifier(f"/dev/fd/{reading}").key_id == keys[1].key_id
    finally:
        os.close(reading)
