"""A door on loopback in front of a deployment: plain HTTP on a port, with an API key added to each request.

Some of the suites send no headers over plain HTTP, and none speaks to a Unix socket. What else is done here:
- What is asked of an issuer besides its credential stands in the path, `/ecdsa-sd-2023/credentials/issue`: one suite
  lets the options of a request run on into the next.
- A credential of VCDM 1.1, which tests that several suites share have issued whatever they are told, is rewritten: what
  is issued here is VCDM 2.0.
- One suite takes the object around what is issued off over HTTPS alone: for it that is done here (`/bare`).
- A verifier is asked for the proof alone (`checks`), as most suites ask: their vectors are by keys of nobody's.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx

from identity.enveloping.issuing import ENVELOPES
from identity.jsonld.context_library import CREDENTIALS_V1, CREDENTIALS_V2

BARE, STATUS = "bare", "status"
"""Words of a path; any other before the route is a cryptosuite, or an envelope."""

ISSUE, VERIFY = "/credentials/issue", "/credentials/verify"
RENAMED = {"issuanceDate": "validFrom", "expirationDate": "validUntil"}


def routed(path: str) -> tuple[str, list[str]]:
    """The service's route, and the words before it."""
    for route in (ISSUE, VERIFY):
        if path.endswith(route):
            return route, path.removesuffix(route).split("/")[1:]
    return path, []


def rewritten(route: str, words: list[str], body: bytes) -> bytes:
    """What the service is sent."""
    if route not in {ISSUE, VERIFY}:
        return body
    request = json.loads(body)
    options = request.setdefault("options", {})
    if route == VERIFY:
        options.setdefault("checks", ["proof"])
        return json.dumps(request).encode()
    (form,) = (word for word in words if word not in {BARE, STATUS})
    options |= {"mediaType": f"application/{form}"} if form in ENVELOPES else {"cryptosuite": form}
    if STATUS in words:
        options["credentialStatus"] = {"type": "BitstringStatusListEntry"}
    credential = request.get("credential")
    if isinstance(credential, dict) and credential.get("@context") == [CREDENTIALS_V1]:
        credential |= {RENAMED[name]: credential.pop(name) for name in RENAMED if name in credential}
        request["credential"] = {**credential, "@context": [CREDENTIALS_V2]}
    return json.dumps(request).encode()


def answered(said: httpx.Response, *, bare: bool) -> bytes:
    document = said.json() if bare and said.is_success else {}
    return json.dumps(document["verifiableCredential"]).encode() if "verifiableCredential" in document else said.content


class Doorway:
    """The door of one deployment, whose address is known before the deployment is up."""

    def __init__(self) -> None:
        self.service: httpx.Client | None = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._door())
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @contextmanager
    def open(self, socket: Path, key: str) -> Iterator[None]:
        """Let the service of that socket be reached, with that key, while the block lasts."""
        transport = httpx.HTTPTransport(uds=str(socket))
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        with httpx.Client(transport=transport, base_url="http://sigillo", timeout=60) as self.service:
            self.service.headers["Authorization"] = f"Bearer {key}"
            thread.start()
            try:
                yield
            finally:
                self._server.shutdown()
                self._server.server_close()
                thread.join()

    def _door(self) -> type[BaseHTTPRequestHandler]:
        doorway = self

        class Door(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                assert doorway.service
                (path, words), body = routed(self.path), self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name: self.headers[name] for name in ("Accept", "Content-Type") if name in self.headers}
                given = rewritten(path, words, body)
                said = doorway.service.request(self.command, path, content=given, headers=headers)
                content = answered(said, bare=BARE in words)
                if "W3C_VERBOSE" in os.environ and said.is_error:
                    told = said.json()
                    print(path, told.get("problemDetails", told), given[:2000], file=sys.stderr)
                self.send_response(said.status_code)
                self.send_header("Content-Type", said.headers.get("content-type", "application/json"))
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = answer

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its base's name)
                """The suite says what it asked."""

        return Door
