"""`didkit` on one proof, in this process: only workers import this module (`detection.worker`), none of which has a
network, files or secrets. A panic of didkit's is a worker's death.

Rules
- Of didkit only the signature counts: it neither sees that a credential has expired nor whose keys are believed.
- One proof at a time: of several, didkit is content with any that holds.
- Only DIDs that give their key by themselves: whatever didkit would fetch fails here.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from importlib.util import find_spec
from typing import Final

from identity.jsonld.context_library import CREDENTIALS_V1
from identity.legacy.suites import judge
from identity.vcdm import PRESENTATION, listed

INSTALLED: Final = find_spec("didkit") is not None
MISSING: Final = (
    "proofs from before Data Integrity are verified by didkit, which is not installed here: "
    "pip install 'sigillo[identity]', on Python 3.11 or 3.12, for which alone it is published"
)

if INSTALLED:
    import didkit

_LOOP: Final = asyncio.new_event_loop()
"""Made while this process may still make sockets: the loop wakes itself through a pair of them."""


def check(document: Mapping[str, object], proof: Mapping[str, object]) -> None:
    """An `identity.legacy.suites.Legacy`, for workers."""
    judge(errors_in(document, proof))


def errors_in(document: Mapping[str, object], proof: Mapping[str, object]) -> list[str]:
    """What didkit says against the proof; [MISSING] where it is not installed."""
    if not INSTALLED:
        return [MISSING]
    if listed(document.get("@context"))[0] != CREDENTIALS_V1:
        return ["such a proof is of VCDM 1.1 only"]
    secured = json.dumps({**document, "proof": dict(proof)})
    options = json.dumps({"proofPurpose": proof.get("proofPurpose")})
    presented = PRESENTATION in listed(document.get("type"))
    verify = didkit.verify_presentation if presented else didkit.verify_credential
    try:
        answer = json.loads(_LOOP.run_until_complete(_awaited(verify, secured, options)))
    except Exception as error:  # noqa: BLE001 (whatever it raises is its answer)
        return [f"{type(error).__name__}: {error}"]
    if answer["errors"] or answer["checks"] != ["proof"]:
        return [str(error) for error in answer["errors"]] or ["didkit has not looked at the proof"]
    return []


async def _awaited(verify: Callable[[str, str], Awaitable[str]], secured: str, options: str) -> str:
    return await verify(secured, options)
