"""Everything that is up while we measure: servers with embedded keys and with a real OpenBao, clients, files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from api.schemas.assets import ClaimBody
from benchmarks.deployment import Deployment, embedded, with_openbao
from benchmarks.load import Clients, Post, multipart
from sigillo_client import Sigillo

CLAIM: Final = ClaimBody.model_validate(
    {"title": "Benchmark", "actions": [{"name": "c2pa.created", "source_type": "digitalCapture"}]}
)


class File(Protocol):
    """What is uploaded."""

    @property
    def name(self) -> str: ...

    @property
    def mime(self) -> str: ...

    def content(self) -> bytes: ...


@dataclass(frozen=True)
class Bench:
    """What measurements are made with."""

    clients: Clients
    embedded: Deployment
    openbao: Deployment
    folder: Path

    def upload(self, to: Deployment, file: File) -> Post:
        """An upload to be signed, to one of the two."""
        body, claim = self.folder / f"{to.port}-{file.name}", CLAIM.model_dump_json()
        return multipart(to.port, "/v1/assets", file.content(), file.mime, body, token=to.token, claim=claim)

    def verification(self, signed: bytes, mime: str) -> Post:
        """A verification that anyone may ask for."""
        return multipart(self.embedded.port, "/v1/verifications", signed, mime, self.folder / "verification")

    def signed(self, file: File) -> tuple[bytes, str]:
        """The file, signed, and the roots it chains to."""
        unsigned, signed = self.folder / file.name, self.folder / f"signed-{file.name}"
        unsigned.write_bytes(file.content())
        with Sigillo(self.embedded.url, self.embedded.token) as camera, signed.open("wb") as stream:
            camera.content(camera.sign(unsigned, CLAIM.model_dump(mode="json"))["id"], stream)
            anchors = camera.anchors()
        return signed.read_bytes(), anchors


@contextmanager
def started(clients: int) -> Iterator[Bench]:
    """Servers and clients, in a folder that goes with them."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sigillo-benchmark-")))
        ours = stack.enter_context(embedded(folder / "embedded"))
        vault = stack.enter_context(with_openbao(folder / "vault"))
        yield Bench(stack.enter_context(Clients(clients)), ours, vault, folder)
