"""Credentials over HTTP: issued with keys in a real OpenBao, and verified, by clients that share this machine.

Issued is what platforms ask for: on record, its entry durable, its key in the key store. Verified is what strangers
send: the age credential of `tests/peers/age.py`, by an issuer whom the request believes.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from benchmarks.deployment import Deployment, embedded, issuing_token, with_openbao
from benchmarks.load import Clients, Post
from benchmarks.window import Done, Window, percentile
from tests.peers.age import AGE, NAMED, Ours, attestation

ISSUING_CLIENTS: Final = 8
VERIFYING_CLIENTS: Final = (1, 8, 32)
CREATOR: Final = {"id": "did:example:creator", "name": "A creator", "profile": "https://creator.example/"}
ORDERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "bbs_2023": {"type": "AgeAttestation", "claims": {"age_over_18": True}, "format": "bbs-2023"},
    "sd_jwt": {"type": "AgeAttestation", "claims": {"age_over_18": True}, "format": "dc+sd-jwt"},
    "eddsa_rdfc_2022": {"type": "VerifiedCreator", "claims": CREATOR, "format": "eddsa-rdfc-2022"},
}
"""The last can be revoked: it takes a place in a status list."""

VERIFIED: Final = ("eddsa-rdfc-2022", "ecdsa-sd-2023", "bbs-2023")


@dataclass(frozen=True)
class Load:
    """One line: a request, and how many send it at once."""

    name: str
    what: str
    clients: int


ISSUED: Final = [
    Load(f"issue_vault_{name}_{ISSUING_CLIENTS}", f"issue {order['format']}, keys in OpenBao", ISSUING_CLIENTS)
    for name, order in ORDERS.items()
]
CHECKED: Final = [
    Load(f"verify_http_{suite.replace('-', '_')}_{clients}", f"verify {suite}", clients)
    for suite in VERIFIED
    for clients in VERIFYING_CLIENTS
]
LOADS: Final = (*ISSUED, *CHECKED)


def loaded(loads: Sequence[Load], seconds: float, warm_up: float) -> Iterator[tuple[Load, Done]]:
    """Each for so long. Raises RefusedError when anything but 2xx is answered."""
    with ExitStack() as until:
        folder = Path(until.enter_context(tempfile.TemporaryDirectory(prefix="sigillo-benchmark-")))
        clients = until.enter_context(Clients(max(load.clients for load in loads)))
        posts: dict[str, Post] = {}
        if any(load in ISSUED for load in loads):
            vault = until.enter_context(with_openbao(folder / "vault"))
            posts |= dict(zip([load.name for load in ISSUED], _orders(vault, folder), strict=True))
        if any(load in CHECKED for load in loads):
            known = folder / "contexts.json"
            known.write_text(json.dumps({AGE: "age.jsonld"}))
            (folder / "age.jsonld").write_text(json.dumps(NAMED[AGE]))
            server = until.enter_context(embedded(folder / "embedded", SIGILLO_CREDENTIAL_CONTEXTS=str(known)))
            sent = {suite: _presented(server, suite, folder) for suite in VERIFIED}
            suites = [suite for suite in VERIFIED for _ in VERIFYING_CLIENTS]
            posts |= {load.name: sent[suite] for load, suite in zip(CHECKED, suites, strict=True)}
        for post in posts.values():  # what waits for a first request, as workers do, is not measured
            clients.post(post, Window.of(0.0, 0.01), 1)
        for load in loads:
            yield load, clients.post(posts[load.name], Window.of(warm_up, seconds), load.clients)


def figures(found: Mapping[Load, Done]) -> Iterator[tuple[str, float]]:
    """By the names of --json."""
    for load, done in found.items():
        yield f"{load.name}_per_s", round(done.per_second, 1)
        for percent in (50, 99):
            yield f"{load.name}_p{percent}_ms", round(percentile(done.milliseconds, percent), 2)


def _orders(server: Deployment, folder: Path) -> Iterator[Post]:
    token = issuing_token(server)
    for name, order in ORDERS.items():
        yield _json(server, "/v1/credentials", order, folder / name, token)


def _presented(server: Deployment, suite: str, folder: Path) -> Post:
    assert server.token  # so that it is up
    ours, now = Ours(suite), datetime.now(UTC)
    secured = ours.issue(attestation(ours.did, now), now)
    shown = ours.derive(secured) if suite in VERIFIED[1:] else secured
    request = {"verifiableCredential": shown, "options": {"issuers": [ours.did]}}
    return _json(server, "/credentials/verify", request, folder / suite)


def _json(server: Deployment, path: str, request: Mapping[str, Any], body: Path, token: str = "") -> Post:
    body.write_text(json.dumps(request))
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    return Post(server.port, path, headers, body)
