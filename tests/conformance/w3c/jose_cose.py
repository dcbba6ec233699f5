"""Our VC-JOSE-COSE, as the command that the W3C's suite for it runs for each test: `issue` or `verify` one file.

The suite gives one key, the issuer's or the holder's: what a presentation holds is by others, and only its form is
looked at. Its fixtures ended in December 2024, and are judged as of then.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey, derive_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from identity.encoding import base64url
from identity.encoding.strict_json import read_object
from identity.enveloping.envelope import read_base64, token_in
from identity.enveloping.secured import Form, Secured, check_times, read_secured, sign_cose, sign_jwt, sign_sd_jwt
from identity.errors import IdentityError
from identity.jose.jwk import CURVES
from identity.jose.jws import SCHEMES
from identity.jose.signature import Ecdsa
from identity.jsonld.expansion import to_dataset
from identity.jsonld.naming import check_names
from identity.mdoc.cose import ALGORITHMS
from identity.sd_jwt.concealing import Disclosable
from identity.vcdm import CREDENTIAL, PRESENTATION, check_contexts, check_structure, check_validity, listed
from keys.clock import system_entropy
from tests.identity.published import CONTEXTS

NOW: Final = datetime(2024, 12, 16, 12, tzinfo=UTC)
KINDS: Final = {"credential": CREDENTIAL, "presentation": PRESENTATION}
FORMS: Final = {"jose": Form.JWT, "sdjwt": Form.SD_JWT, "cose": Form.COSE}
_STEP: Final = re.compile(r"([^.\[\]]+)|\[([0-9]+)\]")


@dataclass(frozen=True)
class Key:
    """A private key of the suite's."""

    kid: str
    private: EllipticCurvePrivateKey | Ed25519PrivateKey

    @classmethod
    def read(cls, file: Path) -> Key:
        method = json.loads(file.read_text())
        jwk = method["secretKeyJwk"]
        secret = base64url.decode(jwk["d"], "d")
        if jwk["kty"] == "OKP":
            return cls(method["id"], Ed25519PrivateKey.from_private_bytes(secret))
        return cls(method["id"], derive_private_key(int.from_bytes(secret), CURVES[jwk["crv"]]))

    @property
    def scheme(self) -> Any:
        if isinstance(self.private, Ed25519PrivateKey):
            return None
        return next(each for each in SCHEMES.values() if each and CURVES[each.curve].name == self.private.curve.name)

    @property
    def algorithm(self) -> Any:
        """As JOSE calls it."""
        return next(name for name, scheme in SCHEMES.items() if scheme == self.scheme)

    def sign(self, message: bytes) -> bytes:
        if isinstance(self.private, Ed25519PrivateKey):
            return self.private.sign(message)
        assert isinstance(self.scheme, Ecdsa)
        octets = (self.private.key_size + 7) // 8
        r, s = decode_dss_signature(self.private.sign(message, ECDSA(self.scheme.digest)))
        return r.to_bytes(octets) + s.to_bytes(octets)


def issue(document: dict[str, Any], kind: str, form: Form, key: Key, hidden: list[str]) -> str:
    check(document, kind)
    check_names(document, CONTEXTS)
    if form is Form.COSE:
        algorithm = next(number for number, scheme in ALGORITHMS.items() if scheme == key.scheme)
        return b64encode(sign_cose(document, kind, algorithm, key.sign, key.kid)).decode()
    if form is Form.JWT:
        return sign_jwt(document, kind, key, key.kid)
    for path in hidden:
        hide(document, path)
    return sign_sd_jwt(document, kind, key, key.kid, system_entropy)


def hide(document: Any, path: str) -> None:
    """Make what lies at `credentialSubject.phoneNumbers[0]` disclosable."""
    *before, last = [name or int(index) for name, index in _STEP.findall(path)]
    for step in before:
        document = document[step]
    document[last] = Disclosable(document[last])


def verify(token: str, kind: str, form: Form, key: Key) -> None:
    secured: Secured = read_secured(read_base64(token) if form is Form.COSE else token.encode(), form, kind)
    secured.verify(key.private.public_key())
    check_times(secured, NOW)
    check(secured.document, kind)


def check(document: Mapping[str, Any], kind: str) -> None:
    """Of the document, and of the envelopes in it."""
    check_structure(document, kind)
    check_contexts(document, CONTEXTS)
    check_validity(document, NOW)
    to_dataset({name: value for name, value in document.items() if name != "verifiableCredential"}, CONTEXTS)
    for held in listed(document.get("verifiableCredential", [])):
        token_in(held if isinstance(held, dict) else {}, CREDENTIAL)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("function", choices=["issue", "verify"])
    for name in ("input", "key", "output"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--feature", required=True)
    parser.add_argument("--sd", type=json.loads, default=[])
    asked = parser.parse_args(arguments)
    kind, form = asked.feature.split("_")
    text, key = asked.input.read_text().strip(), Key.read(asked.key)
    data = ""
    try:
        if asked.function == "issue":
            data = issue(read_object(text.encode(), "the input"), KINDS[kind], FORMS[form], key, asked.sd)
        else:
            verify(text, KINDS[kind], FORMS[form], key)
        result = "success"
    except IdentityError as error:
        result, data = "failure", str(error)
    asked.output.write_text(json.dumps({"result": result, "data": data}))


if __name__ == "__main__":
    main(sys.argv[1:])
