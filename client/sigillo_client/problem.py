"""What a server refuses, and what happens when none answers.

ClientError
├── Problem             the server said no: an RFC 9457 problem, kept whole
├── UnreachableError    no server answered
├── TokenError          what was given as an API key is none
└── ReceiptError        a receipt that does not hold
"""

from __future__ import annotations

from typing import Any, Final

import httpx

MAX_DIGITS: Final = 10
"""Of a number of seconds: three centuries."""


class ClientError(Exception):
    """Root of this package's errors."""


class UnreachableError(ClientError):
    """No server answered at that address."""


class TokenError(ClientError):
    """What was given as an API key is none, whoever made it. It is not repeated here: it may be most of one."""

    def __init__(self) -> None:
        super().__init__("the API key has a blank, a line's end or another character that none has: copy it once more")


class ReceiptError(ClientError):
    """The receipt does not hold, and proves nothing."""


class Problem(ClientError):  # noqa: N818 (RFC 9457's own name)
    """An RFC 9457 problem: `type` is stable (docs/problems.md), `detail` says what to do, `members` are all that it
    has; `retry_after` is in how many seconds to ask again, None where asking again is not said to help.
    """

    def __init__(self, status: int, members: dict[str, Any], retry_after: int | None = None) -> None:
        self.retry_after = retry_after
        self.status = status
        self.members = members
        self.type = str(members.get("type", "about:blank"))
        self.title = str(members.get("title", "error"))
        self.detail = str(members.get("detail", ""))
        super().__init__(f"{self.title}: {self.detail}" if self.detail else self.title)


def raise_for_problem(response: httpx.Response) -> None:
    """Raises Problem for any answer that is not a success; the body must have been read."""
    if response.is_success:
        return
    try:
        members = response.json()
    except (ValueError, RecursionError):
        members = {}
    if not isinstance(members, dict):
        members = {}
    raise Problem(response.status_code, {"title": response.reason_phrase, **members}, retry_after(response))


def retry_after(response: httpx.Response) -> int | None:
    """Retry-After in seconds, as this server states it; None where there is none, or none that can be read."""
    text = response.headers.get("retry-after", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < MAX_DIGITS else None
