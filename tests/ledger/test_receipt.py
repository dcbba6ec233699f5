from __future__ import annotations

from base64 import b64encode

import pytest

from ledger.errors import ReceiptError
from ledger.ids import TenantId
from ledger.receipt import HEADER, verify_receipt
from ledger.tree.checkpoint import VerifierKey
from tests.ledger.world import LONG, World


@pytest.fixture
def receipts(world: World, tenant: TenantId) -> list[str]:
    ids = [world.write_note(tenant, text).entries[0] for text in "abcdef"]
    assert world.ledger.wait_proven(ids[-1], LONG)
    return [world.ledger.receipt(entry_id) for entry_id in ids]


def test_a_receipt_has_the_form_of_the_specification(receipts: list[str], world: World) -> None:
    lines = receipts[2].split("\n")
    assert lines[0] == HEADER == "c2sp.org/tlog-proof@v1"
    assert lines[1].startswith("extra ")
    assert lines[2] == "index 3"
    assert lines[3:].index("") == len(lines[3 : lines.index("")])
    assert receipts[2].endswith(world.ledger.checkpoint())


def test_receipts_of_older_checkpoints_keep_verifying(receipts: list[str], world: World, tenant: TenantId) -> None:
    vkey = world.ledger.vkey()
    world.write_note(tenant, "later")
    for index, receipt in enumerate(receipts, start=1):
        assert verify_receipt(receipt, vkey).index == index


def test_every_changed_line_is_refused(receipts: list[str], world: World) -> None:
    vkey = world.ledger.vkey()
    lines = receipts[2].split("\n")
    other = receipts[3].split("\n")
    for at in range(len(lines)):
        without = "\n".join(lines[:at] + lines[at + 1 :])
        # The note format allows a second signature line; everything else stands once.
        twice = "" if lines[at].startswith("— ") else "\n".join([*lines[:at], lines[at], *lines[at:]])
        changed = "\n".join([*lines[:at], lines[at][::-1] or "x", *lines[at + 1 :]])
        for forged in {without, twice, changed} - {receipts[2]}:
            with pytest.raises(ReceiptError):
                verify_receipt(forged, vkey)
    swapped = "\n".join([lines[0], other[1], *lines[2:]])
    moved = "\n".join([*lines[:2], other[2], *lines[3:]])
    for forged in (swapped, moved, "", receipts[2] * 2):
        with pytest.raises(ReceiptError):
            verify_receipt(forged, vkey)


def test_an_extra_that_is_no_entry_is_refused(receipts: list[str], world: World) -> None:
    lines = receipts[0].split("\n")
    lines[1] = "extra " + b64encode(b"{}").decode()
    with pytest.raises(ReceiptError):
        verify_receipt("\n".join(lines), world.ledger.vkey())


def test_another_log_cannot_vouch(receipts: list[str], world: World) -> None:
    key = VerifierKey.parse(world.ledger.vkey())
    for stranger in (VerifierKey("log.example/other", key.public_key), VerifierKey(key.origin, bytes(32))):
        with pytest.raises(ReceiptError):
            verify_receipt(receipts[0], str(stranger))
    with pytest.raises(ReceiptError):
        verify_receipt(receipts[0], "nonsense")
