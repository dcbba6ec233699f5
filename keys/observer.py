"""What is told about speaking to Vault, and to whom: numbers, never a path, a name or a secret."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from keys.errors import KeyStoreUnavailableError


class Operation(StrEnum):
    """What Vault is asked for."""

    SIGN = "sign"
    EPOCH = "epoch"
    READ = "read"
    WRITE = "write"
    LOGIN = "login"
    """Logging in, or renewing."""


class Credential(StrEnum):
    """What ends some day."""

    TOKEN = "token"  # noqa: S105 -- its name
    SECRET_ID = "secret_id"  # noqa: S105 -- its name


class Observer(Protocol):
    """Called from any thread, and must not wait."""

    def asked(self, operation: Operation, seconds: float, failure: KeyStoreUnavailableError | None) -> None:
        """One request was answered, or failed."""

    def breaker(self, *, is_open: bool) -> None:
        """The circuit breaker opened or closed."""

    def ends(self, credential: Credential, at: datetime | None) -> None:
        """When we can use it no longer; None for never."""


class Unobserved:
    """Implements `Observer` for whoever does not care."""

    def asked(self, operation: Operation, seconds: float, failure: KeyStoreUnavailableError | None) -> None:
        """Forgotten."""

    def breaker(self, *, is_open: bool) -> None:
        """Forgotten."""

    def ends(self, credential: Credential, at: datetime | None) -> None:
        """Forgotten."""


@contextmanager
def observed(observer: Observer, operation: Operation, timer: Callable[[], float]) -> Iterator[None]:
    """Tell how the block went, and how long it took."""
    began, failure = timer(), None
    try:
        yield
    except KeyStoreUnavailableError as error:
        failure = error
        raise
    finally:
        observer.asked(operation, timer() - began, failure)
