"""What c2pa-rs makes of an OCSP answer stapled into a claim (`rVals`), held as found: docs/limitations.md says so.

We staple none. Others do, and then its verdict is part of ours.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import cbor2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.ocsp import OCSPCertStatus

from detection.sandbox import Sandbox
from provenance.report import VerificationReport
from provenance.stamping import Signature
from provenance.trust import TrustPolicy
from provenance.verdict import Verdict
from tests.provenance.house import House, draw
from tests.simulators.certificate_authority import CertificateAuthority

AN_HOUR = timedelta(hours=1)
SIGN1 = 18


def verified_with(sandbox: Sandbox, authority: CertificateAuthority, answer: bytes) -> VerificationReport:
    """A file signed under this authority, with the answer in place of padding."""
    root = authority.made.root.public_bytes(Encoding.PEM).decode()
    house = House(sandbox, authority.signer, TrustPolicy.of({"its root": root}))
    asset = house.sign(draw())
    with asset.content as content:
        file = content.read(content.size)
    signature = Signature.of(asset.manifest_store)
    before = asset.manifest_store[signature.start :]
    header = {**signature.unprotected, "rVals": {"ocspVals": [answer]}}

    def written(padding: int) -> bytes:
        parts = [signature.protected, {**header, "pad": bytes(padding)}, signature.payload, signature.signature]
        return cbor2.dumps(cbor2.CBORTag(SIGN1, parts))

    room = len(signature.unprotected["pad"])
    after = next(made for made in map(written, range(room, 0, -1)) if len(made) == len(before))
    assert file.count(before) == 1
    return house.verify(file.replace(before, after))


def _revoked(authority: CertificateAuthority, *, delegated: bool) -> bytes:
    by = authority.responder() if delegated else None
    made, why = authority.now - AN_HOUR, x509.ReasonFlags.superseded
    return authority.answer(OCSPCertStatus.REVOKED, by=by, made=made, reason=why)


@pytest.mark.parametrize(
    ("answer", "verdict", "code"),
    [
        (lambda ca: ca.answer(by=ca.responder()), Verdict.TRUSTED, "signingCredential.ocsp.notRevoked"),
        (lambda ca: _revoked(ca, delegated=True), Verdict.INVALID, "signingCredential.ocsp.revoked"),
        # The issuer's own word is not heard: hence our own look-up.
        (lambda ca: ca.answer(), Verdict.TRUSTED, ""),
        (lambda ca: _revoked(ca, delegated=False), Verdict.TRUSTED, ""),
    ],
)
def test_a_stapled_answer(
    sandbox: Sandbox, answer: Callable[[CertificateAuthority], bytes], verdict: Verdict, code: str
) -> None:
    authority = CertificateAuthority()
    report = verified_with(sandbox, authority, answer(authority))
    assert report.verdict is verdict
    said = [status.code for status in (*report.statuses.success, *report.statuses.failure) if "ocsp" in status.code]
    assert said == ([code] if code else [])
