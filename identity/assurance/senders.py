"""Who carries a one-time code, or a notice, to its address or number.

Rules
- A sender is asked before a code is made whether it can send at all: what nobody can send is not begun.
- The operator's gateway gets the message as a webhook signed by us (`identity.assurance.webhook`), over TLS unless it
  is on this machine; it gets what has to be sent and nothing of the account.
- The outbox is for development: it writes codes into files, where whoever owns this machine reads them, and delivers
  nothing. No other profile than the embedded one has it.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final, Protocol

import httpx

from identity.assurance.errors import CodeNotSentError, SenderAbsentError
from identity.assurance.tier import EvidenceKind
from identity.assurance.webhook import Secret, signed_headers
from keys.clock import Clock
from keys.secret_file import replace_secret
from keys.web_trust import web_trust

ANSWER_SECONDS: Final = 5.0
MAX_AT_ONCE: Final = 8
"""Messages under way to the gateway: a slow one must not take every thread."""

_JSON: Final = {"Content-Type": "application/json"}
OUTBOX_WARNING: Final = (
    "INSECURE: one-time codes are written into files and sent to nobody; this is for development. "
    "Name a gateway to send them"
)


@dataclass(frozen=True)
class Message:
    """A code on its way."""

    request: str
    kind: EvidenceKind
    destination: str = field(repr=False)
    code: str = field(repr=False)
    lasts: timedelta


class Sender(Protocol):
    """A way for codes."""

    def require(self) -> None:
        """Raises SenderAbsentError where there is none."""

    def send(self, message: Message) -> None:
        """Once the request is durable. Raises CodeNotSentError."""


class Carrier(Protocol):
    """A way for any message to a person; `name` is its own, the same when it is sent again."""

    def deliver(self, name: str, content: Mapping[str, object]) -> None:
        """Once what it tells of is durable. Raises CodeNotSentError, SenderAbsentError."""


class Nobody:
    """Sends nothing, and says so."""

    def require(self) -> None:
        """Raises SenderAbsentError."""
        raise SenderAbsentError

    def send(self, message: Message) -> None:
        """Raises CodeNotSentError."""
        raise CodeNotSentError(f"{message.kind} cannot be sent here")

    def deliver(self, name: str, content: Mapping[str, object]) -> None:  # noqa: ARG002 -- as `Carrier.deliver`
        """Raises SenderAbsentError."""
        raise SenderAbsentError


@dataclass(frozen=True)
class Outbox:
    """A folder of the owner's, one file a message."""

    folder: Path
    notice: Callable[[str], object]

    def require(self) -> None:
        """It can always be written to, or says so when it is."""

    def send(self, message: Message) -> None:
        """As `Sender.send`."""
        self.deliver(message.request, {"kind": message.kind, "to": message.destination, "code": message.code})

    def deliver(self, name: str, content: Mapping[str, object]) -> None:
        """As `Carrier.deliver`."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_secret(self.folder / f"{name}.json", json.dumps(content).encode())
        except OSError as error:
            raise CodeNotSentError(f"the outbox cannot be written ({error.strerror})") from error
        self.notice(OUTBOX_WARNING)


@dataclass(frozen=True)
class Gateway:
    """The operator's own service, which sends e-mail and text messages."""

    url: str
    secret: Secret = field(repr=False)
    clock: Clock
    _turns: threading.BoundedSemaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(MAX_AT_ONCE), init=False, repr=False
    )

    def require(self) -> None:
        """It is named; whether it answers shows when it is asked."""

    def send(self, message: Message) -> None:
        """As `Sender.send`. Asked once: a message that is sent twice costs money and worries people."""
        minutes = message.lasts // timedelta(minutes=1)
        content = {"kind": message.kind, "to": message.destination, "code": message.code, "minutes": minutes}
        self.deliver(message.request, content)

    def deliver(self, name: str, content: Mapping[str, object]) -> None:
        """As `Carrier.deliver`."""
        if not self._turns.acquire(blocking=False):
            raise CodeNotSentError(f"{MAX_AT_ONCE} messages to the gateway are under way")
        try:
            self._post(name, json.dumps(content).encode())
        finally:
            self._turns.release()

    def _post(self, name: str, body: bytes) -> None:
        headers = signed_headers(self.secret, name, body, self.clock()) | _JSON
        try:
            with httpx.Client(
                verify=web_trust(), follow_redirects=False, trust_env=False, timeout=ANSWER_SECONDS
            ) as client:
                answer = client.post(self.url, content=body, headers=headers)
        except httpx.HTTPError as error:
            raise CodeNotSentError(f"the gateway does not answer ({type(error).__name__})") from error
        if not answer.is_success:
            raise CodeNotSentError(f"the gateway answers with HTTP status {answer.status_code}")
