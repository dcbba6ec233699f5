from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from keys.local import LocalKeyStore
from keys.signer import Purpose, Signer
from provenance.unseen.claim import take_apart
from provenance.unseen.drafts import Draft
from provenance.unseen.found import FoundClaim
from provenance.unseen.signing import certificates
from tests.provenance.house import draw
from tests.provenance.unseen.tool import definition, draft


@dataclass(frozen=True)
class Drafted:
    """A tool's draft, and who is to sign it."""

    store: LocalKeyStore
    signer: Signer
    chain: Sequence[bytes]
    draft: Draft

    def take_apart(self, to_sign: bytes | None = None, assertions: bytes | None = None) -> FoundClaim:
        """With other bytes in place of its own."""
        sent = self.draft.to_sign if to_sign is None else to_sign
        store = self.draft.assertion_store if assertions is None else assertions
        return take_apart(sent, store, self.signer.algorithm, self.chain)


@pytest.fixture(scope="session")
def drafted(tmp_path_factory: pytest.TempPathFactory) -> Drafted:
    folder: Path = tmp_path_factory.mktemp("unseen")
    store = LocalKeyStore.open(folder, embedded_profile=True)
    signer = store.signer(Purpose.CLAIM_UNSEEN)
    note = {"label": "com.example.note", "data": {"note": "a"}}
    file = draft(draw(), signer.chain, definition(note))
    return Drafted(store, signer, certificates(signer), Draft.in_file(file, "image/jpeg"))
