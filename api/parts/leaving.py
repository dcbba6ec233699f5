"""Withdrawing from the registry, and terms, as they are wired."""

from __future__ import annotations

from cases.agreement import Agreements
from cases.withdrawal import Leaving
from identity.registration.guesses import Guesses
from identity.registration.lookup import Registrations
from identity.registration.renewing import Terms
from identity.registration.rules import Rulebook
from identity.registration.withdrawing import Withdrawals


def leaving_of(registrations: Registrations, rulebook: Rulebook, agreements: Agreements) -> Leaving:
    """Over everybody's registrations."""
    accounts = registrations.accounts
    withdrawals = Withdrawals(accounts, registrations, Guesses(accounts.entropy))
    return Leaving(registrations, withdrawals, Terms(accounts, registrations, rulebook), agreements)
