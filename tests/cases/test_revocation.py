"""Revoked signers in a whole deployment: nothing is signed with them, and what they signed is judged anew."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from cases.errors import RevocationUnknownError, SignerRevokedError
from cases.revocation import Revocations
from detection.isolation import Isolation
from keys.certificates import INTERMEDIATE_NAME, VAULT_ISSUER
from keys.clock import system_clock
from keys.local import LocalKeyStore
from keys.openbao import OpenBao
from keys.rotation import rotate
from keys.signer import Purpose
from keys.vault_claims import VaultClaimKeys
from keys.vault_versions import ISSUER_MOUNT
from provenance.revocation_watch import INTERVAL, RETRY, ListSource, Watch
from provenance.trust import TrustPolicy
from tests.api.wire import IN_THE_LOG, problem, rows, signed, upload
from tests.deployment import Running, running
from tests.ledger.world import HeldClock
from tests.provenance.house import House, draw
from tests.simulators.certificate_authority import DAY, CertificateAuthority, Listed
from tests.simulators.time_stamp_authority import TimeStampAuthority, serving
from tests.workers import lend

CODE = "signingCredential.ocsp.revoked"


@dataclass(frozen=True)
class Store:
    """A key store, and what its operator can do to it."""

    settings: dict[str, Any]
    rotate: Callable[[Running], object]


def _rotate_local(up: Running) -> None:
    assert isinstance(up.service.keys, LocalKeyStore)
    rotate(up.service.keys.claims)


@pytest.fixture(scope="module", params=["embedded", pytest.param("vault", marks=pytest.mark.openbao)])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    if request.param == "embedded":
        yield Store({}, _rotate_local)
        return
    openbao: OpenBao = request.getfixturevalue("openbao")
    settings = {"keys": "vault", "vault_url": openbao.url, "vault_token": openbao.bootstrap().service_token}

    def rotate_vault(up: Running) -> None:
        rotate(VaultClaimKeys(openbao.vault()))
        up.service.keys.status()  # looks again at once

    yield Store(settings, rotate_vault)


@pytest.fixture
def up(store: Store, tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path / "home", **store.settings) as up:
        yield up


@pytest.fixture(scope="module")
def refusing(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One for all tests in which nothing is revoked."""
    with running(tmp_path_factory.mktemp("refusing") / "home", **store.settings) as up:
        yield up


def current(up: Running) -> str:
    return str(up.service.keys.signer(Purpose.CLAIM).ref)


def verified(up: Running, file: bytes) -> dict[str, Any]:
    """By somebody with a key: strangers' files would have workers of their own started, for every deployment here."""
    with up.http(up.key()) as http:
        report: dict[str, Any] = upload(http, file, path="/v1/verifications").json()
    return report


def entries(up: Running) -> list[str]:
    """What is on record about the claim key, public kind by public kind."""
    return [row[0] for row in rows(up, "SELECT kind FROM payload WHERE kind = 'claimkey.revoked'")]


def kept(up: Running) -> tuple[list[tuple[Any, ...]], list[Path]]:
    """Every asset, and every file of media."""
    return rows(up, "SELECT id FROM asset"), [path for path in up.home.blobs.rglob("*") if path.is_file()]


def reason(up: Running) -> str:
    up.service.revocations.round()
    with up.http() as http:
        return str(http.get("/readyz").json()["parts"]["revocation"]["reason"])


def test_from_the_revocation_to_the_next_version(up: Running, store: Store) -> None:
    first = current(up)
    with up.http(up.key()) as http:
        asset, file = signed(http)
        assert verified(up, file)["verdict"] == "trusted"
        assert reason(up) == ""
        said = up.operator.revoke_claim_key(first, "superseded")
        assert (said["key"], said["reason"], said["since"]) == (first, "superseded", said["revoked_at"])
        assert said["issuer"] == (VAULT_ISSUER if store.settings else INTERMEDIATE_NAME)
        before = kept(up)
        refused = problem(upload(http), 503, "signer-revoked")
        assert "sigillo keys rotate" in refused["detail"]
        assert kept(up) == before
        why = reason(up)
        assert "was revoked on" in why
        assert "written" not in why, "nobody asked for anything"
        old = verified(up, file)
        assert (old["verdict"], old["ledger"]) == ("invalid", None)
        assert [status["code"] for status in old["statuses"]["failure"]] == [CODE]
        assert "(superseded)" in old["sentence"]
        store.rotate(up)
        assert reason(up) == ""
        second, new = signed(http)
        assert current(up) != first
        assert verified(up, new)["verdict"] == "trusted"
        assert verified(up, file)["verdict"] == "invalid", "the old verdict stays"
        child, edited = signed(http, file)
    assert (child["parent"]["verdict"], child["parent"]["codes"]) == ("invalid", [CODE])
    report = verified(up, edited)
    assert (report["verdict"], report["ancestry"]) == ("trusted", "invalid")
    assert "earlier version was signed with is revoked" in report["sentence"]
    assert asset["id"] != second["id"]


