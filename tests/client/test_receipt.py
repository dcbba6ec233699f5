"""The client's check of a receipt, beside the service's own, which shares no line with it but what both read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import LedgerError
from ledger.receipt import verify_receipt as verify_by_the_service
from ledger.tree.merkle import leaf_hash
from sigillo_client import ReceiptError, verify_receipt
from sigillo_client.bundle_verifier import UnsoundError
from sigillo_client.receipt import HEADER, check_inclusion
from tests.deployment import Running
from tests.waiting import until


@pytest.fixture(scope="module")
def receipt(deployment: Running) -> str:
    entry = str(deployment.operator.entries()["entries"][0]["entry"]["id"])
    until(lambda: bool(deployment.operator.receipt(entry)))
    return deployment.operator.receipt(entry)


@pytest.fixture(scope="module")
def log_key(deployment: Running) -> str:
    return deployment.operator.log_key()


def test_a_sound_one_proves_its_entry(receipt: str, log_key: str) -> None:
    proven, service = verify_receipt(receipt, log_key), verify_by_the_service(receipt, log_key)
    assert (proven.id, proven.kind) == (service.entry.id, service.entry.kind)
    assert (proven.index, proven.size, proven.origin) == (service.index, service.size, service.origin)
    assert proven.witnessed == {}


def test_any_other_byte_is_refused_by_both(receipt: str, log_key: str) -> None:
    data = receipt.encode()
    for place in range(0, len(data), 7):
        forged = (data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]).decode("utf-8", "replace")
        with pytest.raises(ReceiptError):
            verify_receipt(forged, log_key)
        with pytest.raises(LedgerError):
            verify_by_the_service(forged, log_key)


@pytest.mark.parametrize("text", ["", f"{HEADER}\n\n", "\ud800", f"{HEADER}\nextra \nindex 0\n\n"])
def test_what_is_no_receipt(text: str, log_key: str) -> None:
    with pytest.raises(ReceiptError):
        verify_receipt(text, log_key)


def test_another_logs_key_and_a_witness_who_is_not_there(receipt: str, log_key: str) -> None:
    name, _, rest = log_key.partition("+")
    with pytest.raises(ReceiptError):
        verify_receipt(receipt, f"{name}x+{rest}")
    with pytest.raises(ReceiptError, match="are needed"):
        verify_receipt(receipt, log_key, quorum=1)


@given(st.integers(1, 200), st.data())
def test_inclusion_is_what_the_tree_says(size: int, data: st.DataObject) -> None:
    leaves = [leaf_hash(bytes([number])) for number in range(size)]
    index = data.draw(st.integers(0, size - 1))
    root, proof = proven(leaves, index)
    check_inclusion(index, size, leaves[index], proof, root)
    other = data.draw(st.integers(0, size + 3).filter(lambda number: number != index))
    with pytest.raises(UnsoundError):
        check_inclusion(other, size, leaves[index], proof, root)
    with pytest.raises(UnsoundError):
        check_inclusion(index, size, leaves[index], [*proof, root], root)


def proven(leaves: list[bytes], index: int) -> tuple[bytes, list[bytes]]:
    """Root and path, as RFC 9162, section 2.1.3.1 defines them."""
    from ledger.tree.merkle import node_hash

    if len(leaves) == 1:
        return leaves[0], []
    middle = 1 << (len(leaves) - 1).bit_length() - 1
    left, right = leaves[:middle], leaves[middle:]
    if index < middle:
        root, path = proven(left, index)
        beside = proven(right, 0)[0]
        return node_hash(root, beside), [*path, beside]
    root, path = proven(right, index - middle)
    beside = proven(left, 0)[0]
    return node_hash(beside, root), [*path, beside]
