"""Files of a batch, several in one request, which share what a request, a commit and a sync of the folder cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final

from anyio import to_thread
from fastapi import APIRouter, Path, Request, Response

from api.edge.auth import CallerDep
from api.edge.openapi import BINARY, CLAIM
from api.edge.prefer import ProofDep
from api.edge.problem import answer_to
from api.edge.tray import FILE, MAX_FILES, MIXED, MixedAnswer, Part, Sent, receive_files
from api.edge.upload import Upload, UploadError
from api.routers.assets import MANIFEST_TYPE, asset_of, claim_of, submission_of
from api.routers.batches import keep_refusal
from api.schemas.assets import AssetView, LedgerView
from api.schemas.words import BATCH
from api.service import Service, ServiceDep
from cases.access import Caller, Scope
from cases.asset import Asset
from cases.batch import Part as PartOfBatch
from cases.errors import AssetGoneError, AssetHeldError, CasesError
from cases.intake import Taken
from detection.memfd import Memfd
from keys.errors import KeysError
from ledger.errors import LedgerError
from provenance.vocabulary import SIDECAR_TYPES

router = APIRouter(prefix="/v1/batches", tags=["batches"])

JSON: Final = "application/json"
PROBLEM: Final = "application/problem+json"
_BODY: Final = {
    "type": "object",
    "required": [FILE],
    "properties": {FILE: {"type": "array", "items": BINARY, "minItems": 1, "maxItems": MAX_FILES}, "claim": CLAIM},
}
_SENT: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {"multipart/form-data": {"schema": _BODY, "encoding": {"claim": {"contentType": JSON}}}},
    }
}


@dataclass(frozen=True)
class _Answered:
    """One file that is an asset, and what is given out of it."""

    asset: Asset
    content: Memfd | None
    """None of what is held, or whose retention is over."""

    manifest: bytes | None
    """Of what cannot carry its own."""

    def parts(self, *, proven: bool) -> Iterator[Part]:
        """What is answered."""
        view = AssetView.of(self.asset, LedgerView.of(self.asset.entry, proven=proven))
        yield Part("asset", JSON, view.model_dump_json().encode())
        if self.content and self.asset.details:
            yield Part("content", self.asset.details.upload.mime, self.content)
        if self.manifest is not None:
            yield Part("manifest", MANIFEST_TYPE, self.manifest)


@router.post("/{batch}/files", openapi_extra=_SENT, response_class=Response, responses={200: {"content": {MIXED: {}}}})
async def sign(
    request: Request,
    response: Response,
    service: ServiceDep,
    caller: CallerDep,
    proof: ProofDep,
    batch: Annotated[str, Path(pattern=BATCH)],
) -> Response:
    """Upload up to 64 files of a batch under one claim, together as large as one upload; each is signed as an upload of
    its own is, or refused, and the answer has the signed files.

    Each part `file` has a header `Idempotency-Key` of its own, by which it counts in the batch and may be sent again,
    and as its filename what a refusal calls it. For each in its order the answer has a part `asset`, then its `content`
    unless that is held or gone, and its `manifest` where the file cannot carry one; or else a part `problem`.
    """
    caller.require(Scope.SIGN)
    caller.require(Scope.READ)
    uploads = service.callers.uploads.of(caller.principal)
    upload, files = await receive_files(request, service.settings.upload_bytes, uploads)
    with ExitStack() as held:
        held.enter_context(upload)
        for _ in files[1:]:
            service.throttle.principal(caller.principal)
        joined = await to_thread.run_sync(service.batches.join, caller, batch, "")
        tray = _Tray(service, caller, upload, files, joined)
        done = await service.signing.run(caller.principal, tray.sign)
        held.callback(_let_go, done)
        if assets := [one.asset for one in done if isinstance(one, _Answered)]:
            newest = max(assets, key=lambda asset: asset.created_at)
            await proof.wait(newest.entry)  # those before it in the log are proven no later
        parts = await to_thread.run_sync(tray.told, request, done)
        return MixedAnswer(parts, held.pop_all(), response.headers)


@dataclass(frozen=True)
class _Tray:
    """Files of one request."""

    service: Service
    caller: Caller
    upload: Upload
    files: Sequence[Sent]
    batch: PartOfBatch

    def sign(self) -> Sequence[_Answered | Exception]:
        """What becomes of each. Raises what all of them meet."""
        if self.upload.sidecar:
            raise UploadError("a manifest beside a file is read by verifications only: send the files alone")
        body = claim_of(self.upload.fields.get("claim", "{}"))
        whole = submission_of(self.caller, body, self.upload.content, "")
        submissions = [
            replace(
                whole,
                content=one.content,
                declared_mime=one.declared_mime,
                idempotency_key=one.key,
                part=replace(self.batch, name=one.name),
            )
            for one in self.files
        ]
        taken = self.service.intake.take_all(self.caller, submissions)
        return [one if isinstance(one, Exception) else _answered(self.service, self.caller, one) for one in taken]

    def told(self, request: Request, done: Sequence[_Answered | Exception]) -> Sequence[Part]:
        """What is answered; a refusal is kept in its batch."""
        proven = self.service.ledger.proven(one.asset.entry for one in done if isinstance(one, _Answered))
        parts = list[Part]()
        for sent, one in zip(self.files, done, strict=True):
            if isinstance(one, _Answered):
                parts += one.parts(proven=one.asset.entry in proven)
                continue
            answer = answer_to(request, one)
            keep_refusal(self.service, self.caller, replace(self.batch, name=sent.name), sent.key, answer)
            parts.append(Part("problem", PROBLEM, bytes(answer.body)))
        return parts


def _answered(service: Service, caller: Caller, taken: Taken) -> _Answered | Exception:
    """What is given out of an upload that is an asset; why it cannot be found any more, of one that was before."""
    try:
        asset, library = asset_of(service, caller, taken), service.library
        try:
            content = taken.content or Memfd.of(library.content(asset))
        except (AssetGoneError, AssetHeldError):
            return _Answered(asset, None, None)
        assert asset.details is not None  # it has its content
        beside = asset.details.upload.mime in SIDECAR_TYPES
        return _Answered(asset, content, library.manifest(asset) if beside else None)
    except (CasesError, KeysError, LedgerError) as error:
        return error


def _let_go(done: Sequence[_Answered | Exception]) -> None:
    for one in done:
        if isinstance(one, _Answered) and one.content:
            one.content.close()
