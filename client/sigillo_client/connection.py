"""One server, over HTTP or its Unix socket: requests sent, sent again where they may be, and answers told apart."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, Final, Self

import httpx

from sigillo_client.problem import TokenError, UnreachableError, raise_for_problem
from sigillo_client.retries import NEVER, Retries
from sigillo_client.upload import CHUNK_BYTES, Progress, opened, part, stated

TIMEOUT_SECONDS: Final = 120
"""What needs no decoding, on a busy machine; connecting itself is given five."""

UPLOAD_SECONDS: Final = 1200
"""A long film on a busy machine: the service gives it two seconds a megabyte."""

CONNECT_SECONDS: Final = 5
UPLOADING: Final = httpx.Timeout(UPLOAD_SECONDS, connect=CONNECT_SECONDS)

_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Believed where nothing meets TLS: reading the web's authorities takes a sixth of a command's start."""


def waiting(seconds: int) -> dict[str, str]:
    """The header of who would rather wait."""
    return {"Prefer": f"wait={seconds}"} if seconds else {}


class Connection:
    """A connection to one server. Use it as a context manager."""

    def __init__(
        self,
        url: str = "http://127.0.0.1:8080",
        token: str = "",
        socket: Path | None = None,
        retries: Retries | None = None,
    ) -> None:
        """`token` is an API key; `socket` a Unix socket to use instead of the network: over that, where nothing is lost
        on its way, requests are sent once unless `retries` say otherwise. Raises TokenError.
        """
        if not all("!" <= character <= "~" for character in token):
            raise TokenError  # what sends headers would name the whole of it in its error
        self._retries = retries or (NEVER if socket else Retries())
        self._http = httpx.Client(
            base_url=url,
            transport=httpx.HTTPTransport(uds=str(socket), verify=_NOBODY) if socket else None,
            verify=_NOBODY if url.startswith("http://") else True,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=httpx.Timeout(TIMEOUT_SECONDS, connect=CONNECT_SECONDS),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def _upload(
        self,
        path: str,
        file: Path,
        json_part: tuple[str, Mapping[str, Any]],
        headers: Mapping[str, str],
        progress: Progress | None = None,
        texts: Mapping[str, str] = MappingProxyType({}),
    ) -> dict[str, Any]:
        """A file, and beside it a JSON document in the part of that name, and texts."""
        name, document = json_part
        with opened(file, progress) as stream:
            parts = {"file": part(file, stream), name: (None, json.dumps(document), "application/json")}
            return self._json("POST", path, files=parts | stated(texts), headers=headers, timeout=UPLOADING)

    def _examine(
        self,
        path: str,
        file: Path,
        manifest: Path | None,
        texts: Mapping[str, str],
        progress: Progress | None,
        *,
        confidence: bool,
    ) -> dict[str, Any]:
        """A file that is looked at, and of which nothing is kept."""
        with opened(file, progress) as stream:
            parts: dict[str, Any] = {"file": part(file, stream), **stated(texts)}
            if manifest:
                parts["manifest"] = ("manifest", manifest.read_bytes(), "application/c2pa")
            query = {"confidence": "true"} if confidence else {}
            return self._json("POST", path, safe=True, files=parts, params=query, timeout=UPLOADING)

    def _download(self, path: str, to: BinaryIO) -> None:
        """Stream it into `to`. Never twice: what arrived is written."""
        with self._asked(), self._http.stream("GET", path) as response:
            if not response.is_success:
                response.read()
            raise_for_problem(response)
            to.writelines(response.iter_bytes(CHUNK_BYTES))

    @contextmanager
    def _streamed(self, path: str, headers: Mapping[str, str], body: Iterator[bytes]) -> Iterator[Iterator[bytes]]:
        """What is answered to a POST, piece by piece. Never sent twice: what arrived is written."""
        with (
            self._asked(),
            self._http.stream("POST", path, headers=headers, content=body, timeout=UPLOADING) as response,
        ):
            if not response.is_success:
                response.read()
            raise_for_problem(response)
            yield response.iter_bytes()  # whoever is between may compress it

    def _json(self, method: str, path: str, *, safe: bool = False, **sent: Any) -> dict[str, Any]:
        found: dict[str, Any] = self._send(method, path, safe=safe, **sent).json()
        return found

    def _send(self, method: str, path: str, *, safe: bool = False, **sent: Any) -> httpx.Response:
        """The answer. `safe` says of a POST that it changes nothing. Raises Problem, UnreachableError."""
        response = self._answer(method, path, self._retries, safe=safe, **sent)
        raise_for_problem(response)
        return response

    def _answer(self, method: str, path: str, retries: Retries, *, safe: bool = False, **sent: Any) -> httpx.Response:
        """The last answer, whatever it says. Raises UnreachableError."""
        attempt = 0
        while True:
            attempt += 1
            request = self._http.build_request(method, path, **sent)  # anew: what was read of a file is read again
            try:
                response = self._http.send(request)
            except httpx.TransportError as error:
                if not retries.wait(attempt, request, None, safe=safe):
                    raise UnreachableError(f"no answer from {self._http.base_url}: {error}") from error
            else:
                if not retries.wait(attempt, request, response, safe=safe):
                    return response

    @contextmanager
    def _asked(self) -> Iterator[None]:
        try:
            yield
        except httpx.TransportError as error:
            raise UnreachableError(f"no answer from {self._http.base_url}: {error}") from error
