"""Setting Vault up: mounts, keys, the claim certificate, the service's policy and how it logs in.

Rules
- Repeatable: what stands as wanted is left alone, keys above all; a second run makes only a fresh secret-id (or token).
- A claim certificate is issued when the newest key version has none, or an ended one.
- The service logs in as a role with one policy, the one readable in deploy/vault/sigillo-service.hcl. Its secret-id is
  handed over wrapped: who carries it cannot read it unnoticed. What this needs itself is sigillo-bootstrap.hcl beside
  it.
- A plain token is made only where one is asked for: an orphan, which outlives the operator's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from keys.approle import AUTH_MOUNT, ROLE, SECRET_ID_PATH
from keys.certificates import (
    AUTHORITY_DAYS,
    DOCUMENT_SIGNING,
    LEAF_DAYS,
    LEAF_NAME,
    ORGANIZATION,
    subject_name,
)
from keys.clock import Clock, system_clock
from keys.errors import KeyNotFoundError, KeyStoreForbiddenError
from keys.signer import KeyRef, Purpose
from keys.vault import Vault, Wrapped
from keys.vault_signer import SIGNING_MOUNT, signing_versions
from keys.vault_store import EPOCHS_MOUNT, ISSUER_MOUNT, ROOT_MOUNT

SERVICE: Final = "sigillo-service"
"""Name of the policy and of the token role."""

CLAIM_ROLE: Final = "sigillo-claim"
TOKEN_PERIOD_SECONDS: Final = 768 * 3600
"""32 days, Vault's usual limit: a plain token not renewed within it ends."""

WRAP_SECONDS: Final = 3600
"""How long a secret-id waits to be unwrapped."""

_HOUR: Final = 3600
_DAY: Final = 24 * _HOUR
_AUTHORITY: Final = {"ttl": f"{AUTHORITY_DAYS * 24}h", "organization": ORGANIZATION}
_EC_KEY: Final = {"key_type": "ec", "key_bits": 256}
_MOUNTS: Final[Mapping[str, Mapping[str, Any]]] = {
    SIGNING_MOUNT: {"type": "transit"},
    EPOCHS_MOUNT: {"type": "transit"},
    ROOT_MOUNT: {"type": "pki", "config": {"max_lease_ttl": f"{AUTHORITY_DAYS * 24}h"}},
    ISSUER_MOUNT: {"type": "pki", "config": {"max_lease_ttl": f"{AUTHORITY_DAYS * 24}h"}},
}
_CLAIM_PROFILE: Final[Mapping[str, Any]] = {
    # Values in the form in which Vault gives them back, so that they can be compared.
    "allow_any_name": True,
    "enforce_hostnames": False,
    "cn_validations": ["disabled"],
    "server_flag": False,
    "client_flag": False,
    "email_protection_flag": True,
    "ext_key_usage_oids": [DOCUMENT_SIGNING.dotted_string],
    "key_usage": ["DigitalSignature"],
    "basic_constraints_valid_for_non_ca": True,
    "use_csr_common_name": True,
    "use_csr_sans": False,
    "organization": [ORGANIZATION],
    "key_type": "any",
    "max_ttl": LEAF_DAYS * _DAY,
}
_REVOCATION_LIST: Final[Mapping[str, Any]] = {
    # Made anew by itself half-way: a list that lapses would keep us from signing.
    "auto_rebuild": True,
    "expiry": "72h",
    "auto_rebuild_grace_period": "36h",
}
_TOKEN_ROLE: Final[Mapping[str, Any]] = {
    "allowed_policies": [SERVICE],
    "orphan": True,
    "token_no_default_policy": True,
    "token_period": TOKEN_PERIOD_SECONDS,
}
_LOGIN_ROLE: Final[Mapping[str, Any]] = {
    "bind_secret_id": True,
    # Its uses are not counted: a restart is one, and who stole it needs but one (docs/adr/0005).
    "secret_id_ttl": LEAF_DAYS * _DAY,
    "token_policies": [SERVICE],
    "token_no_default_policy": True,
    "token_ttl": _HOUR,
    "token_max_ttl": _DAY,
}
_LOGIN_MOUNT: Final[Mapping[str, Any]] = {
    "type": "approle",
    "config": {"max_lease_ttl": f"{LEAF_DAYS * 24}h"},
}
_NO_LOCKOUT: Final[Mapping[str, Any]] = {"user_lockout_config": {"lockout_disable": True}}
"""A secret-id cannot be guessed. With lockout, five bad logins by anyone who knows the role id would shut us out."""


@dataclass(frozen=True)
class BootstrapReport:
    """What a run of the bootstrap did."""

    made: tuple[str, ...]
    """Vault paths made or changed; empty when everything stood."""

    claim: KeyRef
    """The claim key version that signs now."""

    role_id: str
    secret_id: Wrapped
    """For the service's settings; to be unwrapped within WRAP_SECONDS. The accessor destroys the secret-id."""

    service_token: str = field(repr=False)
    """Where it was asked for: shown once, lasts TOKEN_PERIOD_SECONDS unless renewed."""


def bootstrap(vault: Vault, clock: Clock = system_clock, *, plain_token: bool = False) -> BootstrapReport:
    """Set up a Vault that is unsealed, with a token that may (deploy/vault/sigillo-bootstrap.hcl).

    Raises KeyStoreUnavailableError, CertificateMismatchError.
    """
    try:
        return _set_up(_Run(vault), clock, plain_token=plain_token)
    except KeyStoreForbiddenError as error:
        raise KeyStoreForbiddenError(
            f"Vault at {vault.url} refuses this token: the bootstrap needs an administrator's, one that has what "
            "deploy/vault/sigillo-bootstrap.hcl lists"
        ) from error


