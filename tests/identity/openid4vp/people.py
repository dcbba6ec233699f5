"""Somebody with documents and a phone: they answer a verifier's request as asked, or in any other way they are told."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from identity.age import PID_VCT
from identity.did.methods import did_key, method_of
from identity.encoding import base64url
from identity.encoding.strict_json import write_json
from identity.issuing.credential_types import AGE_ATTESTATION
from identity.jose.jwk import write_jwk
from identity.mdoc.document import DRIVING_LICENCE, DRIVING_NAMESPACE, PID, PROOF_OF_AGE
from identity.openid4vp.believed import Believed
from identity.openid4vp.request import Request
from identity.openid4vp.session import Asked, Session
from identity.openid4vp.word import Word
from identity.sd_jwt.concealing import Disclosable
from identity.sd_jwt.credential import bind, issue, present
from identity.sd_jwt.key_binding import Binding
from keys.clock import system_entropy
from tests.identity.openid4vp import credentials
from tests.identity.parties import NOW, Party, party
from tests.identity.wallet import AUTHORITY, CERTIFICATE, DEVICE, ISSUER, Authority, answer

LICENCES = Authority("licences")
assert isinstance(ISSUER.private_key, EllipticCurvePrivateKey)
LICENCE_CERTIFICATE = LICENCES.certify(ISSUER.private_key)
ATTESTER = did_key(ISSUER.key)
BELIEVED = Believed(
    {
        Word.PROOF_OF_AGE: [AUTHORITY.anchor],
        Word.PID: [AUTHORITY.anchor],
        Word.DRIVING_LICENCE: [LICENCES.anchor],
    },
    frozenset({ATTESTER, credentials.ISSUER}),
    contexts=credentials.CONTEXTS,
)
BORN = date(1963, 8, 12)


def asked(session: Session) -> Request:
    assert isinstance(session.state, Asked)
    return session.state.request


@dataclass(frozen=True)
class Person:
    """Their documents, made when they are asked for."""

    born: date = BORN
    device: Party = DEVICE
    claims: Mapping[str, object] = field(default_factory=dict)
    """Of the PID, besides."""

    def presentation(self, request: Request, document: str, **changes: Any) -> Any:
        """Of that document, bound to the request."""
        return getattr(self, f"_{document}")(request, **changes)

    def age(self, years: int) -> bool:
        return (NOW.date() - self.born).days >= years * 365.25

    def _mdoc(self, doctype: str, namespace: str, elements: Mapping[str, object], session: bytes, **more: Any) -> str:
        return base64url.encode(answer(doctype, namespace, elements, session, device=self.device, **more))

    def _proof_of_age(self, request: Request, **changes: Any) -> str:
        elements = {f"age_over_{years}": self.age(years) for years in (18, 21)}
        return self._mdoc(PROOF_OF_AGE, PROOF_OF_AGE, elements, request.transcript, **changes)

    def _driving_licence(self, request: Request, **changes: Any) -> str:
        changes = {"chain": (LICENCE_CERTIFICATE,), **changes}
        elements = {"age_over_18": self.age(18), "family_name": "Unmistakable"}
        return self._mdoc(DRIVING_LICENCE, DRIVING_NAMESPACE, elements, request.transcript, **changes)

    def _pid_mdoc(self, request: Request, **changes: Any) -> str:
        return self._mdoc(PID, PID, {"birth_date": self.born}, request.transcript, **changes)

    def attestation(self) -> str:
        """As Sigillo gives it."""
        claims = {
            "vct": AGE_ATTESTATION.vct,
            "iss": ATTESTER,
            "exp": int((NOW + timedelta(days=14)).timestamp()),
            "cnf": {"jwk": write_jwk(self.device.key)},
            **{f"age_over_{years}": Disclosable(self.age(years)) for years in (16, 18)},
        }
        return issue(ISSUER.signer, claims, system_entropy, {"kid": method_of(ATTESTER)})

    def _age_attestation(self, request: Request, shown: tuple[str, ...] = ("age_over_18",), **changes: Any) -> str:
        return self._pid(request, shown, credential=self.attestation(), **changes)

    def _age_credential(self, request: Request, *shown: str, **changes: Any) -> dict[str, Any]:
        """Of Data Integrity: what is shown is an object."""
        claims = {f"age_over_{years}": self.age(years) for years in (16, 18)}
        return credentials.derived(request, claims, *(shown or ("age_over_18",)), **changes)

    def pid(self, **changes: object) -> str:
        """As its issuer gave it."""
        claims = {
            "vct": PID_VCT,
            "exp": int((NOW + timedelta(days=30)).timestamp()),
            "cnf": {"jwk": write_jwk(self.device.key)},
            "birthdate": Disclosable(self.born.isoformat()),
            "family_name": Disclosable("Unmistakable"),
            **self.claims,
            **changes,
        }
        return issue(ISSUER.signer, claims, system_entropy, {"x5c": [b64encode(CERTIFICATE).decode()]})

    def _pid(
        self,
        request: Request,
        shown: tuple[str, ...] = ("birthdate",),
        holder: Party | None = None,
        audience: str = "",
        nonce: str = "",
        credential: str = "",
    ) -> str:
        binding = Binding(audience or request.client_id, nonce or request.nonce)
        chosen = present(credential or self.pid(), [(name,) for name in shown])
        return bind(chosen, (holder or self.device).signer, binding, NOW)


ADULT, CHILD, STRANGER = Person(), Person(date(2012, 3, 4)), party()


def form(request: Request, token: object, **more: str) -> bytes:
    """An answer in clear."""
    text = token if isinstance(token, str) else write_json(token).decode()
    return urlencode({"vp_token": text, "state": request.state, **more}, quote_via=quote).encode()


def plain(session: Session, document: str, person: Person = ADULT, **changes: Any) -> bytes:
    """What the person's wallet posts."""
    request = asked(session)
    return form(request, {document: [person.presentation(request, document, **changes)]})


def self_signed(anchor: x509.Certificate) -> Believed:
    """Believes that authority alone, of ages."""
    return Believed({Word.PROOF_OF_AGE: [anchor]})
