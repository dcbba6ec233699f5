"""A credential issuer over a real ledger, and a wallet that can be told to misbehave."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from sqlalchemy import Connection, insert

from identity.encoding import base64url
from identity.encoding.strict_json import write_json
from identity.errors import CredentialRefusedError
from identity.issuing.issue import Issued
from identity.issuing.issued import CredentialId
from identity.issuing.orders import Order, TypedOrder
from identity.jose.jwk import write_jwk
from identity.jose.jws import sign_jws
from identity.openid4vci.authorization import read_request
from identity.openid4vci.configuration import configurations
from identity.openid4vci.credential import Credentials, Within
from identity.openid4vci.credential_issuer import CredentialIssuer, MadeOffer
from identity.openid4vci.nonce import Nonces
from identity.openid4vci.offers import Maker, Offers, Stage
from identity.openid4vci.parameters import read_parameters
from identity.openid4vci.pushed import PushedRequests
from identity.openid4vci.token import AUTHORISED, PRE_AUTHORISED
from identity.sd_jwt.concealing import Disclosable
from identity.sd_jwt.credential import issue
from keys.clock import system_entropy
from ledger.ids import PrincipalId, TenantId
from ledger.payload import Draft
from tests.identity.parties import Party, party
from tests.ledger.world import NOTES, POLICY, NoteWritten, World

ISSUER = "https://issuer.example"
BOUND, BEARER = "AgeAttestation.sd-jwt", "AgeAttestation.bbs"
CLAIMS = {"age_over_18": True}
MAKER_KEY = "key_maker"
REDIRECT = "wallet.example:/back?kept=1"
CLIENT = "wallet.example"
VERIFIER = "v" * 43
KEYS = tuple(party() for _ in range(3))


@dataclass
class Mint:
    """Issues with the SD-JWT library, one entry for each credential."""

    world: World
    signer: Party = field(default_factory=party)
    broken: Exception | None = None
    before: Callable[[], None] = lambda: None
    """Runs before the unit of work begins."""

    def issue(
        self, tenant: TenantId, principal: PrincipalId, orders: Sequence[Order], within: Within
    ) -> Sequence[Issued]:
        ledger = self.world.ledger
        subject = ledger.subjects.system(tenant)
        drafts = [ledger.draft("note.written", POLICY, principal, subject, NoteWritten("issued")) for _ in orders]
        credentials = [self._credential(order) for order in orders]
        self.before()

        def work(connection: Connection) -> Sequence[Draft]:
            within(connection, [])
            for draft in drafts:
                connection.execute(insert(NOTES), {"tenant_id": tenant, "id": draft.id, "text": "issued"})
            if self.broken:
                raise self.broken
            return drafts

        ledger.record(work, tenant)
        return [
            Issued(CredentialId("crd_here"), credential, draft.id)
            for credential, draft in zip(credentials, drafts, strict=True)
        ]

    def _credential(self, order: Order) -> str:
        assert isinstance(order, TypedOrder)
        shown = {name: Disclosable(value) for name, value in order.claims.items()}
        bound = {"cnf": {"jwk": write_jwk(order.holder)}} if order.holder else {}
        ends = int((self.world.clock() + timedelta(days=1)).timestamp())
        return issue(self.signer.signer, {"vct": "urn:age", "exp": ends, **bound, **shown}, system_entropy)


@dataclass
class Desk:
    """The issuer's side."""

    world: World
    tenant: TenantId
    mint: Mint
    issuer: CredentialIssuer
    revoked: bool = False

    @classmethod
    def over(cls, world: World) -> Desk:
        """On a world that runs."""
        clock, tenant, mint = world.clock, world.ledger.create_tenant("platform"), Mint(world)
        offers = Offers(world.database, clock, system_entropy)
        nonces = Nonces(world.database, lambda: b"k" * 32, clock, system_entropy)
        desk: Desk

        def permitted(_connection: Connection, _maker: Maker) -> None:
            if desk.revoked:
                raise CredentialRefusedError("the key is revoked")

        credentials = Credentials(ISSUER, configurations(ISSUER), offers, nonces, mint, permitted, clock)
        pushed = PushedRequests(lambda: b"p" * 32, clock, system_entropy)
        desk = cls(world, tenant, mint, CredentialIssuer(offers, credentials, pushed))
        return desk

    @property
    def maker(self) -> Maker:
        return Maker(self.tenant, PrincipalId("prn_platform"), MAKER_KEY)

    def offer(self, stage: Stage = Stage.OFFERED, configuration: str = BOUND, *, typed: bool = False) -> MadeOffer:
        return self.issuer.offer(self.maker, configuration, CLAIMS, stage, typed=typed or stage is Stage.INVITED)

    def entries(self) -> int:
        return self.world.ledger.status().committed

    def wait_for(self, entries: int) -> None:
        """On PostgreSQL an entry has its place a moment after it is durable."""
        deadline = time.monotonic() + 30
        while self.entries() < entries:
            assert time.monotonic() < deadline
            time.sleep(0.01)


