"""People who register over HTTP: accounts of which something is known, photos, and what is sent."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from cases.assurance import actor
from identity.assurance.evidence import Found
from identity.assurance.tier import EvidenceKind
from ledger.ids import SubjectId
from tests.deployment import Running
from tests.detection.faces.photos import PORTRAIT, PORTRAIT_FILE, jpeg

SCOPES = ["registrations:write", "registrations:read"]
REGISTRATIONS = "/v1/registrations"
PORTRAIT_BYTES = PORTRAIT_FILE.read_bytes()


def account(up: Running, token: str, name: str, kind: EvidenceKind | None = EvidenceKind.LOGIN) -> SubjectId:
    """An account of the tenant of this key, with one piece of evidence; of tier medium unless told otherwise."""
    by = actor(up.service.access.authenticate(token))
    assurance = up.service.assurance
    found = assurance.accounts.named(by, name)
    if kind:
        assurance.grants.grant(by, assurance.accounts.subject(by.tenant, found), Found(kind, "test", ""))
    return found


def asked(http: httpx.Client, account: str, **changes: Any) -> dict[str, Any]:
    """A registration that is good, changed."""
    region = changes.get("region", "FR")
    text = http.get(f"{REGISTRATIONS}/rules", params={"region": region}).json()["consent"]
    return {"account": account, "region": "FR", "consent": {"language": "en", "sha256": text["sha256"]}, **changes}


def register(
    http: httpx.Client,
    body: Mapping[str, Any],
    photos: Sequence[bytes] = (PORTRAIT_BYTES,),
    key: str = "",
    portrait: bytes = b"",
) -> httpx.Response:
    """Send it."""
    parts: list[tuple[str, Any]] = [("photo", ("photo", photo, "image/jpeg")) for photo in photos]
    parts += [("portrait", ("photo", portrait, "image/jpeg"))] if portrait else []
    parts.append(("registration", (None, json.dumps(body), "application/json")))
    headers = {"Idempotency-Key": key} if key else {}
    return http.post(REGISTRATIONS, files=parts, headers=headers)


def somebody_else() -> bytes:
    """So wide that the model takes her for another person."""
    return jpeg(PORTRAIT.resize((PORTRAIT.width * 22 // 10, PORTRAIT.height)))
