"""The reference witness on a port of its own, in this process: it can go away, come back, and be told to answer what no
witness should.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.witness import witness_app
from keys.clock import Clock, system_entropy
from ledger.tree.checkpoint import VerifierKey
from ledger.witnessing.add_checkpoint import SIZE_TYPE
from ledger.witnessing.witness import Witness
from ledger.witnessing.witness_client import WitnessAddress
from ledger.witnessing.witness_key import open_witness_key


@dataclass
class WitnessServer:
    """`answer`, where there is one, is given instead of the witness's."""

    folder: Path
    name: str
    clock: Clock
    logs: dict[str, VerifierKey] = field(default_factory=dict)
    answer: Callable[[], Response] | None = None
    asked: int = 0

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.signer = open_witness_key(self.folder / "key", self.name, system_entropy)
        self.witness = Witness(self.folder, self.signer, self.logs, self.clock)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])

    @property
    def address(self) -> WitnessAddress:
        return WitnessAddress(self.signer.key, f"http://127.0.0.1:{self.port}")

    def knows(self, key: VerifierKey) -> None:
        self.logs[key.origin] = key

    def begin(self) -> None:
        config = uvicorn.Config(
            self._app(witness_app(self.witness)),
            port=self.port,
            log_config=None,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=0,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive()
            time.sleep(0.002)

    def end(self) -> None:
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join()

    def _app(self, honest: ASGIApp) -> ASGIApp:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            self.asked += 1
            await (self.answer() if self.answer else honest)(scope, receive, send)

        return app


def conflict(size: object, kind: str = SIZE_TYPE) -> Callable[[], Response]:
    return lambda: Response(f"{size}\n", 409, media_type=kind)
