"""The files of c2pa-org/public-testfiles get the verdicts that their README states.

The project's own pictures cover the same outcomes in tests/provenance.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from detection.memfd import Memfd
from detection.sandbox import Sandbox
from provenance.report import VerificationReport
from provenance.trust import TrustPolicy, parse_usages
from provenance.validation import verify
from provenance.verdict import Verdict

VECTORS = Path(__file__).parents[1] / "vectors" / "c2pa"

EXPECTED = {
    "adobe-20220124-A.jpg": (Verdict.ABSENT, None, []),
    "adobe-20220124-I.jpg": (Verdict.ABSENT, None, []),
    "adobe-20220124-C.jpg": (Verdict.TRUSTED, None, []),
    "adobe-20220124-CA.jpg": (Verdict.TRUSTED, None, []),
    "adobe-20220124-CACA.jpg": (Verdict.TRUSTED, Verdict.TRUSTED, []),
    "adobe-20220124-CAICA.jpg": (Verdict.TRUSTED, Verdict.TRUSTED, []),
    "adobe-20220124-CI.jpg": (Verdict.TRUSTED, None, []),
    "adobe-20220124-E-dat-CA.jpg": (Verdict.INVALID, None, ["assertion.dataHash.mismatch"]),
    "adobe-20220124-XCA.jpg": (Verdict.INVALID, None, ["assertion.dataHash.mismatch"]),
    "adobe-20220124-E-sig-CA.jpg": (Verdict.INVALID, None, ["claimSignature.mismatch"]),
    "adobe-20220124-E-uri-CA.jpg": (Verdict.INVALID, None, ["assertion.hashedURI.mismatch"]),
    "adobe-20240110-single_manifest_store.pdf": (
        Verdict.UNTRUSTED,
        Verdict.UNTRUSTED,
        ["signingCredential.untrusted"],
    ),
}


def report(sandbox: Sandbox, name: str, trust: TrustPolicy) -> VerificationReport:
    with Memfd.of([(VECTORS / name).read_bytes()]) as file:
        return verify(sandbox, file, trust)


@pytest.mark.parametrize(("name", "expected"), EXPECTED.items())
def test_a_file_gets_its_verdict(
    sandbox: Sandbox, name: str, expected: tuple[Verdict, Verdict | None, list[str]]
) -> None:
    usages = parse_usages("trust-config.cfg", (VECTORS / "trust-config.cfg").read_text())
    trust = TrustPolicy.of({"test-roots.pem": (VECTORS / "test-roots.pem").read_text()}, usages)
    verdict, ancestry, failures = expected
    found = report(sandbox, name, trust)
    assert (found.verdict, found.ancestry) == (verdict, ancestry)
    assert [status.code for status in found.statuses.failure] == failures
    if verdict is Verdict.TRUSTED:
        assert found.signer is not None
        assert found.signer.common_name == "C2PA Signer"
        assert found.time_stamps


@pytest.mark.parametrize("name", [name for name, (verdict, *_) in EXPECTED.items() if verdict is Verdict.TRUSTED])
def test_without_the_roots_trusted_becomes_untrusted(sandbox: Sandbox, name: str) -> None:
    found = report(sandbox, name, TrustPolicy.of({}))
    assert found.verdict is Verdict.UNTRUSTED
    assert [status.code for status in found.statuses.failure] == ["signingCredential.untrusted"]
