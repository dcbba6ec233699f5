"""What can go wrong in this room.

AssuranceError  what is asked of an account's assurance cannot be done (an IdentityError)
├── AssurancePolicyError          a policy that cannot be used
├── AssuranceProvidersError       providers that cannot be used
├── AccountNotFoundError          no such account in this tenant, or it was erased
├── EvidenceNotFoundError         the account has no such evidence
├── EvidenceUnknownError          the policy grants nothing for that
├── EvidenceSharedError           it stands behind as many accounts as it may
├── EvidenceRefusedError          it was looked at, and proves nothing
├── EvidenceUnaskedError          no such request of this account
├── RequestEndedError             spent, failed or expired; `reason` says which
├── WrongCodeError                not the code that was sent
├── TooManyRequestsError          too much was begun; `retry_after` says when there is room again
├── DestinationError              neither an e-mail address nor a phone number
├── SenderAbsentError             nobody here can send a code
├── CodeNotSentError              it was not sent; ask for another
├── ProviderUnknownError          no provider of that name
├── ProviderUnavailableError      it does not answer as it should
├── WebhookRefusedError           not signed by whom it should be, or not now
└── WebhookMalformedError         signed, and not of its form
"""

from __future__ import annotations

from identity.errors import IdentityError
from ledger.span import in_words


class AssuranceError(IdentityError):
    """What is asked of an account's assurance cannot be done."""


class AssurancePolicyError(AssuranceError):
    """A policy that cannot be used; the sentence says where."""


class AssuranceProvidersError(AssuranceError):
    """Providers that cannot be used; the sentence says where, and shows no secret."""


class AccountNotFoundError(AssuranceError):
    """No such account in this tenant, or it was erased: the two look alike."""

    def __init__(self) -> None:
        super().__init__(
            "there is no such account: open one with POST /v1/assurance/accounts; a person does with POST /v1/people"
        )


class EvidenceNotFoundError(AssuranceError):
    """The account has no such evidence, or no more."""

    def __init__(self) -> None:
        super().__init__("the account has no such evidence; GET its path to see what it has")


class EvidenceUnknownError(AssuranceError):
    """The policy grants nothing for that."""


class EvidenceSharedError(AssuranceError):
    """An address, number or login stands behind as many accounts as it may."""

    def __init__(self, accounts: int) -> None:
        super().__init__(
            f"this stands behind {accounts} other account{'s' * (accounts > 1)} already, as many as the policy allows; "
            "use another, or withdraw it there"
        )


class EvidenceRefusedError(AssuranceError):
    """It was looked at, and proves nothing."""


class EvidenceUnaskedError(AssuranceError):
    """No such request of this account."""

    def __init__(self) -> None:
        super().__init__("the account has no such request for evidence; begin one")


class RequestEndedError(AssuranceError):
    """A request that can be completed no more."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"this request for evidence is {reason}; begin another")
        self.reason = reason


class WrongCodeError(AssuranceError):
    """Not the code that was sent."""

    def __init__(self, attempts_left: int) -> None:
        super().__init__(
            f"this is not the code that was sent; {attempts_left} more attempts"
            if attempts_left
            else "this is not the code that was sent, and there are no more attempts: begin another request"
        )
        self.attempts_left = attempts_left


class TooManyRequestsError(AssuranceError):
    """Too much was begun for this account, address or number."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"too many requests for evidence were begun; try again in {in_words(retry_after)}")
        self.retry_after = retry_after


class DestinationError(AssuranceError):
    """Neither an e-mail address nor a phone number."""


class SenderAbsentError(AssuranceError):
    """Nobody here can send a code."""

    def __init__(self) -> None:
        super().__init__(
            "this deployment sends no codes: the operator must name a gateway in SIGILLO_ASSURANCE_PROVIDERS"
        )


class CodeNotSentError(AssuranceError):
    """It was not sent; ask for another."""


class ProviderUnknownError(AssuranceError):
    """No provider of that name."""


class ProviderUnavailableError(AssuranceError):
    """It does not answer as it should."""


class WebhookRefusedError(AssuranceError):
    """Not signed by whom it should be, or not now."""


class WebhookMalformedError(AssuranceError):
    """Signed, and not of its form."""

    def __init__(self) -> None:
        super().__init__('the message has exactly two members: {"request": "arq_…", "result": "approved"}')
