"""Somebody who trusts nobody: fetches the receipt of an entry once, and checks it without the service.

    python verifier.py fetch https://sigillo.example ent_… receipt.txt
    python verifier.py check receipt.txt "$(cat log.vkey)"

Have the log's key from where you trust it, not from the server that is to be checked.
"""

from __future__ import annotations

import sys
from pathlib import Path

from sigillo_client import ReceiptError, Sigillo, verify_receipt

WAIT_SECONDS = 10


def fetch(url: str, entry: str, file: str) -> None:
    """Raises SystemExit while there is no receipt."""
    with Sigillo(url) as sigillo:
        receipt = sigillo.receipt(entry, WAIT_SECONDS)
    if not receipt:
        raise SystemExit("it is durable, and not proven yet: ask again")
    Path(file).write_text(receipt)


def check(file: str, log_key: str) -> None:
    """Raises SystemExit for one that does not hold."""
    try:
        proven = verify_receipt(Path(file).read_text(), log_key)
    except ReceiptError as error:
        raise SystemExit(str(error)) from error
    print(f"{proven.id} ({proven.kind}) of {proven.time:%Y-%m-%d %H:%M:%S} is entry {proven.index} of {proven.origin}")


if __name__ == "__main__":
    {"fetch": fetch, "check": check}[sys.argv[1]](*sys.argv[2:])
