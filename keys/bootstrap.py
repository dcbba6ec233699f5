"""Setting Vault up: mounts, keys, the claim certificate, the service's policy and how it logs in.

Rules
- Repeatable: what stands as wanted is left alone, keys above all; a second run makes only a fresh secret-id (or token).
- A claim certificate is issued when no version of the claim key is in force: what waits for an outside CA stays so.
- Where an outside CA certifies, no authority is made; our mount for roots gets its root when a chain is installed.
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

from keys.approle import AUTH_MOUNT, ROLE, SECRET_ID_PATH
from keys.certificates import AUTHORITY_DAYS, LEAF_DAYS, ORGANIZATION, VAULT_ISSUER
from keys.clock import Clock, system_clock
from keys.errors import CertificateExpiredError, CertificateUnfitError, KeyNotFoundError, KeyStoreForbiddenError
from keys.profile import DOCUMENT_SIGNING
from keys.signer import Algorithm, KeyRef, Purpose
from keys.vault import Vault, Wrapped
from keys.vault_claims import CLAIM_ROLE, VaultClaimKeys
from keys.vault_high_water import MARKS_MOUNT
from keys.vault_issuers import TRANSIT_TYPES
from keys.vault_store import EPOCHS_MOUNT
from keys.vault_versions import ISSUER_MOUNT, KEY_TYPES, ROOT_MOUNT, SIGNING_MOUNT
from keys.versions import chosen, find

SERVICE: Final = "sigillo-service"
"""Name of the policy and of the token role."""

TOKEN_PERIOD_SECONDS: Final = 768 * 3600
"""32 days, Vault's usual limit: a plain token not renewed within it ends."""

WRAP_SECONDS: Final = 3600
"""How long a secret-id waits to be unwrapped."""

