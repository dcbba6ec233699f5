"""The HTTP application over one service."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from api.edge import oauth, problem
from api.edge.body import BoundedBody
from api.edge.openapi import App
from api.routers import (
    absences,
    access,
    acts,
    assets,
    assurance,
    batch_files,
    batches,
    claims,
    credential_offers,
    credential_status,
    custody,
    did,
    face_rotations,
    health,
    holds,
    issuing,
    keys,
    ledger,
    likeness,
    openid4vci,
    openid4vp,
    operations,
    oversight,
    people,
    pictures,
    portraits,
    recovery,
    registrations,
    soft_binding,
    staff,
    stamps,
    trust,
    vc_api,
    verifications,
    withdrawals,
)
from api.running.telemetry import Telemetry
from api.service import Service
from api.version import VERSION
from api.web import (
    audit,
    cosign,
    embed,
    home,
    join,
    me,
    operate,
    page_route,
    passkeys,
    prove,
    provided,
    recover,
    register,
    sign_in,
    standing,
    static,
    verify,
)
from api.web import holds as holds_page
from api.web import staff as staff_page

DESCRIPTION = """Provenance for media: sign at upload, verify anywhere, prove it later.

Errors are RFC 9457 problems with a stable `type`; `docs/problems.md` lists them."""


ROUTERS = (
    verifications,  # first, as they are tried in turn and strangers ask this by the hundred
    *(assets, claims, custody, likeness, soft_binding, vc_api, issuing, did),
    *(credential_status, credential_offers, openid4vci, openid4vp, assurance, people, portraits, registrations),
    *(withdrawals, acts, absences, face_rotations, pictures),
    *(batches, batch_files, ledger, oversight, holds, recovery, stamps, trust, access, staff, keys, operations, health),
)
PAGES = (
    *(home, verify, prove, audit, register, standing, passkeys, me, cosign, recover, sign_in, provided),
    *(join, operate, holds_page, staff_page, embed, static),
)


def create_app(service: Service) -> ASGIApp:
    """The app; it owns nothing, so it can be made as often as one likes.

    Telemetry wraps the whole of it: what the framework answers to an error of nobody's has its request id, too.
    """
    # No bundled page for the schema: FastAPI's would load its scripts from somebody else's server.
    app = App(
        title="Sigillo",
        version=VERSION,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
    )
    app.state.service = service
    for module in (*ROUTERS, *PAGES):
        # As they are: what is included is made anew, all of it at the first request of each app.
        app.router.routes += module.router.routes
    problem.install(app)
    page_route.install(app)
    oauth.install(app)
    return _Head(Telemetry(BoundedBody(app), service.metrics))


class _Head:
    """ASGI middleware: HEAD is answered as GET is (RFC 9110, section 9.3.2), of which the server sends the head alone.
    Caches and mirrors ask so for the files of the log.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}
        await self._app(scope, receive, send)
