"""DID resolver: what the W3C's DID Resolution asks over HTTP, for did:key, did:jwk and did:web; open to anyone."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import unquote

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from api.edge.auth import VisitorDep, counted_as
from api.service import ServiceDep
from identity.did.resolution import Resolution, ResolutionFault, resolve_did

router = APIRouter(tags=["verification"])

PATH: Final = "/1.0/identifiers/"
RESULT: Final = 'application/ld+json;profile="https://w3id.org/did-resolution"'
RESULT_CONTEXT: Final = "https://w3id.org/did-resolution/v1"
DOCUMENTS: Final = ("application/did", "application/did+ld+json", "application/did+json")
"""Media types of a document alone; whoever names none of them gets the whole result."""

STATUSES: Final = {
    ResolutionFault.NOT_FOUND: 404,
    ResolutionFault.METHOD_NOT_SUPPORTED: 501,
    ResolutionFault.REPRESENTATION_NOT_SUPPORTED: 406,
}
"""Of faults; 400 of the others (DID Resolution, section 7.1)."""

_RESULTS: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The result, or the document alone", "content": {kind: {} for kind in (RESULT, *DOCUMENTS)}},
    **{
        status: {"description": "Why there is no document", "content": {RESULT: {}}}
        for status in (400, *STATUSES.values())
    },
}


@router.get(PATH + "{did:path}", response_class=Response, responses=_RESULTS)
async def resolve(
    request: Request,
    did: str,
    service: ServiceDep,
    caller: VisitorDep,
    publicKeyFormat: str | None = None,  # noqa: N803 (did:key's name)
) -> JSONResponse:
    """Resolve a DID, or dereference the method that its fragment names; `Accept` says in which form."""
    # A slow server keeps a thread of those that wait for workers, and none that the other routes have.
    holder = counted_as(caller, request)
    fetch = service.strangers_sources.did_documents.content
    turns = service.credential_strangers.turns
    found = await turns.run(holder, resolve_did, _name(request, did), publicKeyFormat, fetch)
    status = 200 if found.fault is None else STATUSES.get(found.fault, 400)
    accepted = request.headers.get("accept", "")
    kind = next((kind for kind in DOCUMENTS if kind in _kinds(accepted)), None)
    if kind and found.content is not None:
        return JSONResponse(found.content, status, media_type=kind)
    return JSONResponse(_result(found), status, media_type=RESULT)


def _name(request: Request, decoded: str) -> str:
    """The DID as it was written: in `did:web` a port's `%3A` is part of the name, and stays where the rest is plain."""
    written: str = request.scope.get("raw_path", b"").decode("ascii", "replace").partition("?")[0].partition(PATH)[2]
    return (
        written if written.startswith("did:web:") else decoded if not written.startswith("did%3A") else unquote(written)
    )


def _kinds(accepted: str) -> set[str]:
    return {part.partition(";")[0].strip().lower() for part in accepted.split(",")}


def _result(found: Resolution) -> dict[str, Any]:
    said: dict[str, Any] = {} if found.fault is None else {"error": found.fault, "errorMessage": found.detail}
    metadata = "didDereferencingMetadata" if found.is_url else "didResolutionMetadata"
    if found.fault is None:
        said["contentType"] = DOCUMENTS[0]
    # Empty where there is none: DID Core 1.0 (section 7.1), whose words for errors these are. DID Resolution, which
    # writes null, has other words for them, and a media type of its own.
    return {"@context": RESULT_CONTEXT, "didDocument": found.content or {}, metadata: said, "didDocumentMetadata": {}}
