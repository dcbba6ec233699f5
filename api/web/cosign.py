"""Signing for a work of one's own in the browser: a creator's statement, by their passkey.

The file stays in the browser, which sends its SHA-256 (`static/cosign.js`). What comes of it is a document that goes
into the claim of whoever has the file signed (`creator_signature`); nothing of it is kept here.
"""

from __future__ import annotations

import json
from typing import Annotated, Final

from anyio import to_thread
from fastapi import Depends, Form, Request, Response

from api.schemas import words
from api.schemas.assets import UNTITLED
from api.schemas.passkeys import UsedPasskey
from api.schemas.people import StatementRequest, StatementView, begun_statement
from api.service import ServiceDep
from api.web.page_route import pages
from api.web.register import account_of
from api.web.rendering import page
from api.web.sessions import FormDep, SignedInDep
from api.web.sign_in import Passkey, answered
from provenance.creator import over
from provenance.rules import MAX_TITLE
from provenance.vocabulary import DigitalSourceType

SOURCE_TYPES: Final = tuple(one.rsplit("/", 1)[-1] for one in DigitalSourceType)
"""By the last part of each, as claims may name them."""

router = pages(prefix="/cosign")


async def _said(
    sha256: Annotated[str, Form(pattern=words.SHA256)],
    title: Annotated[str, Form(max_length=MAX_TITLE)] = "",
    source_type: Annotated[str, Form(max_length=MAX_TITLE)] = "",
) -> StatementRequest:
    kinds = (source_type,) if source_type in SOURCE_TYPES else ()
    return StatementRequest(sha256=sha256, title=title or UNTITLED, source_types=kinds)


SaidDep = Annotated[StatementRequest, Depends(_said)]


@router.get("")
async def ask(request: Request, _: SignedInDep) -> Response:
    """The form: a file, and what is said of it."""
    return page(request, "cosign.html", source_types=SOURCE_TYPES, untitled=UNTITLED, signed=None)


@router.post("/options")
async def begin(service: ServiceDep, caller: SignedInDep, _: FormDep, said: SaidDep) -> StatementView:
    """Begin to sign that."""
    return await to_thread.run_sync(
        begun_statement, service.registry.statements, caller.tenant, account_of(caller), said
    )


@router.post("")
async def sign(
    request: Request, service: ServiceDep, _caller: SignedInDep, _: FormDep, said: SaidDep, passkey: Passkey = ""
) -> Response:
    """What goes into the claim."""
    statement, used = said.text(), answered(UsedPasskey, passkey)
    await to_thread.run_sync(service.registry.statements.require_said, over(statement), used.asserted())
    answer = used.model_dump(exclude={"response": {"userHandle"}})  # the account's id is nobody else's business
    document = json.dumps({"statement": statement, "passkey": answer}, ensure_ascii=False)
    return page(request, "cosign.html", signed=document, title=said.title)
