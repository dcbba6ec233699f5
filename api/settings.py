"""Every setting in one typed object, read from `SIGILLO_*` variables; one of them picks the profile.

Rules
- The profile chooses defaults; each part can be set alone.
- What is convenient but insecure (embedded keys, Vault without TLS, a worker without isolation) refuses `server` and
  `cluster`.
- Reading settings touches nothing: no folder is made, no server is asked.
"""

from __future__ import annotations

import os
import re
from datetime import timedelta
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from api.schemas.words import PLACE
from cases.grace import GRACE
from cases.likeness.use import Use
from detection.limits import MAX_UPLOAD_BYTES
from detection.sandbox import MAX_JOBS
from identity.openid4vp.word import Word
from identity.registration.delays import DELAY, UNTOLD
from identity.vc_api.request import MAX_ISSUERS
from ledger.errors import CheckpointError
from ledger.forgetting.schedule import EPOCH_LIFETIME, MIN_EPOCH_LIFETIME
from ledger.stamping.schedule import STAMP_EVERY
from ledger.witnessing.policy import INTERVAL, WitnessPolicy
from ledger.witnessing.witness_client import WitnessAddress
from provenance.time_stamps import ANSWER_SECONDS

DEFAULT_RETENTION = timedelta(days=7)
"""How long uploaded and signed media are kept (docs/privacy.md)."""

POSTGRESQL = ("postgresql:", "postgres:", "postgresql+psycopg:")
DEFAULT_UPLOAD_BYTES = 64 * 1024 * 1024
MAX_WORKERS = 64
MAX_WITNESSES = 15
"""A checkpoint has room for sixteen signatures."""

DEFAULT_ANONYMOUS_RATE = "120/minute"
DEFAULT_LEDGER_RATE = "6000/minute"
DEFAULT_KEY_RATE = "6000/minute"
DEFAULT_OPENING_RATE = "10/hour"
"""A household or an office; whoever wants many accounts for one person needs many networks."""


def _default_workers() -> int:
    """Two more than the cores: while one is between two files, the others keep the cores busy; and whoever sends much
    leaves one to others.
    """
    return min((os.cpu_count() or 1) + 2, MAX_WORKERS)


def _rate(text: str) -> str:
    """A rate as `limits` words it. Raises ValueError."""
    if not re.fullmatch(r"[1-9][0-9]{0,8}/(second|minute|hour|day)", text):
        raise ValueError("write a rate as 120/minute: a number, then second, minute, hour or day")
    return text


