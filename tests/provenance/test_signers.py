"""Signers by their certificates: c2pa-rs trusts forged paths, and tells two authorities of one name not apart."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from detection.sandbox import Sandbox
from keys.certificates import request, subject_name
from keys.chain import parse
from keys.keyring import public_der
from keys.profile import UNREADABLE
from keys.revocation import IssuerAndSerial, Reason, Revocation
from keys.signer import Algorithm, KeyRef
from provenance.revocation import written
from provenance.signers import Signers, signatures_in
from provenance.trust import DEFAULT_USAGES, TrustPolicy
from provenance.verdict import Verdict
from tests.provenance.house import House, draw
from tests.simulators.certificate_authority import SimulatedSigner
from tests.simulators.outside_ca import OutsideCA

NOW = datetime.now(UTC).replace(microsecond=0)
ROOT = OutsideCA(NOW, levels=0)
OTHERS = x509.NameConstraints([x509.DirectoryName(subject_name("Other"))], None)

FORGED = {
    "too deep": (OutsideCA(NOW, path_length=0), "fewer intermediates"),
    "for servers": (ROOT.below((x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)), "other purposes"),
    "of another name": (ROOT.below((OTHERS, True)), "does not allow the name"),
}


def signing_under(sandbox: Sandbox, ca: OutsideCA, *trusted: OutsideCA, serial: int | None = None) -> House:
    """A house whose certificate is this CA's; it trusts these roots, or the CA's own."""
    key = ec.generate_private_key(ec.SECP256R1())
    chain = ca.issue(request(key, subject_name("Acme")), replace(ca.wish(), serial=serial))
    signer = SimulatedSigner(KeyRef("sigillo-claim", 1), Algorithm.ES256, key, public_der(key), chain)
    roots = {f"root {number}": one.root for number, one in enumerate(trusted or (ca,))}
    return House(sandbox, signer, TrustPolicy.of(roots))


@pytest.mark.parametrize("case", FORGED)
def test_a_forged_path_makes_nobody_trusted(sandbox: Sandbox, case: str) -> None:
    ca, why = FORGED[case]
    house = signing_under(sandbox, ca)
    report = house.verify(house.signed(draw()))
    assert report.verdict is Verdict.UNTRUSTED
    assert [status.code for status in report.statuses.failure] == ["signingCredential.untrusted"]
    assert why in str(report.statuses.failure[0].explanation)
    assert "signingCredential.trusted" not in [status.code for status in report.statuses.success]


def test_nor_any_ancestor(sandbox: Sandbox) -> None:
    """Whoever signed over it, c2pa-rs inside, wrote down that it is trusted."""
    forger, heir = signing_under(sandbox, FORGED["for servers"][0]), signing_under(sandbox, ROOT)
    report = heir.verify(heir.signed(heir.signed(forger.signed(draw()))))
    assert (report.verdict, report.ancestry) == (Verdict.TRUSTED, Verdict.UNTRUSTED)
    assert [node.verdict for node in report.ingredients if node.label] == [Verdict.TRUSTED, Verdict.UNTRUSTED]


@pytest.mark.parametrize("levels", [0, 1, 3])
def test_a_sound_path_does(sandbox: Sandbox, levels: int) -> None:
    house = signing_under(sandbox, OutsideCA(NOW, levels=levels, path_length=levels))
    report = house.verify(house.signed(house.signed(draw())))
    assert (report.verdict, report.ancestry) == (Verdict.TRUSTED, Verdict.TRUSTED)


def test_an_authority_revokes_none_of_another_by_its_name(sandbox: Sandbox) -> None:
    mine, namesake = OutsideCA(NOW), OutsideCA(NOW)
    houses = [signing_under(sandbox, ca, mine, namesake, serial=5) for ca in (mine, namesake)]
    leaf = IssuerAndSerial.of(parse(houses[0].signer.chain)[0])
    assert leaf.issuer == IssuerAndSerial.of(parse(houses[1].signer.chain)[0]).issuer
    at = NOW - timedelta(hours=1)
    revoked = written([Revocation(leaf, at, at, Reason.KEY_COMPROMISE)])
    trust = TrustPolicy.of({"mine": mine.root, "its namesake": namesake.root}, revoked=revoked)
    verdicts = [replace(house, trust=trust).verify(house.signed(draw())).verdict for house in houses]
    assert verdicts == [Verdict.INVALID, Verdict.TRUSTED]


def test_who_cannot_be_read_is_not_trusted(house: House) -> None:
    made = house.sign(draw())
    made.content.close()
    store, label = made.manifest_store, made.label
    usages = "\n".join(DEFAULT_USAGES)
    for damaged in (b"", store[:100], store[:-9000], b"\xff" * 40, bytes(8)):
        assert "cannot be read" in Signers.of(signatures_in(damaged), house.trust.anchors, usages).fault(label)


def test_a_damaged_certificate_is_a_fault_and_no_error() -> None:
    """What a liar recorded as trusted is looked at, whatever its certificate is like."""
    key = ec.generate_private_key(ec.SECP256R1())
    chain = parse(ROOT.issue(request(key, subject_name("Acme")), ROOT.wish()))
    der, purposes = chain[0].public_bytes(Encoding.DER), frozenset(map(x509.ObjectIdentifier, DEFAULT_USAGES))
    assert Signers({"a": chain}, parse(ROOT.root), purposes).fault("a") == ""
    signed, faults = (chain[0].tbs_certificate_bytes, chain[0].signature), set()
    for at in range(len(der)):
        for flip in (0x01, 0x20):
            damaged = der[:at] + bytes([der[at] ^ flip]) + der[at + 1 :]
            try:
                certificate = x509.load_der_x509_certificate(damaged)
            except UNREADABLE:
                continue
            fault = Signers({"a": [certificate, *chain[1:]]}, parse(ROOT.root), purposes).fault("a")
            # A signature whose last bit is 0 may be spelled as a string of one bit less: the same words, as signed.
            same = (certificate.tbs_certificate_bytes, certificate.signature) == signed
            assert fault or same, f"byte {at}, {flip:#x}"
            faults.add(fault)
    assert any("cannot be read" in fault for fault in faults)
