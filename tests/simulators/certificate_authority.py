"""An authority that issues, revokes and answers for its certificates, truly or not as a test wants it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from keys.certificates import DevelopmentCA, development_ca
from keys.signer import Algorithm, KeyRef, Signer
from tests.loopback import Quiet, listening

DAY = timedelta(days=1)
_SIGNS = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


@dataclass(frozen=True)
class Listed:
    """One entry of a list."""

    at: datetime
    reason: x509.ReasonFlags | None = None
    invalid: datetime | None = None


@dataclass(frozen=True)
class Responder:
    """A delegated OCSP responder."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class SimulatedSigner:
    """Implements `keys.signer.Signer`."""

    ref: KeyRef
    algorithm: Algorithm
    key: ec.EllipticCurvePrivateKey
    public_key: bytes
    chain: str

    def sign(self, message: bytes) -> bytes:
        """As `keys.signer.Signer.sign`."""
        r, s = decode_dss_signature(self.key.sign(message, ec.ECDSA(SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


@dataclass
class CertificateAuthority:
    """A root, the intermediate that issues, and one claim signer's certificate."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    def __post_init__(self) -> None:
        self.made: DevelopmentCA = development_ca(self.now)
        self.key = ec.generate_private_key(ec.SECP256R1())
        der = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.chain = self.made.issue(der, self.now)
        self.leaf, self.issuer = x509.load_pem_x509_certificates(self.chain.encode())

    @property
    def signer(self) -> Signer:
        """Signs claims with the leaf."""
        der = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return SimulatedSigner(KeyRef("sigillo-claim", 1), Algorithm.ES256, self.key, der, self.chain)

    def listing(
        self,
        revoked: Mapping[int, Listed],
        *,
        number: int | None = 1,
        made: datetime | None = None,
        lasts: timedelta = DAY,
        extra: Callable[[x509.CertificateRevocationListBuilder], x509.CertificateRevocationListBuilder] = lambda to: to,
    ) -> bytes:
        """A revocation list by serial number, DER."""
        made = made or self.now
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.issuer.subject)
            .last_update(made)
            .next_update(made + lasts)
        )
        if number is not None:
            builder = builder.add_extension(x509.CRLNumber(number), critical=False)
        for serial, listed in revoked.items():
            builder = builder.add_revoked_certificate(_entry(serial, listed))
        return extra(builder).sign(self.made.key, SHA256()).public_bytes(Encoding.DER)

    def responder(
        self,
        *,
        uses: tuple[x509.ObjectIdentifier, ...] = (ExtendedKeyUsageOID.OCSP_SIGNING,),
        nocheck: bool = True,
        ends: timedelta = DAY,
    ) -> Responder:
        """A responder that this authority certified."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Simulated responder")]))
            .issuer_name(self.issuer.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.now - 2 * DAY)
            .not_valid_after(self.now + ends)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_SIGNS, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.made.key.public_key()), critical=False
            )
        )
        if uses:
            builder = builder.add_extension(x509.ExtendedKeyUsage(list(uses)), critical=False)
        if nocheck:
            builder = builder.add_extension(x509.OCSPNoCheck(), critical=False)
        return Responder(builder.sign(self.made.key, SHA256()), key)

    def answer(
        self,
        status: ocsp.OCSPCertStatus = ocsp.OCSPCertStatus.GOOD,
        *,
        by: Responder | None = None,
        about: x509.Certificate | None = None,
        nonce: bytes | None = None,
        made: datetime | None = None,
        lasts: timedelta | None = DAY,
        algorithm: HashAlgorithm | None = None,
        reason: x509.ReasonFlags | None = None,
    ) -> bytes:
        """An OCSP answer, DER; signed by the authority itself where nobody is named."""
        made = made or self.now
        revoked = status is ocsp.OCSPCertStatus.REVOKED
        builder = ocsp.OCSPResponseBuilder().add_response(
            about or self.leaf,
            self.issuer,
            algorithm or SHA1(),
            status,
            made,
            made + lasts if lasts is not None else None,
            made if revoked else None,
            reason,
        )
        if nonce is not None:
            builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
        if by is None:
            builder = builder.responder_id(ocsp.OCSPResponderEncoding.NAME, self.issuer)
            return builder.sign(self.made.key, SHA256()).public_bytes(Encoding.DER)
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, by.certificate).certificates([by.certificate])
        return builder.sign(by.key, SHA256()).public_bytes(Encoding.DER)


def _entry(serial: int, listed: Listed) -> x509.RevokedCertificate:
    builder = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(listed.at)
    if listed.reason is not None:
        builder = builder.add_extension(x509.CRLReason(listed.reason), critical=False)
    if listed.invalid is not None:
        builder = builder.add_extension(x509.InvalidityDate(listed.invalid), critical=False)
    return builder.build()


@dataclass
class Publication:
    """What is served over HTTP on 127.0.0.1, and what was asked."""

    answer: Callable[[bytes], bytes]
    """From a request's body (empty for a GET) to the answer."""

    status: int = 200
    asked: list[bytes] = field(default_factory=list, init=False)
    url: str = field(default="", init=False)


@contextmanager
def publishing(answer: Callable[[bytes], bytes]) -> Iterator[Publication]:
    """Serve while the block runs."""
    publication = Publication(answer)

    class Handler(Quiet, BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            publication.asked.append(body)
            content = publication.answer(body)
            self.send_response(publication.status)
            self.send_header("Location", publication.url)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_POST(self) -> None:
            self.do_GET()

    with listening(Handler) as url:
        publication.url = f"{url}/"
        yield publication
