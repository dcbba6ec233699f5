"""The reference witness on the wire: requests spelt as the specification does, and its exact answers."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from ledger.tree.checkpoint import TreeHead, sign_checkpoint
from ledger.tree.merkle import leaf_hash, node_hash
from tests.ledger.test_checkpoint import KEY, SIGNER
from tests.ledger.world import HeldClock
from tests.simulators.witness_server import WitnessServer

A, B, C = (leaf_hash(letter) for letter in (b"a", b"b", b"c"))
ONE, TWO, THREE = (
    sign_checkpoint(TreeHead(KEY.origin, size, root), KEY, SIGNER)
    for size, root in ((1, A), (2, node_hash(A, B)), (3, node_hash(node_hash(A, B), C)))
)


def hashes(*values: bytes) -> str:
    return "".join(b64encode(value).decode() + "\n" for value in values)


@pytest.fixture
def http(tmp_path: Path) -> Iterator[httpx.Client]:
    server = WitnessServer(tmp_path / "one", "witness.example/one", HeldClock(datetime(2026, 11, 28, tzinfo=UTC)))
    server.knows(KEY)
    server.begin()
    with httpx.Client(base_url=server.address.url) as client:
        yield client
    server.end()


def test_the_protocol_as_it_is_written(http: httpx.Client) -> None:
    shown = f"/{sha256(KEY.origin.encode()).hexdigest()}/checkpoint"
    assert http.get(shown).status_code == 404

    def ask(body: str) -> httpx.Response:
        return http.post("/add-checkpoint", content=body.encode())

    first = ask(f"old 0\n\n{ONE}")
    assert (first.status_code, first.text[:22]) == (200, "— witness.example/one ")
    assert first.text.count("\n") == 1
    conflict = ask(f"old 0\n\n{THREE}")
    assert (conflict.status_code, conflict.text) == (409, "1\n")
    assert conflict.headers["content-type"] == "text/x.tlog.size"
    third = ask(f"old 1\n{hashes(B, C)}\n{THREE}")
    assert third.status_code == 200
    assert ask(f"old 3\n\n{THREE}").text.startswith("— witness.example/one ")
    last = http.get(shown)
    assert last.text.startswith(THREE)
    assert last.headers["content-type"].startswith("text/plain")
    for body, status in (
        (f"old 3\n\n{TWO}", 400),
        (f"old 2\n\n{TWO}", 409),
        (f"old 3\n{hashes(B)}\n{THREE}", 422),
        (f"old 3\n\n{THREE.replace(KEY.origin, 'log.example/else')}", 404),
        (f"old 3\n\n{THREE[:-9]}AAAAAAA=\n", 403),
        ("nonsense", 400),
        (f"old 3\n\n{THREE}" + "x" * 100_000, 413),
    ):
        assert ask(body).status_code == status, body[:80]
    assert http.get(shown).text == last.text


def test_there_is_nothing_else(http: httpx.Client) -> None:
    assert http.get("/add-checkpoint").status_code == 405
    for path in ("/", "/key/checkpoint", f"/{'0' * 64}/checkpoint", "/..%2Fkey/checkpoint", "/openapi.json"):
        assert http.get(path).status_code == 404
