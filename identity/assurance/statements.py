"""Step-up: a platform asks for a tier, and gets a signed statement, or what is missing and the ways to it.

Rules
- A statement is a JWT of minutes (`account-assurance+jwt`): which account by its random id, which tier, under which
  policy, for whom. It ends no later than the evidence that it rests on.
- It is an entry before it is signed, and its `jti` is that entry: whoever has it can ask for the receipt.
- It says nothing of which evidence there is, and no higher tier than was asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection

from identity.assurance.account import Accounts, Actor, require_account
from identity.assurance.decisions import STATED, AssuranceStated
from identity.assurance.evidence import Evidence, evidence_of, standing
from identity.assurance.grants import Grants
from identity.assurance.policy import Policy
from identity.assurance.tier import EvidenceKind, Tier
from identity.errors import TokenInvalidError
from identity.issuing.issuer import Issuer
from identity.jose.jwk import PublicKey
from identity.jose.jws import read_jws, verify_jws
from identity.jose.lifetime import check_lifetime
from identity.outcome import Check
from ledger.entry import format_time
from ledger.ids import EntryId, SubjectId, moment
from ledger.payload import Draft

TYPE: Final = "account-assurance+jwt"
_MILLISECOND: Final = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Stated:
    """A tier that was reached."""

    tier: Tier
    statement: str | dict[str, Any] = field(repr=False)
    """A JWT; or a credential."""

    expires_at: int
    entry: EntryId


@dataclass(frozen=True)
class Missing:
    """A tier that was not."""

    tier: Tier
    """What the account has."""

    ways: tuple[EvidenceKind, ...]
    """Kinds of evidence of which one is enough."""


@dataclass(frozen=True)
class Statements:
    """What is said of accounts to others. Safe to call from many threads."""

    accounts: Accounts
    grants: Grants
    issuer: Callable[[], Issuer]
    """Raises IssuerUnnamedError, KeyStoreUnavailableError, KeyNotFoundError."""

    def state(
        self, by: Actor, account: SubjectId, wanted: Tier, audience: str, nonce: str = "", country: str = ""
    ) -> Stated | Missing:
        """A statement that the account has this tier; or what is missing. `nonce` is the asker's, and comes back in it.

        Raises AccountNotFoundError, and as `issuer`.
        """
        policy, now = self.grants.policy, self.accounts.now()
        subject, issuer = self.accounts.subject(by.tenant, account), self.issuer()
        draft = self.accounts.draft(STATED, policy.name, by.principal, subject, None)
        found: list[Evidence] = []

        def work(connection: Connection) -> Sequence[Draft]:
            by.alive(connection)
            require_account(connection, by.tenant, account)
            found[:] = evidence_of(connection, subject)
            expires = ends(found, policy, wanted, now)
            if expires is None:
                return []
            key, until = str(issuer.p256.ref), format_time(expires)
            said = AssuranceStated(account, draft.id, wanted, audience, key, until, policy.digest)
            return [replace(draft, payload=said)]

        self.accounts.ledger.record(work, by.tenant)
        expires = ends(found, policy, wanted, now)
        if expires is None:
            return missing(found, policy, wanted, now, country)
        claims = {"sub": account, "aud": audience, "iat": now // 1000, "exp": expires // 1000, "jti": draft.id}
        asked = {"nonce": nonce} if nonce else {}
        token = issuer.token(TYPE, {"iss": issuer.did, **claims, **asked, "tier": wanted, "policy": policy.name})
        return Stated(wanted, token, expires, draft.id)


def ends(evidence: Sequence[Evidence], policy: Policy, wanted: Tier, now: int) -> int | None:
    """When a statement of this tier ends that is made now; None where the account does not have it."""
    enough = [one.ends(policy) for one in evidence if one.tier(policy, now).reaches(wanted)]
    return min(max(enough), now + policy.statement_lasts // _MILLISECOND) if enough else None


def missing(evidence: Sequence[Evidence], policy: Policy, wanted: Tier, now: int, country: str) -> Missing:
    """What there is instead, and the ways to it."""
    return Missing(standing(evidence, policy, now).tier, tuple(policy.ways(wanted, policy.region_of(country))))


@dataclass(frozen=True)
class Assured:
    """What a statement says that holds."""

    account: str
    tier: Tier
    policy: str
    entry: str
    ends: datetime


def read_statement(token: str, issuer: str, key: PublicKey, audience: str, now: datetime, nonce: str = "") -> Assured:
    """A statement that holds, for who was given it: of this issuer, under its key, for this audience, in its time.

    Raises TokenUnreadableError, TokenInvalidError.
    """
    jws = read_jws(token, TYPE)
    verify_jws(jws, key)
    claims = jws.payload
    check_lifetime(claims, now, "iat", "exp")
    for check, name, expected in (
        (Check.TRUST, "iss", issuer),
        (Check.AUDIENCE, "aud", audience),
        (Check.NONCE, "nonce", nonce),
    ):
        if claims.get(name, "") != expected:
            raise TokenInvalidError(check, f"the statement's {name} is not what was asked for")
    account, tier, policy, entry = said = tuple(claims.get(name) for name in ("sub", "tier", "policy", "jti"))
    if not all(isinstance(one, str) for one in said) or tier not in _TIERS:
        raise TokenInvalidError(Check.STRUCTURE, "the statement does not say which account has which tier")
    ends = claims["exp"]
    assert isinstance(ends, int | float)
    return Assured(str(account), Tier(str(tier)), str(policy), str(entry), moment(int(ends * 1000)))


_TIERS: Final = frozenset(map(str, Tier)) - {Tier.NONE}
