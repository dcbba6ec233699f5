"""Only a claim is signed, over the assertions that come with it; whatever else is sent is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.claim_signer import SIG_STRUCTURE
from provenance.errors import ClaimInvalidError
from provenance.unseen.claim import take_apart
from tests.provenance.unseen.conftest import Drafted
from tests.provenance.unseen.test_jumbf import box, labelled
from tests.provenance.unseen.tool import CREATED


def test_a_claim_is_taken_apart(drafted: Drafted) -> None:
    found = drafted.take_apart()
    assert (found.generator, found.generator_version, found.tools) == ("Example Paint", "4.2", ("Example Paint",))
    assert found.labels == ("c2pa.actions.v2", "c2pa.hash.data", "com.example.note")
    assert (found.actions, found.source_types, found.models) == (("c2pa.created",), (CREATED,), ())
    assert found.binding_algorithm == "sha256"
    assert len(found.binding_hash) == 64
    assert drafted.draft.to_sign[-found.claim_bytes :] == claim_of(drafted)


def claim_of(drafted: Drafted) -> bytes:
    claim: bytes = cbor2.loads(drafted.draft.to_sign)[3]
    return claim


def structure(drafted: Drafted, **members: Any) -> bytes:
    """The bytes to be signed of a claim that says these things besides, or instead; None takes a member away."""
    _, protected, external, claim = cbor2.loads(drafted.draft.to_sign)
    said = {**cbor2.loads(claim), **members}
    kept = {name: value for name, value in said.items() if value is not None}
    return cbor2.dumps(["Signature1", protected, external, cbor2.dumps(kept)])


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_refused(drafted: Drafted, data: bytes) -> None:
    for sent in (data, SIG_STRUCTURE + data, drafted.draft.to_sign[:-1] + data, drafted.draft.to_sign + data + b"\0"):
        if sent != drafted.draft.to_sign:
            with pytest.raises(ClaimInvalidError):
                drafted.take_apart(sent)


@given(st.binary(max_size=100), st.sampled_from(["Signature", "CounterSignature", "Signature1", "MAC0"]), st.booleans())
def test_no_other_message_of_cose_is_taken_for_a_claim(
    drafted: Drafted, payload: bytes, context: str, ours: bool
) -> None:
    protected = cbor2.loads(drafted.draft.to_sign)[1] if ours else cbor2.dumps({1: -7})
    with pytest.raises(ClaimInvalidError):
        drafted.take_apart(cbor2.dumps([context, protected, b"", payload]))


@given(st.data())
def test_what_is_changed_is_refused_or_is_still_a_claim_over_these_assertions(
    drafted: Drafted, data: st.DataObject
) -> None:
    sent = bytearray(drafted.draft.to_sign)
    for _ in range(data.draw(st.integers(1, 3))):
        sent[data.draw(st.integers(0, len(sent) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = drafted.take_apart(bytes(sent))
    except ClaimInvalidError:
        return
    said = cbor2.loads(cbor2.loads(bytes(sent))[3])
    assert found.labels == drafted.take_apart().labels
    assert said["created_assertions"] == cbor2.loads(claim_of(drafted))["created_assertions"]
    assert found.generator == said["claim_generator_info"]["name"]


@given(st.data())
def test_no_byte_of_an_assertion_can_be_changed(drafted: Drafted, data: st.DataObject) -> None:
    store = bytearray(drafted.draft.assertion_store)
    at = data.draw(st.integers(0, len(store) - 1))
    store[at] ^= data.draw(st.integers(1, 255))
    # The name of the whole store is no assertion's: what names it is checked, and the rest of its description is not
    # hashed by anybody.
    try:
        found = drafted.take_apart(assertions=bytes(store))
    except ClaimInvalidError:
        return
    assert found == drafted.take_apart()
    assert at < len(box(b"jumd", b"")) + 40


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        pytest.param({"created_assertions": []}, "lists", id="an assertion that no claim lists"),
        pytest.param({"gathered_assertions": []}, "lists", id="likewise"),
        pytest.param({"signature": "self#jumbf=c2pa.other"}, "signature", id="no signature"),
        pytest.param({"claim_generator_info": [{"name": "a"}]}, "claim_generator_info", id="several tools"),
        pytest.param({"claim_generator_info": {"version": "1"}}, "name", id="no tool"),
        pytest.param({"instanceID": None}, "version 2", id="no instance"),
        pytest.param({"dc:format": "image/jpeg"}, "version 2", id="a member of version 1"),
        pytest.param({"alg": "sha1"}, "algorithm", id="an algorithm that is broken"),
    ],
)
def test_a_claim_that_is_none_of_ours_to_sign(drafted: Drafted, changed: dict[str, Any], says: str) -> None:
    with pytest.raises(ClaimInvalidError, match=says):
        drafted.take_apart(structure(drafted, **changed))


def test_a_redaction_is_found(drafted: Drafted) -> None:
    assert not drafted.take_apart(structure(drafted, redacted_assertions=[])).redacts
    uri = "self#jumbf=/c2pa/x/c2pa.assertions/org.sigillo.model"
    assert drafted.take_apart(structure(drafted, redacted_assertions=[uri])).redacts


def test_a_claim_over_no_content(drafted: Drafted) -> None:
    said = cbor2.loads(claim_of(drafted))
    gathered = [*said["gathered_assertions"], *said["created_assertions"]]
    with pytest.raises(ClaimInvalidError, match="hard binding"):
        drafted.take_apart(structure(drafted, created_assertions=[gathered[0]], gathered_assertions=gathered[1:]))


def test_an_assertion_listed_twice(drafted: Drafted) -> None:
    said = cbor2.loads(claim_of(drafted))
    with pytest.raises(ClaimInvalidError, match="twice"):
        drafted.take_apart(structure(drafted, created_assertions=said["created_assertions"] * 2))


def test_another_manifests_assertion(drafted: Drafted) -> None:
    said = cbor2.loads(claim_of(drafted))
    entry = said["created_assertions"][0]
    entry["url"] = entry["url"].replace("self#jumbf=", "self#jumbf=/c2pa/urn:c2pa:other/")
    with pytest.raises(ClaimInvalidError, match="nothing at"):
        drafted.take_apart(structure(drafted, created_assertions=[entry]))


def test_a_structure_that_is_written_longer_than_it_need_be(drafted: Drafted) -> None:
    with pytest.raises(ClaimInvalidError, match="shortest"):
        drafted.take_apart(b"\x98\x04" + drafted.draft.to_sign[1:])


def test_another_chain_or_algorithm(drafted: Drafted) -> None:
    draft = drafted.draft
    with pytest.raises(ClaimInvalidError, match="chain"):
        take_apart(draft.to_sign, draft.assertion_store, "ES256", list(reversed(drafted.chain)))
    with pytest.raises(ClaimInvalidError, match="another algorithm"):
        take_apart(draft.to_sign, draft.assertion_store, "EdDSA", drafted.chain)


@pytest.mark.parametrize(
    "store",
    [
        pytest.param(lambda whole: whole[:-1], id="cut short"),
        pytest.param(lambda whole: labelled("c2pa.assertions"), id="empty"),
        pytest.param(lambda whole: box(b"jumb", whole[8:] + labelled("more")), id="one more"),
        pytest.param(lambda whole: whole.replace(b"c2pa.assertions", b"c2pa.credential"), id="another store"),
    ],
)
def test_a_store_that_is_not_the_claims(drafted: Drafted, store: Callable[[bytes], bytes]) -> None:
    with pytest.raises(ClaimInvalidError):
        drafted.take_apart(assertions=store(drafted.draft.assertion_store))
