"""SD-JWT verifiable credentials: issued, presented and verified (RFC 9901; draft-ietf-oauth-sd-jwt-vc, `dc+sd-jwt`).

Rules
- What a verifier expects is fixed before a presentation is read, and never depends on what it brings (section 7.3):
  whether the holder must prove their key, above all.
- A credential has an end. What decides whether it holds (`ALWAYS_SHOWN`) is never hidden.
- Whatever fails is a typed error, and nothing of the credential is given out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from identity.errors import CredentialRefusedError, TokenInvalidError, TokenUnreadableError
from identity.jose.jws import JwsSigner, read_jws, sign_jws, verify_jws
from identity.jose.lifetime import check_lifetime
from identity.outcome import Check
from identity.sd_jwt.concealing import PADDED_TO, Disclosable, conceal
from identity.sd_jwt.disclosure import Path, Revealed, digest, hash_name, reveal
from identity.sd_jwt.issuers import IssuerKey
from identity.sd_jwt.key_binding import Binding, check_binding, sign_binding
from keys.clock import Entropy

TYPE: Final = "dc+sd-jwt"

MAX_CHARACTERS: Final = 256 * 1024
"""Of a presentation: a portrait fits, a hundred do not."""

MAX_DISCLOSURES: Final = 512
ALWAYS_SHOWN: Final = frozenset({"iss", "nbf", "exp", "cnf", "vct", "vct#integrity", "aka_vcts", "status"})
"""With all that is in them (draft-ietf-oauth-sd-jwt-vc, section 2.2.2.3)."""

_CHECKED: Final = (Check.TYPE, Check.ALGORITHM, Check.TRUST, Check.SIGNATURE, Check.DISCLOSURES, Check.VALIDITY)
_BOUND: Final = (*_CHECKED, Check.BINDING, Check.NONCE, Check.AUDIENCE)


@dataclass(frozen=True)
class Expectation:
    """What a verifier accepts."""

    types: Collection[str]
    """Of `vct`."""

    issuer_key: IssuerKey
    binding: Binding | None
    """None where whoever holds a credential may show it: then no proof of a key is accepted either, as none could
    be checked.
    """


@dataclass(frozen=True)
class VerifiedCredential:
    """A credential that holds. Whether it was revoked since, `claims["status"]` says where to ask."""

    issuer: str
    """As who verifies knows them: by their own name, or by that of the authority which certifies them."""

    claims: Mapping[str, object]
    """What was signed and shown; nothing that was not."""

    disclosed: tuple[Path, ...]
    """Where the holder's choice shows."""

    checks: tuple[Check, ...]
    """What was found in order, in this order."""


def issue(
    signer: JwsSigner,
    claims: Mapping[str, object],
    entropy: Entropy,
    header: Mapping[str, object] | None = None,
    padded_to: int = PADDED_TO,
) -> str:
    """A credential with every disclosure, for its holder. `claims` marks with `Disclosable` what they may keep back.

    `header` adds to the token's header, such as `kid`. Raises CredentialRefusedError, and what the signer raises.
    """
    if not (isinstance(claims.get("vct"), str) and type(claims.get("exp")) is int):
        raise CredentialRefusedError("a credential has a type (vct) and an end in seconds (exp)")
    hidden = [name for name in ALWAYS_SHOWN & claims.keys() if _hides(claims[name])]
    if hidden:
        raise CredentialRefusedError(f"{', '.join(sorted(hidden))} is never hidden")
    payload, disclosures = conceal(claims, entropy, padded_to)
    return _joined(sign_jws(signer, {**(header or {}), "typ": TYPE}, payload), disclosures)


def present(credential: str, shown: Collection[Path], typ: str = TYPE) -> str:
    """The credential, a token that says it is a `typ`, with the disclosures of these claims, and of what they are in,
    and no others.

    Raises TokenUnreadableError, TokenInvalidError, and CredentialRefusedError for a claim that it does not hide.
    """
    token, disclosures, binding = _split(credential)
    if binding:
        raise TokenInvalidError(Check.BINDING, "a credential to present carries no proof of a key yet")
    revealed = reveal(read_jws(token, typ).payload, disclosures)
    missing = [path for path in shown if path not in revealed.disclosures]
    if missing:
        raise CredentialRefusedError(f"the credential hides nothing at {missing[0]}")
    wanted = {path[:length] for path in shown for length in range(1, len(path) + 1)}
    return _joined(token, [item.encoded for path, item in revealed.disclosures.items() if path in wanted])


def bind(presentation: str, holder: JwsSigner, binding: Binding, now: datetime) -> str:
    """The presentation with the proof that its holder has the credential's key. Raises as `present`."""
    token, _, bound = _split(presentation)
    if bound:
        raise TokenInvalidError(Check.BINDING, "the presentation carries a proof of a key already")
    bound_to = digest(presentation, hash_name(read_jws(token, TYPE).payload))
    return presentation + sign_binding(holder, binding, bound_to, now)


def verify(presentation: str, expected: Expectation, now: datetime) -> VerifiedCredential:
    """Verify a presentation as RFC 9901, section 7.3 says.

    Raises TokenUnreadableError, TokenInvalidError (whose `check` says what failed), IssuerUntrustedError.
    """
    token, disclosures, binding = _split(presentation)
    jws = read_jws(token, TYPE)
    issuer = expected.issuer_key(jws.payload.get("iss"), jws.header)
    verify_jws(jws, issuer.key)
    revealed = reveal(jws.payload, disclosures)
    _check_type(revealed, expected)
    check_lifetime(revealed.claims, now, "exp")
    if expected.binding is None and binding:
        raise TokenInvalidError(Check.BINDING, "a proof of a key came that was not asked for: ask for one, or for none")
    if expected.binding is not None:
        bound_to = digest(presentation.removesuffix(binding), hash_name(jws.payload))
        check_binding(binding, jws.payload.get("cnf"), expected.binding, bound_to, now)
    checks = _CHECKED if expected.binding is None else _BOUND
    return VerifiedCredential(issuer.name, revealed.claims, tuple(revealed.disclosures), checks)


def _check_type(revealed: Revealed, expected: Expectation) -> None:
    vct = revealed.claims.get("vct")
    if not (isinstance(vct, str) and vct in expected.types):
        raise TokenInvalidError(Check.TYPE, f"the credential's vct is not one of {', '.join(sorted(expected.types))}")
    hidden = {str(path[0]) for path in revealed.disclosures} & ALWAYS_SHOWN
    if hidden:
        raise TokenInvalidError(Check.DISCLOSURES, f"{', '.join(sorted(hidden))} may not be hidden")


def _split(text: str) -> tuple[str, list[str], str]:
    """The credential's token, its disclosures, and the proof of the holder's key, which may be empty."""
    if len(text) > MAX_CHARACTERS:
        raise TokenUnreadableError(f"an SD-JWT has at most {MAX_CHARACTERS} characters here")
    token, *disclosures, binding = text.split("~") if "~" in text else ("", "")
    if not token or len(disclosures) > MAX_DISCLOSURES:
        raise TokenUnreadableError(f"an SD-JWT is a token, at most {MAX_DISCLOSURES} disclosures and ~ after each")
    return token, disclosures, binding


def _joined(token: str, disclosures: Iterable[str]) -> str:
    return "".join(f"{part}~" for part in (token, *disclosures))


def _hides(value: object) -> bool:
    """Whether something Disclosable is anywhere in it."""
    if isinstance(value, Mapping):
        return any(map(_hides, value.values()))
    return isinstance(value, Disclosable) or (isinstance(value, list | tuple) and any(map(_hides, value)))
