"""A tool asks before it generates: may I imitate whom this picture shows, for that?

    limits → spent before? → who is shown (a worker, the index) → the answer
    → one unit of work: the check, lines in logs, idempotency, entry → token

Rules
- The picture is held in memory and gone with the answer; kept are a commitment to it and the answer.
- One check is one entry, whatever was found: what else there is to say is said in rows that nobody sees in public.
- Whoever cannot be answered gets an error, never *allowed*.
- A file is looked at whether or not anybody is registered: what is no picture is refused either way, at the same cost,
  and no answer tells whether there is anybody to be found.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, insert, select

from cases.access import Caller, require_alive
from cases.errors import LikenessLimitError
from cases.idempotency import IdempotencyKey
from cases.likeness.answers import CHECKED, Answer, Checked, Judged, judge, outcome_of
from cases.likeness.decisions import CHECK_POLICY, LikenessChecked
from cases.likeness.decisions import CHECKED as KIND
from cases.likeness.limits import person_waits, tool_waits
from cases.likeness.lines import Caller as Kind
from cases.likeness.lines import Line, Outcome, asker_of, line_row
from cases.likeness.matching import Looked, Matching, Sighted, still_protecting
from cases.likeness.tables import CheckRow, MatchRow
from cases.likeness.use import Use
from detection.faces.found import FACE_MODEL
from detection.memfd import Memfd
from detection.templates.thresholds import THRESHOLDS
from keys.clock import Clock, Entropy
from keys.sealing import derive, seal, unseal
from ledger.forgetting.subjects import Subject
from ledger.ids import TenantId, milliseconds, new_id
from ledger.log import Ledger
from ledger.payload import Draft
from ledger.storage.database import Database

SALT_BYTES = 32


@dataclass(frozen=True)
class Question:
    """What a tool wants to know."""

    picture: Memfd
    """Sealed against writing."""

    declared_mime: str
    use: Use
    nonce: str
    """The tool's own, which comes back in the token."""

    place: str
    idempotency_key: str = ""


