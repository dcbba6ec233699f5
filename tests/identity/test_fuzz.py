"""What issuers and wallets might sign who keep to nothing: a report, or one of our errors, and never anything else."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from identity.encoding.cbor import read_cbor
from identity.errors import IdentityError
from identity.jose.jwk import read_jwk
from identity.jose.jws import read_jws, sign_jws
from identity.mdoc.document import PROOF_OF_AGE, verify_mdoc
from identity.sd_jwt.credential import TYPE, verify
from identity.status.bitstring import entries, status
from identity.status.status_list import BITSTRING, TOKEN, decode
from identity.status.token import TYPE as LIST_TYPE
from identity.status.token import read_list, reference
from tests.identity.parties import NOW
from tests.identity.test_bitstring_status import REVOCATION, REVOKED, SPECIFIED
from tests.identity.test_mdoc import EXPECTED as MDOC
from tests.identity.test_mdoc import SESSION, proof_of_age
from tests.identity.test_sd_jwt import EXPECTED, ISSUER, hashed, plain, written

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["_sd", "...", "_sd_alg", "jwk", "kty", "crv", "x", "y", "a"]), inner, max_size=3
        )
    ),
    max_leaves=5,
)
CLAIMS = ["iss", "vct", "exp", "nbf", "iat", "cnf", "status", "_sd", "_sd_alg", "...", "a"]
CHEAP = settings(max_examples=30, deadline=None)
OURS = contextlib.suppress(IdentityError)


@CHEAP
@given(st.dictionaries(st.sampled_from(CLAIMS), JSON, max_size=3), st.lists(JSON, max_size=3), JSON)
def test_sd_jwts(payload: dict[str, object], disclosures: list[object], header: object) -> None:
    contents = [one if isinstance(one, list) else ["salt", "a", one] for one in disclosures]
    known = {"_sd": [hashed(*one) for one in contents]} if contents else {}
    token = sign_jws(ISSUER.signer, {"typ": TYPE, "kid": header}, {**plain(), **known, **payload})
    text = "".join(f"{part}~" for part in (token, *map(written, contents)))
    with OURS:
        report = verify(text, replace(EXPECTED, binding=None), NOW)
        assert not {"_sd", "...", "_sd_alg"} & report.claims.keys()
    with OURS:
        reference(payload)
    with OURS:
        read_jwk(payload.get("cnf"))


@CHEAP
@given(st.text(max_size=40) | st.text("abc.~_-eyJ0", max_size=40))
def test_texts(text: str) -> None:
    for read in (
        lambda: verify(text, EXPECTED, NOW),
        lambda: read_jws(text, TYPE),
        lambda: decode(TOKEN, text),
        lambda: decode(BITSTRING, "u" + text),
    ):
        with OURS:
            read()


@CHEAP
@given(st.dictionaries(st.sampled_from(["sub", "iat", "exp", "ttl", "status_list"]), JSON, max_size=3))
def test_status_tokens(payload: dict[str, object]) -> None:
    token = sign_jws(ISSUER.signer, {"typ": LIST_TYPE}, {"sub": "uri", "iat": 1, **payload})
    with OURS:
        read_list(token, "uri", ISSUER.key, NOW)


@CHEAP
@given(st.dictionaries(st.sampled_from([*SPECIFIED, "statusSize", "statusMessage"]), JSON, max_size=2), JSON)
def test_status_entries(entry: dict[str, object], subject: object) -> None:
    with OURS:
        entries({"credentialStatus": [{**SPECIFIED, **entry}]})
    with OURS:
        status(REVOCATION, {**REVOKED, "credentialSubject": subject, **entry})


CBOR: st.SearchStrategy[Any] = st.recursive(
    SCALARS | st.binary(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.integers(-4, 4) | st.sampled_from([PROOF_OF_AGE, "deviceKey", "validFrom"]), inner, max_size=3
        )
    ),
    max_leaves=5,
)
PLACES = [
    ("security", ("digestAlgorithm",)),
    ("security", ("valueDigests",)),
    ("security", ("valueDigests", PROOF_OF_AGE)),
    ("security", ("deviceKeyInfo",)),
    ("security", ("deviceKeyInfo", "deviceKey")),
    ("security", ("docType",)),
    ("security", ("validityInfo",)),
    ("document", ("issuerSigned",)),
    ("document", ("issuerSigned", "nameSpaces")),
    ("document", ("issuerSigned", "nameSpaces", PROOF_OF_AGE)),
    ("document", ("issuerSigned", "issuerAuth")),
    ("document", ("issuerSigned", "issuerAuth", 1)),
    ("document", ("deviceSigned",)),
    ("document", ("deviceSigned", "deviceAuth")),
    ("document", ("deviceSigned", "deviceAuth", "deviceSignature")),
    ("response", ("documents",)),
    ("response", ("status",)),
]


@CHEAP
@given(st.sampled_from(PLACES), CBOR)
def test_mobile_documents(place: tuple[str, tuple[Any, ...]], value: object) -> None:
    part, (*above, last) = place

    def change(whole: Any) -> Any:
        inner = whole
        for step in above:
            inner = inner[step]
        inner[last] = value
        return whole

    with OURS:
        verify_mdoc(proof_of_age(**{part: change}), replace(MDOC, transcript=SESSION), NOW)


@CHEAP
@given(st.binary(max_size=24))
def test_cbor(data: bytes) -> None:
    with OURS:
        read_cbor(data, "it")
