"""Credentials and presentations as JWTs of VCDM 1.1 (§6.3.1): a document in one claim, some of it in registered ones.

Rules
- What is verified is one document: each registered claim goes to its place, and contradicts nothing that stands there.
- The signature is ours to verify (`identity.jose`), so didkit is not asked; `typ` is `JWT`, or there is none.
- The document is of VCDM 1.1; of 2.0 only where the JWT stands in an envelope of that, which may hold what is secured
  in any way (VCDM 2.0 §4.13). What we secure never has such a claim: VC-JOSE-COSE 1.0 §3.1.3 forbids it to its tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial

from identity.encoding.date_time import read_date_time, write_date_time
from identity.enveloping.secured import AUTHOR, SHORT, Secured
from identity.errors import TokenInvalidError, TokenUnreadableError
from identity.jose.jws import read_jws, verify_jws
from identity.jose.lifetime import seconds
from identity.jsonld.context_library import CREDENTIALS_V1
from identity.outcome import Check
from identity.vcdm import BEGINS, CREDENTIAL, ENDS, VERSIONS, listed, party


def read_legacy_jwt(token: str, kind: str, base: str = CREDENTIALS_V1) -> Secured:
    """A document of that kind whose first context is `base`, not verified yet. Raises TokenUnreadableError,
    TokenInvalidError.
    """
    jws = read_jws(token, "JWT", None)
    stated = jws.payload.get(SHORT[kind])
    if not isinstance(stated, dict):
        raise TokenUnreadableError(f"a JWT of VCDM 1.1 has its document in the claim {SHORT[kind]!r}")
    if listed(stated.get("@context"))[:1] != [base]:
        raise TokenUnreadableError(f"a document in a claim of a JWT has the context {base} here")
    kid = jws.header.get("kid")
    if not isinstance(kid, str | None):
        raise TokenUnreadableError("the token's kid is no text")
    return Secured(_whole(stated, jws.payload, kind, base), jws.payload, kid, partial(verify_jws, jws))


def _whole(stated: Mapping[str, object], claims: Mapping[str, object], kind: str, base: str) -> dict[str, object]:
    document = _placed(dict(stated), claims, {"iss": AUTHOR[kind], "jti": "id"}, _text)
    if kind != CREDENTIAL:
        return document
    of_version = VERSIONS.index(base)
    document = _placed(document, claims, {"nbf": BEGINS[of_version], "exp": ENDS[of_version]}, _moment)
    subject = document.get("credentialSubject")
    if "sub" in claims and isinstance(subject, dict):
        document["credentialSubject"] = _placed(dict(subject), claims, {"sub": "id"}, _text)
    return document


def _placed(
    document: dict[str, object],
    claims: Mapping[str, object],
    places: Mapping[str, str],
    read: Callable[[Mapping[str, object], str, object], object],
) -> dict[str, object]:
    """With each of these claims at its place. Raises TokenInvalidError for one that says something else."""
    for claim in places.keys() & claims.keys():
        document.setdefault(places[claim], read(claims, claim, document.get(places[claim])))
    return document


def _text(claims: Mapping[str, object], claim: str, stated: object) -> object:
    said = claims[claim]
    if stated is not None and party(stated) != said:
        raise _contradiction(claim)
    return said


def _moment(claims: Mapping[str, object], claim: str, stated: object) -> object:
    said = seconds(claims, claim)
    assert said is not None
    try:
        if stated is not None and read_date_time(stated).timestamp() != said:
            raise _contradiction(claim)
        return write_date_time(datetime.fromtimestamp(said, UTC))
    except (ValueError, OverflowError, OSError) as error:
        raise TokenUnreadableError(f"{claim} is no time") from error


def _contradiction(claim: str) -> TokenInvalidError:
    return TokenInvalidError(Check.STRUCTURE, f"the token's {claim} is not what its document says")
