"""Both key stores behind one face, so that one test holds them to the same behaviour."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from keys.local import LocalKeyStore
from keys.signer import KeyStore, Purpose
from keys.vault import Vault
from keys.vault_signer import SIGNING_MOUNT
from keys.vault_store import METADATA_LIFE, VaultKeyStore


class MovingClock:
    """Stands still until moved."""

    def __init__(self) -> None:
        # Vault dates its certificates by the machine's clock, so a test begins there too.
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, by: timedelta) -> None:
        self.now += by


@dataclass
class StoreUnderTest:
    store: KeyStore
    clock: MovingClock
    rotate: Callable[[], object]
    """Gives the claim key its next version, certificate included, as an operator would."""


@pytest.fixture
def clock() -> MovingClock:
    return MovingClock()


@pytest.fixture
def tenant() -> str:
    return f"ten_{secrets.token_hex(8)}"


@pytest.fixture
def local_store(tmp_path: Path, clock: MovingClock) -> LocalKeyStore:
    return LocalKeyStore.open(tmp_path / "keys", embedded_profile=True, clock=clock)


@pytest.fixture(params=["local", pytest.param("vault", marks=pytest.mark.openbao)])
def under_test(request: pytest.FixtureRequest, clock: MovingClock) -> StoreUnderTest:
    if request.param == "local":
        local: LocalKeyStore = request.getfixturevalue("local_store")
        return StoreUnderTest(local, clock, lambda: local.rotate(Purpose.CLAIM))
    openbao, token = request.getfixturevalue("openbao"), request.getfixturevalue("service_token")

    def rotate() -> None:
        openbao.vault().write(f"{SIGNING_MOUNT}/keys/sigillo-claim/rotate", {})
        openbao.bootstrap()
        clock.move(METADATA_LIFE)

    return StoreUnderTest(VaultKeyStore(Vault(openbao.url, token), clock), clock, rotate)


@pytest.fixture
def store(under_test: StoreUnderTest) -> KeyStore:
    return under_test.store