@dataclass(frozen=True)
class Checks:
    """Answers tools. Safe to call from many threads."""

    ledger: Ledger
    database: Database
    matching: Matching
    refused: Collection[Use]
    """Uses that this deployment refuses, whoever is shown."""

    clock: Clock
    entropy: Entropy

    def check(self, caller: Caller, question: Question) -> Checked:
        """The answer, once it is durable.

        Raises LikenessLimitError, LikenessUnknownError, MediaError, IdempotencyConflictError,
        KeyStoreUnavailableError, LogBusyError, DatabaseUnavailableError; then nothing was kept.
        """
        system, now = self.ledger.subjects.system(caller.tenant), milliseconds(self.clock())
        asker, spent = asker_of(system, caller.principal), self._idempotency(system, caller, question)
        with self.database.read(caller.tenant) as connection:
            if spent and (made := spent.winner(connection, now)):
                return self._found(connection, system, made)
            _require_room(connection, caller, asker, now)
        return self._record(caller, system, question, self._look(caller, question), spent)

    def _look(self, caller: Caller, question: Question) -> Looked:
        picture, mime = question.picture, question.declared_mime
        return self.matching.look(caller.principal, caller.tenant, picture, mime, question.use, question.place)

    def _record(
        self,
        caller: Caller,
        system: Subject,
        question: Question,
        looked: Looked,
        spent: IdempotencyKey | None,
    ) -> Checked:
        now, tenant = milliseconds(self.clock()), caller.tenant
        asker = asker_of(system, caller.principal)
        judged = judge(looked, question.use, self.refused)
        draft = self.ledger.draft(KIND.name, CHECK_POLICY, caller.principal, system, None)
        checked = self._checked(question, judged.answer, looked, draft, now)
        entry = self._entry(draft, caller, question, checked, judged)
        lines = self._lines(asker, looked, checked, judged)
        row = self._row(caller, system, checked)

        def work(connection: Connection) -> Sequence[Draft]:
            require_alive(connection, caller)
            if spent and spent.winner(connection, now):
                return []
            _require_room(connection, caller, asker, now)  # what was asked at the same time counts
            alive = still_protecting(connection, tenant, [line["registration_id"] for line in lines])
            if shown := [line for line in lines if line["registration_id"] in alive]:
                connection.execute(insert(MatchRow), shown)
            connection.execute(insert(CheckRow), row)
            if spent:
                spent.spend(connection, checked.id, now)
            return [entry]

        self.ledger.record(work, tenant)
        if spent is None:
            return checked
        with self.database.read(tenant) as connection:
            return self._found(connection, system, spent.winner(connection, now) or checked.id)

    def _checked(self, question: Question, answer: Answer, looked: Looked, draft: Draft, now: int) -> Checked:
        salt = self.entropy(SALT_BYTES)
        return Checked(
            id=new_id("chk", self.entropy),
            at=now,
            answer=answer,
            use=question.use,
            nonce=question.nonce,
            commitment=commitment(salt, question.picture),
            salt=salt.hex(),
            skipped=looked.skipped if not looked.whole else (),
            entry=draft.id,
        )

    def _entry(self, draft: Draft, caller: Caller, question: Question, checked: Checked, judged: Judged) -> Draft:
        said = LikenessChecked(
            check=checked.id,
            tool=caller.grant.tool,
            purpose=checked.use,
            place=question.place,
            commitment=checked.commitment,
            answer=checked.answer,
            reasons=judged.reasons,
            thresholds=THRESHOLDS.name,
            model=str(FACE_MODEL),
        )
        return replace(draft, payload=said)

    def _lines(self, asker: str, looked: Looked, checked: Checked, judged: Judged) -> list[dict[str, Any]]:
        """One for everybody who is shown; what the policy refused is refused to all of them."""

        def row(one: Sighted) -> dict[str, Any]:
            outcome = Outcome.REFUSED if "policy" in judged.reasons else outcome_of(one)
            line = Line(Kind.TOOL, outcome, checked.use, checked.entry)
            return line_row(one.subject, line, asker, checked.at, self.entropy)

        return [row(one) for one in looked.sighted]

    def _row(self, caller: Caller, system: Subject, checked: Checked) -> dict[str, Any]:
        sealed = seal(_key(system), CHECKED.dump_json(checked), _bound(system.tenant, checked.id), self.entropy)
        row = {"tenant_id": caller.tenant, "id": checked.id, "principal_id": caller.principal, "at": checked.at}
        return row | {"sealed": sealed}

    def _found(self, connection: Connection, system: Subject, made: str) -> Checked:
        mine = (CheckRow.tenant_id == system.tenant, CheckRow.id == made)
        sealed = connection.execute(select(CheckRow.sealed).where(*mine)).scalar_one()
        return CHECKED.validate_json(unseal(_key(system), sealed, _bound(system.tenant, made)))

    def _idempotency(self, system: Subject, caller: Caller, question: Question) -> IdempotencyKey | None:
        if not question.idempotency_key:
            return None
        said = f"likeness\0{caller.grant.tool}\0{question.use}\0{question.nonce}\0{question.place}\0"
        digest = hashlib.sha256(said.encode())
        for chunk in question.picture.chunks():
            digest.update(chunk)
        return IdempotencyKey.of(system, caller.principal, question.idempotency_key, digest.digest())


def _require_room(connection: Connection, caller: Caller, asker: str, now: int) -> None:
    """Raises LikenessLimitError."""
    waits = tool_waits(connection, caller.tenant, caller.principal, now)
    if waits := max(waits, person_waits(connection, caller.tenant, asker, now)):
        raise LikenessLimitError(-(-waits // 1000))


def commitment(salt: bytes, picture: Memfd) -> str:
    """HMAC-SHA256 of a file's bytes under a salt, hex."""
    mac = hmac.new(salt, digestmod=hashlib.sha256)
    for chunk in picture.chunks():
        mac.update(chunk)
    return mac.hexdigest()


def _key(system: Subject) -> bytes:
    return derive(system.key, "likeness/v1/check")


def _bound(tenant: TenantId, check: str) -> bytes:
    return f"likeness-check/v1/{tenant}/{check}".encode()
