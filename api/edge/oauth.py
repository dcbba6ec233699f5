"""Errors in OAuth's form, on which wallets' software acts (RFC 6749, section 5.2; RFC 6750; OpenID4VCI 1.0, 8.3.1).

Everything else that can go wrong with a wallet's request, such as a key store that is down, is a problem as everywhere
(`api.edge.problem`).
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from identity.errors import WalletRefusedError
from identity.openid4vci.faults import Fault

NO_STORE = {"Cache-Control": "no-store"}
"""On whatever has a secret, and on what was refused one (RFC 6749, section 5.1)."""


REFUSED: dict[str, Any] = {
    "description": "Refused, in OAuth's form",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["error", "error_description"],
                "properties": {"error": {"type": "string"}, "error_description": {"type": "string"}},
            }
        }
    },
}


def install(app: FastAPI) -> None:
    """Answer refused wallets so."""
    app.add_exception_handler(WalletRefusedError, _refused)


def described(error: object) -> str:
    """The sentence, in the characters that OAuth allows."""
    return "".join(sign if " " <= sign <= "~" and sign not in '"\\' else "'" for sign in str(error))


def _refused(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, WalletRefusedError)
    body = {"error": error.fault, "error_description": described(error)}
    if error.fault is not Fault.INVALID_TOKEN:
        return JSONResponse(body, 400, NO_STORE)
    return JSONResponse(body, 401, {**NO_STORE, "WWW-Authenticate": f'Bearer error="{error.fault}"'})
