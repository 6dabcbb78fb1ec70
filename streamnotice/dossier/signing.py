"""Ed25519 signatures over a record's heads, in DSSE envelopes.

What is signed is the chain's head (`streamnotice.dossier.chain`), and with it every byte before
it. The envelope is DSSE (github.com/secure-systems-lab/dsse, protocol 1): the signature is over

    "DSSEv1" SP length(type) SP type SP length(payload) SP payload

so that it can't be taken for a signature over something else, and any DSSE tool can check it.
Keys are PEM files (PKCS #8 and SubjectPublicKeyInfo), as OpenSSL writes them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from streamnotice.dossier.codec import Json, canonical, parse_canonical
from streamnotice.dossier.regular import open_regular
from streamnotice.errors import EvidenceError, HostError, MissingExtraError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

PAYLOAD_TYPE: Final = "application/vnd.streamnotice.head+json"
SIGN_AFTER_NS: Final = 60_000_000_000
"""A head is signed each time that so much of the session has gone by."""
_KEY_BYTES: Final = 65_536


@attrs.frozen
class Statement:
    """What a signature vouches for.

    Attributes:
        head: the chain's head, 64 hex digits.
        part: number of the part that it lies in.
    """

    head: str
    part: int

    def payload(self) -> bytes:
        return canonical({"head": self.head, "part": self.part})


class Signer:
    """Signs heads with a private key.

    Attributes:
        key_id: the public key's, 16 hex digits: the start of the SHA-256 of its raw bytes.
    """

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.key_id = _key_id(key.public_key())

    def envelope(self, statement: Statement) -> Json:
        """The DSSE envelope around *statement*."""
        payload = statement.payload()
        signature = self._key.sign(_to_sign(PAYLOAD_TYPE, payload))
        return {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [
                {"keyid": self.key_id, "sig": base64.b64encode(signature).decode()},
            ],
        }


@attrs.frozen
class Verifier:
    """Checks envelopes against one public key.

    Attributes:
        key_id: as the signer's.
    """

    key_id: str
    _key: Ed25519PublicKey

    def check(self, envelope: Any) -> None:
        """EvidenceError if *envelope* bears no right signature of this key."""
        from cryptography.exceptions import InvalidSignature

        payload, key_id, signature = _opened(envelope)
        if key_id != self.key_id:
            raise EvidenceError(f"signed by the key {key_id[:64]}, not by {self.key_id}")
        try:
            self._key.verify(signature, _to_sign(PAYLOAD_TYPE, payload))
        except InvalidSignature:
            raise EvidenceError(f"not a signature of the key {self.key_id}") from None


def load_signer(path: str | os.PathLike[str]) -> Signer:
    """The signer with the private key in the PEM file *path*.

    Raises:
        HostError: it can't be read, or is no Ed25519 private key without a pass phrase.
        MissingExtraError: `cryptography` is not installed.
    """
    serialization, ed25519 = _cryptography()
    try:
        key = serialization.load_pem_private_key(_read(path), password=None)
    except (ValueError, TypeError, _unsupported()) as error:
        raise HostError(
            f"{os.fspath(path)}: no private key that can be used: {_words(error)}"
        ) from None
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise HostError(f"{os.fspath(path)}: not an Ed25519 private key")
    return Signer(key)


def load_verifier(path: str | os.PathLike[str]) -> Verifier:
    """What checks against the public key in the PEM file *path*.

    Raises:
        HostError: it can't be read, or is no Ed25519 key.
        MissingExtraError: `cryptography` is not installed.
    """
    serialization, ed25519 = _cryptography()
    data = _read(path)
    if b"PRIVATE KEY" in data:
        raise HostError(f"{os.fspath(path)}: a private key; checking wants the public one (.pub)")
    try:
        key = serialization.load_pem_public_key(data)
    except (ValueError, TypeError, _unsupported()) as error:
        raise HostError(f"{os.fspath(path)}: no public key: {_words(error)}") from None
    if not isinstance(key, ed25519.Ed25519PublicKey):
        raise HostError(f"{os.fspath(path)}: not an Ed25519 public key")
    return Verifier(_key_id(key), key)


def make_key(path: str | os.PathLike[str]) -> tuple[Path, Path, str]:
    """Make a pair of keys: the private one in *path* (owner only), the public one in `*path*.pub`.

    Returns:
        Both paths, and the key's id.

    Raises:
        HostError: a file is there already, or can't be written.
        MissingExtraError: `cryptography` is not installed.
    """
    serialization, ed25519 = _cryptography()
    key = ed25519.Ed25519PrivateKey.generate()
    private, public = Path(path), Path(os.fspath(path) + ".pub")
    _write_new(
        private,
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
        0o600,
    )
    try:
        _write_new(
            public,
            key.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            ),
            0o644,
        )
    except HostError:
        private.unlink()  # half a pair is none, and would be in the way of the next
        raise
    return private, public, _key_id(key.public_key())


def _write_new(target: Path, data: bytes, mode: int) -> None:
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        raise HostError(f"{target} is there already; a key is never overwritten") from None
    except OSError as error:
        raise HostError(f"can't write the key {target}: {error.strerror or error}") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def opened(envelope: Any) -> tuple[Statement, str]:
    """What *envelope* states and the id of the key that it claims, none of it checked.

    Raises:
        EvidenceError: it is no envelope around a statement.
    """
    payload, key_id, _ = _opened(envelope)
    plain = parse_canonical(payload + b"\n")
    head, part = plain.get("head"), plain.get("part")
    if plain.keys() != {"head", "part"} or type(head) is not str or type(part) is not int:
        raise EvidenceError("the envelope holds no statement about a head")
    return Statement(head, part), key_id


def _opened(envelope: Any) -> tuple[bytes, str, bytes]:
    try:
        if envelope["payloadType"] != PAYLOAD_TYPE or len(envelope) != 3:
            raise EvidenceError("the envelope is of another type")
        payload = _unbase64(envelope["payload"])
        signatures = [
            (_text(one["keyid"]), _unbase64(one["sig"])) for one in envelope["signatures"]
        ]
        if len(signatures) != 1 or len(envelope["signatures"][0]) != 2:
            raise EvidenceError("the envelope bears not just one signature")
    except (KeyError, TypeError, ValueError, binascii.Error):
        raise EvidenceError("not a DSSE envelope") from None
    return payload, *signatures[0]


def _unbase64(text: Any) -> bytes:
    data = base64.b64decode(_text(text), validate=True)
    if base64.b64encode(data).decode() != text:
        raise ValueError("more than one way to write it")
    return data


def _text(value: Any) -> str:
    if type(value) is not str:
        raise TypeError("wants a text")
    return value


def _to_sign(kind: str, payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding."""
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)


def _key_id(key: Ed25519PublicKey) -> str:
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


def _cryptography() -> tuple[Any, Any]:
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError:
        raise MissingExtraError("signing", "sign") from None
    return serialization, ed25519


def _unsupported() -> type[Exception]:
    from cryptography.exceptions import UnsupportedAlgorithm

    found: type[Exception] = UnsupportedAlgorithm
    return found


def _words(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def _read(path: str | os.PathLike[str]) -> bytes:
    try:
        with open_regular(path, handed=True) as file:
            return file.read(_KEY_BYTES)
    except OSError as error:
        raise HostError(
            f"{os.fspath(path)}: the key can't be read: {error.strerror or error}"
        ) from None
