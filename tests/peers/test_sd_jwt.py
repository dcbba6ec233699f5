"""SD-JWT VC against `@sd-jwt/sd-jwt-vc` and the Python package `sd-jwt`: each issues, presents and verifies for us.

`sd-jwt` is older than the RFC and lax (docs/dependencies.md); what it refuses at least, it is asked to refuse.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from jwcrypto.jwk import JWK
from jwcrypto.jws import InvalidJWSSignature
from sd_jwt.common import SDObj
from sd_jwt.holder import SDJWTHolder
from sd_jwt.issuer import SDJWTIssuer
from sd_jwt.verifier import SDJWTVerifier

from identity.encoding import base64url
from identity.errors import TokenInvalidError
from identity.jose.jwk import write_jwk
from identity.outcome import Check
from identity.sd_jwt.concealing import PADDED_TO, Disclosable
from identity.sd_jwt.credential import TYPE, Expectation, VerifiedCredential, bind, issue, present, verify
from identity.sd_jwt.issuers import pinned
from identity.sd_jwt.key_binding import Binding
from tests.identity.parties import NOW, Party, counting, party
from tests.peers.node import Node

ISSUER, HOLDER = party(), party()
NAME, VCT = "https://issuer.example", "https://peers.example/age"
BINDING = Binding("https://verifier.example", "n-0S6_WzA2Mj")
EXPECTED = Expectation({VCT}, pinned({NAME: ISSUER.key}), BINDING)

ALWAYS: dict[str, Any] = {"iss": NAME, "vct": VCT, "exp": int((NOW + timedelta(days=7)).timestamp())}
HIDDEN: dict[str, Any] = {
    "age_over_16": True,
    "age_over_18": True,
    "address": {"locality": "Roma", "country": "IT"},
    "nationalities": ["IT", "FR"],
}
SHOWN = {"age_over_18": True, "address": {"country": "IT"}, "nationalities": ["FR"]}
"""Of the claims that hide."""


def private_jwk(key: Party) -> dict[str, str]:
    assert isinstance(key.private_key, EllipticCurvePrivateKey)
    secret = key.private_key.private_numbers().private_value
    return {**write_jwk(key.key), "d": base64url.encode(secret.to_bytes(32))}


def ours(padded_to: int = PADDED_TO) -> str:
    """Nested claims and elements of arrays hidden, among decoys; wallets of theirs count an array's decoys as elements,
    so for them there are none.
    """
    hidden = {
        "age_over_16": Disclosable(True),
        "age_over_18": Disclosable(True),
        "address": Disclosable({"locality": Disclosable("Roma"), "country": Disclosable("IT")}),
        "nationalities": [Disclosable("IT"), Disclosable("FR")],
    }
    claims = {**ALWAYS, "cnf": {"jwk": write_jwk(HOLDER.key)}, **hidden}
    return issue(ISSUER.signer, claims, counting(), padded_to=padded_to)


def shown_by_us(credential: str) -> str:
    paths = [("age_over_18",), ("address", "country"), ("nationalities", 1)]
    return bind(present(credential, paths), HOLDER.signer, BINDING, NOW)


def accepted(presentation: str) -> VerifiedCredential:
    return verify(presentation, EXPECTED, NOW)


def claimed(claims: Mapping[str, Any]) -> dict[str, Any]:
    """What was hidden and is shown."""
    return {name: value for name, value in claims.items() if name in HIDDEN}


def forged(presentation: str) -> str:
    """With another value in a disclosure, hashes left as they are."""
    token, first, *rest = presentation.split("~")
    *kept, _ = json.loads(base64url.decode(first, "it"))
    return "~".join((token, base64url.encode(json.dumps([*kept, False]).encode()), *rest))


def refused(presentation: str) -> None:
    with pytest.raises(TokenInvalidError) as caught:
        accepted(presentation)
    assert caught.value.check is Check.DISCLOSURES


NODE_VERIFIES = {
    "action": "verify",
    "issuer": write_jwk(ISSUER.key),
    "nonce": BINDING.nonce,
    "now": int(NOW.timestamp()),
    "requiredClaimKeys": ["age_over_18"],
}
NODE_PRESENTS = {
    "action": "present",
    "presentationFrame": {"age_over_18": True, "address": {"country": True}, "nationalities": {"1": True}},
    "holder": private_jwk(HOLDER),
    "binding": {"iat": int(NOW.timestamp()), "aud": BINDING.audience, "nonce": BINDING.nonce},
}


def test_with_node(node: Node) -> None:
    frame = {
        "_sd": list(HIDDEN),
        "address": {"_sd": ["locality", "country"]},
        "nationalities": {"_sd": [0, 1]},
        "_sd_decoy": 2,
    }
    claims = {**ALWAYS, **HIDDEN, "cnf": {"jwk": write_jwk(HOLDER.key)}}
    by_us = shown_by_us(ours())
    issued, presented, verified, *refusals = node.run(
        "sd_jwt.mjs",
        [
            {"action": "issue", "key": private_jwk(ISSUER), "claims": claims, "disclosureFrame": frame},
            {**NODE_PRESENTS, "credential": ours(padded_to=1)},
            {**NODE_VERIFIES, "presentation": by_us},
            {**NODE_VERIFIES, "presentation": by_us, "nonce": "another"},
            {**NODE_VERIFIES, "presentation": by_us, "now": ALWAYS["exp"] + 1},
            {**NODE_VERIFIES, "presentation": forged(by_us)},
        ],
    )
    assert claimed(verified["payload"]) == SHOWN
    assert verified["binding"]["aud"] == BINDING.audience
    assert all("failed" in answer for answer in refusals), refusals

    assert claimed(accepted(presented["presentation"]).claims) == SHOWN
    refused(forged(presented["presentation"]))

    paths = [("age_over_18",), ("address", "country"), ("nationalities",), ("nationalities", 1)]
    ours_of_theirs = bind(present(issued["credential"], paths), HOLDER.signer, BINDING, NOW)
    assert claimed(accepted(ours_of_theirs).claims) == SHOWN
    theirs_of_theirs, again = node.run(
        "sd_jwt.mjs",
        [
            {**NODE_PRESENTS, "credential": issued["credential"]},
            {**NODE_VERIFIES, "presentation": ours_of_theirs},
        ],
    )
    assert claimed(again["payload"]) == SHOWN
    assert claimed(accepted(theirs_of_theirs["presentation"]).claims) == SHOWN


def python_verifies(presentation: str) -> dict[str, Any]:
    key = JWK(**write_jwk(ISSUER.key))
    verifier = SDJWTVerifier(presentation, lambda *_: key, BINDING.audience, BINDING.nonce)
    return claimed(verifier.get_verified_payload())


def python_presents(credential: str) -> str:
    wallet = SDJWTHolder(credential)
    chosen = {"age_over_18": True, "address": {"country": True}, "nationalities": [False, True]}
    wallet.create_presentation(chosen, BINDING.nonce, BINDING.audience, JWK(**private_jwk(HOLDER)))
    presentation: str = wallet.sd_jwt_presentation
    return presentation


def test_with_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sd_jwt.holder.time", NOW.timestamp)
    by_us = shown_by_us(ours())
    assert python_verifies(by_us) == SHOWN
    with pytest.raises(ValueError, match="digest"):
        python_verifies(forged(by_us))
    token, rest = by_us.split("~", 1)
    with pytest.raises(InvalidJWSSignature):
        python_verifies(f"{token[:-4]}AAAA~{rest}")

    presented = python_presents(ours(padded_to=1))
    assert claimed(accepted(presented).claims) == SHOWN
    refused(forged(presented))

    hidden = {
        SDObj("age_over_16"): True,
        SDObj("age_over_18"): True,
        SDObj("address"): {SDObj("locality"): "Roma", SDObj("country"): "IT"},
        "nationalities": [SDObj("IT"), SDObj("FR")],
    }
    keys = (JWK(**private_jwk(key)) for key in (ISSUER, HOLDER))
    typed = {"typ": TYPE}
    issued = SDJWTIssuer({**ALWAYS, **hidden}, *keys, add_decoy_claims=True, extra_header_parameters=typed)
    credential: str = issued.sd_jwt_issuance
    assert claimed(accepted(shown_by_us(credential)).claims) == SHOWN
    assert claimed(accepted(python_presents(credential)).claims) == SHOWN
    assert python_verifies(shown_by_us(credential)) == SHOWN
