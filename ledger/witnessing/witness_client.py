"""Asking a witness for a cosignature (c2sp.org/tlog-witness).

Rules
- An answer has its time, whole, dripped headers and interim answers included; its size; and comes from where it was
  asked for: no redirect, no proxy. It is signed, so plain http will do: who is on the way can only withhold it.
- What leaves the house is what the log publishes: a checkpoint and hashes of the tree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import urlsplit

import anyio
import httpx

from keys.web_trust import web_trust
from ledger.errors import CheckpointError, WitnessRefusedError, WitnessUnreachableError
from ledger.tree.checkpoint import parse_size
from ledger.tree.note import MAX_NOTE_BYTES
from ledger.witnessing.add_checkpoint import PATH, SIZE_TYPE, AddCheckpoint, Refusal, shown_path
from ledger.witnessing.cosignature import WitnessKey

ANSWER_SECONDS: Final = 5.0
MAX_ANSWER_BYTES: Final = MAX_NOTE_BYTES
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


@dataclass(frozen=True)
class WitnessClient:
    """Asks one witness; `url` is the prefix of its address, and an answer has so many `seconds`."""

    url: str
    seconds: float = ANSWER_SECONDS

    def ask(self, asked: AddCheckpoint) -> str:
        """The signature lines of its answer, unread. Raises WitnessRefusedError, WitnessUnreachableError."""
        status, kind, text = self._answer("POST", PATH, asked.body.encode())
        if status == httpx.codes.OK:
            return text
        if status not in set(Refusal):
            raise WitnessUnreachableError(f"it answers with HTTP status {status}")
        if status == Refusal.CONFLICT:
            raise WitnessRefusedError(status, "it saw another size last", _size(text, kind))
        raise WitnessRefusedError(status, f"it answers {status}: {text[:200].strip()!r}")

    def shown(self, origin: str) -> str:
        """The checkpoint it says it cosigned last of a log, unread; empty for none. Raises WitnessUnreachableError."""
        status, _, text = self._answer("GET", shown_path(origin))
        return text if status == httpx.codes.OK else ""

    def _answer(self, method: str, path: str, body: bytes | None = None) -> tuple[int, str, str]:
        """Status, content type and text."""
        try:
            return anyio.run(self._fetch, method, f"{self.url}/{path}", body)
        except TimeoutError as error:
            raise WitnessUnreachableError(f"no answer within {self.seconds:g} s") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise WitnessUnreachableError(f"no answer ({type(error).__name__})") from error

    async def _fetch(self, method: str, url: str, body: bytes | None) -> tuple[int, str, str]:
        received = bytearray()
        client = httpx.AsyncClient(
            verify=web_trust(),
            follow_redirects=False,
            trust_env=False,
            timeout=None,  # noqa: S113 (fail_after)
            headers=_HEADERS,
        )
        with anyio.fail_after(self.seconds):
            async with client, client.stream(method, url, content=body) as answer:
                async for chunk in answer.aiter_raw():
                    received += chunk
                    if len(received) > MAX_ANSWER_BYTES:
                        raise WitnessUnreachableError(f"its answer is longer than {MAX_ANSWER_BYTES} bytes")
        return answer.status_code, answer.headers.get("content-type", ""), received.decode("utf-8", "replace")


def _size(text: str, kind: str) -> int:
    stated = text[:-1] if kind.partition(";")[0].strip() == SIZE_TYPE and text.endswith("\n") else ""
    try:
        return parse_size(stated)
    except CheckpointError as error:
        raise WitnessUnreachableError(f"it answers {Refusal.CONFLICT:d} without the size it saw") from error
