"""Asking a witness for a cosignature (c2sp.org/tlog-witness).

Rules
- An answer has its time, whole, its size, and comes from where it was asked for: no redirect, no proxy. It is signed,
  so plain http will do: who is on the way can only withhold it.
- What leaves the house is what the log publishes: a checkpoint and hashes of the tree.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import urlsplit

import httpx

from ledger.add_checkpoint import PATH, SIZE_TYPE, AddCheckpoint, Refusal, shown_path
from ledger.checkpoint import parse_size
from ledger.cosignature import WitnessKey
from ledger.errors import CheckpointError, WitnessRefusedError, WitnessUnreachableError
from ledger.note import MAX_NOTE_BYTES

ANSWER_SECONDS: Final = 5.0
MAX_ANSWER_BYTES: Final = MAX_NOTE_BYTES
KEEP_SECONDS: Final = 2.0
"""How long a connection is used again: shorter than servers keep one, so that none is closed as it is used."""

_HEADERS: Final = {"Content-Type": "text/plain; charset=utf-8", "Accept-Encoding": "identity"}


@dataclass(frozen=True)
class WitnessAddress:
    """A witness's key, and the prefix of its address for submissions."""

    key: WitnessKey
    url: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `vkey url`. Raises CheckpointError."""
        vkey, _, url = text.strip().partition(" ")
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
            raise CheckpointError(
                "write a witness as its verifier key, a space, and http://witness.example or https://…"
            )
        return cls(WitnessKey.parse(vkey), url.rstrip("/"))


class WitnessClient:
    """Asks one witness. Used by one thread."""

    def __init__(self, url: str, seconds: float = ANSWER_SECONDS) -> None:
        self._url, self._seconds = url, seconds
        limits = httpx.Limits(max_connections=1, keepalive_expiry=KEEP_SECONDS)
        self._http = httpx.Client(
            follow_redirects=False, trust_env=False, limits=limits, timeout=seconds, headers=_HEADERS
        )

    def close(self) -> None:
        """Hang up."""
        self._http.close()

    def ask(self, asked: AddCheckpoint) -> str:
        """The signature lines of its answer, unread. Raises WitnessRefusedError, WitnessUnreachableError."""
        with self._answer("POST", PATH, asked.body.encode()) as answer:
            text = self._text(answer)
            status, kind = answer.status_code, answer.headers.get("content-type", "")
        if status == httpx.codes.OK:
            return text
        if status not in set(Refusal):
            raise WitnessUnreachableError(f"it answers with HTTP status {status}")
        if status == Refusal.CONFLICT:
            raise WitnessRefusedError(status, "it saw another size last", _size(text, kind))
        raise WitnessRefusedError(status, f"it answers {status}: {text[:200].strip()!r}")

    def shown(self, origin: str) -> str:
        """The checkpoint it says it cosigned last of a log, unread; empty for none. Raises WitnessUnreachableError."""
        with self._answer("GET", shown_path(origin)) as answer:
            return self._text(answer) if answer.status_code == httpx.codes.OK else ""

    @contextmanager
    def _answer(self, method: str, path: str, body: bytes | None = None) -> Iterator[httpx.Response]:
        try:
            with self._http.stream(method, f"{self._url}/{path}", content=body) as answer:
                yield answer
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise WitnessUnreachableError(f"no answer ({type(error).__name__})") from error

    def _text(self, answer: httpx.Response) -> str:
        deadline, received = time.monotonic() + self._seconds, b""
        for chunk in answer.iter_raw():
            received += chunk
            if len(received) > MAX_ANSWER_BYTES:
                raise WitnessUnreachableError(f"its answer is longer than {MAX_ANSWER_BYTES} bytes")
            if time.monotonic() > deadline:
                raise WitnessUnreachableError(f"no answer within {self._seconds:g} s")
        return received.decode("utf-8", "replace")


def _size(text: str, kind: str) -> int:
    stated = text[:-1] if kind.partition(";")[0].strip() == SIZE_TYPE and text.endswith("\n") else ""
    try:
        return parse_size(stated)
    except CheckpointError as error:
        raise WitnessUnreachableError(f"it answers {Refusal.CONFLICT:d} without the size it saw") from error
