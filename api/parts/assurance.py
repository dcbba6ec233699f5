"""Accounts' assurance as the settings describe it: which policy, which providers, who sends codes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from api.outside.fetching import Fetched, FetchError, FetchFailedError, OpenWeb, Wanted
from api.parts.issuance import Issuance
from api.running.home import Home, StartError
from api.running.log import logger
from api.settings import Profile, Settings
from identity.assurance.account import Accounts
from identity.assurance.code_flow import Exchange
from identity.assurance.codes import Codes
from identity.assurance.credentials import AccountCredentials
from identity.assurance.errors import AssuranceError, EvidenceRefusedError, ProviderUnavailableError
from identity.assurance.grants import Grants
from identity.assurance.kyc import Kyc
from identity.assurance.logins import Logins
from identity.assurance.policy import Policy, default_policy, read_policy
from identity.assurance.portrait import Portraits
from identity.assurance.presented import Presented
from identity.assurance.provider import Client, Directory
from identity.assurance.providers import Providers, read_providers
from identity.assurance.requests import Requests
from identity.assurance.review import Review
from identity.assurance.senders import OUTBOX_WARNING, Carrier, Gateway, Nobody, Outbox
from identity.assurance.statements import Statements
from keys.clock import Clock, Entropy
from ledger.log import Ledger
from ledger.storage.database import Database

ANSWER: Final = Wanted(frozenset({"application/json", "application/jwk-set+json"}), 256 * 1024)
REFUSALS: Final = frozenset({400})
"""Of a code (RFC 6749, section 5.2). Our own secret is refused with 401, which is the operator's to mend."""


SIGNED_IN_FROM: Final = "/sign-in/from"
"""The page that takes staff back from a provider: its redirect address is this and the provider's name."""


@dataclass(frozen=True)
class Assurance:
    """What the routes call."""

    accounts: Accounts
    grants: Grants
    codes: Codes
    logins: Logins
    kyc: Kyc
    presented: Presented
    portraits: Portraits
    statements: Statements
    credentials: AccountCredentials
    review: Review
    carrier: Carrier
    """Of notices, to whom codes go, too."""

    staff_providers: tuple[Mapping[str, Directory], Exchange]
    """Where staff sign in, and how a code is exchanged there."""

    @property
    def policy(self) -> Policy:
        """In force."""
        return self.grants.policy


def assurance_of(
    settings: Settings,
    home: Home,
    ledger: Ledger,
    database: Database,
    issuance: Issuance,
    clock: Clock,
    entropy: Entropy,
) -> Assurance:
    """Raises StartError for a policy or providers that cannot be used."""
    policy, providers = _configured(settings)
    accounts = Accounts(ledger, database, clock, entropy)
    web = OpenWeb(loopback=settings.fetch_loopback)
    clients = [entry.client(name) for name, entry in providers.logins.items()]
    staff = [entry.at(name, f"{settings.origin}{SIGNED_IN_FROM}/{name}") for name, entry in providers.staff.items()]
    grants, requests = Grants(accounts, policy), Requests(accounts, policy)
    credentials = AccountCredentials(accounts, grants, issuance.issuing)
    sender = _sender(settings, home, providers, clock)
    return Assurance(
        accounts,
        grants,
        Codes(accounts, requests, grants, sender),
        Logins(accounts, requests, grants, *identity_providers(web, clients, clock)),
        Kyc(accounts, requests, grants, {name: house.keys() for name, house in providers.kyc.items()}),
        Presented(accounts, grants),
        Portraits(accounts, requests, grants),
        Statements(accounts, grants, issuance.record.issuer),
        credentials,
        Review(accounts, grants, credentials),
        sender,
        identity_providers(web, staff, clock),
    )


def _configured(settings: Settings) -> tuple[Policy, Providers]:
    file = settings.assurance_policy
    try:
        policy = read_policy(file.read_bytes()) if file else default_policy()
        providers = read_providers(settings.assurance_providers) if settings.assurance_providers else Providers()
    except (AssuranceError, OSError) as error:
        raise StartError(f"SIGILLO_ASSURANCE_POLICY, SIGILLO_ASSURANCE_PROVIDERS: {error}") from error
    gateway = providers.gateway
    if settings.profile is not Profile.EMBEDDED and gateway and not gateway.url.startswith("https:"):
        raise StartError(f"codes would go to {gateway.url} in clear: the {settings.profile} profile needs https://")
    return policy, providers


def _sender(settings: Settings, home: Home, providers: Providers, clock: Clock) -> Gateway | Nobody | Outbox:
    if providers.gateway is not None:
        return Gateway(providers.gateway.url, providers.gateway.key(), clock)
    if settings.profile is not Profile.EMBEDDED:
        return Nobody()
    log = logger("assurance")
    log.warning(OUTBOX_WARNING, folder=str(home.outbox))
    return Outbox(home.outbox, log.warning)


def identity_providers(
    web: OpenWeb, clients: Iterable[Client], clock: Clock
) -> tuple[Mapping[str, Directory], Exchange]:
    """Identity providers, and how a code is exchanged with one: all of it over the open web."""

    def fetch(url: str) -> bytes:
        return _answered(lambda: web.get(url, ANSWER), frozenset())

    def exchange(url: str, form: bytes, headers: Mapping[str, str]) -> bytes:
        return _answered(lambda: web.post(url, form, headers, ANSWER), REFUSALS)

    return {client.name: Directory(client, fetch, clock) for client in clients}, exchange


def _answered(ask: Callable[[], Fetched], refusals: Collection[int]) -> bytes:
    """Raises EvidenceRefusedError where the provider refuses what it was sent, ProviderUnavailableError.

    Why is for the log: our network is not for callers to explore.
    """
    try:
        return ask().content
    except FetchError as error:
        if isinstance(error, FetchFailedError) and error.status in refusals:
            raise EvidenceRefusedError("the provider refuses the code: begin another login") from error
        logger("assurance").warning("no answer from an identity provider", reason=str(error))
        raise ProviderUnavailableError(
            "the identity provider cannot be had now; the operator finds the reason in the log"
        ) from error
