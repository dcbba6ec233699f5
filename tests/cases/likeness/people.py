"""People who are registered in a deployment, without what registering asks of them: rows as `Registry` leaves them, and
faces that are a portrait's, or as much like it as a test wants.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from unittest.mock import patch

from sqlalchemy import Connection, insert, update

from cases.likeness.retroactive import begin_rounds
from detection.faces.look import look
from detection.memfd import Memfd
from detection.templates.template import Embedding
from identity.assurance.tier import Tier
from identity.registration.consent import Consent, ConsentProof
from identity.registration.record import Details, State, seal_details
from identity.registration.refusal import Kind, Purpose, Right
from identity.registration.tables import RegistrationRow
from keys.clock import system_entropy
from ledger.ids import EntryId, SubjectId, milliseconds, new_id
from ledger.payload import Draft
from tests.deployment import Running
from tests.detection.faces.photos import PORTRAIT_FILE
from tests.detection.templates.registered import alike, strangers

HER = PORTRAIT_FILE.read_bytes()
LASTS = 365 * 24 * 3_600_000


@dataclass
class People:
    """Who is registered in one deployment."""

    up: Running

    @cached_property
    def her(self) -> Embedding:
        """The portrait's embedding."""
        with Memfd.of([HER]) as file:
            found = look(self.up.service.registry.faces.workers.of("test"), file)
        return list(found.sightings[0].faces[0].embedding)

    def like_her(self, cosine: float) -> Embedding:
        """A face so much like hers."""
        return alike(self.her, cosine)

    def stranger(self, seed: int = 5) -> Embedding:
        return [float(value) for value in strangers(1, seed)[0]]

    @contextmanager
    def registered(
        self,
        face: Embedding | None = None,
        *purposes: Purpose,
        place: str = "FR",
        state: State = State.ACTIVE,
        account: str = "acc_nobody",
    ) -> Iterator[SubjectId]:
        """Somebody with this face, hers by default, until the block ends."""
        registration = self.register(face, *purposes, place=place, state=state, account=account)
        try:
            yield registration
        finally:
            self.withdraw(registration)

    def register(
        self,
        face: Embedding | None = None,
        *purposes: Purpose,
        place: str = "FR",
        state: State = State.ACTIVE,
        account: str = "acc_nobody",
    ) -> SubjectId:
        """The same, for good."""
        service = self.up.service
        by = service.deployment.operator()
        subject = service.ledger.subjects.create(by.tenant, SubjectId(new_id("reg", system_entropy)))
        consent = Consent("face@1", "en", "", ConsentProof.ATTESTED)
        details = Details(place, "default@1", "", purposes, Right.SELF, "", consent, "", Tier.MEDIUM, "assurance@1")
        now = milliseconds(service.ledger._clock())
        row = {
            "tenant_id": by.tenant,
            "id": subject.id,
            "account_id": account,
            "principal_id": by.principal,
            "kind": Kind.FACE,
            "state": state,
            "own": 1,
            "sealed": seal_details(subject, details, system_entropy),
            "created_at": now,
            "expires_at": now + LASTS,
            "entry_id": EntryId("ent_none"),
        }
        prepared = service.registry.faces.bank.prepared(subject, [self.her if face is None else face])

        def register(connection: Connection) -> None:
            service.ledger.subjects.insert(connection, subject)
            connection.execute(insert(RegistrationRow), row)
            service.registry.faces.bank.insert(connection, prepared)
            begin_rounds(connection, by.tenant, subject.id, now)

        self._do(register)
        service.registry.faces.index.follow(by.tenant)  # however busy the machine is: nothing is unknown from here on
        return subject.id

    def release(self, registration: SubjectId) -> None:
        """As whoever looked at it does."""
        mine = (
            RegistrationRow.tenant_id == self.up.service.deployment.operator().tenant,
            RegistrationRow.id == registration,
        )
        self._do(lambda connection: connection.execute(update(RegistrationRow).where(*mine).values(state=State.ACTIVE)))

    def withdraw(self, registration: SubjectId) -> None:
        """As withdrawing does: the key goes, and everything with it. Twice is once."""
        service = self.up.service
        tenant = service.deployment.operator().tenant
        mine = (RegistrationRow.tenant_id == tenant, RegistrationRow.id == registration)

        def end(connection: Connection) -> None:
            changed = update(RegistrationRow).where(*mine, RegistrationRow.state != State.WITHDRAWN)
            if connection.execute(changed.values(state=State.WITHDRAWN, sealed=None)).rowcount:
                service.ledger.subjects.erase(connection, tenant, registration)

        self._do(end)

    def _do(self, change: Callable[[Connection], object]) -> None:
        def work(connection: Connection) -> Sequence[Draft]:
            change(connection)
            return []

        self.up.service.ledger.record(work, self.up.service.deployment.operator().tenant)


@contextmanager
def nobody_can_look(up: Running, error: Exception) -> Iterator[None]:
    """While this lasts, the index says that it cannot tell."""

    def refuses(*_: Any, **__: Any) -> None:
        raise error

    with patch.object(type(up.service.registry.faces.matcher), "match", refuses):
        yield
