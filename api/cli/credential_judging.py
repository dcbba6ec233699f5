"""What a verifier with files asks of a credential, whatever its form: a document, a presentation of some, an SD-JWT."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from api.cli.credential_files import Credential, contexts_of
from api.cli.credential_sources import Reach
from api.cli.output import Exit, fail
from identity.data_integrity.proof import Expected
from identity.did.web import resolver
from identity.encoding.strict_json import read_object
from identity.enveloping.checks import opened
from identity.enveloping.envelope import is_enveloped
from identity.errors import CheckFailedError, TokenError, TokenUnreadableError
from identity.jose.jwk import PublicKey
from identity.jose.jws import read_jws
from identity.outcome import Check, Outcome
from identity.report import Report
from identity.sd_jwt.credential import TYPE, Expectation
from identity.sd_jwt.issuers import resolved
from identity.sd_jwt.judging import judge
from identity.sd_jwt.key_binding import Binding
from identity.status.lookup import status_in_lists
from identity.status.token_lookup import token_status
from identity.vcdm import CREDENTIAL, PRESENTATION, listed
from identity.verifier import Policy, verify_credential, verify_presentation

Claims = list[Mapping[str, Any]]
"""What each credential says of its subject."""


@dataclass(frozen=True)
class Question:
    """What the verifier wants to know."""

    issuers: frozenset[str]
    audience: str = ""
    nonce: str = ""
    vct: str = ""


def judged(credential: Credential, question: Question, reach: Reach, now: datetime) -> tuple[Report, Claims]:
    """The report, and what was said; that counts only as far as the report's verdict lets it."""
    if isinstance(credential, str) and "~" in credential:
        return _token(credential, question, reach, now)
    policy = _policy(question, reach, now)
    if _is_presentation(credential):
        asked = Expected("authentication", question.nonce or None, question.audience or None)
        report = verify_presentation(credential, policy, now, asked)
        held = listed(_said(credential, PRESENTATION).get("verifiableCredential", []))
        return report, [claims for one in held for claims in _claims(one)]
    if question.audience:
        raise fail("only presentations and SD-JWTs are made for an --audience: leave it out", Exit.USAGE)
    asked = Expected("assertionMethod", header=question.nonce.encode() or None)
    return verify_credential(credential, policy, now, asked), _claims(credential)


def _policy(question: Question, reach: Reach, now: datetime) -> Policy:
    lists = Policy(question.issuers, contexts_of(*question.issuers), resolver(reach.did_document))
    return replace(lists, status=status_in_lists(partial(_list, reach), lists, now))


def _list(reach: Reach, url: str) -> Mapping[str, object] | None:
    content = reach.status_list(url)
    try:
        return None if content is None else read_object(content, f"what lies at {url!r}")
    except TokenUnreadableError as error:
        raise CheckFailedError(Check.STATUS, str(error), Outcome.UNREADABLE) from error


def _is_presentation(document: Credential) -> bool:
    if isinstance(document, str):
        return bool(_said(document, PRESENTATION))
    return PRESENTATION in listed(document.get("type")) or is_enveloped(document, PRESENTATION)


def _claims(credential: object) -> Claims:
    subjects = listed(_said(credential, CREDENTIAL).get("credentialSubject", []))
    return [subject for subject in subjects if isinstance(subject, dict)]


def _said(document: object, kind: str) -> Mapping[str, Any]:
    """What a document says, in whatever token it is; nothing where that cannot be read."""
    if not isinstance(document, dict | str):
        return {}
    if isinstance(document, dict) and not is_enveloped(document, kind):
        return document
    try:
        return opened(document, kind).document
    except CheckFailedError:
        return {}


def _token(text: str, question: Question, reach: Reach, now: datetime) -> tuple[Report, Claims]:
    proven = not text.endswith("~")
    if bool(question.audience) != bool(question.nonce) or (proven and not question.nonce):
        raise fail(
            "it was shown with a proof of the holder's key: give the --audience and --nonce that the holder was given"
            if proven
            else "an SD-JWT is shown for an --audience and a --nonce: give both, or none",
            Exit.USAGE,
        )
    issuer, types = _stated(text)
    key = resolved(question.issuers, resolver(reach.did_document))

    def list_key(header: Mapping[str, object]) -> PublicKey:
        return key(issuer, header).key

    binding = Binding(question.audience, question.nonce) if question.nonce else None
    expected = Expectation({question.vct} if question.vct else types, key, binding)
    found = judge(text, expected, token_status(reach.status_list, list_key, now), now)
    return found.report, [found.claims] if found.claims else []


def _stated(text: str) -> tuple[object, set[str]]:
    """The issuer and the type that an SD-JWT states; what cannot be read states none, and is judged so."""
    try:
        payload = read_jws(text.partition("~")[0], TYPE).payload
    except TokenError:
        return None, set()
    return payload.get("iss"), {str(payload.get("vct"))}
