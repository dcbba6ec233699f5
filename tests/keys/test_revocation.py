"""Revocation lists: what is read from them, and what makes one worth nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from keys.errors import RevocationRefusedError
from keys.revocation import MAX_REVOKED, SKEW, IssuerAndSerial, Reason, RevocationList
from tests.simulators.certificate_authority import DAY, CertificateAuthority, Listed

_Builder = x509.CertificateRevocationListBuilder


@pytest.fixture(scope="module")
def authority() -> CertificateAuthority:
    return CertificateAuthority()


def read(authority: CertificateAuthority, data: bytes) -> RevocationList:
    return RevocationList.of(data, [authority.made.root, authority.issuer], authority.now)


def test_it_says_who_is_revoked_since_when_and_why(authority: CertificateAuthority) -> None:
    now, leaf = authority.now, authority.leaf
    listed = Listed(now - DAY, x509.ReasonFlags.key_compromise, now - 3 * DAY)
    found = read(authority, authority.listing({leaf.serial_number: listed, 7: Listed(now)}, number=12))
    revocation = found.revoked[leaf.serial_number]
    assert revocation.certificate == IssuerAndSerial.of(leaf)
    assert (revocation.at, revocation.since) == (now - DAY, now - 3 * DAY)
    assert revocation.reason is Reason.KEY_COMPROMISE
    assert found.revoked[7].since == now
    assert found.revoked[7].reason is Reason.UNSPECIFIED
    assert (found.number, found.made, found.good_until) == (12, now, now + DAY)


def test_it_speaks_for_its_own_issuers_certificates_alone(authority: CertificateAuthority) -> None:
    """Every deployment's authority has the same name."""
    found = read(authority, authority.listing({}))
    assert found.speaks_for(authority.leaf)
    assert not found.speaks_for(CertificateAuthority().leaf)


def test_an_invalidity_date_after_the_revocation_delays_nothing(authority: CertificateAuthority) -> None:
    now = authority.now
    found = read(authority, authority.listing({7: Listed(now - DAY, None, now)}))
    assert found.revoked[7].since == now - DAY


@pytest.mark.parametrize("reason", [flag for flag in x509.ReasonFlags if flag.name != "remove_from_crl"])
def test_every_reason_has_its_name(authority: CertificateAuthority, reason: x509.ReasonFlags) -> None:
    found = read(authority, authority.listing({7: Listed(authority.now, reason)}))
    assert found.revoked[7].reason == reason.value


def test_pem_is_read_too(authority: CertificateAuthority) -> None:
    der = authority.listing({7: Listed(authority.now)})
    assert 7 in read(authority, x509.load_der_x509_crl(der).public_bytes(Encoding.PEM)).revoked


def test_a_stale_list_still_revokes(authority: CertificateAuthority) -> None:
    found = read(authority, authority.listing({7: Listed(authority.now - 9 * DAY)}, made=authority.now - 8 * DAY))
    assert found.good_until < authority.now
    assert 7 in found.revoked


def test_every_changed_byte_is_noticed(authority: CertificateAuthority) -> None:
    data = authority.listing({authority.leaf.serial_number: Listed(authority.now)})
    for place in range(0, len(data), 3):
        changed = data[:place] + bytes([data[place] ^ 0x01]) + data[place + 1 :]
        with pytest.raises(RevocationRefusedError):
            read(authority, changed)


def test_a_list_of_another_authority_by_the_same_name_is_refused(authority: CertificateAuthority) -> None:
    other = CertificateAuthority()
    assert other.issuer.subject == authority.issuer.subject
    with pytest.raises(RevocationRefusedError, match="not signed by an authority we know"):
        read(authority, other.listing({authority.leaf.serial_number: Listed(other.now)}))


def test_who_may_not_sign_lists_signs_none(authority: CertificateAuthority) -> None:
    """The leaf is certified by the same authority, for another use."""
    data = authority.listing({})
    with pytest.raises(RevocationRefusedError):
        RevocationList.of(data, [authority.leaf], authority.now)


def test_a_list_from_the_future_is_refused(authority: CertificateAuthority) -> None:
    read(authority, authority.listing({}, made=authority.now + SKEW))
    with pytest.raises(RevocationRefusedError, match="future"):
        read(authority, authority.listing({}, made=authority.now + 2 * SKEW))


def test_a_list_that_is_too_long_is_refused(authority: CertificateAuthority) -> None:
    data = authority.listing({serial: Listed(authority.now) for serial in range(1, MAX_REVOKED + 2)})
    with pytest.raises(RevocationRefusedError, match="at most"):
        read(authority, data)


def _delta(builder: _Builder) -> _Builder:
    return builder.add_extension(x509.DeltaCRLIndicator(1), critical=True)


def _unknown(builder: _Builder) -> _Builder:
    extension = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    return builder.add_extension(extension, critical=True)


def _point(**limits: object) -> Callable[[_Builder], _Builder]:
    none = {
        "full_name": [x509.UniformResourceIdentifier("http://crl.example/1")],
        "relative_name": None,
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "only_some_reasons": None,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
    }
    point = x509.IssuingDistributionPoint(**none | limits)  # type: ignore[arg-type]
    return lambda builder: builder.add_extension(point, critical=True)


@pytest.mark.parametrize(
    "extra",
    [
        _delta,
        _unknown,
        _point(indirect_crl=True),
        _point(only_contains_ca_certs=True),
        _point(only_some_reasons=frozenset([x509.ReasonFlags.key_compromise])),
    ],
)
def test_a_list_of_only_some_certificates_is_refused(
    authority: CertificateAuthority, extra: Callable[[_Builder], _Builder]
) -> None:
    with pytest.raises(RevocationRefusedError, match="does not cover all"):
        read(authority, authority.listing({}, extra=extra))


def test_one_of_all_signers_certificates_is_taken(authority: CertificateAuthority) -> None:
    found = read(authority, authority.listing({7: Listed(authority.now)}, extra=_point(only_contains_user_certs=True)))
    assert 7 in found.revoked


@pytest.mark.parametrize("data", [b"", b"-----BEGIN X509 CRL-----\n", b"\x30\x03\x02\x01\x00", b"<html>"])
def test_what_is_no_list_is_refused(authority: CertificateAuthority, data: bytes) -> None:
    with pytest.raises(RevocationRefusedError, match="no certificate revocation list"):
        read(authority, data)


def test_an_older_list_put_back_is_refused(authority: CertificateAuthority) -> None:
    kept = read(authority, authority.listing({7: Listed(authority.now)}, number=4))
    read(authority, authority.listing({}, number=5)).check_after(kept)
    kept.check_after(kept)
    with pytest.raises(RevocationRefusedError, match="older"):
        read(authority, authority.listing({}, number=3, made=authority.now)).check_after(kept)


def test_where_lists_are_not_numbered_their_time_counts(authority: CertificateAuthority) -> None:
    kept = read(authority, authority.listing({7: Listed(authority.now)}, number=None))
    with pytest.raises(RevocationRefusedError, match="older"):
        read(authority, authority.listing({}, number=None, made=authority.now - DAY)).check_after(kept)
