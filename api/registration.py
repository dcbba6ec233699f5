"""The registry as the settings describe it: whose rules, and what looks for faces."""

from __future__ import annotations

from api.assurance import Assurance
from api.faces import FaceDesk
from api.home import StartError
from api.issuance import Issuance
from api.settings import Settings
from cases.pictures import Pictures
from cases.registration import FaceRegistrations
from detection.copies.bank import PictureBank
from detection.copies.common import CommonPictures
from detection.copies.index import PictureIndex
from identity.passkeys.signing import Signing
from identity.registration.errors import RegistrationRulesError
from identity.registration.holds import RegistrationHolds
from identity.registration.lookup import Registrations, require_unregistered
from identity.registration.registry import Registry
from identity.registration.rules import Rulebook, default_rulebook, read_rulebook
from keys.clock import Entropy
from ledger.log import Ledger
from ledger.storage.database import Database


def registrations_of(
    assurance: Assurance,
    issuance: Issuance,
    faces: FaceDesk,
    registrations: Registrations,
    rulebook: Rulebook,
    signing: Signing,
    pictures: Pictures,
) -> FaceRegistrations:
    """All of it over one registry; an account that registered somebody is erased after that."""
    assurance.accounts.ledger.subjects.on_erase(require_unregistered)
    registry = Registry(assurance.accounts, assurance.grants, issuance.issuing, rulebook, registrations)
    holds = RegistrationHolds(assurance.accounts)
    return FaceRegistrations(registry, holds, signing, faces.workers, faces.bank, faces.matcher, pictures)


def pictures_of(ledger: Ledger, database: Database, registrations: Registrations, entropy: Entropy) -> Pictures:
    """Whose index fills itself when it is first asked."""
    bank = PictureBank(database, ledger.subjects, entropy)
    return Pictures(ledger, bank, PictureIndex(bank), CommonPictures(database), registrations)


def rulebook_of(settings: Settings) -> Rulebook:
    """Raises StartError for rules that cannot be used."""
    try:
        return read_rulebook(settings.registration_rules) if settings.registration_rules else default_rulebook()
    except (RegistrationRulesError, OSError) as error:
        raise StartError(f"SIGILLO_REGISTRATION_RULES: {error}") from error
