"""Several files of a batch sent at once, and the answer taken apart."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from sigillo_client.batch_files import parts
from tests.deployment import picture


@dataclass
class Told:
    """What was answered about one file."""

    kind: str
    said: dict[str, Any]
    content: bytes | None = None
    manifest: bytes | None = None


def begun(http: httpx.Client, expected: int = 3, name: str = "archive 1998") -> str:
    """A batch."""
    answer = http.post("/v1/batches", json={"expected": expected, "name": name})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def file(key: str, content: bytes | None = None, name: str = "photo.jpg", mime: str = "image/jpeg") -> tuple[str, Any]:
    """A part with a file, under that Idempotency-Key."""
    sent = picture(seed=sum(key.encode())) if content is None else content
    return "file", (name, sent, mime, {"Idempotency-Key": key} if key else {})


def post(
    http: httpx.Client, batch: str, files: Sequence[tuple[str, Any]], claim: object = None, **headers: str
) -> httpx.Response:
    """Send them."""
    stated = [("claim", (None, json.dumps(claim or {}), "application/json"))]
    return http.post(f"/v1/batches/{batch}/files", files=[*stated, *files], headers=headers)


def told(answer: httpx.Response) -> list[Told]:
    """What was answered about each."""
    assert answer.status_code == 200, answer.text
    assert int(answer.headers["content-length"]) == len(answer.content)
    found = list[Told]()
    for part in parts(iter([answer.content])):
        body = b"".join(part.chunks)
        if part.name in ("asset", "problem"):
            found.append(Told(part.name, json.loads(body)))
        else:
            setattr(found[-1], part.name, body)
    return found