def test_it_is_recorded_once_and_again_only_if_it_reaches_further_back(up: Running) -> None:
    key = current(up)
    for _ in range(2):
        up.operator.revoke_claim_key(key, "superseded")
    assert entries(up) == ["claimkey.revoked"]
    up.operator.revoke_claim_key(key, "keyCompromise", "2026-01-01T00:00:00Z")
    counts = up.operator.revoke_claim_key(key, "keyCompromise", "2026-02-01T00:00:00Z")
    assert counts["since"] == "2026-01-01T00:00:00Z"
    assert len(entries(up)) == 2
    caller = up.service.deployment.operator()
    found = rows(up, f"SELECT entry_id FROM payload WHERE kind = 'claimkey.revoked' {IN_THE_LOG}")
    payload: Any = up.service.ledger.payloads.open(caller.tenant, found[-1][0]).payload
    assert (payload.key, payload.reason, payload.told_by) == (key, "keyCompromise", "operator")
    assert payload.since == "2026-01-01T00:00:00Z"
    up.service.ledger.verify()


def test_it_outlives_a_restart(store: Store, tmp_path: Path) -> None:
    with running(tmp_path / "home", **store.settings) as up, up.http(up.key()) as http:
        _, file = signed(http)
        up.operator.revoke_claim_key(current(up), "cessationOfOperation")
    with running(tmp_path / "home", **store.settings) as up, up.http(up.key()) as http:
        assert verified(up, file)["verdict"] == "invalid"
        problem(upload(http), 503, "signer-revoked")


def test_only_the_operator_revokes(refusing: Running) -> None:
    with refusing.http(refusing.key(scopes=["access:admin", "assets:sign"])) as http:
        answer = http.post(f"/v1/keys/{current(refusing)}/revocation", json={"reason": "superseded"})
    problem(answer, 403, "scope-missing")
    with refusing.http() as http:
        answer = http.post(f"/v1/keys/{current(refusing)}/revocation", json={"reason": "superseded"})
    problem(answer, 401, "unauthenticated")
    assert entries(refusing) == []


@pytest.mark.parametrize("key", ["sigillo-claim@99", "sigillo-log@1", "sigillo-claim", "@", "ä"])
def test_what_is_no_certified_version_cannot_be_revoked(refusing: Running, key: str) -> None:
    with refusing.http(refusing.service.operator_token) as http:
        answer = http.post(f"/v1/keys/{key}/revocation", json={"reason": "superseded"})
    problem(answer, 404, "claim-key-not-found")


@pytest.mark.parametrize(
    "body", [{}, {"reason": "removeFromCRL"}, {"reason": "superseded", "since": "2026-01-01T00:00:00"}]
)
def test_a_revocation_has_its_form(refusing: Running, body: dict[str, str]) -> None:
    with refusing.http(refusing.service.operator_token) as http:
        problem(http.post(f"/v1/keys/{current(refusing)}/revocation", json=body), 422, "request-invalid")
    assert entries(refusing) == []


# Time-stamps.


@pytest.fixture
def stamped(store: Store, tmp_path: Path) -> Iterator[tuple[Running, TimeStampAuthority]]:
    roots = tmp_path / "tsa.pem"
    with serving(TimeStampAuthority()) as authority:
        roots.write_text(authority.anchors)
        asking: dict[str, Any] = {"tsa_urls": (authority.url,), "tsa_anchors": roots}
        with running(tmp_path / "stamped", **asking, **store.settings) as up:
            yield up, authority


def _next_second() -> None:
    """Time-stamps tell whole seconds."""
    time.sleep(1.1 - datetime.now(UTC).microsecond / 1_000_000)


