"""Answers of browsers: which hold, and which of all that can be wrong with one is found."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.encoding import base64url
from identity.passkeys.errors import PasskeyError, PasskeyInvalidError, PasskeyUnreadableError
from identity.passkeys.relying_party import RelyingParty
from identity.passkeys.responses import Asserted, NewKey, challenge_of, verify_asserted, verify_attested
from tests.identity.passkeys.browser import asserted, attested
from tests.simulators.authenticator import BACKED_UP, ELIGIBLE, PRESENT, VERIFIED, Authenticator

PARTY = RelyingParty("localhost", "http://localhost:8080")
CHALLENGE = bytes(range(32))
OPTIONS = {
    "rp": {"id": PARTY.id},
    "user": {"id": base64url.encode(b"acc_1")},
    "challenge": base64url.encode(CHALLENGE),
}


def made(device: Authenticator) -> NewKey:
    return verify_attested(attested(device.create(OPTIONS)), CHALLENGE, PARTY)


def used(device: Authenticator) -> Asserted:
    return asserted(device.get(OPTIONS))


def verify(answer: Asserted, key: NewKey) -> None:
    verify_asserted(answer, CHALLENGE, PARTY, key.public_key, backup_eligible=key.backup_eligible)


@pytest.mark.parametrize("attestation", ["none", "packed"])
def test_a_new_passkey_holds(attestation: str) -> None:
    device = Authenticator(attestation=attestation, flags=PRESENT | VERIFIED | ELIGIBLE | BACKED_UP)
    key = made(device)
    assert (key.credential, key.backup_eligible, key.backed_up) == (device.passkeys[0].id, True, True)
    assert key.aaguid == "00000000-0000-0000-0000-000000000000"
    use = verify_asserted(used(device), CHALLENGE, PARTY, key.public_key, backup_eligible=True)
    assert (use.sign_count, use.backed_up) == (1, True)


OTHERS: dict[str, Any] = {
    "another origin": {"origin": "https://localhost:8080"},
    "an origin with a path": {"origin": "http://localhost:8080/"},
    "another port": {"origin": "http://localhost:8081"},
    "another relying party": {"rp_id": "evil.example"},
    "nobody verified": {"flags": PRESENT},
    "nobody present": {"flags": VERIFIED},
    "backed up and not eligible": {"flags": PRESENT | VERIFIED | BACKED_UP},
    "another type": {"client": {"type": "payment.get"}},
    "another challenge": {"client": {"challenge": base64url.encode(bytes(32))}},
    "an origin that is no text": {"client": {"origin": ["http://localhost:8080"]}},
}


@pytest.mark.parametrize("changed", OTHERS.values(), ids=OTHERS.keys())
def test_what_is_wrong_with_an_answer_is_found(changed: dict[str, Any]) -> None:
    with pytest.raises(PasskeyInvalidError):
        made(Authenticator(**changed))
    device = Authenticator()
    key = made(device)
    for name, value in changed.items():
        setattr(device, name, value)
    with pytest.raises(PasskeyInvalidError):
        verify(used(device), key)


@pytest.mark.parametrize("client", [{"crossOrigin": True}, {"topOrigin": "https://evil.example"}, {"crossOrigin": 1}])
def test_a_page_inside_another_is_refused(client: dict[str, Any]) -> None:
    with pytest.raises(PasskeyInvalidError, match="inside another"):
        challenge_of(used_with(Authenticator(client=client)).client_data)


def used_with(device: Authenticator) -> Asserted:
    device.create(OPTIONS)
    return used(device)


@pytest.mark.parametrize(
    "client_data",
    [
        b"",
        b"[]",
        b'"x"',
        b"{}",
        b'{"challenge": 5}',
        b'{"challenge": "a"}',
        b'{"challenge": "AAAA", "challenge": "BBBB"}',
        b"[" * 5000,
        b"\xff\xfe",
    ],
)
def test_what_is_no_client_data_is_unreadable(client_data: bytes) -> None:
    with pytest.raises(PasskeyUnreadableError):
        challenge_of(client_data)


def test_a_passkey_never_becomes_one_that_can_be_copied() -> None:
    device = Authenticator()
    key = made(device)
    device.flags |= ELIGIBLE
    with pytest.raises(PasskeyInvalidError, match="can be copied"):
        verify(used(device), key)


def test_an_answer_by_another_key_is_refused() -> None:
    device = Authenticator()
    key = made(device)
    device.create(OPTIONS)
    with pytest.raises(PasskeyInvalidError, match="signature"):
        verify(used(device), key)


def test_of_a_certificate_nothing_is_read() -> None:
    device = Authenticator()
    answer = device.create(OPTIONS)
    said = cbor2.loads(base64url.decode(answer["response"]["attestationObject"], "it"))
    for statement in (
        {"fmt": "packed", "attStmt": {"alg": -7, "sig": b"x", "x5c": [b"x"]}},
        {"fmt": "tpm"},
        {"attStmt": 5},
    ):
        changed = replace(attested(answer), attestation=cbor2.dumps({**said, **statement}))
        with pytest.raises(PasskeyInvalidError, match="certificate"):
            verify_attested(changed, CHALLENGE, PARTY)


def test_a_passkey_is_the_one_that_the_browser_names() -> None:
    answer = replace(attested(Authenticator().create(OPTIONS)), credential=b"another")
    with pytest.raises(PasskeyInvalidError, match="another passkey"):
        verify_attested(answer, CHALLENGE, PARTY)


def test_an_attestation_by_another_key_is_refused() -> None:
    device = Authenticator(attestation="packed")
    one, other = (attested(device.create(OPTIONS)) for _ in range(2))
    statement = cbor2.loads(other.attestation)["attStmt"]
    forged = cbor2.dumps({**cbor2.loads(one.attestation), "attStmt": statement})
    with pytest.raises(PasskeyInvalidError):
        verify_attested(replace(one, attestation=forged), CHALLENGE, PARTY)


def test_an_algorithm_that_was_not_offered_is_refused() -> None:
    with pytest.raises(PasskeyInvalidError):
        made(Authenticator(algorithm=-35))


_DEVICE = Authenticator()
_KEY = made(_DEVICE)
_USED = used(_DEVICE)
_MADE = attested(Authenticator().create(OPTIONS))
_NEEDED = ("client_data", "authenticator_data", "signature")


@given(st.sampled_from(_NEEDED), st.data())
def test_no_byte_of_an_answer_can_be_changed(part: str, data: st.DataObject) -> None:
    """Every byte is under the signature, which is over all of them."""
    original: bytes = getattr(_USED, part)
    at = data.draw(st.integers(0, len(original) - 1))
    value = data.draw(st.integers(0, 255).filter(lambda byte: byte != original[at]))
    changed = replace(_USED, **{part: original[:at] + bytes([value]) + original[at + 1 :]})
    with pytest.raises(PasskeyError):
        verify(changed, _KEY)


@given(st.binary(max_size=400), st.sampled_from(["client_data", "attestation"]))
def test_bytes_of_any_kind_make_no_passkey(content: bytes, part: str) -> None:
    with pytest.raises(PasskeyError):
        verify_attested(replace(_MADE, **{part: content}), CHALLENGE, PARTY)


@given(st.integers(0, 4000), st.integers(0, 255))
def test_a_changed_attestation_makes_no_other_error(at: int, value: int) -> None:
    """Of `none`, nothing is signed: what is read is the key, and no byte makes the service fail."""
    content = bytearray(_MADE.attestation)
    content[at % len(content)] = value
    with suppress(PasskeyError):
        verify_attested(replace(_MADE, attestation=bytes(content)), CHALLENGE, PARTY)


@given(st.sampled_from(_NEEDED), st.binary(max_size=200))
def test_bytes_of_any_kind_sign_nobody_in(part: str, content: bytes) -> None:
    with pytest.raises(PasskeyError):
        verify(replace(_USED, **{part: content}), _KEY)


def test_the_answer_as_a_browser_writes_it_is_read() -> None:
    answer = _DEVICE.get(OPTIONS) | {"authenticatorAttachment": "platform"}
    assert json.loads(asserted(answer).client_data)["origin"] == PARTY.origin
