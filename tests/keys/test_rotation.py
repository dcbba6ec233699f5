"""The claim key's life, the same on both stores; then what is different in Vault."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from keys.bootstrap import bootstrap
from keys.certificates import LEAF_DAYS, request, subject_name
from keys.chain import parse
from keys.errors import (
    CertificateMismatchError,
    CertificateUnfitError,
    KeyNotFoundError,
    KeyStoreForbiddenError,
    KeyStoreRefusedError,
    RetirementRefusedError,
)
from keys.local import LocalKeyStore
from keys.openbao import OpenBao
from keys.rotation import certificate_request, install_chain, retire, rotate
from keys.signer import Algorithm, KeyRef, Purpose
from keys.vault import Vault
from keys.vault_claims import SETTLING_TIME, VaultClaimKeys
from keys.vault_store import METADATA_LIFE, VaultKeyStore
from keys.vault_versions import SIGNING_MOUNT
from keys.versions import State, current, find, state
from tests.keys.conftest import MovingClock, StoreUnderTest
from tests.keys.test_key_store import verify
from tests.simulators.outside_ca import DAY, OutsideCA

ACME = subject_name("Acme")
DEPLOY = Path(__file__).parents[2] / "deploy" / "vault"


@pytest.fixture
def ca(clock: MovingClock) -> OutsideCA:
    return OutsideCA(clock())


@pytest.fixture(autouse=True)
def put_back(request: pytest.FixtureRequest) -> Iterator[None]:
    """The shared OpenBao goes on with a P-256 key of its own CA, whatever a test left in force."""
    yield
    callspec = getattr(request.node, "callspec", None)
    if "openbao" in request.fixturenames or (callspec and callspec.params.get("under_test") == "vault"):
        rotate(VaultClaimKeys(request.getfixturevalue("openbao").vault()), Algorithm.ES256)


def states(under_test: StoreUnderTest) -> dict[KeyRef, State]:
    versions = under_test.claims.versions()
    return {version.ref: state(version, versions) for version in versions}


def signs(under_test: StoreUnderTest) -> KeyRef:
    """What a running service signs with; the signature holds."""
    signer = under_test.store.signer(Purpose.CLAIM)
    verify(signer, signer.sign(b"claim"), b"claim")
    return signer.ref


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_a_rotated_key_signs_at_once(under_test: StoreUnderTest, algorithm: Algorithm) -> None:
    before = signs(under_test)
    made = under_test.rotate(algorithm)
    assert made.algorithm is algorithm
    assert signs(under_test) == made.ref != before
    assert under_test.store.signer(Purpose.CLAIM).algorithm is algorithm
    assert states(under_test)[before] is State.CERTIFIED
    assert states(under_test)[made.ref] is State.CURRENT


def test_the_algorithm_stays_unless_another_is_asked_for(under_test: StoreUnderTest) -> None:
    under_test.rotate(Algorithm.ED25519)
    assert rotate(under_test.claims).algorithm is Algorithm.ED25519


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_an_outside_ca_certifies_while_the_old_version_signs_on(
    under_test: StoreUnderTest, ca: OutsideCA, algorithm: Algorithm
) -> None:
    before = signs(under_test)
    waits = rotate(under_test.claims, algorithm, outside=True)
    under_test.noticed()
    assert signs(under_test) == before
    assert states(under_test)[waits.ref] is State.WAITING
    asked, csr = certificate_request(under_test.claims, ACME)
    assert asked.ref == waits.ref
    chain = ca.issue(csr)
    installed = install_chain(under_test.claims, chain + ca.root, under_test.clock())
    assert installed.ref == waits.ref
    under_test.noticed()
    assert signs(under_test) == waits.ref
    assert under_test.store.signer(Purpose.CLAIM).chain.split() == chain.split()
    assert parse(ca.root)[0] in parse(under_test.store.anchors())


def test_the_anchors_cover_a_chain_as_soon_as_it_signs(under_test: StoreUnderTest, ca: OutsideCA) -> None:
    known = parse(under_test.store.anchors())
    waits = rotate(under_test.claims, outside=True)
    chain = ca.issue(certificate_request(under_test.claims, ACME)[1])
    install_chain(under_test.claims, chain, under_test.clock(), roots=ca.root)
    under_test.noticed()
    assert signs(under_test) == waits.ref
    assert {*known, *parse(ca.root)} <= set(parse(under_test.store.anchors()))


def test_a_root_that_is_an_anchor_need_not_come_again(under_test: StoreUnderTest, ca: OutsideCA) -> None:
    for roots in (ca.root, ""):
        rotate(under_test.claims, outside=True)
        chain = ca.issue(certificate_request(under_test.claims, ACME)[1])
        install_chain(under_test.claims, chain, under_test.clock(), roots=roots)
    assert parse(under_test.claims.roots()).count(parse(ca.root)[0]) == 1


def test_a_certificate_may_be_renewed_for_the_same_version(under_test: StoreUnderTest, ca: OutsideCA) -> None:
    before = under_test.rotate()
    version, csr = certificate_request(under_test.claims, ACME, before.ref)
    renewed = install_chain(under_test.claims, ca.issue(csr), under_test.clock(), roots=ca.root, ref=version.ref)
    assert (renewed.ref, renewed.public_key) == (before.ref, before.public_key)
    assert renewed.certificate != before.certificate
    under_test.noticed()
    assert signs(under_test) == before.ref


def test_a_chain_for_another_version_is_refused(under_test: StoreUnderTest, ca: OutsideCA) -> None:
    first, second = (rotate(under_test.claims, outside=True) for _ in range(2))
    chain = ca.issue(certificate_request(under_test.claims, ACME, first.ref)[1])
    with pytest.raises(CertificateMismatchError, match="another key"):
        install_chain(under_test.claims, chain, under_test.clock(), roots=ca.root, ref=second.ref)
    stranger = ca.issue(request(ec.generate_private_key(ec.SECP256R1()), ACME))
    with pytest.raises(CertificateMismatchError, match="none of our versions"):
        install_chain(under_test.claims, stranger, under_test.clock(), roots=ca.root)
    assert {states(under_test)[version.ref] for version in (first, second)} == {State.WAITING}


def test_a_refused_chain_changes_nothing(under_test: StoreUnderTest, ca: OutsideCA) -> None:
    waits, roots = rotate(under_test.claims, outside=True), under_test.claims.roots()
    csr = certificate_request(under_test.claims, ACME)[1]
    late = replace(ca.wish(), begins=under_test.clock() + DAY)
    for chain in (ca.issue(csr, late), ca.intermediates + ca.leaf(csr, ca.wish()), ca.leaf(csr, ca.wish())):
        with pytest.raises(CertificateMismatchError):
            install_chain(under_test.claims, chain, under_test.clock(), roots=ca.root)
    assert under_test.claims.roots() == roots
    assert states(under_test)[waits.ref] is State.WAITING


def test_nothing_waits_for_a_request(local_store: LocalKeyStore) -> None:
    with pytest.raises(KeyNotFoundError, match="--outside-ca"):
        certificate_request(local_store.claims, ACME)


def test_a_retired_version_never_signs_again_and_its_chain_stays(under_test: StoreUnderTest) -> None:
    old = under_test.rotate()
    held = under_test.store.signer(Purpose.CLAIM)
    new = under_test.rotate()
    under_test.clock.move(SETTLING_TIME)
    ended = retire(under_test.claims, old.ref, under_test.clock())
    assert old.ref in {version.ref for version in ended}
    under_test.noticed()
    assert states(under_test)[old.ref] is State.RETIRED
    assert signs(under_test) == new.ref
    with pytest.raises(KeyNotFoundError, match="retired"):
        under_test.store.signer(Purpose.CLAIM, old.ref.version)
    kept = find(under_test.store.versions(), old.ref)
    assert (kept.chain, kept.public_key) == (held.chain, held.public_key)
    for act in (
        lambda: certificate_request(under_test.claims, ACME, old.ref),
        lambda: install_chain(under_test.claims, held.chain, under_test.clock()),
    ):
        with pytest.raises(KeyNotFoundError, match="retired"):
            act()
    assert retire(under_test.claims, old.ref, under_test.clock()) == ()


def test_what_signs_now_is_not_retired(under_test: StoreUnderTest) -> None:
    now = under_test.rotate().ref
    rotate(under_test.claims, outside=True)
    under_test.clock.move(SETTLING_TIME)
    with pytest.raises(RetirementRefusedError, match="rotate"):
        retire(under_test.claims, now, under_test.clock())
    with pytest.raises(KeyNotFoundError):
        retire(under_test.claims, KeyRef(now.name, 10_000), under_test.clock())
    assert states(under_test)[now] is State.CURRENT


def test_a_name_that_no_claim_key_has_ends_nothing(under_test: StoreUnderTest) -> None:
    under_test.rotate()
    under_test.rotate()
    under_test.clock.move(SETTLING_TIME)
    before = states(under_test)
    for ref in (KeyRef("sigillo-claims", 2), KeyRef(Purpose.LOG.key_name, 1)):
        for end in (lambda ref: retire(under_test.claims, ref, under_test.clock()), under_test.claims.retire):
            with pytest.raises(KeyNotFoundError, match="keys status"):
                end(ref)
    assert under_test.store.signer(Purpose.LOG).sign(b"checkpoint")
    assert states(under_test) == before


def test_a_version_that_waits_after_the_current_one_may_stay(under_test: StoreUnderTest) -> None:
    now = under_test.rotate().ref
    waits = rotate(under_test.claims, outside=True).ref
    under_test.clock.move(SETTLING_TIME)
    with pytest.raises(RetirementRefusedError, match="leave it"):
        retire(under_test.claims, waits, under_test.clock())
    assert (states(under_test)[now], states(under_test)[waits]) == (State.CURRENT, State.WAITING)


def test_the_last_version_of_the_other_algorithm_can_be_retired(under_test: StoreUnderTest) -> None:
    old = under_test.rotate(Algorithm.ES256)
    new = under_test.rotate(Algorithm.ED25519)
    under_test.clock.move(SETTLING_TIME)
    retire(under_test.claims, old.ref, under_test.clock())
    under_test.noticed()
    assert states(under_test)[old.ref] is State.RETIRED
    assert signs(under_test) == new.ref


def test_status_tells_the_life_of_every_version(under_test: StoreUnderTest, ca: OutsideCA) -> None:
    under_test.rotate()
    waits = rotate(under_test.claims, outside=True)
    told = {version.key: version for version in under_test.store.status().versions}
    assert told[str(waits.ref)].state == "waiting"
    assert told[str(waits.ref)].certificate_expires == ""
    assert [version.state for version in told.values()].count("current") == 1
    assert under_test.store.status().warning == ""


@pytest.mark.parametrize(("left", "said"), [(31, ""), (30, "ends in 29 days"), (7, "ALARM")])
def test_a_certificate_that_ends_soon_is_spoken_of(under_test: StoreUnderTest, left: int, said: str) -> None:
    under_test.rotate()
    under_test.clock.now = datetime.now(UTC) + timedelta(days=LEAF_DAYS - left, minutes=1)
    status = under_test.store.status()
    assert status.ready
    assert said in status.warning
    assert bool(said) == bool(status.warning)
    under_test.clock.move(timedelta(days=left))
    assert not under_test.store.status().ready


def test_a_certificate_that_has_not_begun_signs_nothing(under_test: StoreUnderTest) -> None:
    under_test.rotate()
    under_test.clock.move(timedelta(days=-2))
    status = under_test.store.status()
    assert not status.ready
    assert "clock" in status.reason


def test_an_embedded_version_that_is_retired_has_no_private_key_left(local_store: LocalKeyStore) -> None:
    ended = local_store._held.keyring.signing[Purpose.CLAIM][0].private
    rotate(local_store.claims)
    retire(local_store.claims, KeyRef("sigillo-claim", 1), datetime.now(UTC))
    assert ended
    assert ended not in local_store._held.keyring.encode().decode()


def test_a_signer_that_an_embedded_service_holds_signs_no_more_once_retired(
    local_store: LocalKeyStore, tmp_path: Path
) -> None:
    held = local_store.signer(Purpose.CLAIM)
    held.sign(b"claim")
    beside = LocalKeyStore.open(tmp_path / "keys", embedded_profile=True).claims  # as a command's process would
    rotate(beside)
    retire(beside, held.ref, datetime.now(UTC))
    with pytest.raises(KeyNotFoundError, match="retired"):
        held.sign(b"claim")


def test_vault_refuses_a_retired_version_even_to_a_service_that_has_not_noticed(
    openbao: OpenBao, service_token: str, clock: MovingClock
) -> None:
    claims, service = VaultClaimKeys(openbao.vault(), clock), VaultKeyStore(Vault(openbao.url, service_token), clock)
    old = rotate(claims)
    clock.move(METADATA_LIFE)
    held = service.signer(Purpose.CLAIM)
    assert held.ref == old.ref
    rotate(claims)
    clock.move(SETTLING_TIME)
    retire(claims, old.ref, clock())
    # Typed as a refusal: it must not count as an outage and open the breaker.
    with pytest.raises(KeyStoreRefusedError, match="retired"):
        held.sign(b"claim")
    standing = openbao.vault().read(f"{SIGNING_MOUNT}/keys/{old.ref.name}")
    assert standing is not None
    assert standing["data"]["min_decryption_version"] == 1
    assert standing["data"]["keys"][str(old.ref.version)]["certificate_chain"]


def test_vault_keeps_a_version_until_services_know_the_next(openbao: OpenBao, clock: MovingClock) -> None:
    claims = VaultClaimKeys(openbao.vault(), clock)
    old = rotate(claims)
    rotate(claims)
    with pytest.raises(RetirementRefusedError, match="try again after"):
        retire(claims, old.ref, clock())
    assert not find(claims.versions(), old.ref).retired


@pytest.fixture
def operator(openbao: OpenBao) -> Vault:
    """With the operator's policy and no other."""
    root = openbao.vault()
    policy = (DEPLOY / "sigillo-operator.hcl").read_text(encoding="utf-8")
    root.write("sys/policies/acl/sigillo-operator", {"policy": policy})
    token = root.write("auth/token/create", {"policies": ["sigillo-operator"]})["auth"]["client_token"]
    return Vault(openbao.url, token)


