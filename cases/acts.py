"""What a registered person does by showing the credential of their registration, known to nobody otherwise: withdraw
it, stop its withdrawal, renew it, read its log, answer to a line of that, prove to be who a picture shows.

Rules
- The credential counts that is bound to the key which the registration knows now: another key takes its place as soon
  as the credential is signed for that. It is asked again in the unit of work.
- Whoever cannot show it learns nothing: neither that there is such a registration, nor how it stands.
- The acts and their entries are those of anybody else who may; here is only who does them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection

from cases.access import NO_TOOL, Caller
from cases.likeness.log import MatchLog, Response, Seen
from identity.assurance.account import Actor
from identity.depicted import Shower
from identity.holder_signing import HOLDER_PROOF, HolderSigning, Shown, Wanted, nonce_of
from identity.issuing.credential_types import DO_NOT_GENERATE
from identity.passkeys.challenges import LASTS, NONCE_BYTES
from identity.registration.consent import ConsentProof
from identity.registration.errors import RegistrationNotFoundError
from identity.registration.lookup import Registrations
from identity.registration.record import PROTECTING, require_holder
from identity.registration.renewing import Renewal, Renewed, Terms
from identity.registration.withdrawing import Way, Withdrawals
from ledger.canonical import canonical
from ledger.forgetting.subjects import Subject
from ledger.ids import EntryId, SubjectId, TenantId, milliseconds
from provenance.request import Grant

CLAIM: Final = "registration"
"""What is shown of the credential, and no more."""


class Does(StrEnum):
    """What."""

    WITHDRAW = "withdraw"
    KEEP = "keep"
    """To stop a withdrawal that somebody asked for with the recovery code."""

    RENEW = "renew"
    ANSWER = "answer"
    """To a line of the log: what is confirmed, and held for it, is given out."""

    READ = "read"
    """The log."""

    DEPICTED = "depicted"
    """To prove that one is who a picture shows (`identity.depicted`)."""


@dataclass(frozen=True)
class Act:
    """One act, whole: what is signed."""

    registration: SubjectId
    does: Does
    said: Mapping[str, str] = field(default_factory=dict)
    """What it needs besides, by name."""

    @property
    def content(self) -> bytes:
        """The bytes that are signed: RFC 8785 JSON."""
        return canonical({"sigillo": "act/v1", "registration": self.registration, "does": self.does, **self.said})


@dataclass(frozen=True)
class Asked:
    """What a holder's wallet needs, to show the credential."""

    content: bytes
    random: bytes
    nonce: str
    audience: str
    expires_at: int


@dataclass(frozen=True)
class Acts:
    """Safe to call from many threads."""

    registrations: Registrations
    signing: HolderSigning
    withdrawals: Withdrawals
    terms: Terms
    log: MatchLog

    def begin(self, act: Act) -> Asked:
        """What to sign; the same for a registration that is not there. Raises DatabaseUnavailableError."""
        signing, tenant = self.signing, self._tenant(act)
        if tenant is None:
            random, ends = signing.challenges.entropy(NONCE_BYTES), milliseconds(signing.challenges.clock() + LASTS)
        else:
            begun = signing.begin(tenant, act.registration, hashlib.sha256(act.content).digest())
            random, ends = begun.nonce, begun.expires_at
        return Asked(act.content, random, nonce_of(act.registration, random, act.content), signing.audience, ends)

    def withdraw(self, act: Act, presentation: str) -> EntryId:
        """End it now. Raises as `_shown` and `Withdrawals.withdraw`."""
        return self.withdrawals.withdraw(self._actor(act, presentation), act.registration, Way.CREDENTIAL)

    def keep(self, act: Act, presentation: str) -> EntryId:
        """Stop a withdrawal. Raises as `_shown` and `Withdrawals.stop`."""
        return self.withdrawals.stop(self._actor(act, presentation), act.registration)

    def renew(self, act: Act, presentation: str) -> Renewed:
        """Begin another term. Raises as `_shown` and `Terms.renew`."""
        tenant, subject, shown = self._shown(act, presentation)
        evidence = HOLDER_PROOF.dump_json(shown.proof).decode()
        renewal = Renewal(act.said["language"], act.said["sha256"], ConsentProof.CREDENTIAL, evidence)
        return self.terms.renew(self._by(tenant, subject, shown), act.registration, renewal)

    def answer(self, act: Act, presentation: str) -> EntryId:
        """Say something to a line of the log. Raises as `_shown` and `MatchLog.respond`."""
        tenant, subject, shown = self._shown(act, presentation)
        by = self._by(tenant, subject, shown)
        caller = Caller(tenant, by.principal, frozenset(), Grant(NO_TOOL, frozenset()))
        return self.log.respond(caller, subject, act.said["match"], Response(act.said["response"]), by.alive)

    def read(self, act: Act, presentation: str, before: tuple[int, str] | None = None) -> list[Seen]:
        """A page of the log. Raises as `_shown`."""
        tenant, subject, shown = self._shown(act, presentation)
        self.registrations.accounts.database.write(self._by(tenant, subject, shown).alive)
        return self.log.page(subject, before)

    def depicted(self, act: Act, presentation: str) -> Shower:
        """Who shows the credential for that. Raises as `_shown`."""
        tenant, subject, shown = self._shown(act, presentation)
        return Shower(tenant, subject.id, self._by(tenant, subject, shown).alive)

    def _actor(self, act: Act, presentation: str) -> Actor:
        return self._by(*self._shown(act, presentation))

    def _by(self, tenant: TenantId, subject: Subject, shown: Shown) -> Actor:
        """Nobody whom this service knows otherwise: who may act is settled with the act."""

        def alive(connection: Connection) -> None:
            shown.settle(connection)
            require_holder(connection, subject, shown.key)

        return Actor(tenant, self.registrations.accounts.ledger.system_principal(tenant), alive)

    def _shown(self, act: Act, presentation: str) -> tuple[TenantId, Subject, Shown]:
        """Raises ShowingRefusedError, ChallengeGoneError, RegistrationEndedError, KeyStoreUnavailableError."""
        tenant, wanted = self._tenant(act), Wanted(DO_NOT_GENERATE, CLAIM, act.registration)
        shown = self.signing.require_shown(tenant, wanted, act.content, presentation)
        assert tenant is not None
        _, subject = self.registrations.kept(tenant, act.registration, PROTECTING)
        return tenant, subject, shown

    def _tenant(self, act: Act) -> TenantId | None:
        try:
            return self.registrations.locate(act.registration)
        except RegistrationNotFoundError:
            return None