def _authority(url: str) -> str:
    """The address of a time-stamp authority. Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
        raise ValueError("write a time-stamp authority as http://tsa.example/path or https://…, without a password")
    return url


def _database(url: SecretStr) -> SecretStr:
    """The address of a database. Raises ValueError, which never shows its password."""
    said = url.get_secret_value()
    if not said:
        return url
    if not said.startswith(("sqlite:", *POSTGRESQL)):
        raise ValueError(
            "write a database as postgresql://user:password@host/name, or as sqlite:////path/to/sigillo.db"
        )
    from sqlalchemy import make_url  # late: a third of what every command imports, and most name no database
    from sqlalchemy.exc import ArgumentError

    try:
        make_url(said)
    except (ArgumentError, ValueError):
        raise ValueError(
            "not an address: postgresql://user:password@host/name, with %-escapes for signs in a password"
        ) from None
    return url


def _responder(url: str) -> str:
    """The address of an OCSP responder; empty for none. Raises ValueError."""
    parts = urlsplit(url)
    if url and (parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None):
        raise ValueError("write an OCSP responder as http://ocsp.example/path or https://…, without a password")
    return url


def _list_source(place: str) -> str:
    """Where a revocation list is. Raises ValueError."""
    parts = urlsplit(place)
    if not place.startswith("/") and (parts.scheme not in {"http", "https"} or not parts.hostname or parts.username):
        raise ValueError("name a revocation list as http://crl.example/ca.crl, https://… or /path/to/file")
    return place


def _public_url(url: str) -> str:
    """Where others reach us, without a path; empty for where we listen. Raises ValueError."""
    if not url:
        return url
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port
    shown = f"[{host}]" if ":" in host else host
    plain = f"{parts.scheme}://{shown}" + (f":{port}" if port is not None else "")
    if url.rstrip("/") != plain or not host or (parts.scheme != "https" and not _is_here(host)):
        raise ValueError(
            "write where others reach this service as https://sigillo.example, in lower case, without a path"
        )
    return plain


def _witness(text: str) -> str:
    """A witness: its key and its address. Raises ValueError."""
    try:
        WitnessAddress.parse(text)
    except CheckpointError as error:
        raise ValueError(str(error)) from error
    return text


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


Rate = Annotated[str, AfterValidator(_rate)]


class Profile(StrEnum):
    """The same code, larger parts (docs/architecture.md)."""

    EMBEDDED = "embedded"
    SERVER = "server"
    CLUSTER = "cluster"


class KeyStoreKind(StrEnum):
    """Where private keys live."""

    EMBEDDED = "embedded"
    VAULT = "vault"


class ParentPolicy(StrEnum):
    """What happens to an upload whose earlier manifest is broken or untrusted."""

    RECORD = "record"
    """Sign, keep it as the parent, and say what is wrong with it."""

    REFUSE = "refuse"
    """Refuse the upload."""


class TimeStampPolicy(StrEnum):
    """What happens to an upload for which no authority gives a time-stamp (ADR 0005)."""

    REFUSE = "refuse"
    """Refuse it for now: it can be sent again."""

    RECORD = "record"
    """Sign without, and say so."""


class Unchecked(StrEnum):
    """What happens to an upload, made or altered, while whom it shows cannot be told."""

    HOLD = "hold"
    """It is held until that can be told."""

    PASS = "pass"  # noqa: S105 -- no password
    """It is given out, and looked at later."""


class Settings(BaseSettings):
    """What an operator may choose. Names here are the variable names, in lower case, without `SIGILLO_`."""

    model_config = SettingsConfigDict(
        env_prefix="SIGILLO_", frozen=True, env_ignore_empty=True, hide_input_in_errors=True
    )

    profile: Profile = Profile.EMBEDDED
    home: Annotated[Path, AfterValidator(Path.absolute)] = Field(default_factory=lambda: Path.home() / ".sigillo")
    """The folder of the embedded parts: database, keys, blobs, logs, socket."""

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    public_url: Annotated[str, AfterValidator(_public_url)] = ""
    """Where others reach this service: what wallets are sent to, and what our did:web is named after. Empty: where it
    listens.
    """

    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    """Only from these is `X-Forwarded-For` believed."""

    registration_rules: Annotated[Path, AfterValidator(Path.absolute)] | None = None
    """Folder with `regions/*.json` and `texts/*.txt`: where faces may be registered and matched, and what people agree
    to. Default: examples that no lawyer has reviewed.
    """

    database: Annotated[SecretStr, AfterValidator(_database)] = SecretStr("")
    """`postgresql://…` or `sqlite:////…`; empty means SQLite in the home folder, in the embedded profile alone."""

    database_owner: Annotated[SecretStr, AfterValidator(_database)] = SecretStr("")
    """The same PostgreSQL database, as the role that owns its tables: it migrates, and grants `database`'s role what
    that needs and no more.
    """

    blobs: Annotated[Path, AfterValidator(Path.absolute)] | None = None
    """Where media are, sealed: a folder that all processes of one database share. Default: in the home folder."""

    keys: KeyStoreKind = KeyStoreKind.EMBEDDED
    passphrase: SecretStr | None = None
    """Opens the embedded key store; without it a key file of mode 0600 does."""

    vault_url: str = ""
    vault_role_id: str = ""
    vault_wrapped_secret_id: SecretStr | None = None
    """The wrapping token of `sigillo keys bootstrap-vault`: unwrapped once, then of no use to anyone."""

    vault_wrapped_secret_id_file: Path | None = None
    """A file with it instead, read again at each login: a new one is taken without a restart."""

    vault_token: SecretStr | None = None
    """A plain token instead of a role."""

    vault_ca: Path | None = None
    """PEM that signs Vault's TLS certificate, where the public authorities do not."""

    log_origin: str = ""
    """The ledger's name in checkpoints; fixed at the first start. Empty: `sigillo.local/<random>`."""

    trust_anchors: Path | None = None
    """PEM file of further roots to trust when validating, beside this deployment's own."""

    known_logs: Path | None = None
    """File of verifier keys of other deployments' logs, one a line: whose custody bundles may be *trusted*."""

    trust_config: Path | None = None
    """File of further extended key usages to accept, one OID a line."""

    tsa_urls: tuple[Annotated[str, AfterValidator(_authority)], ...] = ()
    """RFC 3161 time-stamp authorities, in order of preference. Empty: claims and checkpoints bear no time-stamp."""

    tsa_anchors: Path | None = None
    """PEM file of the roots that time-stamps must chain to; they make no signer trusted."""

    tsa_seconds: float = Field(default=ANSWER_SECONDS, gt=0, le=60)
    """How long each authority has to answer."""

    tsa_policy: TimeStampPolicy = TimeStampPolicy.REFUSE
    stamp_every: timedelta = Field(default=STAMP_EVERY, ge=timedelta(minutes=1))
    """Between two stamps of the ledger's checkpoint while it grows."""

    revocation_lists: tuple[Annotated[str, AfterValidator(_list_source)], ...] = Field(default=(), max_length=4)
    """Further revocation lists (CRLs), addresses or files: of other signers' authorities, or of our own outside CA."""

    revocation_issuers: Path | None = None
    """PEM file of the CA certificates that sign those lists, but for roots we trust and what is in our own chains."""

    ocsp_url: Annotated[str, AfterValidator(_responder)] = ""
    """OCSP responder to ask whether the certificate that signs is revoked."""

    revocation_grace: timedelta = Field(default=GRACE, ge=timedelta(0))
    """How long after its end the last good answer about our certificate still lets us sign."""

    witnesses: tuple[Annotated[str, AfterValidator(_witness)], ...] = Field(default=(), max_length=MAX_WITNESSES)
    """Who cosigns our checkpoints (C2SP tlog-witness): `vkey url` each. Empty: nobody."""

    witness_quorum: int = Field(default=0, ge=0)
    """How many of them must have cosigned a checkpoint that receipts are made under, once there is one."""

    witness_wait: bool = False
    """Show no checkpoint, and call nothing proven, without that quorum."""

    witness_seconds: float = Field(default=INTERVAL, ge=0.1, le=3600)
    """Between two checkpoints that a witness is asked for: it gets the newest, not each."""

    assurance_policy: Annotated[Path, AfterValidator(Path.absolute)] | None = None
    """Which evidence grants which tier (`identity/assurance/policy.json` is the default)."""

    assurance_providers: Annotated[Path, AfterValidator(Path.absolute)] | None = None
    """JSON file, of mode 600, with those who send codes, log people in, and know them."""

    place: str = Field(default="", pattern=PLACE)
    """Where this service matches, and where files are from that do not say: ISO 3166-1 or -2. Where its rules do not
    allow faces to be matched, none is.
    """

    refused_uses: frozenset[Use] = frozenset({Use.SEXUALISED})
    """Uses of people's pictures that are refused to tools whoever is shown (`POST /v1/likeness-checks`)."""

    encoder: Annotated[Path, AfterValidator(Path.absolute)] | None = None
    """Model card (JSON) of an ONNX encoder beside it, by which edited copies of signed pictures are found too
    (`sigillo models`). Default: none.
    """

    likeness_unchecked: Unchecked = Unchecked.HOLD
    parent_policy: ParentPolicy = ParentPolicy.RECORD
    retention: timedelta = Field(default=DEFAULT_RETENTION, gt=timedelta(0))
    recovery_delay: timedelta = Field(default=DELAY, ge=timedelta(days=1), le=UNTOLD)
    """How long a withdrawal by recovery code can be stopped, from when the person was told."""

    epoch_lifetime: timedelta = Field(default=EPOCH_LIFETIME, ge=MIN_EPOCH_LIFETIME, le=EPOCH_LIFETIME)
    """How long a key epoch is open; never so long that the promise of docs/privacy.md could not be kept."""

    upload_bytes: int = Field(default=DEFAULT_UPLOAD_BYTES, ge=1024, le=MAX_UPLOAD_BYTES)
    workers: int = Field(default_factory=_default_workers, ge=1, le=MAX_WORKERS)
    """Sandboxed worker processes in each of the two pools, callers' and strangers'."""

    worker_jobs: int = Field(default=MAX_JOBS, ge=1)
    """Files a worker serves before it is replaced; 1 gives every file a process of its own."""

    anonymous_rate: Rate = DEFAULT_ANONYMOUS_RATE
    ledger_rate: Rate = DEFAULT_LEDGER_RATE
    """For reading the published log, per network: 256 entries a file."""

    key_rate: Rate = DEFAULT_KEY_RATE
    opening_rate: Rate = DEFAULT_OPENING_RATE
    """Accounts that people open for themselves, per network."""

    credential_issuers: tuple[str, ...] = Field(default=(), max_length=MAX_ISSUERS)
    """DIDs of the issuers whose credentials are believed here; any other's are *untrusted*."""

    credential_contexts: Path | None = None
    """JSON file that names the files beside it with further JSON-LD contexts, each by its URL: none is ever fetched."""

    age_anchors: dict[Word, Path] = Field(default_factory=dict)
    """PEM files of the authorities that are believed about ages, by kind of document: `proof_of_age`, `driving_licence`
    and `pid`. Sigillo comes with none.
    """

    fetch_loopback: bool = False
    """Whether DID documents, status lists and identity providers may be on this machine, over plain HTTP: for
    development, in the embedded profile.
    """

    @model_validator(mode="before")
    @classmethod
    def _profile_defaults(cls, values: dict[str, object]) -> dict[str, object]:
        if values.get("profile", Profile.EMBEDDED) != Profile.EMBEDDED:
            values.setdefault("keys", KeyStoreKind.VAULT)
        return values

    @model_validator(mode="after")
    def _vault_can_be_reached(self) -> Self:
        if self.keys is not KeyStoreKind.VAULT:
            return self
        address = urlsplit(self.vault_url)
        if address.scheme not in ("https", "http") or not address.hostname:
            raise ValueError("SIGILLO_KEYS=vault needs SIGILLO_VAULT_URL, as in https://vault.example:8200")
        if (self.vault_token is None) == (not self.vault_role_id):
            raise ValueError("log in to Vault with SIGILLO_VAULT_ROLE_ID or with SIGILLO_VAULT_TOKEN: one of the two")
        if self.vault_wrapped_secret_id and self.vault_wrapped_secret_id_file:
            raise ValueError("give SIGILLO_VAULT_WRAPPED_SECRET_ID or the file with it, not both")
        return self

    @model_validator(mode="after")
    def _insecure_stays_embedded(self) -> Self:
        if self.profile is Profile.EMBEDDED:
            return self
        if self.vault_in_clear:
            raise ValueError(
                f"{self.vault_url} would carry our token and the keys of epochs in clear: the {self.profile} profile "
                "needs an https:// address in SIGILLO_VAULT_URL (SIGILLO_VAULT_CA names its authority)"
            )
        if self.keys is KeyStoreKind.EMBEDDED:
            raise ValueError(
                f"embedded keys and their development CA are for one machine; the {self.profile} profile "
                "needs SIGILLO_KEYS=vault with SIGILLO_VAULT_URL and SIGILLO_VAULT_ROLE_ID"
            )
        if self.public_url.startswith("http:"):
            raise ValueError(
                f"{self.public_url} is no address that others reach this service at: the {self.profile} profile needs "
                "https:// in SIGILLO_PUBLIC_URL"
            )
        if self.fetch_loopback:
            raise ValueError(
                "SIGILLO_FETCH_LOOPBACK would let a stranger's document make us ask services of this machine: it is "
                f"for development, and the {self.profile} profile does without"
            )
        if not self.database.get_secret_value():
            raise ValueError(
                f"the {self.profile} profile wants PostgreSQL: SIGILLO_DATABASE=postgresql://user:password@host/name "
                "(or sqlite:////path/to/sigillo.db, for one process)"
            )
        return self

    @model_validator(mode="after")
    def _owner_goes_with_postgresql(self) -> Self:
        if self.database_owner.get_secret_value().startswith("sqlite:") or (
            self.database_owner.get_secret_value() and not self.on_postgresql
        ):
            raise ValueError("SIGILLO_DATABASE_OWNER goes with PostgreSQL in SIGILLO_DATABASE: SQLite has no roles")
        return self

    @model_validator(mode="after")
    def _time_stamps_have_roots(self) -> Self:
        if self.tsa_urls and not self.tsa_anchors:
            raise ValueError(
                "SIGILLO_TSA_URLS needs SIGILLO_TSA_ANCHORS: a PEM file with the roots of those authorities"
            )
        return self

    @model_validator(mode="after")
    def _quorum_can_be_had(self) -> Self:
        if self.witness_wait and not self.witness_quorum:
            raise ValueError("SIGILLO_WITNESS_WAIT needs SIGILLO_WITNESS_QUORUM: how many witnesses to wait for")
        try:
            _ = self.witness_policy
        except CheckpointError as error:
            raise ValueError(f"SIGILLO_WITNESSES, SIGILLO_WITNESS_QUORUM: {error}") from error
        return self

    @property
    def origin(self) -> str:
        """Where others reach this service: scheme, host and port, without a slash at its end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.public_url or f"http://{host}:{self.port}"

    @property
    def in_clear(self) -> bool:
        """Whether what people send us crosses a network without TLS."""
        parts = urlsplit(self.origin)
        return parts.scheme == "http" and not _is_here(parts.hostname or "")

    @property
    def witness_policy(self) -> WitnessPolicy:
        """Who witnesses the log, and what waits for them."""
        addresses = tuple(map(WitnessAddress.parse, self.witnesses))
        return WitnessPolicy(addresses, self.witness_quorum, self.witness_wait, self.witness_seconds)

    @property
    def vault_in_clear(self) -> bool:
        """Whether what is said to Vault crosses a network without TLS."""
        address = urlsplit(self.vault_url)
        return self.keys is KeyStoreKind.VAULT and address.scheme == "http" and not _is_here(address.hostname or "")

    @property
    def database_url(self) -> str:
        """The URL in force, its password in clear."""
        return self.database.get_secret_value() or f"sqlite:///{self.home / 'sigillo.db'}"

    @property
    def on_postgresql(self) -> bool:
        """Whether other processes may share the database."""
        return self.database.get_secret_value().startswith(POSTGRESQL)
