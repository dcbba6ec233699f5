"""What a wallet posts back, read in one way only: presentations, or that there are none.

Rules
- A form with each parameter once, of the session's state, encrypted where that was asked for. Whatever fails here is
  nobody's answer: the session goes on waiting.
- `vp_token` names one of the documents that were asked for, and holds one presentation of it. Two would be more than
  was asked; their answers might differ.

OpenID4VP 1.0, sections 8.1, 8.2 and 8.5.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from identity.encoding.strict_json import read_object
from identity.errors import ResponseRefusedError, TokenError, TokenUnreadableError
from identity.openid4vp.request import Request

MAX_PARAMETERS: Final = 16
"""Those of the specification and a few more, which are passed over."""


@dataclass(frozen=True)
class Presented:
    """A presentation, unverified."""

    document: str
    """The name of its kind in the query."""

    presentation: object


@dataclass(frozen=True)
class Declined:
    """The wallet has no such document, or its person shows none."""


def read_response(body: bytes, request: Request) -> Mapping[str, object]:
    """The parameters of an answer to this request. Raises ResponseRefusedError."""
    try:
        form = _form(body)
        answered = _opened(form, request)
    except TokenError as error:
        raise ResponseRefusedError(str(error)) from error
    state = answered.get("state")
    if not (isinstance(state, str) and hmac.compare_digest(state.encode(), request.state.encode())):
        raise ResponseRefusedError("the state is not that of the request")
    return answered


def presented(answered: Mapping[str, object], request: Request) -> Presented | Declined:
    """What it holds. Raises TokenUnreadableError."""
    if "error" in answered:
        return Declined()
    token = answered.get("vp_token")
    given = read_object(token.encode(), "vp_token") if isinstance(token, str) else token
    match given:
        case {**members} if len(members) == 1:
            ((name, presentations),) = members.items()
        case _:
            raise TokenUnreadableError("vp_token is an object with one member, named as in the query")
    if name not in request.question.documents:
        raise TokenUnreadableError("vp_token names no document that was asked for")
    if not (isinstance(presentations, list) and len(presentations) == 1):
        raise TokenUnreadableError("a document is presented once, in a list of one")
    return Presented(str(name), presentations[0])


def _opened(form: Mapping[str, str], request: Request) -> Mapping[str, object]:
    """A wallet that cannot answer at all says so in clear, whatever was asked (section 8.3.1)."""
    if request.key is None or "error" in form:
        return form
    if "response" not in form:
        raise TokenUnreadableError("the answer has to be encrypted (response)")
    return read_object(request.key.decrypt(form["response"]), "the answer")


def _form(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=MAX_PARAMETERS,
        )
    except ValueError as error:
        raise TokenUnreadableError("the body is not a form") from error
    form = dict(pairs)
    if len(form) != len(pairs):
        raise TokenUnreadableError("a parameter comes twice")
    return form
