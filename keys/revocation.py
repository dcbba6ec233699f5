"""Revoked certificates: which, since when and why; and the signed lists in which their issuers say so.

Rules
- A list counts once it is whole, its issuer's signature holds, and it is of today: not from the future, and not older
  than the last one from there, nor another issuer's than that. A stale list still revokes; it no longer says that
  others are good.
- What only some certificates or changes are in (a delta, an indirect list, one for some reasons) is refused: who is not
  in it may be revoked all the same.
- A signature seen before `since` holds: the invalidity date where the issuer gives one, else the revocation itself.

RFC 5280, section 5; C2PA Technical Specification 2.4, "Validate the credential revocation information".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from keys.chain import rfc3339
from keys.errors import RevocationRefusedError
from keys.path import authority_key, key_identifier
from keys.profile import UNREADABLE

SKEW: Final = timedelta(minutes=5)
"""How far the issuer's clock may be ahead of ours."""

MAX_REVOKED: Final = 1000
"""In one list. They travel with each file to its worker, whose requests hold a megabyte."""

_UNKNOWN_ISSUER: Final = "is not signed by an authority we know; name its certificate in SIGILLO_REVOCATION_ISSUERS"


class Reason(StrEnum):
    """Why, by the names of RFC 5280, section 5.3.1."""

    UNSPECIFIED = "unspecified"
    KEY_COMPROMISE = "keyCompromise"
    CA_COMPROMISE = "cACompromise"
    AFFILIATION_CHANGED = "affiliationChanged"
    SUPERSEDED = "superseded"
    CESSATION = "cessationOfOperation"
    HOLD = "certificateHold"
    """Counts as any other: what is on hold may turn out to have been stolen."""

    PRIVILEGE_WITHDRAWN = "privilegeWithdrawn"
    AA_COMPROMISE = "aACompromise"


@dataclass(frozen=True)
class IssuerAndSerial:
    """What names a certificate (RFC 5280, section 4.1.2.2)."""

    issuer: str
    """The common name of who issued it; the organization, where that has no other."""

    serial: int
    issuer_key: str = ""
    """Key identifier of who issued it, hexadecimal: authorities may share a name. Empty where it is unknown."""

    @classmethod
    def of(cls, certificate: x509.Certificate) -> Self:
        """The name of a certificate. Raises what `keys.profile.UNREADABLE` lists."""
        return cls(authority(certificate.issuer), certificate.serial_number, authority_key(certificate).hex())

    def names(self, other: Self) -> bool:
        """Whether both are of one certificate: by the issuer's key, or its name where one does not know that key."""
        if self.issuer_key and other.issuer_key:
            return (self.serial, self.issuer_key) == (other.serial, other.issuer_key)
        return (self.serial, self.issuer) == (other.serial, other.issuer)


@dataclass(frozen=True)
class Revocation:
    """One certificate's."""

    certificate: IssuerAndSerial
    at: datetime
    since: datetime
    """What was signed from here on is not trusted."""

    reason: Reason

    @classmethod
    def of(
        cls,
        certificate: IssuerAndSerial,
        at: datetime,
        reason: x509.ReasonFlags | None,
        invalid: datetime | None = None,
    ) -> Self:
        """As an issuer gives it."""
        since = at if invalid is None else min(at, invalid)
        return cls(certificate, at, since, Reason(reason.value) if reason else Reason.UNSPECIFIED)

    def __str__(self) -> str:
        earlier = f", for what was signed since {rfc3339(self.since)}" if self.since < self.at else ""
        return f"revoked on {rfc3339(self.at)} ({self.reason}){earlier}"


