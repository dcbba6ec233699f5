"""The table knows every code that the library can say."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from provenance.codes import EFFECTS, effect
from provenance.verdict import Verdict

CODES = re.compile(
    rb"(?:algorithm|assertion|claim|claimSignature|hashedURI|ingredient|manifest|signingCredential|timeStamp"
    rb"|timeOfSigning|cawg\.(?:ica|identity|x509))\.[A-Za-z][A-Za-z0-9_.-]+"
)
CHUNK = 16
"""The compiler compares long strings in pieces of 16 bytes, which stand in the library on their own."""

OTHERS = (
    "algorithm.rs",
    "assertion.rs",
    "claim.rs",
    "claim.v2",
    "ingredient.rs",
    "manifest.json",
    "manifest.rs",
    "assertion.metadatastds",  # c2pa.assertion.metadata, a label
    "assertion.m0000",
    "cawg.x509.cose",  # a signature type
    "hashedURI.match",  # pieces of assertion.hashedURI.match and ingredient.manifest.missing
    "manifest.missing",
    "claimSignature.med",  # a piece of ingredient.claimSignature.m… beside another one
)
"""What looks like a code in c2pa-python 0.38.1 and is none."""


def known(found: str) -> bool:
    return any(found.startswith(code) for code in (*EFFECTS, *OTHERS)) or any(
        code.startswith(found[:CHUNK]) for code in EFFECTS if len(found) >= CHUNK
    )


def test_every_code_of_the_native_library_is_in_the_table() -> None:
    library = files("c2pa") / "libs" / "libc2pa_c.so"
    found = {match[0].decode() for match in CODES.finditer(library.read_bytes())}
    assert len(found) > 100
    assert {each for each in found if not known(each)} == set()


@pytest.mark.parametrize("code", sorted(EFFECTS))
def test_a_known_code_among_the_failures_is_never_without_effect(code: str) -> None:
    assert effect(code, failed=True) is not Verdict.TRUSTED


@pytest.mark.parametrize(
    "code", ["assertion.dataHash.mismatch", "claimSignature.mismatch", "signingCredential.ocsp.revoked"]
)
def test_a_failure_filed_as_a_success_is_a_failure(code: str) -> None:
    assert effect(code, failed=False) is Verdict.INVALID


def test_an_unknown_failure_is_invalid_and_an_unknown_remark_is_nothing() -> None:
    assert effect("assertion.tomorrow.mismatch", failed=True) is Verdict.INVALID
    assert effect("assertion.tomorrow.match", failed=False) is Verdict.TRUSTED


def test_an_unknown_signer_is_untrusted_and_nothing_more() -> None:
    assert effect("signingCredential.untrusted", failed=True) is Verdict.UNTRUSTED
