"""The reference witness over HTTP (c2sp.org/tlog-witness): two routes, plain text, no accounts."""

from __future__ import annotations

import hashlib
import re

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from api.edge.body import BoundedBody, allow
from api.running.log import logger
from ledger.errors import WitnessRefusedError
from ledger.witnessing.add_checkpoint import MAX_BODY_BYTES, PATH, SIZE_TYPE, Refusal
from ledger.witnessing.witness import Witness

HASH = re.compile(f"[0-9a-f]{{{hashlib.sha256().digest_size * 2}}}")


def witness_app(witness: Witness) -> ASGIApp:
    """The app of one witness."""

    async def add_checkpoint(request: Request) -> Response:
        allow(request, MAX_BODY_BYTES)
        body = await request.body()
        try:
            return PlainTextResponse(await run_in_threadpool(witness.add_checkpoint, body))
        except WitnessRefusedError as refused:
            if refused.refusal == Refusal.INCONSISTENT:
                logger("witness").error("ALARM: a checkpoint is not one that a log grew into", reason=str(refused))
            if refused.size is not None:
                # Named as a header: as a media type of text it would be given a charset.
                return Response(f"{refused.size}\n", refused.refusal, {"Content-Type": SIZE_TYPE})
            return PlainTextResponse(f"{refused}\n", refused.refusal)

    async def checkpoint(request: Request) -> Response:
        asked = request.path_params["origin"]
        found = await run_in_threadpool(witness.checkpoint, asked) if HASH.fullmatch(asked) else None
        if found is None:
            return PlainTextResponse("nothing of that log was cosigned here\n", 404)
        return Response(found, media_type="text/plain", headers={"Cache-Control": "no-store"})

    routes = [
        Route(f"/{PATH}", add_checkpoint, methods=["POST"]),
        Route("/{origin}/checkpoint", checkpoint, methods=["GET"]),
    ]
    return BoundedBody(Starlette(routes=routes))
