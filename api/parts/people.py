"""People who sign in with passkeys: accounts of the home tenant, under the name that others reach this service by."""

from __future__ import annotations

from api.settings import Settings
from cases.deployment import Deployment
from identity.assurance.account import Accounts
from identity.passkeys.challenges import Challenges
from identity.passkeys.passkeys import Passkeys
from identity.passkeys.people import People
from identity.passkeys.tokens import Tokens


def people_of(settings: Settings, accounts: Accounts, deployment: Deployment) -> People:
    """What the routes call."""
    challenges = Challenges(accounts.database, accounts.clock, accounts.entropy)
    passkeys = Passkeys(accounts, challenges, settings.origin)
    tokens = Tokens(accounts.database, accounts.clock)
    return People(passkeys, tokens, lambda: deployment.operator().tenant)
