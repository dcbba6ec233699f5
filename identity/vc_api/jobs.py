"""The jobs of a worker that judges credentials: *verify_credential*, *verify_presentation*, *derive*.

Rules
- Stateless: what is believed, which contexts are known besides, and what time it is come with each job.
- The request is parsed here and nowhere else; all that leaves is a report, or what a holder shows.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache, partial
from importlib import import_module
from typing import Any, ClassVar, Final

from pydantic import TypeAdapter

from detection.job_error import JobError
from detection.worker import Ask, Job
from identity.data_integrity.proof import Expected
from identity.did.web import resolver
from identity.errors import DocumentError, IdentityError, KeyUnfitError, ProofError, SelectionError
from identity.holding.deriving import derive_credential
from identity.jsonld.canonical import canonical_nquads
from identity.jsonld.context_library import CREDENTIALS_V2, PUBLISHED, ContextLibrary
from identity.legacy.in_worker import check as check_legacy
from identity.report import Report
from identity.status.lookup import status_in_lists
from identity.vc_api.answer import Judged
from identity.vc_api.outside import QUESTIONS, Outside
from identity.vc_api.request import CREDENTIAL, PRESENTATION, Asked, read_request
from identity.verifier import Policy, verify_credential, verify_presentation

JUDGED: Final = TypeAdapter(Judged)
LIBRARIES_KEPT: Final = 4

Judge = Callable[[Policy, datetime], Report]


@dataclass(eq=False)
class DerivationRefusedError(IdentityError, JobError):
    """Nothing can be derived so."""

    code: ClassVar[str] = "derivation-refused"
    sentence: ClassVar[str] = "{reason}"
    reason: str


def _verify_credential(args: dict[str, Any], fds: list[int], ask: Ask) -> tuple[dict[str, Any], list[int]]:
    """The report on one credential. `args`: `now`, `issuers`, `contexts`."""
    asked = read_request(_whole(fds[0]), CREDENTIAL)
    expected = Expected("assertionMethod", asked.challenge, asked.domain, asked.header)
    return _judged(args, asked, ask, partial(_judge, verify_credential, asked, expected))


def _verify_presentation(args: dict[str, Any], fds: list[int], ask: Ask) -> tuple[dict[str, Any], list[int]]:
    """The report on one presentation. `args` as above."""
    asked = read_request(_whole(fds[0]), PRESENTATION)
    expected = Expected("authentication", asked.challenge, asked.domain, asked.header)
    return _judged(args, asked, ask, partial(_judge, verify_presentation, asked, expected))


def _derive(args: dict[str, Any], fds: list[int], _ask: Ask) -> tuple[dict[str, Any], list[int]]:
    """What is shown of a credential. `args`: `contexts`. Raises DerivationRefusedError."""
    asked = read_request(_whole(fds[0]), CREDENTIAL)
    contexts = _library(args["contexts"])
    if isinstance(asked.document, str):
        raise DerivationRefusedError("a JWT is shown whole: send a credential by ecdsa-sd-2023 or bbs-2023")
    try:
        shown = derive_credential(asked.document, asked.pointers, asked.header, contexts=contexts)
    except (SelectionError, ProofError, KeyUnfitError, DocumentError) as error:
        raise DerivationRefusedError(str(error)) from error
    return {"credential": shown}, []


JOBS: Final[Mapping[str, Job]] = {
    "verify_credential": _verify_credential,
    "verify_presentation": _verify_presentation,
    "derive": _derive,
}


def _judge(
    verify: Callable[[Mapping[str, object] | str, Policy, datetime, Expected], Report],
    asked: Asked,
    expected: Expected,
    policy: Policy,
    now: datetime,
) -> Report:
    return verify(asked.document, policy, now, expected)


def _judged(args: dict[str, Any], asked: Asked, ask: Ask, judge: Judge) -> tuple[dict[str, Any], list[int]]:
    outside = Outside()
    policy = partial(_policy, frozenset(args["issuers"]) | asked.issuers, _library(args["contexts"]), outside)
    now = datetime.fromisoformat(args["now"])
    report = judge(policy(now), now)
    for _ in range(QUESTIONS):
        if outside.lacks:
            now = outside.ask(ask)
            report = judge(policy(now), now)
    return {"judged": JUDGED.dump_python(Judged(report, asked.proof_alone), mode="json")}, []


def _policy(issuers: frozenset[str], contexts: ContextLibrary, outside: Outside, now: datetime) -> Policy:
    lists = Policy(issuers, contexts, resolver(outside.did_document), legacy=check_legacy)
    return replace(lists, status=status_in_lists(outside.status_list, lists, now))


def _library(contexts: dict[str, str]) -> ContextLibrary:
    return _kept_library(tuple(sorted(contexts.items()))) if contexts else PUBLISHED


@lru_cache(maxsize=LIBRARIES_KEPT)
def _kept_library(contexts: tuple[tuple[str, str], ...]) -> ContextLibrary:
    """One library for the same contexts, so that what PyLD made of them is kept, too."""
    return PUBLISHED.including({url: text.encode() for url, text in contexts})


def _whole(fd: int) -> bytes:
    with os.fdopen(fd, "rb", closefd=False) as file:
        return file.read()


# What libraries load on first use is loaded now: isolation allows it no more. The context that nearly all credentials
# have is in the cache then, too.
for late in ("cryptography.hazmat.backends.openssl.backend", "encodings.utf_16_be"):
    import_module(late)
canonical_nquads({"@context": [CREDENTIALS_V2], "type": "VerifiableCredential"})