def test_what_was_time_stamped_before_stays_trusted(stamped: tuple[Running, TimeStampAuthority]) -> None:
    up, _ = stamped
    with up.http(up.key()) as http:
        _, file = signed(http)
    _next_second()
    up.operator.revoke_claim_key(current(up), "superseded")
    report = verified(up, file)
    assert (report["verdict"], report["signer"]["revocation"]["reason"]) == ("trusted", "superseded")


@pytest.mark.parametrize("since", ["", "2026-01-01T00:00:00Z"])
def test_what_a_stolen_key_may_have_signed_does_not(stamped: tuple[Running, TimeStampAuthority], since: str) -> None:
    up, _ = stamped
    with up.http(up.key()) as http:
        _, file = signed(http)
    _next_second()
    up.operator.revoke_claim_key(current(up), "keyCompromise", since)
    assert verified(up, file)["verdict"] == "invalid"


def test_the_operator_may_know_since_when(stamped: tuple[Running, TimeStampAuthority]) -> None:
    up, _ = stamped
    with up.http(up.key()) as http:
        _, file = signed(http)
    _next_second()
    up.operator.revoke_claim_key(current(up), "keyCompromise", datetime.now(UTC).isoformat())
    assert verified(up, file)["verdict"] == "trusted"


def test_a_revocation_in_mid_upload_is_in_time(stamped: tuple[Running, TimeStampAuthority]) -> None:
    """The claim is signed and its time-stamp under way when the key is revoked."""
    up, authority = stamped
    authority.delay = lambda: up.operator.revoke_claim_key(current(up), "superseded")
    with up.http(up.key()) as http:
        before = kept(up)
        problem(upload(http), 503, "signer-revoked")
    assert kept(up) == before


# What issuers say.


@pytest.fixture
def vaults(openbao: OpenBao, tmp_path: Path) -> Iterator[Running]:
    settings = {"keys": "vault", "vault_url": openbao.url, "vault_token": openbao.bootstrap().service_token}
    clock = HeldClock(system_clock())
    with running(tmp_path / "vaults", clock, **settings) as up:
        yield up


def _revoke_in_vault(openbao: OpenBao, up: Running) -> None:
    """As an administrator would, without a word to the service."""
    leaf = x509.load_pem_x509_certificate(up.service.keys.signer(Purpose.CLAIM).chain.encode())
    serial = f"{leaf.serial_number:040x}"
    colons = ":".join(serial[place : place + 2] for place in range(0, 40, 2))
    openbao.vault().write(f"{ISSUER_MOUNT}/revoke", {"serial_number": colons})
    openbao.vault().read(f"{ISSUER_MOUNT}/crl/rotate")


def _renew(openbao: OpenBao) -> None:
    rotate(VaultClaimKeys(openbao.vault()))


def test_what_vault_revoked_is_learnt_and_recorded_once(openbao: OpenBao, vaults: Running) -> None:
    up, key = vaults, current(vaults)
    clock = up.service.housekeeping.clock
    assert isinstance(clock, HeldClock)
    with up.http(up.key()) as http:
        _, file = signed(http)
        _revoke_in_vault(openbao, up)
        try:
            for _ in range(3):
                clock.move(INTERVAL)
                up.service.revocations.round()
            problem(upload(http), 503, "signer-revoked")
            assert verified(up, file)["verdict"] == "invalid"
            assert entries(up) == ["claimkey.revoked"]
            found = rows(up, "SELECT entry_id FROM payload WHERE kind = 'claimkey.revoked'")
            caller = up.service.deployment.operator()
            payload: Any = up.service.ledger.payloads.open(caller.tenant, found[0][0]).payload
            assert (payload.key, payload.told_by, payload.reason) == (key, "issuer", "unspecified")
        finally:
            _renew(openbao)
        up.service.keys.status()
        signed(http)


