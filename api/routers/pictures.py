"""Registered pictures, which is another thing than a registered face: one picture and its near copies, by a fingerprint
that its owner's device makes.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Response

from api.edge.auth import CallerDep, EitherDep
from api.routers.holds import ReleaseRequest
from api.schemas.assets import LedgerView
from api.schemas.likeness import DecidedView
from api.schemas.pictures import CommonPictureBody, CommonPicturePage, CommonPictureView, ImageRegistrationBody
from api.schemas.registrations import RegisteredView
from api.schemas.words import AFTER_ENTRY, ENTRY
from api.service import Service, ServiceDep
from cases.access import Caller
from cases.idempotency import MAX_KEY_LENGTH
from cases.registration import Submission
from identity.registration.refusal import Kind
from ledger.ids import EntryId, SubjectId

router = APIRouter(prefix="/v1", tags=["registering"])
IdempotencyHeader = Annotated[str, Header(alias="Idempotency-Key", max_length=MAX_KEY_LENGTH)]


@router.post("/image-registrations", status_code=201)
def register(
    service: ServiceDep,
    caller: EitherDep,
    request: ImageRegistrationBody,
    response: Response,
    idempotency_key: IdempotencyHeader = "",
) -> RegisteredView:
    """Register one picture. Its owner sees in their log when a near copy is uploaded; nothing else follows from that.

    The recovery code is shown this once. Where another account registered a near copy, the state is `held`.
    """
    made = registered(service, caller, request, idempotency_key)
    response.headers["Location"] = f"/v1/registrations/{made.id}"
    response.headers["Cache-Control"] = "no-store"
    return made


def registered(
    service: Service, caller: Caller, request: ImageRegistrationBody, idempotency_key: str
) -> RegisteredView:
    """What a request registers."""
    asserted = request.consent.passkey.asserted() if request.consent.passkey else None
    sent = Submission(
        SubjectId(request.account),
        request.of(Kind.IMAGE),
        photos=(),
        picture=request.fingerprint.fingerprint(),
        asserted=asserted,
        presentation=request.consent.presentation or "",
        idempotency_key=idempotency_key,
        body=b"image\0" + request.model_dump_json().encode(),
    )
    return RegisteredView.made(service.registry.registrations.register(caller, sent))


@router.post("/common-pictures")
def add_common(service: ServiceDep, caller: CallerDep, request: CommonPictureBody) -> CommonPictureView:
    """Say that many people have a picture: from now on nobody can register it, and it matches nobody."""
    entry = service.registry.registrations.pictures.add_common(
        caller, request.fingerprint.fingerprint(), request.reason
    )
    view = LedgerView.of(entry, proven=False) if entry else None
    return CommonPictureView(added=entry is not None, ledger=view)


@router.get("/common-pictures")
def common(
    service: ServiceDep, caller: CallerDep, cursor: Annotated[str, Query(pattern=AFTER_ENTRY)] = ""
) -> CommonPicturePage:
    """The pictures that were added, by the entry that says so."""
    return CommonPicturePage.of(service.registry.registrations.pictures.common_page(caller, cursor))


@router.post("/common-pictures/{picture}/removal")
def remove_common(
    service: ServiceDep, caller: CallerDep, picture: Annotated[str, Path(pattern=ENTRY)], request: ReleaseRequest
) -> DecidedView:
    """Say that one of them is not common after all: whoever registered it is told of copies again."""
    pictures = service.registry.registrations.pictures
    return DecidedView.of(pictures.remove_common(caller, EntryId(picture), request.reason))
