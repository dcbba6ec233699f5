"""Asking a wallet and learning the answer: the verifier of OpenID4VP 1.0.

Rules
- A wallet's answer is taken once, by who knows the request's state; whatever it holds, the request is over then.
- What is verified is dropped with the call: the session keeps the verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from identity.errors import QuestionRefusedError, RequestNotFoundError
from identity.openid4vp.believed import Believed
from identity.openid4vp.documents import Question
from identity.openid4vp.request import Request, RequestSigner, Scheme
from identity.openid4vp.response import read_response
from identity.openid4vp.session import Answered, Asked, Session
from identity.openid4vp.sessions import WAITS, Sessions, new_session_id
from identity.openid4vp.verdict import Verdict, judge
from keys.clock import Clock, Entropy
from ledger.ids import PrincipalId, TenantId

OBJECTS: Final = "/openid4vp/objects"
"""Below which signed requests lie."""

RESPONSES: Final = "/openid4vp/responses"
"""Below which answers go."""


@dataclass(frozen=True)
class Order:
    """What somebody wants to know."""

    years: int
    documents: Sequence[str] = ()
    """Names of the kinds of documents that may answer; none: all of which somebody is believed here."""

    signed: bool = False
    encrypted: bool = True
    scheme: Scheme = Scheme.OPENID4VP


@dataclass(frozen=True)
class Presentations:
    """Safe to call from many threads."""

    sessions: Sessions
    believed: Callable[[], Believed]
    origin: str
    """Where wallets reach this service, without a slash at the end."""

    clock: Clock
    entropy: Entropy
    signer: Callable[[], RequestSigner]
    """The key of the deployment's DID that signs now. Raises IssuerUnnamedError, and what the key store does."""

    def begin(self, tenant: TenantId, principal: PrincipalId, order: Order) -> Session:
        """A request that waits for a wallet. Raises QuestionRefusedError, and as `signer` where it is signed."""
        question = Question(order.years, self._documents(order))
        signer = self.signer() if order.signed else None
        session = new_session_id(self.entropy)
        address, did = f"{self.origin}{RESPONSES}/{session}", signer.method.controller if signer else ""
        request = Request.draw(question, address, self.entropy, encrypted=order.encrypted, did=did)
        signed = request.signed(signer, self.clock(), WAITS) if signer else ""
        link = request.link(order.scheme, f"{self.origin}{OBJECTS}/{session}")
        return self.sessions.begin(tenant, principal, session, Asked(request, link, signed))

    def request_object(self, session: str) -> str:
        """The signed request. Raises RequestNotFoundError where there is none, or none any more."""
        signed = self._waiting(session)[1].signed
        if not signed:
            raise RequestNotFoundError("there is no signed request of that name")
        return signed

    def answer(self, session: str, body: bytes) -> Verdict:
        """Take a wallet's answer, as it was posted. Raises RequestNotFoundError, ResponseRefusedError."""
        found, asked = self._waiting(session)
        answered = read_response(body, asked.request)
        verdict = judge(answered, asked.request, self.believed(), self.clock())
        question = asked.request.question
        self.sessions.conclude(found, Answered(question.years, verdict, tuple(question.documents)))
        return verdict

    def look(self, tenant: TenantId, principal: PrincipalId, session: str) -> Session:
        """How it stands, for who asked. Raises RequestNotFoundError."""
        self.sessions.answered(tenant, principal, session)
        return self.sessions.find(session)

    def link(self, tenant: TenantId, principal: PrincipalId, session: str) -> str:
        """What the wallet opens, for who asked. Raises RequestNotFoundError, once it has answered too."""
        link = self.look(tenant, principal, session).link
        if not link:
            raise _answered()
        return link

    def _waiting(self, session: str) -> tuple[Session, Asked]:
        found = self.sessions.find(session)
        if not isinstance(found.state, Asked):
            raise _answered()
        return found, found.state

    def _documents(self, order: Order) -> tuple[str, ...]:
        known = self.believed().documents()
        wanted = tuple(dict.fromkeys(order.documents)) or known
        strange = [name for name in wanted if name not in known]
        if strange or not wanted:
            may = ", ".join(known) or "none, until the operator names authorities in SIGILLO_AGE_ANCHORS"
            raise QuestionRefusedError(f"nobody is believed here about that; documents that may answer: {may}")
        return wanted


def _answered() -> RequestNotFoundError:
    return RequestNotFoundError("the request was answered already: begin another")
