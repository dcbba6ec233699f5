"""One log ends and the next begins, on the same Vault: what either proved stays proven, and files stay trusted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from keys.openbao import OpenBao
from keys.vault_versions import SIGNING_MOUNT
from ledger.errors import ReceiptError
from ledger.receipt import verify_receipt
from tests.api.wire import proven, signed, upload
from tests.deployment import Running, running


@contextmanager
def deployed(bao: OpenBao, folder: Path, origin: str) -> Iterator[Running]:
    token = bao.bootstrap().service_token
    with running(folder, keys="vault", vault_url=bao.url, vault_token=token, log_origin=origin) as up:
        yield up


def signed_and_proven(up: Running) -> tuple[bytes, str, str]:
    """A file, its receipt, and the key of the log it is in."""
    with up.http(up.key()) as http:
        asset, file = signed(http)
    return file, proven(up, asset["ledger"]["entry"]), up.operator.log_key()


def test_one_log_ends_and_the_next_begins(openbao: OpenBao, tmp_path: Path) -> None:
    with deployed(openbao, tmp_path / "first", "log.example/1") as up:
        file, old_receipt, old_key = signed_and_proven(up)
        openbao.vault().write(f"{SIGNING_MOUNT}/keys/sigillo-log/rotate", {})
        up.service.keys.status()  # looks again at once
        _, receipt, key = signed_and_proven(up)
        assert key == old_key, "a log that has begun keeps its key"
        verify_receipt(receipt, old_key)
    with deployed(openbao, tmp_path / "second", "log.example/2") as up:
        _, new_receipt, new_key = signed_and_proven(up)
        assert new_key != old_key
        with up.http() as http:
            assert upload(http, file, path="/v1/verifications").json()["verdict"] == "trusted"
    for receipt, its, other in ((old_receipt, old_key, new_key), (new_receipt, new_key, old_key)):
        verify_receipt(receipt, its)
        with pytest.raises(ReceiptError):
            verify_receipt(receipt, other)
    with deployed(openbao, tmp_path / "first", "log.example/1") as up:
        assert up.operator.log_key() == old_key
        assert up.service.ledger.verify().sound
