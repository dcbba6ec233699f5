"""Certification paths: what each authority above a leaf must allow, and which root a chain leads to.

Rules
- Each certificate is signed by the next, whose key it names. Whoever signs is an authority (CA:TRUE, keyCertSign),
  allows as many intermediates below it as there are, and the names of all that stands below it.
- The purposes that intermediates state leave one of those that the leaf is wanted for. An authority that states none
  allows all; what a root states of purposes binds nobody, for it is trusted as it stands.
- What is critical and unknown, or cannot be read, is refused.

Times are for others to check. RFC 5280, section 6; of its name constraints directory names, hosts and mail addresses
are understood, and a constraint on another kind of name refuses every such name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from keys.errors import CertificateMismatchError
from keys.profile import UNREADABLE, extension, named

Purposes = frozenset[x509.ObjectIdentifier]

ANY_PURPOSE: Final = ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE


def check_path(path: Sequence[x509.Certificate], purposes: Purposes, root: x509.Certificate | None = None) -> None:
    """Leaf first; `root` stands above the last of them. Raises CertificateMismatchError."""
    whole = [*path, root] if root else path
    try:
        for below, (issued, issuer) in enumerate(pairwise(whole)):
            if not is_issued_by(issued, issuer):
                raise CertificateMismatchError("the chain is broken: leaf first, then its intermediate")
            _require_authority(issuer, below)
            _require_names(issuer, whole[: below + 1])
        _require_purpose(path, purposes)
    except UNREADABLE as error:
        raise CertificateMismatchError(f"the chain of {named(path[0])} cannot be read [{error}]") from error


def led_to(
    chain: Sequence[x509.Certificate], roots: Iterable[x509.Certificate], purposes: Purposes
) -> x509.Certificate:
    """The one of these roots that stands above a part of the chain that begins with its leaf, where the path holds.

    Raises CertificateMismatchError with what is wrong with the last path that was tried.
    """
    fault = CertificateMismatchError(f"no known root stands above {named(chain[0])}")
    known = list(roots)
    for length, last in enumerate(chain, start=1):
        for root in (root for root in known if _stands_above(last, root)):
            try:
                check_path(chain[:length], purposes, root)
            except CertificateMismatchError as error:
                fault = error
            else:
                return root
    raise fault


def _stands_above(issued: x509.Certificate, root: x509.Certificate) -> bool:
    """By name first, which costs nothing; a name that cannot be read is nobody's."""
    try:
        return root.subject == issued.issuer and is_issued_by(issued, root)
    except UNREADABLE:
        return False


def is_issued_by(issued: x509.Certificate, issuer: x509.Certificate) -> bool:
    """By name, key identifier and signature."""
    try:
        issued.verify_directly_issued_by(issuer)
        return key_identifier(issuer) == (authority_key(issued) or key_identifier(issuer))
    except (InvalidSignature, TypeError, UnsupportedAlgorithm, *UNREADABLE):
        return False


def key_identifier(issuer: x509.Certificate) -> bytes:
    """How the certificates that it issued call its key (RFC 5280, section 4.2.1.1). Raises what UNREADABLE lists."""
    given = extension(issuer, x509.SubjectKeyIdentifier)
    return given.value.digest if given else x509.SubjectKeyIdentifier.from_public_key(issuer.public_key()).digest


def authority_key(issued: x509.Certificate) -> bytes:
    """How a certificate calls the key that signed it; empty where it does not say. Raises what UNREADABLE lists."""
    given = extension(issued, x509.AuthorityKeyIdentifier)
    return (given.value.key_identifier or b"") if given else b""


def _require_authority(certificate: x509.Certificate, below: int) -> None:
    constraints, usage = extension(certificate, x509.BasicConstraints), extension(certificate, x509.KeyUsage)
    if constraints is None or not constraints.value.ca or (usage is not None and not usage.value.key_cert_sign):
        raise CertificateMismatchError(f"{named(certificate)} in the chain is no certificate authority")
    if constraints.value.path_length is not None and constraints.value.path_length < below:
        raise CertificateMismatchError(f"{named(certificate)} allows fewer intermediates than the chain has")
    if any(one.critical and isinstance(one.value, x509.UnrecognizedExtension) for one in certificate.extensions):
        raise CertificateMismatchError(f"{named(certificate)} in the chain has a critical extension that is unknown")


def _require_purpose(path: Sequence[x509.Certificate], purposes: Purposes) -> None:
    left = purposes
    for certificate in path:
        stated = extension(certificate, x509.ExtendedKeyUsage)
        if stated is not None and ANY_PURPOSE not in stated.value:
            left &= frozenset(stated.value)
        if not left:
            raise CertificateMismatchError(
                f"{named(certificate)} in the chain is for other purposes; ask for one for emailProtection or "
                "documentSigning, under authorities that allow it"
            )


def _require_names(authority: x509.Certificate, below: Sequence[x509.Certificate]) -> None:
    found = extension(authority, x509.NameConstraints)
    if found is None:
        return
    permitted, excluded = found.value.permitted_subtrees or (), found.value.excluded_subtrees or ()
    for name in (name for certificate in below for name in _names(certificate)):
        bounds = [bound for bound in permitted if type(bound) is type(name)]
        within = any(_within(name, bound) for bound in bounds) or not bounds
        if not within or any(type(bound) is type(name) and _within(name, bound, unknown=True) for bound in excluded):
            raise CertificateMismatchError(f"{named(authority)} in the chain does not allow the name {name.value}")


def _names(certificate: x509.Certificate) -> Iterator[x509.GeneralName]:
    """Its subject, and its other names; a mail address in the subject counts as one (section 4.2.1.10)."""
    if certificate.subject.rdns:
        yield x509.DirectoryName(certificate.subject)
    for attribute in certificate.subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS):
        yield x509.RFC822Name(str(attribute.value))
    other = extension(certificate, x509.SubjectAlternativeName)
    yield from other.value if other else ()


def _within(name: x509.GeneralName, bound: x509.GeneralName, *, unknown: bool = False) -> bool:
    """Whether a name lies in a subtree of its kind; `unknown` where that kind is not understood."""
    match name, bound:
        case x509.DirectoryName(), x509.DirectoryName():
            wanted = _folded(bound.value)
            return _folded(name.value)[: len(wanted)] == wanted
        case x509.DNSName(), x509.DNSName():
            return _host_within(name.value, bound.value, below=True)
        case x509.RFC822Name(), x509.RFC822Name():
            if "@" in bound.value:
                return name.value.lower() == bound.value.lower()
            return _host_within(name.value.rpartition("@")[2], bound.value, below=False)
        case _:
            return unknown


def _host_within(host: str, bound: str, *, below: bool) -> bool:
    """`.example` is what stands below it; `example` is itself, and with `below` what stands below it too."""
    host, bound = host.lower(), bound.lower()
    if bound.startswith("."):
        return host.endswith(bound)
    return host == bound or (below and (not bound or host.endswith(f".{bound}")))


def _folded(name: x509.Name) -> list[frozenset[tuple[str, str]]]:
    """Attributes that differ in case or spaces alone are the same."""
    return [
        frozenset((one.oid.dotted_string, " ".join(str(one.value).split()).casefold()) for one in rdn)
        for rdn in name.rdns
    ]