def test_others_lists_count_for_their_signers(tmp_path: Path) -> None:
    """An authority whose root the operator trusts, and whose list the operator gave."""
    authority = CertificateAuthority()
    files = {name: tmp_path / name for name in ("root.pem", "issuer.pem", "list.crl")}
    for name, certificate in (("root.pem", authority.made.root), ("issuer.pem", authority.issuer)):
        files[name].write_bytes(certificate.public_bytes(Encoding.PEM))
    files["list.crl"].write_bytes(authority.listing({}))
    trust = TrustPolicy.of({"its": files["root.pem"].read_text()})
    with lend("provenance.jobs", size=1, isolation=Isolation.WARN, wait_seconds=60) as sandbox:
        file = House(sandbox, authority.signer, trust).signed(draw())
    named = {
        "trust_anchors": files["root.pem"],
        "revocation_issuers": files["issuer.pem"],
        "revocation_lists": (str(files["list.crl"]),),
    }
    clock = HeldClock(system_clock())
    with running(tmp_path / "home", clock, **named) as up, up.http(up.key()) as http:
        up.service.revocations.round()
        assert verified(up, file)["verdict"] == "trusted"
        listed = {authority.leaf.serial_number: Listed(authority.now)}
        files["list.crl"].write_bytes(authority.listing(listed, number=2))
        clock.move(INTERVAL)
        up.service.revocations.round()
        assert verified(up, file)["verdict"] == "invalid"
        assert entries(up) == [], "it is none of ours"
        signed(http)


# Who may sign when nobody says anything.


@pytest.fixture
def authority() -> CertificateAuthority:
    return CertificateAuthority()


@dataclass
class World:
    """Revocations that hear of one source."""

    clock: HeldClock
    said: bytes | None
    """What the source says; None when it is down."""

    revocations: Revocations = field(init=False)

    def answer(self) -> bytes:
        if self.said is None:
            raise ConnectionError("down")
        return self.said


@pytest.fixture
def world(own: Running, authority: CertificateAuthority, tmp_path: Path) -> World:
    world = World(HeldClock(authority.now), authority.listing({}))
    source = ListSource("the list", world.answer, lambda: [authority.issuer], tmp_path / "kept.crl")
    service = own.service
    world.revocations = Revocations(
        service.ledger,
        service.revocations.database,
        service.keys,
        Watch([source], world.clock),
        service.deployment.operator,
        world.clock,
        timedelta(days=2),
    )
    return world


def test_a_word_is_good_until_its_end_and_a_grace(authority: CertificateAuthority, world: World) -> None:
    world.revocations.require_good(authority.signer)
    world.said = None
    world.clock.move(DAY + timedelta(days=2) - timedelta(seconds=1))
    world.revocations.require_good(authority.signer)
    world.clock.move(timedelta(seconds=1))
    with pytest.raises(RevocationUnknownError, match="none has come since"):
        world.revocations.require_good(authority.signer)


def test_an_outage_that_is_over_needs_no_restart(authority: CertificateAuthority, world: World) -> None:
    world.said = None
    with pytest.raises(RevocationUnknownError, match="nothing was heard from the list"):
        world.revocations.require_good(authority.signer)
    world.said = authority.listing({}, made=world.clock())
    world.clock.move(RETRY)
    world.revocations.require_good(authority.signer)


def test_what_is_learnt_while_asking_counts_at_once(authority: CertificateAuthority, world: World) -> None:
    world.said = authority.listing({authority.leaf.serial_number: Listed(authority.now)})
    with pytest.raises(SignerRevokedError):
        world.revocations.require_good(authority.signer)


def test_another_authoritys_list_is_no_word_on_ours(authority: CertificateAuthority, world: World) -> None:
    """Somebody on the way could give us any that we know, the first time we ask."""
    other = CertificateAuthority()
    with pytest.raises(RevocationUnknownError, match="SIGILLO_REVOCATION_LISTS"):
        world.revocations.require_good(other.signer)
    world.revocations.require_good(authority.signer)


def test_where_nobody_is_named_certificates_sign(world: World, tmp_path: Path) -> None:
    own = ListSource("its own", world.answer, list, tmp_path / "own.crl", named=False)
    world.revocations.watch, world.said = Watch([own], world.clock), b""
    world.revocations.require_good(CertificateAuthority().signer)


def test_a_stale_list_still_revokes(authority: CertificateAuthority, world: World) -> None:
    world.said = authority.listing({authority.leaf.serial_number: Listed(authority.now)})
    world.revocations.watch.refresh()
    world.said = None
    world.clock.move(timedelta(days=30))
    with pytest.raises(SignerRevokedError):
        world.revocations.require_good(authority.signer)
