"""One sandbox, one house and one stranger for a folder of tests; a `conftest` imports what its tests use."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest

from detection.isolation import Isolation
from detection.sandbox import Sandbox
from keys.local import LocalKeyStore
from keys.signer import Purpose
from provenance.signers import Signers
from provenance.stamps import Stamps
from provenance.trust import TrustPolicy
from tests.provenance.house import House
from tests.workers import lend


class Everybody(Signers):
    """Signers whose paths hold, whatever a store says of them."""

    def fault(self, label: str) -> str:
        return ""


class Believed(Stamps):
    """Time-stamps that count if they lie in the past."""

    def fault(self, label: str, time: datetime | None) -> str:
        return "to come" if self.is_to_come(time) else ""


@pytest.fixture(scope="package")
def sandbox() -> Iterator[Sandbox]:
    with lend("provenance.jobs", size=1, isolation=Isolation.WARN, wait_seconds=60) as sandbox:
        yield sandbox


@pytest.fixture(scope="package")
def house(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> House:
    """Our own deployment: its key, and a policy that trusts its root."""
    store = LocalKeyStore.open(tmp_path_factory.mktemp("house"), embedded_profile=True, passphrase=None)
    trust = TrustPolicy.of({"this service": store.anchors()})
    return House(sandbox, store.signer(Purpose.CLAIM), trust)


@pytest.fixture(scope="package")
def stranger(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> House:
    """Another deployment, unknown to `house`, which trusts only itself."""
    store = LocalKeyStore.open(tmp_path_factory.mktemp("stranger"), embedded_profile=True, passphrase=None)
    trust = TrustPolicy.of({"the stranger": store.anchors()})
    return House(sandbox, store.signer(Purpose.CLAIM), trust)
