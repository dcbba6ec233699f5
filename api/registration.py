"""The registry as the settings describe it: whose rules, and what looks for faces."""

from __future__ import annotations

from api.assurance import Assurance
from api.faces import FaceDesk
from api.home import StartError
from api.issuance import Issuance
from api.settings import Settings
from cases.registration import FaceRegistrations
from identity.errors import RegistrationRulesError
from identity.passkeys.signing import Signing
from identity.registration.holds import RegistrationHolds
from identity.registration.lookup import Registrations, require_unregistered
from identity.registration.registry import Registry
from identity.registration.rules import Rulebook, default_rulebook, read_rulebook


def registrations_of(
    assurance: Assurance,
    issuance: Issuance,
    faces: FaceDesk,
    registrations: Registrations,
    rulebook: Rulebook,
    signing: Signing,
) -> FaceRegistrations:
    """All of it over one registry; an account that registered somebody is erased after that."""
    assurance.accounts.ledger.subjects.on_erase(require_unregistered)
    registry = Registry(assurance.accounts, assurance.grants, issuance.issuing, rulebook, registrations)
    holds = RegistrationHolds(assurance.accounts)
    return FaceRegistrations(registry, holds, signing, faces.workers, faces.bank, faces.matcher)


def rulebook_of(settings: Settings) -> Rulebook:
    """Raises StartError for rules that cannot be used."""
    try:
        return read_rulebook(settings.registration_rules) if settings.registration_rules else default_rulebook()
    except (RegistrationRulesError, OSError) as error:
        raise StartError(f"SIGILLO_REGISTRATION_RULES: {error}") from error