def test_the_operators_policy_is_enough(openbao: OpenBao, operator: Vault, clock: MovingClock) -> None:
    openbao.bootstrap()
    claims, ca = VaultClaimKeys(operator, clock), OutsideCA(clock())
    for algorithm in Algorithm:
        old = rotate(claims, algorithm)
        rotate(claims, outside=True)
        install_chain(claims, ca.issue(certificate_request(claims, ACME)[1]), clock(), roots=ca.root)
        clock.move(2 * SETTLING_TIME)
        assert retire(claims, old.ref, clock())[-1].ref == old.ref


def test_the_operators_policy_is_no_more(openbao: OpenBao, operator: Vault) -> None:
    key = f"{SIGNING_MOUNT}/keys/sigillo-claim"
    for path, data in (
        (f"{SIGNING_MOUNT}/sign/sigillo-claim/sha2-256", {"input": ""}),
        (f"{key}/config", {"exportable": True}),
        (f"{key}/config", {"min_decryption_version": 2}),
        (f"{key}/config", {"deletion_allowed": True}),
        (f"{key}/trim", {"min_available_version": 1}),
        (key, {"type": "ecdsa-p256", "exportable": True}),
        (f"{SIGNING_MOUNT}/keys/sigillo-log/rotate", {}),
        ("sigillo/root/root/sign-intermediate", {"csr": ""}),
        ("sigillo/root/issuers/import/bundle", {"pem_bundle": ""}),
        ("auth/sigillo/role/sigillo-service/secret-id", {}),
        ("sys/policies/acl/sigillo-service", {"policy": ""}),
    ):
        with pytest.raises(KeyStoreForbiddenError):
            operator.write(path, data)


