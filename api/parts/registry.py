"""The registry of those who refuse to be imitated, put together: who registers, what is looked for, who withdraws."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

from api.outside.sources import Sources
from api.parts.assurance import Assurance
from api.parts.faces import FaceDesk, faces_of
from api.parts.issuance import Issuance
from api.parts.leaving import leaving_of
from api.parts.likeness import Likeness, likeness_of
from api.parts.people import people_of
from api.running.home import StartError
from api.running.log import logger
from api.settings import Settings
from cases.acts import Acts
from cases.agreement import Agreements
from cases.deployment import Deployment
from cases.library import Library
from cases.pictures import Pictures
from cases.registration import FaceRegistrations
from cases.withdrawal import Leaving
from detection.copies.bank import PictureBank
from detection.copies.common import CommonPictures
from detection.copies.index import PictureIndex
from detection.generations.absence import Absences
from identity.depicted import Depictions
from identity.did.web import resolver
from identity.holder_signing import HolderSigning
from identity.passkeys.people import People
from identity.passkeys.provided import Provided
from identity.passkeys.signing import Signing
from identity.passkeys.statements import Statements
from identity.registration.errors import RegistrationRulesError
from identity.registration.holds import RegistrationHolds
from identity.registration.lookup import Registrations, require_unregistered
from identity.registration.registry import Registry
from identity.registration.rules import Rulebook, default_rulebook, read_rulebook
from keys.clock import Entropy
from ledger.log import Ledger
from ledger.storage.database import Database


@dataclass(frozen=True)
class RegistryDesk:
    """What the routes of the registry call."""

    people: People
    provided: Provided
    signatures: Signing
    statements: Statements
    registrations: FaceRegistrations
    leaving: Leaving
    absences: Absences
    depictions: Depictions
    faces: FaceDesk
    likeness: Likeness
    acts: Acts


def registry_of(
    settings: Settings,
    library: Library,
    deployment: Deployment,
    assurance: Assurance,
    issuance: Issuance,
    sources: Sources,
    until: ExitStack,
) -> RegistryDesk:
    """All of it over one set of registrations; an account that registered somebody is erased after that.

    Raises StartError for rules that cannot be used.
    """
    accounts, ledger, database = assurance.accounts, library.ledger, library.database
    clock, entropy = accounts.clock, accounts.entropy
    ledger.subjects.on_erase(require_unregistered)
    people = people_of(settings, accounts, deployment)
    signatures = Signing(people.passkeys)
    known, rulebook = Registrations(accounts), rulebook_of(settings)
    faces = faces_of(settings, ledger, database, entropy, until)
    pictures = _pictures(ledger, database, known, entropy, until)
    registry = Registry(accounts, assurance.grants, issuance.issuing, rulebook, known)
    holds, holders = RegistrationHolds(accounts), _holders(settings, people, issuance, sources)
    agreements = Agreements(accounts, signatures, holders)
    leaving = leaving_of(known, rulebook, agreements)
    likeness = likeness_of(settings, library, faces, pictures, known, rulebook, issuance.record.issuer, clock, entropy)
    return RegistryDesk(
        people,
        Provided(people, *assurance.staff_providers),
        signatures,
        Statements(people.passkeys, people.home),
        FaceRegistrations(registry, holds, agreements, faces.workers, faces.bank, faces.matcher, pictures),
        leaving,
        Absences(ledger, database),
        Depictions(accounts, known, faces.matcher),
        faces,
        likeness,
        Acts(known, holders, leaving.withdrawals, leaving.terms, likeness.log),
    )


def _holders(settings: Settings, people: People, issuance: Issuance, sources: Sources) -> HolderSigning:
    """Holders of what this deployment issued, and nobody else."""
    ours = frozenset({issuance.record.did} - {""})
    documents, lists = sources.did_documents.content, sources.status_lists.content
    return HolderSigning(people.passkeys.challenges, ours, resolver(documents), lists, settings.origin)


def _pictures(
    ledger: Ledger, database: Database, registrations: Registrations, entropy: Entropy, until: ExitStack
) -> Pictures:
    """Their index builds itself as the service starts, and ends with `until`."""
    bank = PictureBank(database, ledger.subjects, entropy)
    index = PictureIndex(database, bank, _tell)
    index.start()
    until.callback(index.close)
    return Pictures(ledger, bank, index, CommonPictures(database), registrations)


def _tell(reason: str) -> None:
    log = logger("pictures")
    if reason:
        log.warning("the index of registered pictures does not follow: no copy is found meanwhile", reason=reason)
    else:
        log.info("the index of registered pictures follows again")


def rulebook_of(settings: Settings) -> Rulebook:
    """Raises StartError for rules that cannot be used."""
    try:
        return read_rulebook(settings.registration_rules) if settings.registration_rules else default_rulebook()
    except (RegistrationRulesError, OSError) as error:
        raise StartError(f"SIGILLO_REGISTRATION_RULES: {error}") from error
