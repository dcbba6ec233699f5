"""What a service fetches for whom: over real HTTP on this machine, as the embedded profile may be told to."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from api.outside.fetching import MAX_AT_ONCE
from identity.jsonld.context_library import CREDENTIALS_V2
from tests.deployment import running
from tests.simulators.web_server import WebServer, http


def signed_by(did: str) -> dict[str, Any]:
    """Not by anybody, which shows once the key was looked for."""
    proof = {"type": "DataIntegrityProof", "cryptosuite": "eddsa-jcs-2022", "proofPurpose": "assertionMethod"}
    return {
        "@context": [CREDENTIALS_V2],
        "type": ["VerifiableCredential"],
        "issuer": did,
        "credentialSubject": {"id": "did:example:subject"},
        "proof": {**proof, "verificationMethod": f"{did}#key", "proofValue": "z3"},
    }


def test_a_crowd_that_names_slow_servers_keeps_no_caller_waiting(tmp_path: Path) -> None:
    over, busy = threading.Event(), threading.Semaphore(0)

    def answer(head: str) -> Iterable[bytes]:
        if "/slow" in head:
            busy.release()
            over.wait()
        yield http(b"{}")

    with WebServer(answer, tls=False).running() as web, running(tmp_path / "home", fetch_loopback=True) as up:
        did = f"did:web:127.0.0.1%3A{web.port}"

        def stranger(name: str) -> None:
            with up.http() as anyone:
                anyone.get(f"/1.0/identifiers/{did}:{name}")

        crowd = [threading.Thread(target=stranger, args=(f"slow{number}",)) for number in range(MAX_AT_ONCE)]
        for one in crowd:
            one.start()
        for _ in crowd:
            assert busy.acquire(timeout=60)
        with up.http(up.key()) as caller:
            caller.post("/credentials/verify", json={"verifiableCredential": signed_by(f"{did}:caller")})
        over.set()
        for one in crowd:
            one.join()
    assert "/caller/did.json" in [head.split()[1] for head in web.asked]