@pytest.fixture
def bare_openbao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    with OpenBao(tmp_path_factory.mktemp("bare")) as server:
        yield server


def test_a_vault_that_an_outside_ca_certifies(bare_openbao: OpenBao, clock: MovingClock) -> None:
    root = bare_openbao.vault()
    first = bootstrap(root, clock, algorithm=Algorithm.ED25519, outside_ca=True, plain_token=True)
    assert (first.claim, first.waiting) == (KeyRef("sigillo-claim-ed25519", 1), True)
    service = VaultKeyStore(Vault(bare_openbao.url, first.service_token), clock)
    assert "install-chain" in service.status().reason
    assert service.revocation_list() == b""
    claims, ca = VaultClaimKeys(root, clock), OutsideCA(clock())
    install_chain(claims, ca.issue(certificate_request(claims, ACME)[1]) + ca.root, clock())
    clock.move(METADATA_LIFE)
    assert service.status().ready
    assert parse(service.anchors()) == parse(ca.root)
    signer = service.signer(Purpose.CLAIM)
    verify(signer, signer.sign(b"claim"), b"claim")
    # Nobody says so again: it stays the outside CA's, and a rotated version waits for it.
    again = bootstrap(root, clock)
    assert (again.made, again.claim, again.waiting) == ((), first.claim, False)
    assert parse(claims.roots()) == parse(ca.root)
    assert state(rotate(claims), claims.versions()) is State.WAITING
    assert bootstrap(root, clock).claim == first.claim


