"""An RFC 3161 time-stamp authority on 127.0.0.1: real requests, real CMS signatures, and faults on demand.

It answers as a public authority would. A test makes it lie by `twist` (the TSTInfo before it is signed), by `spoil`
(the answer after), or by how it is reached: `delay`, `status`, `headers`.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any, Final

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from keys.clock import Clock, system_clock
from tests.loopback import Quiet, listening

POLICY: Final = "1.3.6.1.4.1.13762.3"
MAX_REQUEST_BYTES: Final = 4096
REPLY: Final = "application/timestamp-reply"


@dataclass
class TimeStampAuthority:
    """One authority under a root of its own; `serving` puts it on a port."""

    name: str = "Simulated time-stamps"
    clock: Clock = system_clock
    critical: bool = True
    """Whether its certificate says as strictly as RFC 3161 section 2.3 wants what it is for."""

    usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.TIME_STAMPING
    granted: str = "granted"
    twist: Callable[[dict[str, Any]], object] = lambda _: None
    spoil: Callable[[bytes], bytes] = lambda answer: answer
    delay: Callable[[], object] = lambda: None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    asked: list[bytes] = field(default_factory=list, init=False)
    """Every request, as it came."""

    url: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self._root_key, self._key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        self.root = self._issue(f"{self.name} root", self._root_key, authority=True)
        self._leaf = self._issue(self.name, self._key, authority=False)

    @property
    def anchors(self) -> str:
        """Its root, PEM."""
        return self.root.public_bytes(Encoding.PEM).decode()

    def answer(self, request: bytes) -> bytes:
        """A TimeStampResp (RFC 3161, section 2.4.2), DER."""
        asked = tsp.TimeStampReq.load(request, strict=True)
        said: dict[str, Any] = {
            "version": "v1",
            "policy": POLICY,
            "message_imprint": asked["message_imprint"],
            "serial_number": secrets.randbits(63),
            "gen_time": self.clock().replace(microsecond=0),
            "nonce": asked["nonce"].native,
        }
        self.twist(said)
        token = self._signed(tsp.TSTInfo(said).dump())
        response = tsp.TimeStampResp({"status": {"status": self.granted}, "time_stamp_token": token})
        return self.spoil(response.dump())

    def _signed(self, content: bytes) -> cms.ContentInfo:
        leaf = asn1_x509.Certificate.load(self._leaf.public_bytes(Encoding.DER))
        digest = algos.DigestAlgorithm({"algorithm": "sha256"})
        names = tsp.ESSCertIDv2({"cert_hash": hashlib.sha256(leaf.dump()).digest()})
        attributes = cms.CMSAttributes(
            [
                cms.CMSAttribute({"type": "content_type", "values": ["tst_info"]}),
                cms.CMSAttribute({"type": "message_digest", "values": [hashlib.sha256(content).digest()]}),
                cms.CMSAttribute(
                    {"type": "signing_certificate_v2", "values": [tsp.SigningCertificateV2({"certs": [names]})]}
                ),
            ]
        )
        signer = cms.SignerInfo(
            {
                "version": "v1",
                "sid": cms.IssuerAndSerialNumber({"issuer": leaf.issuer, "serial_number": leaf.serial_number}),
                "digest_algorithm": digest,
                "signed_attrs": attributes,
                "signature_algorithm": {"algorithm": "sha256_ecdsa"},
                "signature": self._key.sign(attributes.dump(), ec.ECDSA(SHA256())),
            }
        )
        signed = cms.SignedData(
            {
                "version": "v3",
                "digest_algorithms": [digest],
                "encap_content_info": {
                    "content_type": "tst_info",
                    "content": core.ParsableOctetString(content),
                },
                "certificates": [leaf],
                "signer_infos": [signer],
            }
        )
        return cms.ContentInfo({"content_type": "signed_data", "content": signed})

    def _issue(self, name: str, key: ec.EllipticCurvePrivateKey, *, authority: bool) -> x509.Certificate:
        now, issuer_key = self.clock(), self._root_key.public_key()
        builder = (
            x509.CertificateBuilder()
            .subject_name(_named(name))
            .issuer_name(_named(f"{self.name} root"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=30))
            .not_valid_after(now + timedelta(days=3650))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(_key_usage(authority=authority), critical=True)
        )
        if not authority:
            builder = builder.add_extension(x509.ExtendedKeyUsage([self.usage]), critical=self.critical)
        return builder.sign(self._root_key, SHA256())


@contextmanager
def serving(authority: TimeStampAuthority) -> Iterator[TimeStampAuthority]:
    """The authority on a port of its own while the block runs."""

    class Handler(Quiet, BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = self.rfile.read(min(int(self.headers["Content-Length"]), MAX_REQUEST_BYTES))
            authority.asked.append(request)
            authority.delay()
            answer = authority.answer(request)
            self.send_response(authority.status)
            self.send_header("Content-Type", REPLY)
            self.send_header("Content-Length", str(len(answer)))
            for name, value in authority.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)

    with listening(Handler) as url:
        authority.url = f"{url}/"
        yield authority


def _named(name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Simulated"),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )
