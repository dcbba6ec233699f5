"""What a creator signs with a passkey: anybody verifies it offline, and only the platform says whose it was."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from identity.encoding import base64url
from keys.profile import PURPOSES
from provenance.creator import CreatorStatement, PasskeySignature, Vouched, over, written
from provenance.creator_judging import Trusted, judged
from provenance.creator_passkey import PasskeyAnswer, challenge_of
from provenance.report import StatedCreator
from provenance.verdict import Verdict
from tests.simulators.authenticator import PRESENT, VERIFIED, Authenticator, Stored

NOW = datetime.now(UTC)
SAID = CreatorStatement("", "a" * 64, "Harbour", ())
VOUCHED = Vouched("did:web:sign.example", verified=True, level="medium", since="2026-11-01")


def signature(
    device: Authenticator | None = None, statement: CreatorStatement = SAID, vouched: Vouched = VOUCHED
) -> PasskeySignature:
    """As the service carries it."""
    device = device or Authenticator()
    device.passkeys = [Stored(b"one", ec.generate_private_key(ec.SECP256R1()), "localhost", b"acc_1")]
    text = written(statement)
    answer = device.get({"challenge": base64url.encode(challenge_of(over(text)))})["response"]
    key = device.passkeys[0].key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    data, client, signed = (
        base64.b64encode(base64url.decode(answer[name], name)).decode()
        for name in ("authenticatorData", "clientDataJSON", "signature")
    )
    public = base64.b64encode(key).decode()
    return PasskeySignature(
        statement=text, key=public, signature=signed, passkey=PasskeyAnswer(data, client), vouched=vouched
    )


def judge(
    signed: PasskeySignature | dict[str, Any], expected: CreatorStatement | None = SAID, *, platform: bool = True
) -> StatedCreator:
    data = signed if isinstance(signed, dict) else asdict(signed)
    return judged(data, expected, Trusted([], PURPOSES, NOW, platform=platform))


def test_what_a_trusted_platform_vouches_for_is_trusted_and_the_passkey_says_no_name() -> None:
    found = judge(signature())
    assert (found.verdict, found.reason, found.name, found.subject) == (Verdict.TRUSTED, "", None, None)
    assert found.standing is not None
    assert asdict(found.standing) == asdict(VOUCHED)


def test_a_platform_may_have_the_longest_host_that_there_is() -> None:
    host = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 61])
    assert len(host) == 253
    vouched = replace(VOUCHED, by=f"did:web:{host}%3A65535")
    found = judge(signature(vouched=vouched))
    assert (found.verdict, found.standing and found.standing.by) == (Verdict.TRUSTED, vouched.by)


def test_it_holds_and_is_not_trusted_where_the_platform_is_not_or_knows_nobody() -> None:
    found = judge(signature(), platform=False)
    assert (found.verdict, "not trusted" in found.reason) == (Verdict.UNTRUSTED, True)
    found = judge(signature(vouched=replace(VOUCHED, verified=False, level="low")))
    assert (found.verdict, "did:web:sign.example" in found.reason) == (Verdict.UNTRUSTED, True)


@pytest.mark.parametrize(
    "device",
    [
        Authenticator(flags=PRESENT),
        Authenticator(flags=VERIFIED),
        Authenticator(rp_id="elsewhere.example"),
        Authenticator(origin="http://elsewhere.example"),
        Authenticator(origin="http://[broken"),
        Authenticator(client={"type": "webauthn.create"}),
        Authenticator(client={"crossOrigin": True}),
        Authenticator(client={"topOrigin": "https://elsewhere.example"}),
        Authenticator(client={"challenge": "AAAA"}),
        Authenticator(client={"origin": 5}),
    ],
    ids=["unverified", "absent", "host", "origin", "no-origin", "made", "framed", "top", "challenge", "number"],
)
def test_what_is_no_answer_to_the_statement_is_invalid(device: Authenticator) -> None:
    found = judge(signature(device))
    assert found.verdict is Verdict.INVALID
    assert found.reason


@pytest.mark.parametrize("other", [{"sha256": "b" * 64}, {"title": "Sea"}, {"source_types": ("https://x.example/a",)}])
def test_for_another_file_or_claim_it_is_invalid(other: dict[str, Any]) -> None:
    assert judge(signature(), replace(SAID, **other)).verdict is Verdict.INVALID
    assert judge(signature(), None).verdict is Verdict.INVALID


def test_a_passkey_that_says_a_name_is_invalid() -> None:
    said = replace(SAID, name="Somebody Else")
    assert judge(signature(statement=said), said).verdict is Verdict.INVALID


@given(st.data())
def test_no_byte_can_be_changed(data: st.DataObject) -> None:
    carried = asdict(CARRIED)
    part = data.draw(st.sampled_from(["statement", "key", "signature", "authenticator_data", "client_data"]))
    within = carried if part in carried else carried["passkey"]
    at = data.draw(st.integers(0, len(within[part]) - 1))
    letter = data.draw(st.characters(min_codepoint=0x21, max_codepoint=0x7E))
    before = within[part]
    within[part] = before[:at] + letter + before[at + 1 :]
    same = within[part] == before or (part != "statement" and _decoded(within[part]) == base64.b64decode(before))
    assert same or judge(carried).verdict in {Verdict.INVALID, Verdict.UNREADABLE}


CARRIED = signature()


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except ValueError:
        return b""


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.mark.parametrize(
    "change",
    [
        lambda answer: replace(answer, authenticator_data=base64_of(bytes(36))),
        lambda answer: replace(answer, client_data=base64_of(b"[]")),
        lambda answer: replace(answer, client_data=base64_of(b"\xff")),
        lambda answer: replace(answer, client_data=base64_of(b"[" * 5000)),
        lambda answer: replace(
            answer, client_data=base64_of(base64.b64decode(answer.client_data)[:-1] + b',"type":"webauthn.get"}')
        ),
    ],
    ids=["short", "list", "bytes", "deep", "twice"],
)
def test_an_answer_that_cannot_be_read_in_one_way_is_invalid(change: Callable[[PasskeyAnswer], PasskeyAnswer]) -> None:
    found = judge(replace(CARRIED, passkey=change(CARRIED.passkey)))
    assert (found.verdict, found.reason) == (Verdict.INVALID, "the passkey's answer cannot be read")


@pytest.mark.parametrize(("bits", "verdict"), [(2048, Verdict.TRUSTED), (1024, Verdict.INVALID)])
def test_passkeys_of_many_machines_are_rsa(bits: int, verdict: Verdict) -> None:
    key = rsa.generate_private_key(65537, bits)
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    message = CARRIED.passkey.signed_over(over(CARRIED.statement))
    signed = base64_of(key.sign(message, PKCS1v15(), SHA256()))
    assert judge(replace(CARRIED, key=base64_of(public), signature=signed)).verdict is verdict
    bare = {name: value for name, value in asdict(CARRIED).items() if name not in {"passkey", "vouched"}}
    bare |= {"key": base64_of(public), "signature": base64_of(key.sign(over(CARRIED.statement), PKCS1v15(), SHA256()))}
    assert judge(bare).verdict is Verdict.INVALID, "without one, it is no kind of key that creators have"


@pytest.mark.parametrize("missing", ["passkey", "vouched"])
def test_half_of_it_is_unreadable(missing: str) -> None:
    carried = json.loads(json.dumps(asdict(CARRIED)))
    del carried[missing]
    assert judge(carried).verdict is Verdict.UNREADABLE
