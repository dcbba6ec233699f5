"""The Python client: talks to a Sigillo server over HTTP or its Unix socket; imports nothing of the service.

with Sigillo("https://sigillo.example", token="sgk_…") as sigillo:
    asset = sigillo.sign(Path("photo.jpg"), {"title": "Harbour at dawn"})
    report = sigillo.verify(Path("photo.jpg"))
    proven = verify_receipt(sigillo.receipt(asset["ledger"]["entry"], wait=10), log_key)

A request that may safely arrive twice is sent again when the server is busy or away (`Retries`); a receipt is checked
without asking anybody.
"""

from __future__ import annotations

from sigillo_client.batch_files import BatchFile
from sigillo_client.problem import ClientError, Problem, ReceiptError, TokenError, UnreachableError
from sigillo_client.published_log import PublishedLog
from sigillo_client.receipt import ProvenEntry, verify_receipt
from sigillo_client.retries import NEVER, Retries
from sigillo_client.sigillo import Sigillo
from sigillo_client.upload import Progress

__all__ = [
    "NEVER",
    "BatchFile",
    "ClientError",
    "Problem",
    "Progress",
    "ProvenEntry",
    "PublishedLog",
    "ReceiptError",
    "Retries",
    "Sigillo",
    "TokenError",
    "UnreachableError",
    "verify_receipt",
]
