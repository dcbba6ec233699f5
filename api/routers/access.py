"""API keys: the operator gives and takes back who may ask for signatures."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticKnownError

from api.edge.auth import CallerDep
from api.schemas.assets import SourceType, Strict
from api.schemas.words import PRINCIPAL, Flag, legible
from api.service import ServiceDep
from cases.access import ASSET_SCOPES, NO_TOOL, ApiKey, ApiKeyId, Scope
from ledger.ids import PrincipalId, moment
from provenance.request import Grant
from provenance.rules import MAX_NAME
from provenance.vocabulary import DigitalSourceType

router = APIRouter(prefix="/v1/api-keys", tags=["access"])

MAX_NAMES = 100
"""Models, or assertions, that one key may name."""


Names = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=MAX_NAME), AfterValidator(legible)], ...],
    Field(max_length=MAX_NAMES),
]


class KeyRequest(Strict):
    """What a new key may do."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"tool": "My Camera", "source_types": ["digitalCapture"], "new_tenant": False}}
    )

    scopes: frozenset[Scope] = ASSET_SCOPES
    tool: Annotated[str, Field(max_length=MAX_NAME, validate_default=True), AfterValidator(legible)] = NO_TOOL
    """The one tool its claims may name; a key that signs needs one."""

    source_types: tuple[SourceType, ...] = ()
    """Digital source types its claims may assert, by URI or by the last part of it."""

    models: Names = ()
    """Models that its claims over content that is not seen may name."""

    assertions: Names = ()
    """Labels of assertions that such claims may hold besides those of the specification."""

    principal: Annotated[str, Field(pattern=PRINCIPAL)] | None = None
    """An existing principal of this tenant; a new one when absent."""

    new_tenant: Flag = False
    """Put the key into a tenant of its own."""

    @field_validator("tool")
    @classmethod
    def _signs_as_somebody(cls, tool: str, info: ValidationInfo) -> str:
        if not tool and {Scope.SIGN, Scope.SIGN_CLAIMS} & set(info.data.get("scopes", ())):
            raise PydanticKnownError("missing")
        return tool

    @model_validator(mode="after")
    def _new_tenants_are_empty(self) -> Self:
        if self.new_tenant and self.principal:
            raise ValueError("a new tenant has no principal yet: leave `principal` out")
        return self


class KeyView(BaseModel):
    """A key, without its token."""

    id: str
    principal: str
    tenant: str
    tool: str
    source_types: list[str]
    models: list[str]
    assertions: list[str]
    scopes: list[str]
    created_at: datetime
    revoked_at: datetime | None

    @classmethod
    def of(cls, key: ApiKey) -> Self:
        """The view of a key."""
        held = key.caller
        return cls(
            id=key.id,
            principal=held.principal,
            tenant=held.tenant,
            tool=held.grant.tool,
            source_types=sorted(held.grant.source_types),
            models=sorted(held.grant.models),
            assertions=sorted(held.grant.assertions),
            scopes=sorted(held.scopes),
            created_at=moment(key.created_at),
            revoked_at=moment(key.revoked_at) if key.revoked_at else None,
        )


class IssuedView(KeyView):
    """A new key; `token` is shown this once."""

    token: str


@router.post("", status_code=201)
def issue(service: ServiceDep, caller: CallerDep, request: KeyRequest) -> IssuedView:
    """Make an API key. Its token is in this answer and nowhere else."""
    caller.require(Scope.ACCESS)
    sources = frozenset(map(DigitalSourceType, request.source_types))
    grant = Grant(request.tool, sources, frozenset(request.models), frozenset(request.assertions))
    principal = PrincipalId(request.principal) if request.principal else None
    by = caller
    if request.new_tenant:
        caller.require(Scope.DEPLOYMENT)
        by = service.deployment.newcomer()
    issued = service.access.issue(by, request.scopes, grant, principal)
    return IssuedView(**KeyView.of(issued.key).model_dump(), token=issued.token)


@router.get("")
def list_keys(service: ServiceDep, caller: CallerDep) -> dict[str, list[KeyView]]:
    """Every key of the caller's tenant."""
    caller.require(Scope.ACCESS)
    return {"keys": [KeyView.of(key) for key in service.access.all(caller)]}


@router.delete("/{key}", status_code=204)
def revoke(service: ServiceDep, caller: CallerDep, key: str) -> Response:
    """The key stops working at once."""
    caller.require(Scope.ACCESS)
    service.access.revoke(caller, ApiKeyId(key))
    return Response(status_code=204)
