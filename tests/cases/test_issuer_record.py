"""The issuer's keys, rotated, retired and revoked; and what a unit of work that issues leaves when it is cut off."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Executable, delete, update
from sqlalchemy.exc import DBAPIError

from cases.errors import UnknownKeyError
from identity.did.methods import VerificationMethod
from identity.did.web import read_document
from identity.errors import (
    CredentialRefusedError,
    DidError,
    IssuerKeyUnknownError,
    IssuerUnnamedError,
    KeyUnfitError,
    PlaceTakenError,
)
from identity.issuing import issue
from identity.issuing.did_document import did_web
from identity.issuing.editions import DidDocumentRow
from identity.issuing.orders import TypedOrder, order_of
from identity.issuing.vocabulary import contexts_at
from identity.jsonld.context_library import CREDENTIALS_V2
from identity.outcome import Check, Outcome
from identity.selective import bbs
from identity.verifier import Policy, verify_credential
from keys.errors import KeyNotFoundError
from keys.issuer_keys import IssuerKey, retire
from keys.local import LocalKeyStore
from keys.openbao import OpenBao
from keys.signer import KeyRef, Purpose
from keys.vault import Vault
from keys.vault_issuers import VaultIssuerKeys
from keys.vault_store import VaultKeyStore
from ledger.ids import EntryId
from provenance.request import Grant
from tests.cases.issuing_house import AGE, CREATOR, ORIGIN, House, house
from tests.ledger.world import FULL, HeldClock
from tests.simulators.key_store import SimulatedKeyStore


@pytest.fixture(scope="module")
def time() -> HeldClock:
    return HeldClock(datetime.now(UTC))


@pytest.fixture(scope="module", params=["local", pytest.param("vault", marks=pytest.mark.openbao)])
def stored(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, time: HeldClock
) -> Iterator[House]:
    """With each of the key stores, one for all tests."""
    folder = tmp_path_factory.mktemp("house")
    if request.param == "local":
        store = LocalKeyStore.open(folder / "keys", embedded_profile=True, clock=time)
        beside = LocalKeyStore.open(folder / "keys", embedded_profile=True, clock=time)  # as a command's process would
        with house(folder, store, beside.issuers, time) as up:
            yield up
        return
    openbao: OpenBao = request.getfixturevalue("openbao")
    vault = VaultKeyStore(Vault(openbao.url, request.getfixturevalue("service_token")), time)
    with house(folder, vault, VaultIssuerKeys(openbao.vault(), time), time) as up:
        yield up


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """With a simulated one."""
    with house(tmp_path_factory.mktemp("simulated"), SimulatedKeyStore(), None, HeldClock()) as up:  # type: ignore[arg-type]
        up.issuance.record.newest()
        yield up


def verdict(up: House, credential: dict[str, Any], check: Check) -> Outcome | None:
    """Of somebody who fetches the document now."""
    document = up.issuance.record.newest().document
    content, did = json.dumps(document).encode(), str(document["id"])

    def resolve(method: str) -> VerificationMethod:
        return read_document(did, content, method)

    policy = Policy(frozenset({did}), contexts_at(ORIGIN), resolve, status=lambda _entry, _issuer: None)
    whole = dict(credential)
    proof = whole.pop("proof")
    if proof["cryptosuite"] == bbs.CRYPTOSUITE:
        part, derived = bbs.derive(whole, proof, ["/credentialSubject/age_over_18"], b"n", contexts=policy.contexts)
        credential = {**part, "proof": derived}
    return verify_credential(credential, policy, up.clock()).outcome(check)


@pytest.mark.parametrize(
    ("order", "key"),
    [(AGE, IssuerKey.BLS), (CREATOR, IssuerKey.ED25519), (replace(CREATOR, format="ecdsa-jcs-2019"), IssuerKey.P256)],
    ids=["bls", "ed25519", "p256"],
)
def test_what_the_old_version_signed_verifies_after_the_new_one_signs(
    stored: House, order: TypedOrder, key: IssuerKey
) -> None:
    old = stored.issue(order)
    made = stored.turn(key)
    before = replace(made, version=made.version - 1)
    new = stored.issue(order)
    assert old["proof"]["verificationMethod"].endswith(f"-{before.version}")
    assert new["proof"]["verificationMethod"].endswith(f"-{made.version}")
    retire(stored.issuer_keys, before)
    stored.noticed()
    newest = stored.issuance.record.newest()
    assert newest.reasons == ("key.retired",)
    assert before in newest.retired
    for credential in (old, new):
        for check in (Check.METHOD, Check.PURPOSE, Check.SIGNATURE):
            assert verdict(stored, credential, check) is Outcome.HOLDS


def test_each_change_is_an_entry_and_an_edition(stored: House) -> None:
    record, tenant = stored.issuance.record, stored.operator.tenant
    before, known = record.newest(), len(record.editions())
    assert record.observe() is None
    stored.turn(IssuerKey.P256)
    gone = next(ref for ref in before.signing if ref.name == IssuerKey.P256)
    record.revoke(stored.operator.principal, str(gone), "keyCompromise")
    editions = record.editions()[known - 1 :]
    assert [one.reasons for one in editions[1:]] == [("key.rotated",), ("key.revoked: keyCompromise",)]
    assert editions[0].document == before.document
    for one in editions:
        said = stored.ledger.payloads.open(tenant, EntryId(one.entry)).payload
        assert stored.ledger.payloads.open(tenant, EntryId(one.entry)).kind == "issuerkey.changed"
        assert (said.reasons, said.signing) == (one.reasons, tuple(map(str, one.signing)))
    assert str(gone) in said.revoked
    method = record.newest().methods[gone]
    assert method.revoked
    assert not any(text.endswith(f"#{method.fragment}") for text in record.newest().document["assertionMethod"])


@pytest.mark.parametrize("order", [CREATOR, AGE], ids=["ed25519", "bls"])
def test_nothing_verifies_with_a_revoked_version_and_nothing_is_signed_until_it_is_rotated(
    stored: House, order: TypedOrder
) -> None:
    record, other = stored.issuance.record, replace(CREATOR, format="ecdsa-rdfc-2019")
    key = IssuerKey.BLS if order is AGE else IssuerKey.ED25519
    credential, beside = stored.issue(order), stored.issue(other)
    signs = next(ref for ref in record.newest().signing if ref.name == key)
    told = record.revoke(stored.operator.principal, str(signs), "keyCompromise")
    assert record.revoke(stored.operator.principal, str(signs), "again") == told
    assert verdict(stored, credential, Check.METHOD) is not Outcome.HOLDS
    assert verdict(stored, beside, Check.SIGNATURE) is Outcome.HOLDS
    before = stored.rows()
    with pytest.raises(KeyNotFoundError, match="revoked"):
        stored.issue(order)
    assert stored.rows() == before
    stored.turn(key)
    assert verdict(stored, stored.issue(order), Check.SIGNATURE) is Outcome.HOLDS
    assert verdict(stored, credential, Check.METHOD) is not Outcome.HOLDS


def test_a_key_revoked_while_its_request_is_under_way_issues_nothing(up: House) -> None:
    key = up.access.issue(up.operator, ["credentials:issue"], Grant("", frozenset()))  # type: ignore[list-item]
    caller = up.access.authenticate(key.token)
    up.issue(CREATOR, caller, "again")
    up.access.revoke(up.operator, key.key.id)
    before = up.rows()
    for name in ("", "again"):
        with pytest.raises(UnknownKeyError):
            up.issue(CREATOR, caller, name)
    assert up.rows() == before


class _CutOffError(Exception):
    """It goes no further."""


@pytest.mark.parametrize("step", ["take", "issued.add"])
def test_what_ends_the_unit_of_work_leaves_nothing(up: House, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    def cut_off(*_: object) -> None:
        raise _CutOffError

    before = up.rows()
    with monkeypatch.context() as patch:
        patch.setattr(f"identity.issuing.issue.{step}", cut_off)
        with pytest.raises(_CutOffError):
            up.issue(CREATOR, key=step)
    assert up.rows() == before
    up.issue(CREATOR, key=step)
    assert up.rows() == tuple(count + 1 for count in before)


def test_a_place_that_somebody_took_is_drawn_again(up: House, monkeypatch: pytest.MonkeyPatch) -> None:
    lost, take = [True, True], issue.take  # type: ignore[attr-defined]

    def late(*arguments: Any) -> None:
        if lost:
            lost.pop()
            raise PlaceTakenError("somebody else was faster")
        take(*arguments)

    monkeypatch.setattr(issue, "take", late)
    before = up.rows()
    up.issue()
    assert not lost
    assert up.rows() == tuple(count + 1 for count in before)
    lost += [True] * issue.MAX_DRAWS
    with pytest.raises(PlaceTakenError):
        up.issue()


def test_an_age_takes_no_place(up: House) -> None:
    credentials, places, entries = up.rows()
    up.issue(AGE)
    assert up.rows() == (credentials + 1, places, entries + 1)


def test_a_store_that_is_down_issues_nothing_and_the_document_stays(up: House) -> None:
    keys: Any = up.issuance.record.keys
    before, document = up.rows(), up.issuance.record.newest()
    keys.go_down()
    try:
        for order in (CREATOR, AGE):
            with pytest.raises(Exception, match="down"):
                up.issue(order)
        assert up.issuance.record.newest() == document
    finally:
        keys.recover()
    assert up.rows() == before


def test_a_store_with_another_key_under_the_same_name_issues_nothing(up: House) -> None:
    keys: Any = up.issuance.record.keys
    kept, bls = dict(keys._signers), list(keys.bls)
    keys._signers = {purpose: list(signers) for purpose, signers in kept.items()}
    up.issuance.record._held = None
    try:
        keys.replace_key(Purpose.ISSUER_ED25519)
        keys.bls[0] = b"\2" * 32
        for order in (CREATOR, AGE):
            with pytest.raises(KeyUnfitError, match="restore"):
                up.issue(order)
    finally:
        keys._signers, keys.bls = kept, bls
        up.issuance.record._held = None
    up.issue(AGE)


def test_nothing_is_begun_by_a_deployment_that_issues_nothing_and_another_address_is_another_did(
    tmp_path: Path,
) -> None:
    keys = SimulatedKeyStore()
    with house(tmp_path, keys, None, HeldClock()) as up:  # type: ignore[arg-type]
        record = up.issuance.record
        assert record.observe() is None
        assert list(record.editions()) == []
        with ThreadPoolExecutor(8) as pool:
            first, *others = pool.map(lambda _: record.newest(), range(8))
        assert first.reasons == ("key.first",)
        assert others == [first] * 7
        assert list(record.editions()) == [first]
    with house(tmp_path, keys, None, HeldClock(), public_url="https://other.example") as up:  # type: ignore[arg-type]
        record = up.issuance.record
        second = record.newest()
        assert (second.did, second.reasons) == ("did:web:other.example", ("did.changed",))
        assert second.methods == first.methods
        with pytest.raises(IssuerKeyUnknownError):
            record.revoke(up.operator.principal, str(KeyRef(IssuerKey.P256, 9)), "x")
        assert record.resolve(second.document["assertionMethod"][0]).purposes == {"assertionMethod"}
        with pytest.raises(DidError):
            record.resolve(f"{second.did}#p256-9")
        record.did = ""
        with pytest.raises(IssuerUnnamedError):
            record.newest()


def test_a_credential_may_be_written_under_the_operators_contexts(
    tmp_path: Path,
) -> None:
    files = {"https://cards.example/v1": "cards.jsonld", CREDENTIALS_V2: "nothing.jsonld"}
    (tmp_path / "contexts.json").write_text(json.dumps(files))
    (tmp_path / "cards.jsonld").write_text(json.dumps({"@context": {"card": "https://cards.example/#card"}}))
    (tmp_path / "nothing.jsonld").write_text("{}")
    said = {
        "@context": [CREDENTIALS_V2, "https://cards.example/v1"],
        "type": ["VerifiableCredential"],
        "issuer": "did:web:issuer.example",
        "credentialSubject": {"card": "17"},
    }
    keys = SimulatedKeyStore()
    with house(tmp_path, keys, None, HeldClock(), credential_contexts=tmp_path / "contexts.json") as up:  # type: ignore[arg-type]
        order = order_of(said, "eddsa-rdfc-2022", ())
        issued = up.issuance.issuing.issue(up.operator.tenant, up.operator.principal, [order])[0].credential
        assert isinstance(issued, dict)
        assert issued["credentialSubject"] == {"card": "17"}
        with pytest.raises(CredentialRefusedError, match="issuer"):
            up.issuance.issuing.issue(
                up.operator.tenant,
                up.operator.principal,
                [order_of({**said, "issuer": "did:web:cards.example"}, "eddsa-rdfc-2022", ())],
            )


@pytest.mark.parametrize("statement", [update(DidDocumentRow).values(document="{}"), delete(DidDocumentRow)], ids=str)
def test_a_document_that_was_in_force_is_not_changed(up: House, statement: Executable) -> None:
    def change() -> None:
        with up.database.writing(FULL) as connection:
            connection.execute(statement)

    with pytest.raises(DBAPIError, match="append-only"):
        change()


@pytest.mark.parametrize(
    ("origin", "did"),
    [
        ("https://sigillo.example", "did:web:sigillo.example"),
        ("https://sigillo.example:8443", "did:web:sigillo.example%3A8443"),
        ("http://127.0.0.1:8080", "did:web:127.0.0.1%3A8080"),
        ("http://[::1]:8080", "did:web:%5B%3A%3A1%5D%3A8080"),
    ],
)
def test_a_did_is_named_after_the_address(origin: str, did: str) -> None:
    assert did_web(origin) == did
