"""An authority, an issuer of mobile documents and a wallet, all of which can be told to misbehave."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from identity.jose.certified import MDL_DOCUMENT_SIGNER
from identity.mdoc.device_signature import signed_by_device
from tests.identity.parties import NOW, Party, party

Change = Callable[[Any], Any]


def _same(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Authority:
    """Whose certificate verifiers are given."""

    name: str
    key: EllipticCurvePrivateKey = field(repr=False, default_factory=lambda: generate_private_key(SECP256R1()))

    @property
    def anchor(self) -> x509.Certificate:
        builder = self._builder(self.name, self.key, NOW - timedelta(days=365), NOW + timedelta(days=365))
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        return builder.add_extension(constraints, critical=True).sign(self.key, SHA256())

    def certify(
        self,
        key: EllipticCurvePrivateKey,
        *,
        begins: datetime = NOW - timedelta(days=30),
        ends: datetime = NOW + timedelta(days=90),
        purpose: x509.ObjectIdentifier | None = MDL_DOCUMENT_SIGNER,
        signs: bool = True,
        authority: bool = False,
        names: Sequence[x509.GeneralName] = (),
    ) -> bytes:
        """A document signer's certificate, DER."""
        usage = [signs, False, False, False, False, not signs, False, False, False]
        builder = self._builder("document signer", key, begins, ends)
        builder = builder.add_extension(x509.KeyUsage(*usage), critical=True)
        if purpose is not None:
            builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=True)
        if authority:
            builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self.key, SHA256()).public_bytes(Encoding.DER)

    def _builder(
        self, subject: str, key: EllipticCurvePrivateKey, begins: datetime, ends: datetime
    ) -> x509.CertificateBuilder:
        names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in (subject, self.name)]
        builder = x509.CertificateBuilder().subject_name(names[0]).issuer_name(names[1]).public_key(key.public_key())
        return builder.serial_number(7).not_valid_before(begins).not_valid_after(ends)


AUTHORITY, ISSUER, DEVICE = Authority("authority"), party(), party()
assert isinstance(ISSUER.private_key, EllipticCurvePrivateKey)
CERTIFICATE = AUTHORITY.certify(ISSUER.private_key)


def cose_key(key: Party) -> dict[int, object]:
    numbers = key.private_key.public_key().public_numbers()  # type: ignore[union-attr]
    return {1: 2, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}


def sign1(
    signer: Party, payload: bytes, *, chain: Sequence[bytes] = (), detached: bool = False, algorithm: object = -7
) -> list[Any]:
    protected = cbor2.dumps({1: algorithm})
    signature = signer.signer.sign(cbor2.dumps(["Signature1", protected, b"", payload]))
    header = {33: chain[0] if len(chain) == 1 else list(chain)} if chain else {}
    return [protected, header, None if detached else payload, signature]


def tagged(value: object) -> cbor2.CBORTag:
    return cbor2.CBORTag(24, cbor2.dumps(value))


def item(number: int, name: str, value: object) -> dict[str, object]:
    return {"digestID": number, "random": bytes([number]) * 16, "elementIdentifier": name, "elementValue": value}


def answer(
    doctype: str,
    namespace: str,
    elements: Mapping[str, object],
    transcript: bytes,
    *,
    items: Change = _same,
    security: Change = _same,
    document: Change = _same,
    response: Change = _same,
    issuer: Party = ISSUER,
    chain: Sequence[bytes] = (CERTIFICATE,),
    device: Party = DEVICE,
    algorithm: object = -7,
) -> bytes:
    """A DeviceResponse. Each `Change` takes a part before what is around it is made, and gives what to put there."""
    issued = [tagged(item(number, name, value)) for number, (name, value) in enumerate(elements.items())]
    mso: dict[str, Any] = {
        "version": "1.0",
        "digestAlgorithm": "SHA-256",
        "valueDigests": {
            namespace: {number: hashlib.sha256(cbor2.dumps(tag)).digest() for number, tag in enumerate(issued)}
        },
        "deviceKeyInfo": {"deviceKey": cose_key(DEVICE)},
        "docType": doctype,
        "validityInfo": {
            "signed": NOW - timedelta(days=1),
            "validFrom": NOW - timedelta(days=1),
            "validUntil": NOW + timedelta(days=60),
        },
    }
    sealed = sign1(issuer, cbor2.dumps(tagged(security(mso))), chain=chain, algorithm=algorithm)
    added = cbor2.dumps({})
    proof = sign1(device, signed_by_device(doctype, transcript, added), detached=True)
    made: dict[str, Any] = {
        "docType": doctype,
        "issuerSigned": {"nameSpaces": {namespace: items(issued)}, "issuerAuth": sealed},
        "deviceSigned": {"nameSpaces": cbor2.CBORTag(24, added), "deviceAuth": {"deviceSignature": proof}},
    }
    return cbor2.dumps(response({"version": "1.0", "documents": [document(made)], "status": 0}))
