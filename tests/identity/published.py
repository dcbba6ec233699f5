"""W3C's vectors, and the contexts that they name."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from identity.jsonld.context_library import PUBLISHED

VECTORS: Final = Path(__file__).parent / "vectors"
EXAMPLES: Final = "https://www.w3.org/ns/credentials/examples/v2"
FURTHER: Final = {
    url: (VECTORS / "contexts" / file).read_bytes()
    for url, file in {
        EXAMPLES: "examples-v2.jsonld",
        "https://www.w3.org/ns/credentials/undefined-terms/v2": "undefined-terms-v2.jsonld",
        "https://w3id.org/citizenship/v4rc1": "citizenship-v4rc1.jsonld",
    }.items()
}
CONTEXTS: Final = PUBLISHED.including(FURTHER)


@dataclass(frozen=True)
class Vector:
    """One secured document, and what its making passes through."""

    folder: str

    def text(self, name: str) -> str:
        """The file whose name begins so."""
        (path,) = (VECTORS / self.folder).glob(f"{name}*.*")
        return path.read_text()

    @property
    def secured(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.text("signed"))
        return document

    @property
    def unsecured(self) -> dict[str, Any]:
        document = self.secured
        del document["proof"]
        return document

    def __str__(self) -> str:
        return self.folder


RDFC: Final = [
    Vector("eddsa/eddsa-rdfc-2022"),
    Vector("eddsa/eddsa-rdfc-2022/employ"),
    Vector("ecdsa/ecdsa-rdfc-2019-p256"),
    Vector("ecdsa/ecdsa-rdfc-2019-p256/employ"),
    Vector("ecdsa/ecdsa-rdfc-2019-p384"),
    Vector("ecdsa/ecdsa-rdfc-2019-p384/employ"),
]
JCS: Final = [
    Vector("eddsa/eddsa-jcs-2022"),
    Vector("ecdsa/ecdsa-jcs-2019-p256"),
    Vector("ecdsa/ecdsa-jcs-2019-p384"),
]
