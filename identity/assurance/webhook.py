"""Messages between services, signed so that neither can be forged or sent again later (Standard Webhooks 1.0).

Rules
- `webhook-signature` holds `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`, several of them while a secret
  is being changed; one under a secret of ours is enough.
- The time lies within five minutes of ours. Within these the same id is the same message (`identity.assurance.kyc`).
"""

from __future__ import annotations

import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Self

from identity.assurance.errors import WebhookRefusedError

TOLERANCE: Final = timedelta(minutes=5)
PREFIX: Final = "whsec_"
SECRET_BYTES: Final = range(24, 65)
MAX_SIGNATURES: Final = 8
_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_SECONDS = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True)
class Secret:
    """What both ends know."""

    key: bytes = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """`whsec_` and base64 of 24 to 64 bytes. Raises ValueError, which never shows it."""
        try:
            key = b64decode(text.removeprefix(PREFIX), validate=True)
        except ValueError:
            raise ValueError("a webhook secret is whsec_ and base64") from None
        if not text.startswith(PREFIX) or len(key) not in SECRET_BYTES:
            raise ValueError("a webhook secret is whsec_ and base64 of 24 to 64 bytes")
        return cls(key)


def signed_headers(secret: Secret, name: str, body: bytes, now: datetime) -> dict[str, str]:
    """The headers of a message of ours."""
    seconds = str(int(now.timestamp()))
    signature = b64encode(_signature(secret, name, seconds, body)).decode()
    return {"webhook-id": name, "webhook-timestamp": seconds, "webhook-signature": f"v1,{signature}"}


def check(secrets: Sequence[Secret], headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """The id of a message that holds; `headers` by names in lower case. Raises WebhookRefusedError."""
    name, seconds, stated = (headers.get(f"webhook-{part}", "") for part in ("id", "timestamp", "signature"))
    if not (_ID.fullmatch(name) and _SECONDS.fullmatch(seconds)):
        raise WebhookRefusedError("a webhook brings webhook-id, webhook-timestamp and webhook-signature")
    signatures = [part.removeprefix("v1,") for part in stated.split()[:MAX_SIGNATURES] if part.startswith("v1,")]
    ours = [b64encode(_signature(secret, name, seconds, body)) for secret in secrets]
    if not any(hmac.compare_digest(one.encode(), other) for one in signatures for other in ours):
        raise WebhookRefusedError("no signature of the webhook is under a secret that we know")
    if abs(int(seconds) - now.timestamp()) > TOLERANCE.total_seconds():
        raise WebhookRefusedError("the webhook was not signed within five minutes of now: sign it when you send it")
    return name


def _signature(secret: Secret, name: str, seconds: str, body: bytes) -> bytes:
    return hmac.digest(secret.key, f"{name}.{seconds}.".encode() + body, "sha256")
