"""Credentials that somebody presented: what a verifier found, taken as evidence.

Rules
- Taken is the verdict object of the verifier itself, never a caller's word for it: an SD-JWT's, a mobile document's,
  the report on a presentation, or the verdict that a wallet's answer left in its session (`identity.openid4vp`).
- It must hold, be in force as far as its status list says, and be bound to a key that its holder proved to have, now.
  What anybody could show who has a copy is no evidence.
- What was shown once is evidence for one account, once: `once` names the occasion (a nonce, a challenge, a session).
- Which kind of document it was, and by whose word, is all that is kept; nothing that stands in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, select

from identity.assurance.account import Accounts, Actor
from identity.assurance.errors import EvidenceRefusedError
from identity.assurance.evidence import Found
from identity.assurance.grants import Granted, Grants
from identity.assurance.tables import EvidenceRow
from identity.assurance.tier import lowest
from identity.mdoc.document import VerifiedMdoc
from identity.openid4vp.documents import DOCUMENTS
from identity.openid4vp.session import Answered, Session
from identity.outcome import Check, Outcome
from identity.report import Report
from identity.sd_jwt.credential import VerifiedCredential
from identity.vcdm import CREDENTIAL, listed, party
from ledger.ids import SubjectId, TenantId

BOUND: Final = frozenset({Check.BINDING, Check.NONCE, Check.AUDIENCE})
"""What an SD-JWT's presentation must have been found to be."""


@dataclass(frozen=True)
class Shown:
    """A document that holds."""

    types: tuple[str, ...]
    """What it is; where a wallet was let choose, what it may be."""

    once: str


def of_sd_jwt(verified: VerifiedCredential, status: Outcome, once: str) -> Shown:
    """An SD-JWT that was verified with a proof of its holder's key; `status` as it was looked up, HOLDS where it has
    none. Raises EvidenceRefusedError.
    """
    if not set(verified.checks) >= BOUND:
        raise EvidenceRefusedError("nobody proved to have the credential's key: ask for key binding")
    _require_in_force(status)
    return Shown((str(verified.claims["vct"]),), once)


def of_mdoc(verified: VerifiedMdoc, status: Outcome, once: str) -> Shown:
    """A mobile document, which is always signed by its device. Raises EvidenceRefusedError."""
    _require_in_force(status)
    return Shown((verified.doctype,), once)


def of_presentation(report: Report, presentation: Mapping[str, object], once: str) -> Shown:
    """A presentation of one credential, with the report on it, by whom it is about; `once` is its challenge.

    Raises EvidenceRefusedError.
    """
    _require_in_force(report.verdict)
    held = [one for one in listed(presentation.get("verifiableCredential", [])) if isinstance(one, Mapping)]
    proofs = [one for one in listed(presentation.get("proof", [])) if isinstance(one, Mapping)]
    if len(held) != 1 or not proofs or any(proof.get("challenge") != once for proof in proofs):
        raise EvidenceRefusedError("present one credential, in answer to this challenge")
    holder, subject = party(presentation.get("holder")), party(held[0].get("credentialSubject"))
    if holder is None or holder != subject:
        raise EvidenceRefusedError("the credential is not about who presents it (holder, credentialSubject.id)")
    return Shown(tuple(str(name) for name in listed(held[0].get("type")) if name != CREDENTIAL), once)


def of_session(session: Session) -> Shown:
    """What a wallet answered: by a document of a kind that was asked for. Raises EvidenceRefusedError."""
    state = session.state
    if not isinstance(state, Answered):
        raise EvidenceRefusedError("the wallet has not answered yet")
    _require_in_force(state.verdict.outcome)
    return Shown(tuple(DOCUMENTS[name].type for name in state.asked), session.id)


@dataclass(frozen=True)
class Presented:
    """The adapter. Safe to call from many threads."""

    accounts: Accounts
    grants: Grants

    def take(self, by: Actor, account: SubjectId, shown: Shown, country: str) -> Granted:
        """Record that somebody has this document; of several that it may be, it counts as the one worth least.

        Raises EvidenceRefusedError for an occasion that is evidence already, and as `Grants.grant`.
        """
        policy = self.grants.policy
        if not shown.types:
            raise EvidenceRefusedError("nobody can tell what kind of document this is")
        region, subject = policy.region_of(country), self.accounts.subject(by.tenant, account)
        kinds = {policy.document(name): name for name in shown.types}
        worth = {kind: policy.rule(kind, region).tier for kind in kinds}
        kind = next(one for one in worth if worth[one] is lowest(*worth.values()))
        occasion = self.accounts.mark(by.tenant, "occasion", shown.once)

        def settle(connection: Connection) -> None:
            _require_new(connection, by.tenant, occasion)

        return self.grants.grant(by, subject, Found(kind, kinds[kind], region, None, occasion), settle)


def _require_in_force(outcome: Outcome) -> None:
    if outcome is not Outcome.HOLDS:
        raise EvidenceRefusedError(f"what was presented is no evidence: it was found {outcome}")


def _require_new(connection: Connection, tenant: TenantId, occasion: str) -> None:
    mine = (EvidenceRow.tenant_id == tenant, EvidenceRow.request_id == occasion)
    if connection.execute(select(EvidenceRow.id).where(*mine)).first() is not None:
        raise EvidenceRefusedError("what was presented is evidence already; have it presented again")
