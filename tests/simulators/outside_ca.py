"""Somebody else's CA: a root, an intermediate, and leaves that are right unless one asks for a wrong one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from keys.chain import pem
from keys.profile import C2PA_CLAIM_SIGNING

DAY = timedelta(days=1)


def named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def usage(*, signs: bool = True, certifies: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=signs,
        content_commitment=not signs,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certifies,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


@dataclass
class Wish:
    """What a leaf shall be; as it stands, right."""

    begins: datetime
    ends: datetime
    is_authority: bool | None = False
    """None: it does not say."""

    usage: x509.KeyUsage | None = field(default_factory=usage)
    usage_is_critical: bool = True
    purposes: Sequence[x509.ObjectIdentifier] = (C2PA_CLAIM_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION)
    names_its_issuer: bool = True
    names_itself: bool = True
    key: CertificatePublicKeyTypes | None = None
    """Instead of the request's."""

    serial: int | None = None
    names: x509.SubjectAlternativeName | None = None
    as_if_by: ec.EllipticCurvePrivateKey | None = None
    """Whose key it names as its issuer's, instead of the issuer's."""


class OutsideCA:
    """`levels` intermediates stand between its root and a leaf; the last one issues."""

    def __init__(self, now: datetime, name: str = "Outside", levels: int = 1, path_length: int | None = None) -> None:
        self.now = now
        self.keys = [ec.generate_private_key(ec.SECP256R1())]
        self.certificates = [self._authority(f"{name} root", self.keys[0], None, path_length)]
        for level in range(levels):
            key = ec.generate_private_key(ec.SECP256R1())
            issuer = self.certificates[-1], self.keys[-1]
            self.certificates.append(self._authority(f"{name} {level}", key, issuer, None))
            self.keys.append(key)

    @property
    def root(self) -> str:
        return pem(self.certificates[:1])

    @property
    def intermediates(self) -> str:
        """As they follow a leaf."""
        return pem(self.certificates[:0:-1])

    def wish(self) -> Wish:
        return Wish(self.now - DAY, self.now + 90 * DAY)

    def issue(self, request: str, wish: Wish | None = None) -> str:
        """A chain for a request (PEM), leaf first, the root left out."""
        return self.leaf(request, wish or self.wish()) + self.intermediates

    def below(self, *extras: tuple[x509.ExtensionType, bool], path_length: int | None = None) -> OutsideCA:
        """A CA under this one, with further extensions, critical or not."""
        made, key = OutsideCA(self.now, levels=0), ec.generate_private_key(ec.SECP256R1())
        issuer = self.certificates[-1], self.keys[-1]
        certificate = self._authority("Outside below", key, issuer, path_length, extras)
        made.certificates, made.keys = [*self.certificates, certificate], [*self.keys, key]
        return made

    def leaf(self, request: str, wish: Wish) -> str:
        asked = x509.load_pem_x509_csr(request.encode())
        assert asked.is_signature_valid
        key, issuer = wish.key or asked.public_key(), self.keys[-1]
        builder = (
            x509.CertificateBuilder()
            .subject_name(asked.subject)
            .issuer_name(self.certificates[-1].subject)
            .public_key(key)
            .serial_number(wish.serial or x509.random_serial_number())
            .not_valid_before(wish.begins)
            .not_valid_after(wish.ends)
        )
        constraints = None if wish.is_authority is None else x509.BasicConstraints(wish.is_authority, None)
        issuer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key((wish.as_if_by or issuer).public_key())
        wanted: list[tuple[x509.ExtensionType | None, bool]] = [
            (constraints, True),
            (wish.usage, wish.usage_is_critical),
            (x509.ExtendedKeyUsage(wish.purposes) if wish.purposes else None, False),
            (issuer_id if wish.names_its_issuer else None, False),
            (x509.SubjectKeyIdentifier.from_public_key(key) if wish.names_itself else None, False),
            (wish.names, False),
        ]
        for extension, critical in wanted:
            if extension is not None:
                builder = builder.add_extension(extension, critical)
        return pem([builder.sign(issuer, SHA256())])

    def _authority(
        self,
        name: str,
        key: ec.EllipticCurvePrivateKey,
        issuer: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None,
        path_length: int | None,
        extras: Sequence[tuple[x509.ExtensionType, bool]] = (),
    ) -> x509.Certificate:
        by, signs = (issuer[0].subject, issuer[1]) if issuer else (named(name), key)
        builder = (
            x509.CertificateBuilder()
            .subject_name(named(name))
            .issuer_name(by)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.now - DAY)
            .not_valid_after(self.now + 3650 * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
            .add_extension(usage(signs=False, certifies=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signs.public_key()), critical=False)
        )
        for extension, critical in extras:
            builder = builder.add_extension(extension, critical)
        return builder.sign(signs, SHA256())