def test_a_key_that_vault_would_give_away_is_an_alarm(bare_openbao: OpenBao, clock: MovingClock) -> None:
    root = bare_openbao.vault()
    token = bootstrap(root, clock, plain_token=True).service_token
    service = VaultKeyStore(Vault(bare_openbao.url, token), clock)
    assert service.status().warning == ""
    root.write(f"{SIGNING_MOUNT}/keys/sigillo-claim/config", {"exportable": True})
    status = service.status()
    assert status.ready
    assert "sigillo-claim" in status.warning
    assert "sigillo-log" not in status.warning
    service.advance_epoch("ten_x")
    root.write("sigillo/epochs/keys/ten_x/config", {"allow_plaintext_backup": True})
    service.advance_epoch("ten_x")
    assert "wrapping key" in service.status().warning
    assert "ten_x" not in service.status().warning


def test_the_current_version_is_the_newest_that_may_sign(local_store: LocalKeyStore) -> None:
    assert current(()) is None
    made = [rotate(local_store.claims, algorithm) for algorithm in (*Algorithm, *Algorithm)]
    assert current(local_store.versions()) == made[-1]
    assert current(local_store.versions()[:2]) == made[0]


def test_a_certificate_set_by_hand_that_does_not_fit_stops_signing_until_there_is_another(
    openbao: OpenBao, service_token: str, clock: MovingClock, ca: OutsideCA
) -> None:
    """Vault holds it to the key alone. An older version does not take its place."""
    claims, service = VaultClaimKeys(openbao.vault(), clock), VaultKeyStore(Vault(openbao.url, service_token), clock)
    rotate(claims)
    made = rotate(claims)
    for_servers = replace(ca.wish(), purposes=[ExtendedKeyUsageOID.SERVER_AUTH])
    chain = ca.issue(certificate_request(claims, ACME, made.ref)[1], for_servers)
    path = f"{SIGNING_MOUNT}/keys/{made.ref.name}/set-certificate"
    openbao.vault().write(path, {"certificate_chain": chain, "version": made.ref.version})
    clock.move(METADATA_LIFE)
    for version in (None, made.ref.version):
        with pytest.raises(CertificateUnfitError, match=r"purpose is another.*sigillo keys rotate"):
            service.signer(Purpose.CLAIM, version)
    assert "purpose is another" in service.status().reason
    assert state(find(claims.versions(), made.ref), claims.versions()) is State.UNFIT
    clock.move(SETTLING_TIME)
    with pytest.raises(CertificateUnfitError):
        retire(claims, KeyRef(made.ref.name, made.ref.version - 1), clock())
    renewed = install_chain(claims, ca.issue(certificate_request(claims, ACME, made.ref)[1]), clock(), roots=ca.root)
    clock.move(METADATA_LIFE)
    assert service.signer(Purpose.CLAIM).ref == renewed.ref == made.ref


def test_the_bootstrap_certifies_anew_what_does_not_fit(openbao: OpenBao, clock: MovingClock, ca: OutsideCA) -> None:
    claims = VaultClaimKeys(openbao.vault(), clock)
    made = rotate(claims)
    late = replace(ca.wish(), usage=None)
    chain = ca.issue(certificate_request(claims, ACME, made.ref)[1], late)
    path = f"{SIGNING_MOUNT}/keys/{made.ref.name}/set-certificate"
    openbao.vault().write(path, {"certificate_chain": chain, "version": made.ref.version})
    assert bootstrap(openbao.vault(), clock).claim == made.ref
    assert current(claims.versions()) == find(claims.versions(), made.ref)
    assert find(claims.versions(), made.ref).fault == ""
