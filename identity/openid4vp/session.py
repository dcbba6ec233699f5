"""A request to a wallet as it is kept: what waits for an answer, and what is left of it afterwards."""

from __future__ import annotations

from dataclasses import dataclass

from identity.openid4vp.request import Request
from identity.openid4vp.verdict import Verdict
from ledger.ids import TenantId


@dataclass(frozen=True)
class Asked:
    """What waits for an answer."""

    request: Request
    link: str
    """For the wallet."""

    signed: str
    """The request object; empty where the link says all."""

    return_to: str = ""
    """Where the wallet sends its person afterwards; empty for nowhere."""


@dataclass(frozen=True)
class Answered:
    """What is left of it."""

    years: int
    verdict: Verdict
    asked: tuple[str, ...] = ()
    """Kinds of documents, of which one answered: which one is not kept."""

    code: str = ""
    """What whoever asked has to bring back to learn what was said; empty where nobody was sent back."""


@dataclass(frozen=True)
class Taken:
    """An answer that was taken."""

    verdict: Verdict
    redirect: str
    """Where the wallet sends its person; empty for nowhere."""


@dataclass(frozen=True)
class Session:
    """A request to a wallet."""

    tenant: TenantId
    id: str
    expires_at: int
    state: Asked | Answered

    @property
    def years(self) -> int:
        """What was asked for."""
        return self.state.years if isinstance(self.state, Answered) else self.state.request.question.years

    @property
    def link(self) -> str:
        """For the wallet; empty once it has answered."""
        return self.state.link if isinstance(self.state, Asked) else ""

    @property
    def verdict(self) -> Verdict | None:
        """None until then."""
        return self.state.verdict if isinstance(self.state, Answered) else None