_HOUR: Final = 3600
_DAY: Final = 24 * _HOUR
_AUTHORITY: Final = {"ttl": f"{AUTHORITY_DAYS * 24}h", "organization": ORGANIZATION}
_EC_KEY: Final = {"key_type": "ec", "key_bits": 256}
_PKI: Final = {"type": "pki", "config": {"max_lease_ttl": f"{AUTHORITY_DAYS * 24}h"}}
_MOUNTS: Final[Mapping[str, Mapping[str, Any]]] = {
    EPOCHS_MOUNT: {"type": "transit"},
    MARKS_MOUNT: {"type": "kv", "options": {"version": "2"}},
    ROOT_MOUNT: _PKI,
    ISSUER_MOUNT: _PKI,
    # The last, so that one that stands without the issuer's says that an outside CA certifies here.
    SIGNING_MOUNT: {"type": "transit"},
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
    """The claim key version that signs now, or waits for an outside CA's chain."""

    waiting: bool
    """Whether it waits."""

    role_id: str
    secret_id: Wrapped
    """For the service's settings; to be unwrapped within WRAP_SECONDS. The accessor destroys the secret-id."""

    service_token: str = field(repr=False)
    """Where it was asked for: shown once, lasts TOKEN_PERIOD_SECONDS unless renewed."""


def bootstrap(
    vault: Vault,
    clock: Clock = system_clock,
    *,
    algorithm: Algorithm = Algorithm.ES256,
    outside_ca: bool = False,
    plain_token: bool = False,
) -> BootstrapReport:
    """Set up a Vault that is unsealed, with a token that may (deploy/vault/sigillo-bootstrap.hcl). The first claim key
    is for `algorithm`; with `outside_ca`, nobody here certifies it.

    Raises KeyStoreUnavailableError.
    """
    try:
        return _set_up(_Run(vault), clock, algorithm, outside_ca=outside_ca, plain_token=plain_token)
    except KeyStoreForbiddenError as error:
        raise KeyStoreForbiddenError(
            f"Vault at {vault.url} refuses this token: the bootstrap needs an administrator's, one that has what "
            "deploy/vault/sigillo-bootstrap.hcl lists"
        ) from error


def _set_up(run: _Run, clock: Clock, algorithm: Algorithm, *, outside_ca: bool, plain_token: bool) -> BootstrapReport:
    run.mounts(outside_ca=outside_ca)
    run.settle(f"{SIGNING_MOUNT}/keys/{Purpose.LOG.key_name}", {"type": KEY_TYPES[Algorithm.ED25519]})
    for key, kind in TRANSIT_TYPES.items():
        run.settle(f"{SIGNING_MOUNT}/keys/{key}", {"type": kind})
    run.authorities()
    claim, waiting = run.claim_key(Purpose.CLAIM, algorithm, clock)
    run.claim_key(Purpose.CLAIM_UNSEEN, algorithm, clock)
    run.settle(f"sys/policies/acl/{SERVICE}", {"policy": service_policy()})
    role_id, secret_id = run.login()
    token = run.plain_token() if plain_token else ""
    return BootstrapReport(tuple(run.made), claim, waiting, role_id, secret_id, token)


def service_policy() -> str:
    """The least the service needs, in HCL. (The package's file is a link to the one in deploy/vault.)"""
    return (files("keys") / f"{SERVICE}.hcl").read_text(encoding="utf-8")


class _Run:
    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self.made: list[str] = []
        self._certifies = True

    def settle(self, path: str, wanted: Mapping[str, Any]) -> None:
        """Write `wanted` unless it stands there already."""
        standing = (self._vault.read(path) or {"data": {}})["data"]
        if any(standing.get(name) != value for name, value in wanted.items()):
            self._make(path, wanted)

    def mounts(self, *, outside_ca: bool) -> None:
        standing = (self._vault.read("sys/mounts") or {"data": {}})["data"]
        without = {ISSUER_MOUNT} if outside_ca or f"{SIGNING_MOUNT}/" in standing else set()
        for mount, wanted in _MOUNTS.items():
            if f"{mount}/" not in standing and mount not in without:
                self._make(f"sys/mounts/{mount}", wanted)
        self._certifies = f"{ISSUER_MOUNT}/" in standing or ISSUER_MOUNT not in without

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
        """The root, the intermediate under it, and what that may issue; nothing of it where an outside CA certifies."""
        if not self._certifies:
            return
        if self._vault.list(f"{ROOT_MOUNT}/issuers") is None:
            name = {"common_name": f"{ORGANIZATION} root"}
            self._make(f"{ROOT_MOUNT}/root/generate/internal", {**name, **_AUTHORITY, **_EC_KEY})
        if self._vault.list(f"{ISSUER_MOUNT}/issuers") is None:
            name = {"common_name": VAULT_ISSUER}
            request = self._make(f"{ISSUER_MOUNT}/intermediate/generate/internal", {**name, **_EC_KEY})
            data = {**name, **_AUTHORITY, "csr": request["csr"], "max_path_length": 0}
            signed = self._make(f"{ROOT_MOUNT}/root/sign-intermediate", data)
            self._make(f"{ISSUER_MOUNT}/intermediate/set-signed", {"certificate": signed["certificate"]})
        self.settle(f"{ISSUER_MOUNT}/roles/{CLAIM_ROLE}", _CLAIM_PROFILE)
        self.settle(f"{ISSUER_MOUNT}/config/crl", _REVOCATION_LIST)

    def claim_key(self, purpose: Purpose, algorithm: Algorithm, clock: Clock) -> tuple[KeyRef, bool]:
        """The version in force, and that it does not wait. Where none is in force: the newest, certified if we can."""
        claims = VaultClaimKeys(self._vault, clock, purpose)
        if all(version.retired for version in claims.versions()):
            self.made.append(f"{SIGNING_MOUNT}/keys/{claims.make(algorithm).name}")
        versions = claims.versions()
        try:
            return chosen(versions, None, clock()).ref, False
        except (KeyNotFoundError, CertificateExpiredError, CertificateUnfitError):
            newest = next(version.ref for version in reversed(versions) if not version.retired)
        if self._certifies:
            claims.certify(newest)
            self.made.append(f"{SIGNING_MOUNT}/keys/{newest.name}/set-certificate")
        return newest, not find(claims.versions(), newest).may_sign

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