@dataclass
class Wallet:
    """The other side."""

    desk: Desk

    def token(self, made: MadeOffer, /, **changed: str) -> dict[str, Any]:
        """An access token for a pre-authorised code."""
        asked = {"grant_type": PRE_AUTHORISED, "pre-authorized_code": made.link.code}
        typed = {"tx_code": made.link.contents.typed} if made.link.contents.typed else {}
        return self.exchange({**asked, **typed, **changed})

    def exchange(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        return self.desk.issuer.tokens.exchange(read_parameters(urlencode(parameters)))

    def ask(self, made: MadeOffer, **changed: str) -> dict[str, str]:
        """The parameters of an authorisation request."""
        challenge = base64url.encode(hashlib.sha256(VERIFIER.encode()).digest())
        return {
            "response_type": "code",
            "client_id": CLIENT,
            "redirect_uri": REDIRECT,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "scope": made.link.contents.configuration,
            "issuer_state": made.link.code,
            "state": "a state",
            **changed,
        }

    def authorise(self, made: MadeOffer, login_code: str = "", **changed: str) -> dict[str, str]:
        """What the person's browser brings back to the wallet."""
        request = read_request(read_parameters(urlencode(self.ask(made, **changed))))
        back = self.desk.issuer.authorizations.authorise(request, login_code or made.link.contents.typed)
        assert back.startswith(REDIRECT)
        return {name: value for name, (value,) in parse_qs(urlsplit(back).query).items()}

    def authorised_token(self, code: str, /, **changed: str) -> dict[str, Any]:
        asked = {"grant_type": AUTHORISED, "code": code, "redirect_uri": REDIRECT, "client_id": CLIENT}
        return self.exchange({**asked, "code_verifier": VERIFIER, **changed})

    def nonce(self) -> str:
        return self.desk.issuer.credentials.nonces.fresh()

    def proof(
        self,
        nonce: object,
        key: Party = KEYS[0],
        header: Mapping[str, object] | None = None,
        **changed: object,
    ) -> str:
        """A proof; a member that is None is left out."""
        said = {"aud": ISSUER, "iat": int(self.desk.world.clock().timestamp()), "nonce": nonce, **changed}
        members = {"typ": "openid4vci-proof+jwt", "jwk": write_jwk(key.key), **(header or {})}
        left = [{name: value for name, value in part.items() if value is not None} for part in (members, said)]
        return sign_jws(key.signer, *left)

    def request(self, *proofs: str, configuration: str = BOUND, **changed: object) -> bytes:
        held = {"proofs": {"jwt": list(proofs)}} if proofs else {}
        return write_json({"credential_configuration_id": configuration, **held, **changed})

    def redeem(self, token: Mapping[str, Any], body: bytes = b"") -> list[str]:
        """The credentials."""
        body = body or self.request(self.proof(self.nonce()))
        answer: dict[str, Any] = self.desk.issuer.credentials.issue(token["access_token"], body)
        return [one["credential"] for one in answer["credentials"]]