def _set_up(run: _Run, clock: Clock, *, plain_token: bool) -> BootstrapReport:
    run.mounts()
    run.settle(f"{SIGNING_MOUNT}/keys/{Purpose.CLAIM.key_name}", {"type": "ecdsa-p256"})
    run.settle(f"{SIGNING_MOUNT}/keys/{Purpose.LOG.key_name}", {"type": "ed25519"})
    run.authorities()
    run.settle(f"{ISSUER_MOUNT}/roles/{CLAIM_ROLE}", _CLAIM_PROFILE)
    run.settle(f"{ISSUER_MOUNT}/config/crl", _REVOCATION_LIST)
    claim = run.certificate(clock)
    run.settle(f"sys/policies/acl/{SERVICE}", {"policy": service_policy()})
    role_id, secret_id = run.login()
    token = run.plain_token() if plain_token else ""
    return BootstrapReport(tuple(run.made), claim, role_id, secret_id, token)


def service_policy() -> str:
    """The least the service needs, in HCL. (The package's file is a link to the one in deploy/vault.)"""
    return (files("keys") / f"{SERVICE}.hcl").read_text(encoding="utf-8")


class _Run:
    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self.made: list[str] = []

    def settle(self, path: str, wanted: Mapping[str, Any]) -> None:
        """Write `wanted` unless it stands there already."""
        standing = (self._vault.read(path) or {"data": {}})["data"]
        if any(standing.get(name) != value for name, value in wanted.items()):
            self._make(path, wanted)

    def mounts(self) -> None:
        standing = (self._vault.read("sys/mounts") or {"data": {}})["data"]
        for mount, wanted in _MOUNTS.items():
            if f"{mount}/" not in standing:
                self._make(f"sys/mounts/{mount}", wanted)

    def login(self) -> tuple[str, Wrapped]:
        """The AppRole that the service logs in as: its id, and a new secret-id."""
        if f"{AUTH_MOUNT}/".removeprefix("auth/") not in self._read("sys/auth"):
            self._make(f"sys/{AUTH_MOUNT}", _LOGIN_MOUNT)
            self._make(f"sys/{AUTH_MOUNT}/tune", _NO_LOCKOUT)
        role = f"{AUTH_MOUNT}/role/{ROLE}"
        self.settle(role, _LOGIN_ROLE)
        return self._read(f"{role}/role-id")["role_id"], self._vault.wrap(SECRET_ID_PATH, {}, WRAP_SECONDS)

    def plain_token(self) -> str:
        self.settle(f"auth/token/roles/{SERVICE}", _TOKEN_ROLE)
        answer = self._vault.write(f"auth/token/create/{SERVICE}", {"policies": [SERVICE]})
        token: str = answer["auth"]["client_token"]
        return token

    def authorities(self) -> None:
        """The root, and the intermediate under it."""
        if self._vault.list(f"{ROOT_MOUNT}/issuers") is None:
            name = {"common_name": f"{ORGANIZATION} root"}
            self._make(f"{ROOT_MOUNT}/root/generate/internal", {**name, **_AUTHORITY, **_EC_KEY})
        if self._vault.list(f"{ISSUER_MOUNT}/issuers") is None:
            name = {"common_name": f"{ORGANIZATION} intermediate"}
            request = self._make(f"{ISSUER_MOUNT}/intermediate/generate/internal", {**name, **_EC_KEY})
            data = {**name, **_AUTHORITY, "csr": request["csr"], "max_path_length": 0}
            signed = self._make(f"{ROOT_MOUNT}/root/sign-intermediate", data)
            self._make(f"{ISSUER_MOUNT}/intermediate/set-signed", {"certificate": signed["certificate"]})

    def certificate(self, clock: Clock) -> KeyRef:
        """Certify the newest claim key version, unless it is certified and not ended."""
        number = self._read(f"{SIGNING_MOUNT}/keys/{Purpose.CLAIM.key_name}")["latest_version"]
        signer = signing_versions(self._vault, Purpose.CLAIM).get(number)
        if signer is None or signer.ends is None or signer.ends <= clock():
            self._certify(number)
        return KeyRef(Purpose.CLAIM.key_name, number)

    def _certify(self, version: int) -> None:
        path = f"{SIGNING_MOUNT}/keys/{Purpose.CLAIM.key_name}"
        request = self._make(f"{path}/csr", {"csr": _template_request(), "version": version})["csr"]
        data = {
            "csr": request,
            "common_name": LEAF_NAME,
            "exclude_cn_from_sans": True,
            "ttl": f"{LEAF_DAYS}d",
        }
        leaf = self._make(f"{ISSUER_MOUNT}/sign/{CLAIM_ROLE}", data)["certificate"]
        issuer = self._read(f"{ISSUER_MOUNT}/cert/ca")["certificate"]
        chain = f"{leaf.strip()}\n{issuer.strip()}\n"
        self._make(f"{path}/set-certificate", {"certificate_chain": chain, "version": version})

    def _make(self, path: str, data: Mapping[str, Any]) -> dict[str, Any]:
        answer = self._vault.write(path, data)
        self.made.append(path)
        return answer.get("data") or {}

    def _read(self, path: str) -> dict[str, Any]:
        answer = self._vault.read(path)
        if answer is None:
            raise KeyNotFoundError(f"Vault has nothing at {path}, which was just made: run the bootstrap again")
        data: dict[str, Any] = answer["data"]
        return data


def _template_request() -> str:
    """A CSR: transit keeps the subject and replaces the key. With extensions it comes out malformed."""
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(subject_name(LEAF_NAME)).sign(key, SHA256())
    return request.public_bytes(Encoding.PEM).decode("ascii")
