"""The OpenAPI document: what FastAPI derives, and what it cannot see: streamed uploads and problems."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from api.edge.problem import ProblemView
from api.schemas.assets import ASSET_EXAMPLE, AssetView, ClaimBody
from api.schemas.claims import ClaimToSign
from api.schemas.credentials import CREDENTIAL_EXAMPLE, CredentialVerificationView
from api.schemas.likeness import CheckRequest
from api.schemas.registrations import RegistrationBody
from api.schemas.verification import VerificationView, report_example

REFERENCE = "#/components/schemas/{model}"
UNSEEN: tuple[type[BaseModel], ...] = (ClaimBody, CheckRequest, ClaimToSign, RegistrationBody, ProblemView)
"""Models that no handler's signature names."""

CHECK: dict[str, Any] = {"$ref": REFERENCE.format(model=CheckRequest.__name__)}
CLAIM: dict[str, Any] = {"$ref": REFERENCE.format(model=ClaimBody.__name__)}
CLAIM_TO_SIGN: dict[str, Any] = {"$ref": REFERENCE.format(model=ClaimToSign.__name__)}
REGISTRATION: dict[str, Any] = {"$ref": REFERENCE.format(model=RegistrationBody.__name__)}

CHANGE: dict[str, Any] = {
    **CLAIM,
    "example": {
        "title": "Harbour at dawn, in square",
        "tool": {"name": "Example Paint", "version": "4.2"},
        "actions": [{"name": "c2pa.cropped", "description": "to a square"}],
    },
}
PROBLEM: dict[str, Any] = {
    "description": "A problem (RFC 9457); `docs/problems.md` lists them",
    "content": {"application/problem+json": {"schema": {"$ref": REFERENCE.format(model=ProblemView.__name__)}}},
}

REFUSED, REFUSALS = "422", ("HTTPValidationError", "ValidationError")
"""What FastAPI would answer to a request of another form, and its models: we answer a problem."""

BINARY = {"contentMediaType": "application/octet-stream"}
"""Bytes have no type (OpenAPI 3.1, Considerations for File Uploads)."""


def multipart(fields: dict[str, Any]) -> dict[str, Any]:
    """An operation whose multipart body has a `file` and, beside it, these optional fields."""
    properties = {"file": BINARY, **fields}
    encoding = {name: {"contentType": "application/json"} for name, schema in fields.items() if "$ref" in schema}
    schema = {"type": "object", "required": ["file"], "properties": properties}
    content = {"multipart/form-data": {"schema": schema, "encoding": encoding}}
    return {"requestBody": {"required": True, "content": content}}


def photos(field: str, schema: dict[str, Any], most: int) -> dict[str, Any]:
    """An operation whose multipart body has from 1 to `most` parts `photo`, a JSON document in `field`, and perhaps a
    `portrait`.
    """
    pictures = {"type": "array", "items": BINARY, "minItems": 1, "maxItems": most}
    body = {
        "type": "object",
        "required": ["photo", field],
        "properties": {"photo": pictures, field: schema, "portrait": BINARY},
    }
    content = {"schema": body, "encoding": {field: {"contentType": "application/json"}}}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": content}}}


def one_photo() -> dict[str, Any]:
    """An operation whose multipart body has one part `photo`."""
    schema = {"type": "object", "required": ["photo"], "properties": {"photo": BINARY}}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


def json_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """An operation whose body is JSON of that schema, and streamed."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def json_body(member: str, options: dict[str, Any]) -> dict[str, Any]:
    """An operation whose JSON body has a document in `member` and, beside it, these options."""
    properties = {member: {"type": "object"}, "options": {"type": "object", "properties": options}}
    schema = {"type": "object", "required": [member], "properties": properties}
    return json_schema(schema)


KEY = "apiKey"
KEYED_TAGS = frozenset(
    {
        *("assets", "claims", "hand-overs", "custody imports", "likeness", "offers", "access", "holds", "oversight"),
        *("assurance", "presentations", "credentials", "signed in", "registering", "operations"),
    }
)
"""The routes that answer nobody without an API key or a person token."""


class App(FastAPI):
    """FastAPI, with what it does not see added to its document: the models above, problems, and who needs a key."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, made once."""
        if self.openapi_schema is not None:
            return self.openapi_schema
        document = super().openapi()
        _, unseen = models_json_schema([(model, "validation") for model in UNSEEN], ref_template=REFERENCE)
        for name, schema in unseen["$defs"].items():
            document["components"]["schemas"].setdefault(name, schema)
        for view, example in _whole().items():
            document["components"]["schemas"][view.__name__]["example"] = example
        for model in REFUSALS:
            document["components"]["schemas"].pop(model)
        document["components"]["securitySchemes"] = {KEY: {"type": "http", "scheme": "bearer"}}
        for operation in (operation for path in document["paths"].values() for operation in path.values()):
            operation["responses"].pop(REFUSED, None)
            operation["responses"]["default"] = PROBLEM
            if KEYED_TAGS.intersection(operation.get("tags", ())):
                operation["security"] = [{KEY: []}]
        return document


def _whole() -> dict[type, dict[str, Any]]:
    """Examples of answers. They have every field, and FastAPI leaves nulls out of its document."""
    return {
        AssetView: ASSET_EXAMPLE,
        VerificationView: report_example(),
        CredentialVerificationView: CREDENTIAL_EXAMPLE,
    }