@dataclass(frozen=True)
class RevocationList:
    """All that one authority has revoked."""

    issuer: str
    number: int
    """Grows from one to the next; 0 where the issuer does not count."""

    made: datetime
    good_until: datetime
    """Its nextUpdate: until then it says that who is not in it is good."""

    issuer_key: str
    """Key identifier of who signed it, hexadecimal: as in the certificates that it speaks for."""

    revoked: Mapping[int, Revocation] = field(repr=False)
    """By serial number."""

    @classmethod
    def of(cls, data: bytes, issuers: Iterable[x509.Certificate], now: datetime) -> Self:
        """Read a list, DER or PEM, of one of these authorities. Raises RevocationRefusedError."""
        try:
            crl = x509.load_pem_x509_crl(data) if b"-----BEGIN" in data[:64] else x509.load_der_x509_crl(data)
            _check_whole(crl)
            signers = (issuer for issuer in issuers if issuer.subject == crl.issuer and _signed(crl, issuer))
            signer = next(signers, None)
            if signer is None:
                raise RevocationRefusedError(f"the list of {crl.issuer.rfc4514_string()!r} {_UNKNOWN_ISSUER}")
            number = next((one.value.crl_number for one in crl.extensions if isinstance(one.value, x509.CRLNumber)), 0)
            made, until = crl.last_update_utc, _next_update(crl)
            key = key_identifier(signer).hex()
            read = cls(authority(crl.issuer), number, made, until, key, _entries(crl, key))
        except UNREADABLE as error:
            raise RevocationRefusedError(
                f"this is no certificate revocation list that can be read ({error})"
            ) from error
        if read.made > now + SKEW:
            raise RevocationRefusedError(f"the list of {read.issuer!r} is from the future: correct a clock")
        return read

    def check_after(self, kept: Self) -> None:
        """Raises RevocationRefusedError if it is older than the one that was kept, or another authority's.

        Whoever is on the way could put another's in its place, and so take back what this one revoked.
        """
        if self.issuer_key != kept.issuer_key:
            raise RevocationRefusedError(
                f"the list is of another authority ({self.issuer!r}) than the one we have ({kept.issuer!r}): each has "
                "an address of its own; if a new authority took its place, delete ours and restart"
            )
        if (self.number, self.made) < (kept.number, kept.made):
            raise RevocationRefusedError(
                f"the list of {self.issuer!r} is older (number {self.number}) than the one we have ({kept.number}): "
                "somebody put an old one back, or the authority began anew; then delete ours"
            )

    def speaks_for(self, leaf: x509.Certificate) -> bool:
        """Whether it would say if this certificate were revoked."""
        return authority_key(leaf).hex() == self.issuer_key


def authority(name: x509.Name) -> str:
    """How an issuer is called here: as readers call it."""
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME) or name.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return str(found[0].value) if found else ""


def _check_whole(crl: x509.CertificateRevocationList) -> None:
    if len(crl) > MAX_REVOKED:
        raise RevocationRefusedError(f"a list of {len(crl)} certificates, at most {MAX_REVOKED} can be looked up")
    for extension in crl.extensions:
        scope = extension.value
        partial = isinstance(scope, x509.DeltaCRLIndicator) or (
            isinstance(scope, x509.IssuingDistributionPoint)
            and bool(
                scope.indirect_crl
                or scope.only_contains_ca_certs
                or scope.only_contains_attribute_certs
                or scope.only_some_reasons
            )
        )
        if partial or (extension.critical and isinstance(scope, x509.UnrecognizedExtension)):
            raise RevocationRefusedError("the list does not cover all certificates of its issuer: give the full one")


def _signed(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    key = issuer.public_key()
    usage = next((one.value for one in issuer.extensions if isinstance(one.value, x509.KeyUsage)), None)
    may = usage is None or usage.crl_sign
    known = (ec.EllipticCurvePublicKey, ed25519.Ed25519PublicKey, rsa.RSAPublicKey)
    return may and isinstance(key, known) and crl.is_signature_valid(key)


def _next_update(crl: x509.CertificateRevocationList) -> datetime:
    if crl.next_update_utc is None:
        raise RevocationRefusedError("the list does not say until when it is good (nextUpdate)")
    return crl.next_update_utc


def _entries(crl: x509.CertificateRevocationList, key: str) -> dict[int, Revocation]:
    issuer = authority(crl.issuer)
    return {one.serial_number: _entry(IssuerAndSerial(issuer, one.serial_number, key), one) for one in crl}


def _entry(certificate: IssuerAndSerial, entry: x509.RevokedCertificate) -> Revocation:
    said = {type(extension.value): extension.value for extension in entry.extensions}
    reason, invalid = said.get(x509.CRLReason), said.get(x509.InvalidityDate)
    return Revocation.of(
        certificate,
        entry.revocation_date_utc,
        reason.reason if isinstance(reason, x509.CRLReason) else None,
        invalid.invalidity_date_utc if isinstance(invalid, x509.InvalidityDate) else None,
    )
