"""Looking a credential's status up in the Bitstring Status List it names: the list is a credential, verified as one.

A list is by the credential's own issuer, or by somebody believed; else it is *untrusted*. One that cannot be had is
*unchecked*, which is for policy to decide.
Revocation and suspension make a credential invalid; what other purposes say is the caller's to judge.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from identity.errors import CheckFailedError, StatusError, TokenInvalidError, TokenUnreadableError
from identity.outcome import Check, Outcome
from identity.status.bitstring import StatusEntry, entries, status
from identity.verifier import Policy, Status, verify_credential

FORBIDDING: Final[Mapping[str, str]] = {"revocation": "revoked", "suspension": "suspended"}
"""Purposes of which any status but 0 makes a credential invalid, and what it then is."""

Fetch = Callable[[str], Mapping[str, object] | None]
"""From a list's URL to the credential published there; None where it cannot be had now."""


def status_in_lists(fetch: Fetch, policy: Policy, now: datetime) -> Status:
    """For `Policy.status`; `policy` is for the lists themselves."""

    def check(stated: object, issuer: str | None) -> None:
        believed = policy.issuers | ({issuer} if issuer else set())
        try:
            for entry in entries({"credentialStatus": stated}):
                _check(entry, fetch, replace(policy, issuers=believed), now)
        except TokenUnreadableError as error:
            raise CheckFailedError(Check.STATUS, str(error), Outcome.UNREADABLE) from error
        except (StatusError, TokenInvalidError) as error:
            raise CheckFailedError(Check.STATUS, str(error)) from error

    return check


def _check(entry: StatusEntry, fetch: Fetch, policy: Policy, now: datetime) -> None:
    published = fetch(entry.uri)
    if published is None:
        raise CheckFailedError(Check.STATUS, f"the list {entry.uri!r} cannot be had now", Outcome.UNCHECKED)
    report = verify_credential(published, policy, now)
    if report.verdict is not Outcome.HOLDS:
        why = "; ".join(f"{finding.check}: {finding.detail}" for finding in report.failed)
        raise CheckFailedError(Check.STATUS, f"the list {entry.uri!r} is {report.verdict} ({why})", report.verdict)
    said = status(entry, published)
    if said and entry.purpose in FORBIDDING:
        raise CheckFailedError(Check.STATUS, FORBIDDING[entry.purpose])
    if said:
        raise CheckFailedError(Check.STATUS, f"{entry.purpose}: {said}, for you to judge", Outcome.UNCHECKED)
