"""Pictures that are compared with the holder of an account: the portrait in their document, and pictures that are said
to show them. All of them are gone before the answer; whoever names no account of theirs is told before any arrives.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal, Self

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from api.edge.auth import CallerDep, EitherDep
from api.edge.openapi import BINARY
from api.edge.upload import Upload, UploadError, receive
from api.parts.pools import Desk
from api.schemas import words
from api.schemas.assets import LedgerView
from api.schemas.assurance import GrantedView
from api.service import Service, ServiceDep
from cases.access import Caller, Scope
from cases.acts import Act, Does
from cases.assurance import actor
from detection.faces.look import look
from detection.faces.quality import judge
from detection.memfd import Memfd
from identity.alike import Alike
from identity.assurance.portrait import Compared
from identity.depicted import Basis, Judged, Pictured, Shower
from ledger.ids import SubjectId, moment

router = APIRouter(prefix="/v1/assurance/accounts/{account}", tags=["assurance"])

MAX_PICTURE_BYTES: Final = 16 * 1024 * 1024
"""Of a portrait or a selfie."""

AccountPath = Annotated[SubjectId, Path(pattern=words.ACCOUNT)]
CountryQuery = Annotated[str, Query(pattern=words.COUNTRY)]


def _pictures(least: int) -> dict[str, Any]:
    """A multipart body of so many to two parts `photo`."""
    photo = {"type": "array", "items": BINARY, "minItems": least, "maxItems": 2}
    texts = {"registration": {"type": "string"}, "presentation": {"type": "string"}} if least == 1 else {}
    schema = {"type": "object", "required": ["photo"], "properties": {"photo": photo, **texts}}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


class ComparedView(BaseModel):
    """Whether portrait and selfie show the same face."""

    verdict: Alike
    liveness: Literal["not_checked"] = "not_checked"
    """That a living person was before the camera is not claimed."""

    granted: GrantedView | None
    """The evidence, where they do."""

    ledger: LedgerView

    @classmethod
    def of(cls, compared: Compared, service: Service) -> Self:
        """The view of it."""
        granted = GrantedView.of(compared.granted, service.assurance) if compared.granted else None
        return cls(verdict=compared.verdict, granted=granted, ledger=LedgerView.of(compared.entry, proven=False))


class DepictionView(BaseModel):
    """Whether the account's holder is who a picture shows, what that rests on, and when it was found out."""

    id: str
    verdict: Alike
    basis: Basis
    liveness: Literal["not_checked"] = "not_checked"
    at: datetime
    ledger: LedgerView

    @classmethod
    def of(cls, judged: Judged) -> Self:
        """The view of it: without the band."""
        ledger = LedgerView.of(judged.entry, proven=False)
        return cls(id=judged.id, verdict=judged.verdict, basis=judged.basis, at=moment(judged.at), ledger=ledger)


@router.post("/portraits", openapi_extra=_pictures(2))
async def compare(
    request: Request, service: ServiceDep, caller: EitherDep, account: AccountPath, country: CountryQuery = ""
) -> ComparedView:
    """Compare the portrait in an identity document with a selfie that is taken now: two parts `photo`, in this order.
    That they match is evidence; neither the document nor that the selfie is of a living person is checked.
    """
    return await compared(request, service, caller, account, lambda _fields: country)


async def compared(
    request: Request,
    service: Service,
    caller: Caller,
    account: SubjectId,
    country_of: Callable[[Mapping[str, str]], str],
) -> ComparedView:
    """What the two photos of a multipart request show; `country_of` sees its fields before anything else does."""
    caller.require_for(account, Scope.ASSURANCE_GRANT)
    await run_in_threadpool(service.assurance.accounts.subject, caller.tenant, account)
    desk = _desk(service, caller)
    limit = min(MAX_PICTURE_BYTES, service.settings.upload_bytes)
    with await receive(request, limit, desk.uploads.of(caller.principal), photos=2) as upload:
        country = country_of(upload.fields)
        return await desk.turns.run(caller.principal, _compare, service, caller, account, upload, country)


@router.post("/depictions", openapi_extra=_pictures(1))
async def depict(request: Request, service: ServiceDep, caller: CallerDep, account: AccountPath) -> DepictionView:
    """Whether the account's holder is who a picture shows: the picture or film as a part `photo`, and a selfie as a
    second one; without a selfie, by the face that they registered as their own. With `registration` and `presentation`,
    by the credential of that, which its holder shows over the picture (`/v1/registrations/…/acts/options`, `depicted`).
    """
    caller.require(Scope.DEPICTED)
    await run_in_threadpool(service.assurance.accounts.subject, caller.tenant, account)
    service.throttle.comparison(account)
    desk = _desk(service, caller)
    with await receive(request, service.settings.upload_bytes, desk.uploads.of(caller.principal), photos=2) as upload:
        return await desk.turns.run(caller.principal, _depict, service, caller, account, upload)


def _desk(service: Service, caller: Caller) -> Desk:
    """A person is anyone: their pictures take memory and threads from strangers', not from callers with keys."""
    return service.strangers if caller.person else service.callers


def _compare(service: Service, caller: Caller, account: SubjectId, upload: Upload, country: str) -> ComparedView:
    if len(upload.files) != 2:
        raise UploadError("send two parts `photo`: the portrait in the document, and a selfie")
    portrait, selfie = upload.files
    workers = service.registry.faces.workers.of(caller.principal)
    compared = service.assurance.portraits.compare(actor(caller), account, workers, (portrait, selfie), country)
    return ComparedView.of(compared, service)


def _depict(service: Service, caller: Caller, account: SubjectId, upload: Upload) -> DepictionView:
    picture, *selfies = upload.files
    workers, by = service.registry.faces.workers.of(caller.principal), actor(caller)
    presentation, digest = upload.fields.get("presentation", ""), _digest(picture)
    if presentation and selfies:
        raise UploadError("send a selfie, or the presentation of a credential")
    shower = _shower(service, account, digest, upload.fields) if presentation else None
    shown = Pictured(look(workers, picture), digest)
    if selfies:
        return DepictionView.of(
            service.registry.depictions.by_selfie(by, account, shown, judge(look(workers, selfies[0])))
        )
    return DepictionView.of(service.registry.depictions.by_registration(by, account, shown, shower))


def _shower(service: Service, account: SubjectId, digest: bytes, fields: Mapping[str, str]) -> Shower:
    said = {"account": str(account), "picture": digest.hex()}
    act = Act(SubjectId(fields.get("registration", "")), Does.DEPICTED, said)
    return service.registry.acts.depicted(act, fields["presentation"])


def _digest(file: Memfd) -> bytes:
    sha256 = hashlib.sha256()
    for chunk in file.chunks():
        sha256.update(chunk)
    return sha256.digest()
