"""didkit's turns: a line {seconds, action, document} → a line {count, seconds, processor}.

didkit may abort the process at its end.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from typing import Any, Final

import didkit

KEY: Final = didkit.generate_ed25519_key()
DID: Final = didkit.key_to_did("key", KEY)


async def issue(document: str) -> str:
    """As Ed25519Signature2018."""
    credential = json.dumps({**json.loads(document), "issuer": DID})
    method = await didkit.key_to_verification_method("key", KEY)
    return await didkit.issue_credential(credential, json.dumps({"verificationMethod": method}), KEY)


async def turn(seconds: float, action: str, document: str) -> dict[str, Any]:
    if action == "verify":
        document = await issue(document)
    method = await didkit.key_to_verification_method("key", KEY)
    unsigned, options = json.dumps({**json.loads(document), "issuer": DID}), json.dumps({"verificationMethod": method})
    busy, begun, count = time.process_time(), time.perf_counter(), 0
    while (spent := time.perf_counter() - begun) < seconds:
        if action == "issue":
            await didkit.issue_credential(unsigned, options, KEY)
        elif json.loads(await didkit.verify_credential(document, "{}"))["errors"]:
            raise SystemExit("didkit does not verify its own")
        count += 1
    return {"count": count, "seconds": spent, "processor": time.process_time() - busy}


async def main() -> None:
    for line in sys.stdin:
        print(json.dumps(await turn(**json.loads(line))), flush=True)


asyncio.run(main())
os._exit(0)
