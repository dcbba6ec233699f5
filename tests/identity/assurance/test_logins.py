"""Logins at an identity provider, over real HTTP to one of our own: what it says counts, and nothing that looks so."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from api.outside.fetching import OpenWeb
from api.parts.assurance import identity_providers
from identity.assurance.account import Actor
from identity.assurance.errors import (
    EvidenceRefusedError,
    EvidenceSharedError,
    EvidenceUnaskedError,
    ProviderUnavailableError,
    ProviderUnknownError,
    RequestEndedError,
)
from identity.assurance.logins import LASTS, Logins
from identity.assurance.provider import KEYS_AGAIN, KEYS_KEPT, REST, Client
from identity.assurance.tier import EvidenceKind, Tier
from ledger.ids import SubjectId
from tests.identity.assurance.house import House
from tests.simulators.identity_provider import CLIENT, REDIRECT, SECRET, IdentityProvider, SigningKey

RSA = SigningKey.new("rsa-1")
OTHER = SigningKey.new("rsa-1")
"""Another's, under the same name."""

NAME = "example-id"


@pytest.fixture
def provider(house: House) -> Iterator[IdentityProvider]:
    with IdentityProvider(RSA, now=lambda: house.clock().timestamp()).running() as up:
        yield up


@pytest.fixture
def logins(house: House, provider: IdentityProvider) -> Logins:
    return made(house, provider)


def made(
    house: House, provider: IdentityProvider, algorithm: str = "RS256", issuer: str = "", secret: str = SECRET
) -> Logins:
    client = Client(NAME, issuer or provider.url, CLIENT, secret, REDIRECT, EvidenceKind.LOGIN, algorithm)
    web = OpenWeb(loopback=True, seconds=20)
    return Logins(house.accounts, house.requests, house.grants, *identity_providers(web, [client], house.clock))


@pytest.fixture
def log_in(logins: Logins, provider: IdentityProvider, platform: Actor, account: SubjectId) -> Callable[..., Any]:
    def act(subject: str = "ada", to: SubjectId = account, by: Logins = logins) -> Any:
        begun = by.begin(platform, to, NAME, "DE")
        return by.complete(platform, to, begun.request.id, provider.log_in(begun.url, subject))

    return act


def test_who_logs_in_is_at_tier_medium(
    house: House, logins: Logins, provider: IdentityProvider, platform: Actor, account: SubjectId
) -> None:
    begun = logins.begin(platform, account, NAME, "DE")
    query = parse_qs(urlsplit(begun.url).query)
    assert (query["state"], query["v"]) == ([begun.request.id], ["1"])
    granted = logins.complete(
        platform, account, begun.request.id, provider.log_in(begun.url, "ada-lovelace-1815"), provider.url
    )
    assert granted.standing.tier is Tier.MEDIUM
    kinds = [kind for kind, _ in house.entries(platform)]
    assert kinds == ["account.opened", "assurance.requested", "assurance.granted"]
    said = house.entries(platform)[-1][1]
    assert (said.kind, said.method, said.request) == ("login", NAME, begun.request.id)
    kept = house.rows("SELECT * FROM assurance_evidence") + house.rows("SELECT * FROM assurance_request")
    cells = b"\0".join(cell if isinstance(cell, bytes) else str(cell).encode() for row in kept for cell in row)
    for secret in (b"unmistakable", b"ada-lovelace", provider.url.encode(), query["nonce"][0].encode()):
        assert secret not in cells


