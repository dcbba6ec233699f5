"""Judging credentials and presentations for strangers, seen from the parent: workers do it, this process fetches.

Rules
- The body is not parsed here. A worker that dies of one, or takes too long over it, is that request's error.
- Nothing is kept: no row, no credential, no claim.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from detection.errors import WorkerError, WorkerProtocolError
from detection.memfd import Memfd
from detection.shares import Shares
from identity.errors import CredentialTooCostlyError
from identity.vc_api.answer import Judged
from identity.vc_api.jobs import JUDGED
from identity.vc_api.outside import QUESTIONS, Sources
from keys.clock import Clock

SECONDS: Final = 5.0
"""For one request, without the time of what is fetched for it: honest ones take a few milliseconds."""


@dataclass(frozen=True)
class Checking:
    """Answers a verifier's and a holder's requests. Safe to call from many threads."""

    workers: Shares
    sources: Sources
    issuers: frozenset[str]
    """Whom this deployment believes."""

    contexts: Mapping[str, str]
    """Those known here besides the published ones."""

    clock: Clock

    def credential(self, holder: str, body: Memfd) -> Judged:
        """The report on the `verifiableCredential` of a request by `holder`, whose share of the workers it takes.

        Raises RequestUnreadableError, CredentialTooCostlyError, SandboxError.
        """
        return self._report(holder, "verify_credential", body)

    def presentation(self, holder: str, body: Memfd) -> Judged:
        """The report on the `verifiablePresentation` of a request. Raises as `credential` does."""
        return self._report(holder, "verify_presentation", body)

    def derive(self, holder: str, body: Memfd) -> dict[str, Any]:
        """What is shown of the `verifiableCredential` of a request. Raises DerivationRefusedError besides."""
        result = self._run(holder, "derive", {}, body)
        match result:
            case {"credential": dict(credential)}:
                return credential
        raise WorkerProtocolError("a worker derived something else than a credential")

    def _report(self, holder: str, job: str, body: Memfd) -> Judged:
        args = {"now": self.clock().isoformat(), "issuers": sorted(self.issuers)}
        try:
            return JUDGED.validate_python(self._run(holder, job, args, body).get("judged"))
        except ValidationError as error:
            raise WorkerProtocolError("a worker gave something else than a report") from error

    def _run(self, holder: str, job: str, args: Mapping[str, Any], body: Memfd) -> dict[str, Any]:
        arguments = {**args, "contexts": dict(self.contexts)}
        try:
            with self.workers.of(holder).run(
                job, arguments, (body,), (self.sources.answer,) * QUESTIONS, SECONDS
            ) as reply:
                return reply.result
        except WorkerError as error:
            raise CredentialTooCostlyError(f"it cannot be judged with the work allowed for one: {error}") from error
