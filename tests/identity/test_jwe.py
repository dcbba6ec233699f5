"""Answers that are encrypted: the published ones, and every way in which one may not be ours."""

from __future__ import annotations

import json

import pytest

from identity.encoding import base64url
from identity.encoding.strict_json import write_json
from identity.errors import TokenError
from identity.jose.jwe import DecryptionKey
from identity.jose.jwk import thumbprint
from tests.identity.parties import counting

# OpenID4VP 1.0, section 8.3
SECRET = "Et-3ce0omz8_TuZ96Df9lp0GAaaDoUnDe6X-CRO7Aww"
PUBLIC = {
    "kty": "EC",
    "crv": "P-256",
    "x": "YO4epjifD-KWeq1sL2tNmm36BhXnkJ0He-WqMYrp9Fk",
    "y": "Hekpm0zfK7C-YccH5iBjcIXgf6YdUvNUac_0At55Okk",
}
TOKEN = (
    "eyJhbGciOiJFQ0RILUVTIiwiZW5jIjoiQTEyOEdDTSIsImtpZCI6ImFjIiwiZXBrIjp7Imt0eSI6IkVDIiwieCI6Im5ubVZwbTNWM2piaGNhZlFhUk"
    "JrU1ZOSGx3Wkh3dC05ck9wSnVmeVlJdWsiLCJ5IjoicjRmakRxd0p5czlxVU9QLV9iM21SNVNaRy0tQ3dPMm1pYzVWU05UWU45ZyIsImNydiI6IlAt"
    "MjU2In19..uAYcHRUSSn2X0WPX.yVzlGSYG4qbg0bq18JcUiDRw56yVnbKR8E7S7YlEtzT00RqE3Pw5oTpUG3hdLN4taHZ9gC1kwak8JOnJgQ"
    ".1wR024_3-qtAlx1oFIUpQQ"
)
KEY = DecryptionKey(int.from_bytes(base64url.decode(SECRET, "it")))


def test_the_published_answer_is_read() -> None:
    assert KEY.jwk.items() >= PUBLIC.items()
    assert json.loads(KEY.decrypt(TOKEN)) == {"vp_token": {"example_credential_id": ["eyJhb...YMetA"]}}


def test_the_published_thumbprint() -> None:
    # OpenID4VP 1.0, appendix B.2.6.1; of the public key alone
    jwk = {
        "kty": "EC",
        "crv": "P-256",
        "x": "DxiH5Q4Yx3UrukE2lWCErq8N8bqC9CHLLrAwLz5BmE0",
        "y": "XtLM4-3h5o3HUH0MHVJV0kyq0iBlrBwlh8qEDMZ4-Pc",
    }
    assert thumbprint(jwk).hex() == "4283ec927ae0f208daaa2d026a814f2b22dca52cf85ffa8f3f8626c6bd669047"


def test_nothing_of_it_can_be_changed() -> None:
    for place in range(0, len(TOKEN), 7):
        changed = TOKEN[:place] + ("A" if TOKEN[place] != "A" else "B") + TOKEN[place + 1 :]
        with pytest.raises(TokenError):
            KEY.decrypt(changed)
    for cut in (TOKEN[:-1], TOKEN[:40], "", "....", TOKEN.replace("..", ".AA."), TOKEN + "."):
        with pytest.raises(TokenError):
            KEY.decrypt(cut)


@pytest.mark.parametrize(
    "changes",
    [
        {"alg": "none"},
        {"alg": "ECDH-ES+A128KW"},
        {"alg": "dir"},
        {"enc": "none"},
        {"enc": "A128CBC-HS256"},
        {"enc": ["A128GCM"]},
        {"zip": "DEF"},
        {"crit": ["exp"]},
        {"apu": 1},
        {"apv": "="},
        {"epk": None},
        {"epk": {**PUBLIC, "x": PUBLIC["y"]}},
        {"epk": {"kty": "OKP", "crv": "Ed25519", "x": base64url.encode(bytes(32))}},
    ],
)
def test_only_what_is_understood_is_read(changes: dict[str, object]) -> None:
    header, _, rest = TOKEN.partition(".")
    members = json.loads(base64url.decode(header, "it")) | changes
    with pytest.raises(TokenError):
        KEY.decrypt(f"{base64url.encode(write_json(members))}.{rest}")


def test_another_exchange_has_another_key() -> None:
    entropy = counting()
    one, other = DecryptionKey.draw(entropy), DecryptionKey.draw(entropy)
    assert one.thumbprint != other.thumbprint
    with pytest.raises(TokenError):
        one.decrypt(TOKEN)
    assert "secret" not in repr(one)
