"""The age credential as an SD-JWT VC: issued, presented with a key binding and verified, by us and by the peers."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from jwcrypto.jwk import JWK
from sd_jwt.common import SDObj
from sd_jwt.holder import SDJWTHolder
from sd_jwt.issuer import SDJWTIssuer
from sd_jwt.verifier import SDJWTVerifier

from identity.encoding import base64url
from identity.jose.jwk import write_jwk
from identity.sd_jwt.concealing import Disclosable
from identity.sd_jwt.credential import TYPE, Expectation, bind, issue, present, verify
from identity.sd_jwt.issuers import pinned
from identity.sd_jwt.key_binding import Binding
from tests.identity.parties import NOW, Party, party
from tests.peers.age import AGES

Work = dict[str, Callable[[], object]]
"""By action."""

NAME: Final = "https://issuer.example"
BINDING: Final = Binding("https://verifier.example", "n-0S6_WzA2Mj")
VCT: Final = "https://peers.example/age"
ALWAYS: Final = {
    "iss": NAME,
    "vct": VCT,
    "exp": int((NOW + timedelta(days=14)).timestamp()),
}
HIDDEN: Final = {f"age_over_{age}": age <= 21 for age in AGES}
SHOWN: Final = "age_over_18"


def _private(key: Party) -> dict[str, str]:
    assert isinstance(key.private_key, EllipticCurvePrivateKey)
    secret = key.private_key.private_numbers().private_value
    return {**write_jwk(key.key), "d": base64url.encode(secret.to_bytes(32))}


@dataclass(frozen=True)
class Wallet:
    """Keys, and the same three pieces of work for everybody: no decoys, one claim of six shown."""

    issuer: Party = field(default_factory=party)
    holder: Party = field(default_factory=party)

    def _issued(self) -> str:
        hidden = {name: Disclosable(value) for name, value in HIDDEN.items()}
        claims = {**ALWAYS, "cnf": {"jwk": write_jwk(self.holder.key)}, **hidden}
        return issue(self.issuer.signer, claims, secrets.token_bytes, padded_to=1)

    def _shown(self) -> str:
        return bind(present(self._credential, [(SHOWN,)]), self.holder.signer, BINDING, NOW)

    @cached_property
    def _credential(self) -> str:
        return self._issued()

    @cached_property
    def _presentation(self) -> str:
        return self._shown()

    @cached_property
    def ours(self) -> Work:
        expected = Expectation({VCT}, pinned({NAME: self.issuer.key}), BINDING)
        presentation = self._presentation
        return {"issue": self._issued, "derive": self._shown, "verify": lambda: verify(presentation, expected, NOW)}

    @cached_property
    def python(self) -> Work:
        """`sd-jwt`."""
        issuer, holder = (JWK(**_private(key)) for key in (self.issuer, self.holder))
        public = JWK(**write_jwk(self.issuer.key))
        hidden = {SDObj(name): value for name, value in HIDDEN.items()}
        typed = {"typ": TYPE}
        credential, presentation = self._credential, self._presentation

        def shown() -> None:
            SDJWTHolder(credential).create_presentation({SHOWN: True}, BINDING.nonce, BINDING.audience, holder)

        def verified() -> object:
            verifier = SDJWTVerifier(presentation, lambda *_: public, BINDING.audience, BINDING.nonce)
            return verifier.get_verified_payload()

        return {
            "issue": lambda: SDJWTIssuer({**ALWAYS, **hidden}, issuer, holder, extra_header_parameters=typed),
            "derive": shown,
            "verify": verified,
        }

    @cached_property
    def node(self) -> dict[str, tuple[str, dict[str, Any]]]:
        """`@sd-jwt/sd-jwt-vc`: the peer's action, and what it takes."""
        now = int(NOW.timestamp())
        claims = {**ALWAYS, **HIDDEN, "cnf": {"jwk": write_jwk(self.holder.key)}}
        binding = {"iat": now, "aud": BINDING.audience, "nonce": BINDING.nonce}
        checked = {"nonce": BINDING.nonce, "now": now, "requiredClaimKeys": [SHOWN]}
        return {
            "issue": (
                "issue",
                {"key": _private(self.issuer), "claims": claims, "disclosureFrame": {"_sd": [*HIDDEN]}},
            ),
            "derive": (
                "present",
                {
                    "credential": self._credential,
                    "presentationFrame": {SHOWN: True},
                    "holder": _private(self.holder),
                    "binding": binding,
                },
            ),
            "verify": (
                "verify",
                {"presentation": self._presentation, "issuer": write_jwk(self.issuer.key), **checked},
            ),
        }