Change = dict[str, Any]
REFUSED: dict[str, Change] = {
    "another issuer": {"iss": "https://id.example"},
    "another audience": {"aud": "somebody else"},
    "no audience": {"aud": None},
    "another's among the audiences, and not who asked": {"aud": [CLIENT, "somebody else"]},
    "asked for by another": {"azp": "somebody else"},
    "an audience that is no text": {"aud": [CLIENT, 1], "azp": CLIENT},
    "another nonce": {"nonce": "another"},
    "no nonce": {"nonce": None},
    "a nonce that is no text": {"nonce": 1},
    "no end": {"exp": None},
    "an end that is past": {"exp": 1},
    "an end that is no number": {"exp": "tomorrow"},
    "no beginning": {"iat": None},
    "from yesterday": {"iat": 1},
    "not valid yet": {"nbf": 2**40},
    "nobody": {"sub": None},
    "nobody by name": {"sub": ""},
    "a name that is no text": {"sub": 7},
    "a name without end": {"sub": "x" * 256},
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_token_about_something_else_counts_for_nothing(
    house: House, provider: IdentityProvider, log_in: Callable[..., Any], platform: Actor, account: SubjectId, what: str
) -> None:
    provider.claims = REFUSED[what]
    with pytest.raises(EvidenceRefusedError):
        log_in()
    assert house.tier(platform, account) is Tier.NONE
    assert house.entries(platform)[-1][0] == "assurance.requested"


def test_who_asked_may_be_named_among_several(provider: IdentityProvider, log_in: Callable[..., Any]) -> None:
    provider.claims = {"aud": [CLIENT, "somebody else"], "azp": CLIENT}
    assert log_in().standing.tier is Tier.MEDIUM


def part(value: dict[str, Any]) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def unsigned(claims: dict[str, Any]) -> str:
    return f"{part({'alg': 'none', 'kid': RSA.name})}.{part(claims)}."


def by_public_key(claims: dict[str, Any]) -> str:
    """Signed with the provider's public key as if it were a secret shared with us."""
    from jose import jwk

    pem = jwk.construct(RSA.private, "RS256").public_key().to_pem()
    signing_input = f"{part({'alg': 'HS256', 'kid': RSA.name})}.{part(claims)}"
    signature = hmac.digest(pem, signing_input.encode(), "sha256")
    return f"{signing_input}.{urlsafe_b64encode(signature).decode().rstrip('=')}"


def altered(claims: dict[str, Any]) -> str:
    head, _, signature = RSA.sign(claims).split(".")
    return f"{head}.{part({**claims, 'sub': 'eve'})}.{signature}"


def doubled(claims: dict[str, Any]) -> str:
    """A member named twice, of which two readers take one each."""
    from jose import jws

    token: str = jws.sign(
        json.dumps(claims)[:-1].encode() + b', "sub": "eve"}', RSA.private, {"kid": RSA.name}, "RS256"
    )
    return token


FORGED: dict[str, Callable[[dict[str, Any]], Any]] = {
    "unsigned": unsigned,
    "signed with the public key": by_public_key,
    "signed by another": OTHER.sign,
    "altered": altered,
    "a member twice": doubled,
    "by a curve": SigningKey.new("rsa-1", "ES256").sign,
    "demanding an extension": lambda claims: RSA.sign(claims, crit=["x"], x=1),
    "under a key that is nobody's": lambda claims: RSA.sign(claims, kid="rsa-9"),
    "no token": lambda _: "a.b.c",
    "endless": lambda claims: RSA.sign({**claims, "x": "y" * 20_000}),
}


@pytest.mark.parametrize("how", FORGED)
def test_a_forged_token_counts_for_nothing(
    house: House, provider: IdentityProvider, log_in: Callable[..., Any], platform: Actor, account: SubjectId, how: str
) -> None:
    provider.forge = FORGED[how]
    with pytest.raises(EvidenceRefusedError):
        log_in()
    assert house.tier(platform, account) is Tier.NONE


def test_keys_are_rotated_and_forgers_make_us_fetch_no_more(
    house: House, provider: IdentityProvider, log_in: Callable[..., Any]
) -> None:
    log_in()
    house.clock.move(KEYS_AGAIN)
    new = SigningKey.new("rsa-2")
    provider.key, provider.published = new, [RSA.public, new.public]
    assert log_in().standing.tier is Tier.MEDIUM
    asked = provider.asked.count("/jwks")
    provider.forge = FORGED["under a key that is nobody's"]
    for _ in range(3):
        with pytest.raises(EvidenceRefusedError):
            log_in()
    assert provider.asked.count("/jwks") == asked
    provider.forge, provider.key, provider.published = None, new, [new.public]
    house.clock.move(KEYS_KEPT)
    log_in()
    provider.key = RSA
    with pytest.raises(EvidenceRefusedError):
        log_in()


@pytest.mark.parametrize(
    "published",
    [
        {"kty": "oct", "k": "AAAA"}, {"use": "enc"}, {"alg": "RS512"}, {"d": "AQAB"}, {"n": "!"}, {"n": 1}, {"e": 1},
        SigningKey.new("rsa-1", bits=1024).public,
    ],
    ids=lambda key: ",".join(key)[:20],
)  # fmt: skip
def test_a_key_that_will_not_do_verifies_nothing(
    provider: IdentityProvider, log_in: Callable[..., Any], published: dict[str, Any]
) -> None:
    provider.published = [{**RSA.public, **published}]
    with pytest.raises(EvidenceRefusedError):
        log_in()


def test_without_a_name_the_only_key_is_meant(provider: IdentityProvider, log_in: Callable[..., Any]) -> None:
    provider.header = {"kid": None}
    log_in()


def test_a_provider_may_sign_with_a_curve(house: House, provider: IdentityProvider, log_in: Callable[..., Any]) -> None:
    provider.key = SigningKey.new("ec-1", "ES256")
    assert log_in(by=made(house, provider, "ES256")).standing.tier is Tier.MEDIUM
    with pytest.raises(EvidenceRefusedError):
        log_in()


def test_a_login_is_completed_once_in_time_and_for_its_own_account(
    house: House, logins: Logins, provider: IdentityProvider, platform: Actor, account: SubjectId
) -> None:
    other = house.accounts.named(platform, "other")
    begun = [logins.begin(platform, account, NAME, "") for _ in range(3)]
    codes = [provider.log_in(one.url, "ada") for one in begun]
    requests = [one.request.id for one in begun]
    with pytest.raises(EvidenceUnaskedError):
        logins.complete(platform, other, requests[0], codes[0])
    with pytest.raises(EvidenceRefusedError):  # another's code: its verifier is another's, too
        logins.complete(platform, account, requests[1], codes[0])
    with pytest.raises(EvidenceRefusedError, match="another provider"):
        logins.complete(platform, account, requests[1], codes[1], "https://id.example")

    def complete(_: int) -> object:
        try:
            return logins.complete(platform, account, requests[1], codes[1])
        except (EvidenceRefusedError, RequestEndedError) as error:
            return error

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(complete, range(4)))
    assert sum(not isinstance(one, Exception) for one in answers) == 1
    house.clock.move(LASTS)
    with pytest.raises(RequestEndedError):
        logins.complete(platform, account, requests[2], codes[2])


