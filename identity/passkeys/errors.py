"""What can go wrong in this room.

PasskeyError  nobody is signed in, and nothing signed (an IdentityError)
├── RelyingPartyError             this deployment has no host name, which passkeys are bound to
├── ChallengeGoneError            answered, ended, for something else, or never was
├── PasskeyUnreadableError        not of its form
├── PasskeyInvalidError           it was read, and does not hold
│   └── PasskeyClonedError        its counter did not go on: two authenticators have it
├── PasskeyNotFoundError          no such passkey here, or it was removed
├── PasskeyBoundError             it is bound to an account already
├── PasskeysFullError             the account has as many as it may
├── LastPasskeyError              without it nobody would get in
├── SignedOutError                an unknown, ended or revoked token
└── SignInAgainError              for this one must have signed in minutes ago
"""

from __future__ import annotations

from identity.errors import IdentityError


class PasskeyError(IdentityError):
    """Nobody is signed in, and nothing signed."""


class RelyingPartyError(PasskeyError):
    """This deployment has no host name, which passkeys are bound to."""

    def __init__(self) -> None:
        super().__init__(
            "passkeys are bound to a host name, and this deployment is reached by an IP address: the operator must set "
            "SIGILLO_PUBLIC_URL=https://…"
        )


class ChallengeGoneError(PasskeyError):
    """A challenge that was answered, has ended, is for something else, or never was: all alike."""

    def __init__(self) -> None:
        super().__init__(
            "nothing waits for this answer: it came before, too late, or is to another question; begin anew"
        )


class PasskeyUnreadableError(PasskeyError):
    """Not of its form."""


class PasskeyInvalidError(PasskeyError):
    """It was read, and does not hold."""


class PasskeyClonedError(PasskeyInvalidError):
    """Its counter did not go on."""

    def __init__(self) -> None:
        super().__init__(
            "the passkey's counter did not go on, so two authenticators have it: sign in with another, and remove it"
        )


class PasskeyNotFoundError(PasskeyError):
    """No such passkey here, or it was removed: the two look alike."""

    def __init__(self) -> None:
        super().__init__("there is no such passkey here: it was removed, or never bound")


class PasskeyBoundError(PasskeyError):
    """It is bound to an account already."""

    def __init__(self) -> None:
        super().__init__("this passkey is bound already: sign in with it")


class PasskeysFullError(PasskeyError):
    """The account has as many as it may."""

    def __init__(self, most: int) -> None:
        super().__init__(f"the account has {most} passkeys, as many as it may: remove one first")


class LastPasskeyError(PasskeyError):
    """Without it nobody would get in."""

    def __init__(self) -> None:
        super().__init__("it is the account's only passkey: bind another first, or erase the account")


class SignedOutError(PasskeyError):
    """An unknown, ended or revoked token: all alike."""

    def __init__(self) -> None:
        super().__init__("you are not signed in, or not any more: sign in with POST /v1/people/sign-ins")


class SignInAgainError(PasskeyError):
    """For this one must have signed in minutes ago."""

    def __init__(self, minutes: int) -> None:
        super().__init__(f"for this you must have signed in within the last {minutes} minutes: sign in again")
