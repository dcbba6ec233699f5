"""What a server refuses, and what happens when none answers.

ClientError
├── Problem             the server said no: an RFC 9457 problem, kept whole
└── UnreachableError    no server answered
"""

from __future__ import annotations

from typing import Any

import httpx


class ClientError(Exception):
    """Root of this package's errors."""


class UnreachableError(ClientError):
    """No server answered at that address."""


class Problem(ClientError):  # noqa: N818 (RFC 9457's own name)
    """An RFC 9457 problem: `status`, `type`, `title`, `detail` and whatever members it extends them by."""

    def __init__(self, status: int, members: dict[str, Any]) -> None:
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
    raise Problem(response.status_code, {"title": response.reason_phrase, **members})
