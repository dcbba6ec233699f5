"""What can go wrong in this room.

RegistrationError  what is asked of the registry cannot be done (an IdentityError)
├── RegistrationRulesError        rules or consent texts that cannot be used
├── RegisteringNotAllowedError    the rules of the place do not allow it
├── ConsentTextUnknownError       no text in that language; `languages` says which there are
├── ConsentOutdatedError          agreed to was another text than the one in force
├── TierTooLowError               of the account nothing, or too little, is known
├── AccountRegisteredError        the account has registrations that are kept, and is not erased before them
├── RegisteredAlreadyError        the account has registered its own face
├── TooManyRegistrationsError     of this account or caller; `retry_after` says when there is room again
├── RegistrationNotFoundError     no such registration in this tenant
├── RegistrationEndedError        it is not what it would have to be for that; `state` says what it is
├── RegistrationHoldNotFoundError no such hold
├── HoldDecidedError              somebody has decided it
├── OvertakenError                what something was prepared against is no more; prepare it again
├── RegistryBusyError             others register faster than one can be compared with them
├── RecoveryCodeError             these are not the words of a recovery code, or not of this one
├── RecoveryBusyError             as many codes are looked at as may be at once
└── NotLeavingError               no withdrawal is under way that could be stopped
"""

from __future__ import annotations

from collections.abc import Sequence

from identity.errors import IdentityError
from ledger.span import in_words


class RegistrationError(IdentityError):
    """What is asked of the registry cannot be done."""


class RegistrationRulesError(RegistrationError):
    """Rules or consent texts that cannot be used; the sentence says where."""


class RegisteringNotAllowedError(RegistrationError):
    """The rules of the place do not allow it; the sentence is theirs."""

    def __init__(self, rules: str, basis: str) -> None:
        super().__init__(f"{rules} does not allow registering there: {basis}")
        self.rules = rules


class ConsentTextUnknownError(RegistrationError):
    """There is no text in that language."""

    def __init__(self, languages: Sequence[str]) -> None:
        known = ", ".join(languages)
        said = f"there is one in {known}" if known else "nothing of this kind is registered there"
        super().__init__(f"there is no consent text in this language: {said}")
        self.languages = list(languages)


class ConsentOutdatedError(RegistrationError):
    """Agreed to was another text than the one in force."""

    def __init__(self, text: str) -> None:
        super().__init__(
            f"the text in force is {text}, and this is not its SHA-256: show the person that text, and register again"
        )
        self.text = text


class TierTooLowError(RegistrationError):
    """Too little is known of who holds the account."""

    def __init__(self, tier: str, needed: str) -> None:
        super().__init__(
            f"the account's tier is {tier}, and registering needs {needed}: POST /v1/assurance/accounts/…/step-ups "
            "says how to get there"
        )
        self.tier, self.needed = tier, needed


class AccountRegisteredError(RegistrationError):
    """Nobody could withdraw what an erased account registered."""

    def __init__(self, registrations: Sequence[str]) -> None:
        super().__init__(
            f"the account has registered {', '.join(registrations)}: withdraw that first, for nobody could afterwards"
        )
        self.registrations = list(registrations)


class RegisteredAlreadyError(RegistrationError):
    """The account has registered its own face."""

    def __init__(self, registration: str) -> None:
        super().__init__(
            f"this account has registered its own face as {registration}: withdraw that first, or state for whom else "
            "this is"
        )
        self.registration = registration


class TooManyRegistrationsError(RegistrationError):
    """Too much was registered by this account, or by this caller."""

    def __init__(self, whose: str, retry_after: int) -> None:
        super().__init__(f"{whose} has registered as much as it may for now; try again in {in_words(retry_after)}")
        self.retry_after = retry_after


class RegistrationNotFoundError(RegistrationError):
    """No such registration in this tenant, or not the caller's: they look alike."""

    def __init__(self) -> None:
        super().__init__("there is no such registration")


class RegistrationEndedError(RegistrationError):
    """It is not what it would have to be."""

    def __init__(self, state: str) -> None:
        super().__init__(f"the registration is {state}")
        self.state = state


class RegistrationHoldNotFoundError(RegistrationError):
    """No such hold in this tenant."""

    def __init__(self) -> None:
        super().__init__("there is no such held registration; GET /v1/registrations/holds lists them")


class HoldDecidedError(RegistrationError):
    """Somebody has decided it."""

    def __init__(self, state: str) -> None:
        super().__init__(f"this registration was {state} before")
        self.state = state


class OvertakenError(RegistrationError):
    """What something was prepared against is no more: prepare it again."""

    def __init__(self) -> None:
        super().__init__("somebody was faster; nothing was kept, send it again")


class RegistryBusyError(RegistrationError):
    """Others register faster than one can be compared with them."""

    def __init__(self) -> None:
        super().__init__("others register just now; nothing was kept, send it again in a moment")


class RecoveryCodeError(RegistrationError):
    """Not the words of a recovery code, or not of this registration's: they look alike."""

    def __init__(self) -> None:
        super().__init__("type the twelve words as they were shown, and the id of the registration they belong to")


class RecoveryBusyError(RegistrationError):
    """As many codes are looked at as may be at once."""

    def __init__(self) -> None:
        super().__init__("too many recovery codes are looked at just now; send it again in a moment")


class NotLeavingError(RegistrationError):
    """Nothing to stop."""

    def __init__(self) -> None:
        super().__init__("nobody asked to withdraw this registration with its recovery code")