def test_a_login_stands_behind_one_account(house: House, platform: Actor, log_in: Callable[..., Any]) -> None:
    log_in("ada")
    log_in("ada")
    other = house.accounts.named(platform, "other")
    with pytest.raises(EvidenceSharedError):
        log_in("ada", other)
    assert log_in("eve", other).standing.tier is Tier.MEDIUM


def test_a_provider_that_is_down_is_left_alone_and_comes_back(
    house: House, provider: IdentityProvider, log_in: Callable[..., Any], platform: Actor
) -> None:
    provider.broken = True
    for _ in range(3):
        with pytest.raises(ProviderUnavailableError):
            log_in()
    assert len(provider.asked) == 1
    assert [kind for kind, _ in house.entries(platform)] == ["account.opened"]
    provider.broken = False
    house.clock.move(REST)
    log_in()


@pytest.mark.parametrize(
    "metadata",
    [{"issuer": "https://id.example"}, {"token_endpoint": None}, {"jwks_uri": "file:///etc/passwd"}],
    ids=lambda one: next(iter(one)),
)
def test_a_provider_that_describes_itself_otherwise_is_not_asked(
    provider: IdentityProvider, log_in: Callable[..., Any], metadata: dict[str, Any]
) -> None:
    provider.metadata = metadata
    with pytest.raises(ProviderUnavailableError):
        log_in()


def test_what_cannot_be_had_is_not_evidence(
    house: House, provider: IdentityProvider, log_in: Callable[..., Any], platform: Actor, account: SubjectId
) -> None:
    provider.forge = lambda _: 7
    with pytest.raises(ProviderUnavailableError, match="without an ID token"):
        log_in()
    with pytest.raises(ProviderUnavailableError, match="cannot be had now"):
        log_in(by=made(house, provider, secret="another"))
    with pytest.raises(ProviderUnavailableError, match="cannot be had now"):
        log_in(by=made(house, provider, issuer="https://169.254.169.254"))
    with pytest.raises(ProviderUnknownError):
        made(house, provider).begin(platform, account, "nobody", "")
