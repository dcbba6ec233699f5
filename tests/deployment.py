"""A whole deployment for tests: real keys, a real database, real workers, real HTTP over a Unix socket."""

from __future__ import annotations

import io
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
from PIL import Image

from api.composition import open_service
from api.running.home import Home
from api.running.server import serving
from api.service import Service
from api.settings import Settings
from keys.clock import Clock, system_clock
from ledger.log import Ledger
from sigillo_client import Sigillo
from tests.databases import prepare, settings_of

FAST = {"workers": 1, "anonymous_rate": "100000/minute", "key_rate": "100000/minute", "opening_rate": "100000/hour"}
"""One worker a pool starts quickly; rates that only their own tests meet."""


CHECKPOINTS = 0.1
"""Seconds between two: what is durable is proven in a moment, where the service takes up to a second."""

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients of a socket: to read the web's authorities takes longer than most requests."""


@dataclass(frozen=True)
class Running:
    """A deployment that is up."""

    service: Service
    operator: Sigillo
    """The operator's client."""

    socket: Path
    home: Home

    def client(self, token: str = "") -> Sigillo:
        """A client with another token, or none; close it."""
        return Sigillo("http://sigillo", token, self.socket)

    def http(self, token: str = "") -> httpx.Client:
        """The bare HTTP behind it, for requests the client would never send; close it."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        transport = httpx.HTTPTransport(uds=str(self.socket), verify=NO_TLS)
        return httpx.Client(transport=transport, base_url="http://sigillo", headers=headers, timeout=60)

    def key(self, tool: str = "Test Camera", **request: Any) -> str:
        """A new API key's token."""
        body = {"tool": tool, "source_types": ["digitalCapture"], **request}
        return str(self.operator.issue_key(body)["token"])


@contextmanager
def running(folder: Path, clock: Clock = system_clock, **chosen: Any) -> Iterator[Running]:
    """A deployment in `folder`, with these settings; opening the same folder again finds it as it was left.

    It does not look back by itself (`cases.likeness.retroactive`): deployments are shared, and what one test uploaded
    would appear in the log of whoever registers in the next.
    """
    home = Home(folder)
    found = {name.removeprefix("SIGILLO_").lower(): value for name, value in settings_of(folder).items()}
    settings = Settings(home=folder, **{**FAST, **found, **chosen})
    with ExitStack() as stack:
        holder = stack.enter_context(home.holding())
        if settings.database_url == f"sqlite:///{folder / 'sigillo.db'}" and not home.begun.exists():
            prepare(folder / "sigillo.db")
        with patch("api.composition.Ledger", partial(Ledger, checkpoint_interval=CHECKPOINTS)):
            service = stack.enter_context(open_service(settings, home, holder.token, clock, looks_back=False))
        stack.enter_context(serving(service, holder))
        operator = stack.enter_context(Sigillo("http://sigillo", holder.token, holder.socket))
        home.announce(holder)
        yield Running(service, operator, holder.socket, home)


def picture(kind: str = "JPEG", size: tuple[int, int] = (96, 64), seed: int = 0) -> bytes:
    """A drawn picture: a gradient nobody else's seed has."""
    image = Image.new("RGB", size)
    width, height = size
    image.putdata(
        [((x * 5 + seed) % 256, (y * 7) % 256, (x * y + seed) % 256) for y in range(height) for x in range(width)]
    )
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()
