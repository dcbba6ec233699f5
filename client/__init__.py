"""The Python client: talks to a Sigillo server over HTTP or its Unix socket; imports nothing of the service.

with Sigillo("https://sigillo.example", token="sgk_…") as sigillo:
    asset = sigillo.sign(Path("photo.jpg"), {"title": "Harbour at dawn"})
    report = sigillo.verify(Path("photo.jpg"))
"""

from __future__ import annotations

from client.problem import ClientError, Problem, UnreachableError
from client.published_log import PublishedLog
from client.sigillo import Sigillo

__all__ = ["ClientError", "Problem", "PublishedLog", "Sigillo", "UnreachableError"]
