"""One-time codes: somebody reads the messages that reach an address or a number.

Rules
- A code lives for minutes and is kept as an HMAC; where it went is kept as an HMAC, too, and nowhere else.
- It is sent once its entry is durable. One that could not be sent completes nothing: ask for another.
- Guessing: five attempts for each of five messages an hour, at a hundred million codes.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final

from identity.assurance.account import Accounts, Actor
from identity.assurance.destination import FORMS
from identity.assurance.destination import destination as normal
from identity.assurance.errors import SenderAbsentError
from identity.assurance.evidence import Found
from identity.assurance.grants import Granted, Grants
from identity.assurance.requests import Request, Requests, Wanted
from identity.assurance.senders import Message, Sender
from identity.assurance.tier import EvidenceKind
from keys.sealing import derive
from ledger.forgetting.subjects import Subject
from ledger.ids import SubjectId

LASTS: Final = timedelta(minutes=10)
DIGITS: Final = 8
SENT_TO: Final = tuple(FORMS)


@dataclass(frozen=True)
class Codes:
    """The adapter. Safe to call from many threads."""

    accounts: Accounts
    requests: Requests
    grants: Grants
    sender: Sender

    @property
    def offered(self) -> bool:
        """Whether codes are sent here at all."""
        try:
            self.sender.require()
        except SenderAbsentError:
            return False
        return True

    def begin(self, by: Actor, account: SubjectId, kind: EvidenceKind, destination: str, country: str) -> Request:
        """Have a code sent. Raises DestinationError, EvidenceUnknownError, TooManyRequestsError, CodeNotSentError."""
        where = normal(destination, kind)
        subject = self.accounts.subject(by.tenant, account)
        request, code = self.requests.new_id(), self._new_code()
        mark = self.accounts.mark(by.tenant, "destination", kind, where)
        region = self.requests.policy.region_of(country)
        wanted = Wanted(kind, region, mark=mark, code=_digest(subject, request, code))
        self.sender.require()
        begun = self.requests.begin(by, subject, wanted, LASTS, request, mark)
        self.sender.send(Message(request, kind, where, code, LASTS))
        return begun

    def complete(self, by: Actor, account: SubjectId, request: str, code: str) -> Granted:
        """Take a code. Raises EvidenceUnaskedError, RequestEndedError, WrongCodeError, and as `Grants.grant`."""
        found = self.requests.find(by.tenant, account, request, *SENT_TO)
        good = hmac.compare_digest(_digest(found.account, request, code), found.wanted.code)
        wanted = found.wanted
        shown = Found(wanted.kind, "code", wanted.region, wanted.mark, request)
        return self.grants.grant(by, found.account, shown, partial(self.requests.attempt, request=found, good=good))

    def _new_code(self) -> str:
        """Without the bias that a remainder of few bytes would have."""
        return f"{int.from_bytes(self.accounts.entropy(16)) % 10**DIGITS:0{DIGITS}d}"


def _digest(account: Subject, request: str, code: str) -> str:
    """Of a code for one request: HMAC-SHA256 under the account's key, hex."""
    return hmac.digest(derive(account.key, "assurance/v1/code"), f"{request}\0{code}".encode(), "sha256").hex()
