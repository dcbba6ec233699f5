"""Asking a wallet and learning the answer: the verifier of OpenID4VP 1.0.

Rules
- A wallet's answer is taken once, by who knows the request's state; whatever it holds, the request is over then.
- What is verified is dropped with the call: the session keeps the verdict.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from identity.age import Answer
from identity.encoding import base64url
from identity.errors import QuestionRefusedError, RequestNotFoundError, ResponseCodeError
from identity.openid4vp.believed import Believed
from identity.openid4vp.documents import Question
from identity.openid4vp.request import RANDOM_BYTES, Request, RequestSigner, Scheme
from identity.openid4vp.response import read_response
from identity.openid4vp.session import Answered, Asked, Session, Taken
from identity.openid4vp.sessions import WAITS, Sessions, new_session_id
from identity.openid4vp.verdict import judge
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

    return_to: str = ""
    """An address of whoever asks, for wallets on the same device, which send their person there with a code. Without it
    nobody learns what was said: an answer counts in the browser that it was given for.
    """

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
        return self.sessions.begin(tenant, principal, session, Asked(request, link, signed, order.return_to))

    def request_object(self, session: str) -> str:
        """The signed request. Raises RequestNotFoundError where there is none, or none any more."""
        signed = self._waiting(session)[1].signed
        if not signed:
            raise RequestNotFoundError("there is no signed request of that name")
        return signed

    def answer(self, session: str, body: bytes) -> Taken:
        """Take a wallet's answer, as it was posted. Raises RequestNotFoundError, ResponseRefusedError."""
        found, asked = self._waiting(session)
        answered = read_response(body, asked.request)
        verdict = judge(answered, asked.request, self.believed(), self.clock())
        question = asked.request.question
        code = base64url.encode(self.entropy(RANDOM_BYTES)) if asked.return_to else ""
        self.sessions.conclude(found, Answered(question.years, verdict, tuple(question.documents), code))
        return Taken(verdict, _with_code(asked.return_to, code) if code else "")

    def look(self, tenant: TenantId, principal: PrincipalId, session: str, code: str = "") -> Session:
        """How it stands, for who asked. Raises RequestNotFoundError; ResponseCodeError where something was said and the
        wallet's person was sent back with another code.
        """
        self.sessions.answered(tenant, principal, session)
        found = self.sessions.find(session)
        if isinstance(found.state, Answered) and found.state.verdict.answer is not Answer.UNSAID:
            _check_code(found.state.code, code)
        return found

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


def _with_code(address: str, code: str) -> str:
    return f"{address}{'&' if '?' in address else '?'}response_code={code}"


def _check_code(expected: str, code: str) -> None:
    if expected and not hmac.compare_digest(expected.encode(), code.encode()):
        raise ResponseCodeError("the wallet's person was sent back with a response_code: bring that")


def _answered() -> RequestNotFoundError:
    return RequestNotFoundError("the request was answered already: begin another")
