"""How the deployment is, for its operator; how each part is, `/readyz` says to everyone."""

from __future__ import annotations

from fastapi import APIRouter

from api.edge.auth import CallerDep
from api.schemas.models import ModelsView
from api.schemas.operations import IndexView, KeysView, StorageView, WitnessesView, WorkView
from api.service import ServiceDep
from cases.access import Scope
from cases.key_status import Revoked, key_status
from ledger.storage.usage import usage

router = APIRouter(prefix="/v1/operations", tags=["operations"])


@router.get("/keys")
def keys(service: ServiceDep, caller: CallerDep) -> KeysView:
    """Signing keys, each version with its state, and until when its certificate is good."""
    caller.require(Scope.DEPLOYMENT)
    status = key_status(service.keys, Revoked.of(service.library.database))
    return KeysView.of(status, service.ledger.vkey())


@router.get("/witnesses")
def witnesses(service: ServiceDep, caller: CallerDep) -> WitnessesView:
    """How each witness of the log does."""
    caller.require(Scope.DEPLOYMENT)
    return WitnessesView.of(service.ledger.witnesses)


@router.get("/index")
def index(service: ServiceDep, caller: CallerDep) -> IndexView:
    """What of the caller's tenant is searched, and the generation that the log commits to."""
    caller.require(Scope.DEPLOYMENT)
    return IndexView.of(service.housekeeping.generations.status(caller.tenant))


@router.get("/models")
def models(service: ServiceDep, caller: CallerDep) -> ModelsView:
    """What judges faces and pictures: models with their digests, fingerprints, and the thresholds in force."""
    caller.require(Scope.DEPLOYMENT)
    return ModelsView.of(service.registry.faces.reason, service.recovery.search.encoder)


@router.get("/work")
def work(service: ServiceDep, caller: CallerDep) -> WorkView:
    """What the service does by itself, and how much of it is left; of all tenants, but for templates."""
    caller.require(Scope.DEPLOYMENT)
    likeness, faces = service.registry.likeness, service.registry.faces
    return WorkView.of(
        service.housekeeping.reason,
        likeness.retroactive.under_way(),
        likeness.unfinished.waiting(),
        service.rewrapping.status,
        faces.renewing.status(caller.tenant),
    )


@router.get("/storage")
def storage(service: ServiceDep, caller: CallerDep) -> StorageView:
    """How much room database and media take, and how much is left for media."""
    caller.require(Scope.DEPLOYMENT)
    return StorageView.of(usage(service.library.database, service.library.blobs))
