"""Both key stores behind one face, so that one test holds them to the same behaviour."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from keys.approle import AUTH_MOUNT, ROLE, SECRET_ID_PATH, AppRole
from keys.errors import KeyStoreUnavailableError
from keys.issuer_keys import IssuerKeys
from keys.local import LocalKeyStore
from keys.observer import Credential, Operation
from keys.openbao import OpenBao
from keys.rotation import ClaimKeys, rotate
from keys.signer import Algorithm, KeyStore
from keys.vault import Vault
from keys.vault_claims import VaultClaimKeys
from keys.vault_issuers import VaultIssuerKeys
from keys.vault_store import METADATA_LIFE, VaultKeyStore
from keys.versions import Version


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
    claims: ClaimKeys
    """The claim key, in an operator's hands."""

    issuers: IssuerKeys
    """The issuer's keys, likewise."""

    notices_within: timedelta

    def rotate(self, algorithm: Algorithm = Algorithm.ES256) -> Version:
        """Give the claim key its next version, certificate included."""
        made = rotate(self.claims, algorithm)
        self.noticed()
        return made

    def noticed(self) -> None:
        """Let the time pass in which a running service notices what was changed."""
        self.clock.move(self.notices_within)


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
        return StoreUnderTest(local, clock, local.claims, local.issuers, timedelta(0))
    openbao, token = request.getfixturevalue("openbao"), request.getfixturevalue("service_token")
    store = VaultKeyStore(Vault(openbao.url, token), clock)
    vault = openbao.vault()
    return StoreUnderTest(store, clock, VaultClaimKeys(vault, clock), VaultIssuerKeys(vault, clock), METADATA_LIFE)


@pytest.fixture
def store(under_test: StoreUnderTest) -> KeyStore:
    return under_test.store


@dataclass
class Watched:
    """Implements `keys.observer.Observer`: remembers everything."""

    heard: list[tuple[Operation, str]] = field(default_factory=list)
    """What was asked, and what went wrong; empty for nothing."""

    breakers: list[bool] = field(default_factory=list)
    ended: dict[Credential, datetime | None] = field(default_factory=dict)

    def asked(self, operation: Operation, seconds: float, failure: KeyStoreUnavailableError | None) -> None:
        assert seconds >= 0
        self.heard.append((operation, "" if failure is None else failure.kind))

    def breaker(self, *, is_open: bool) -> None:
        self.breakers.append(is_open)

    def ends(self, credential: Credential, at: datetime | None) -> None:
        self.ended[credential] = at


@dataclass
class Role:
    """The service's role at a real OpenBao, and what an administrator can do to it."""

    openbao: OpenBao
    role_id: str
    folder: Path

    def wrapped(self, **secret_id: object) -> str:
        """A wrapping token around a new secret-id."""
        return self.openbao.vault().wrap(SECRET_ID_PATH, secret_id, 60).token

    def tune(self, **settings: object) -> None:
        self.openbao.vault().write(f"{AUTH_MOUNT}/role/{ROLE}", settings)

    def identity(self, token: str, *, observer: Watched | None = None) -> AppRole:
        return AppRole(self.role_id, lambda: token, self.folder / "home" / "secret-id", observer=observer)


@pytest.fixture
def role(openbao: OpenBao, tmp_path: Path) -> Iterator[Role]:
    yield Role(openbao, openbao.bootstrap().role_id, tmp_path)
    openbao.bootstrap()


@pytest.fixture
def watched() -> Watched:
    return Watched()


@pytest.fixture(scope="module")
def own_openbao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    """A server of the module's own, set up, to be sealed and stopped."""
    with OpenBao(tmp_path_factory.mktemp("own")) as server:
        server.bootstrap()
        yield server


@pytest.fixture
def own_role(own_openbao: OpenBao, tmp_path: Path) -> Iterator[Role]:
    """The role at that server."""
    yield Role(own_openbao, own_openbao.bootstrap().role_id, tmp_path)
    own_openbao.bootstrap()
