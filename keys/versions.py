"""The versions of a claim key, and which of them signs.

    made ── waits for its certificate ──▶ certified ──▶ retired

Rules
- A certificate that does not fit its version (set by hand, for ours are checked before) stops signing until there is
  another: an older version does not take its place by itself.
- The current version is the newest that has its certificate and is not retired, of whichever algorithm. So a version
  that waits changes nothing, and the switch is the moment its certificate is there.
- A retired version never signs again, nor do those made before it under the same name.
- What a version signed verifies for ever: the chain is in the file, its root among the store's anchors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Self

from keys import issuer_keys
from keys.chain import RENEWAL, Period, check_chain, leaf_digest, rfc3339
from keys.errors import CertificateMismatchError, CertificateUnfitError, KeyNotFoundError, KeyStoreUnavailableError
from keys.issuer_keys import IssuerVersion
from keys.signer import CLAIM_PURPOSES, Algorithm, KeyRef, KeyStore, KeyStoreStatus, VersionStatus

WARNING_TIME: Final = timedelta(days=30)
ALARM_TIME: Final = timedelta(days=7)
"""How long before its certificate ends a key is spoken of, and loudly."""


class State(StrEnum):
    """Where a version is in its life."""

    WAITING = "waiting"
    CERTIFIED = "certified"
    CURRENT = "current"
    UNFIT = "unfit"
    RETIRED = "retired"


@dataclass(frozen=True)
class Version:
    """One version of a signing key: its public part, and what it may still do."""

    ref: KeyRef
    algorithm: Algorithm
    public_key: bytes
    """DER SubjectPublicKeyInfo; empty where a version was retired before anybody certified it."""

    chain: str = ""
    """PEM, leaf first; empty while it waits."""

    period: Period | None = None
    """When the chain is good; None without one, or where it is of no use."""

    retired: bool = False
    fault: str = ""
    """Why the chain is of no use."""

    @classmethod
    def of(cls, ref: KeyRef, algorithm: Algorithm, public_key: bytes, chain: str, *, retired: bool) -> Self:
        """As its store has it."""
        try:
            period, fault = check_chain(chain, public_key) if chain else None, ""
        except CertificateMismatchError as error:
            period, fault = None, str(error)
        return cls(ref, algorithm, public_key, chain, period, retired, fault)

    @property
    def may_sign(self) -> bool:
        """Certified and not retired; whether the certificate is good just now, its period tells."""
        return self.period is not None and not self.retired

    @property
    def certificate(self) -> str:
        """SHA-256 of its certificate, hex; empty without one."""
        return leaf_digest(self.chain)


def current(versions: Sequence[Version]) -> Version | None:
    """The version that signs, if its certificate lets it, of versions in the order they were made."""
    return next((version for version in reversed(versions) if version.chain and not version.retired), None)


def in_force(versions: Sequence[Version]) -> Version:
    """The same. Raises KeyNotFoundError, with what to do."""
    found = current(versions)
    if found is not None:
        return found
    if any(not version.retired for version in versions):
        raise KeyNotFoundError(
            "no version of the claim key has a certificate: run `sigillo keys csr`, have an outside CA sign it, then "
            "run `sigillo keys install-chain`"
        )
    raise KeyNotFoundError(
        "there is no claim key: with Vault run the bootstrap, or make one (`sigillo keys rotate`; for claims over "
        "content that is not seen, with --unseen)"
    )


def find(versions: Sequence[Version], ref: KeyRef) -> Version:
    """One of them. Raises KeyNotFoundError."""
    found = next((version for version in versions if version.ref == ref), None)
    if found is None:
        raise KeyNotFoundError(f"there is no {ref}: `sigillo keys status` lists the versions")
    return found


def chosen(versions: Sequence[Version], ref: KeyRef | None, now: datetime) -> Version:
    """The named version, or with none the current one, once it is seen that it may sign now.

    Raises KeyNotFoundError, CertificateUnfitError, CertificateExpiredError, CertificateNotYetValidError.
    """
    found = find(versions, ref) if ref else in_force(versions)
    if found.fault and not found.retired:
        raise CertificateUnfitError(
            f"the certificate that was set for {found.ref} is of no use: {found.fault}; {RENEWAL}"
        )
    if found.period is None or not found.may_sign:
        raise KeyNotFoundError(f"{found.ref} is {state(found, versions)} and signs nothing")
    found.period.require(now)
    return found


def chains(versions: Sequence[Version]) -> dict[KeyRef, str]:
    """The chain (PEM) of every version that has one of use, ended and retired ones too."""
    return {version.ref: version.chain for version in versions if version.period}


def state(version: Version, among: Sequence[Version]) -> State:
    """Where one of these versions is in its life."""
    if version.retired:
        return State.RETIRED
    if version.fault:
        return State.UNFIT
    if not version.may_sign:
        return State.WAITING
    return State.CURRENT if version == current(among) else State.CERTIFIED


def described(version: Version, among: Sequence[Version]) -> VersionStatus:
    """One of these versions, for people and programs."""
    ends = rfc3339(version.period.ends) if version.period else ""
    return VersionStatus(str(version.ref), version.algorithm, state(version, among), ends)


def status(
    kind: str,
    lines: Sequence[Sequence[Version]],
    log: KeyRef,
    now: datetime,
    exposed: Sequence[str] = (),
    issuer: Sequence[IssuerVersion] = (),
) -> KeyStoreStatus:
    """How a store with these claim and issuer versions is: a line of versions for each of CLAIM_PURPOSES. `exposed`
    names keys that their store would give away.
    """
    reason, warnings = "", [EXPOSED.format(", ".join(exposed))] if exposed else []
    versions, *others = lines
    found = current(versions)
    try:
        period = chosen(versions, None, now).period
        assert period is not None
        warnings.append(expiry_warning(period, now))
    except (KeyNotFoundError, KeyStoreUnavailableError) as error:
        reason = str(error)
    warnings += [_warning_of_unseen(line, now) for line in others]
    if missing := issuer_keys.missing(issuer):
        warnings.append(missing)
    return KeyStoreStatus(
        kind,
        ready=not reason,
        reason=reason,
        keys=(*((found.ref,) if found else ()), log),
        certificate_expires=rfc3339(found.period.ends) if found and found.period else "",
        warning="; ".join(filter(None, warnings)),
        versions=tuple(described(version, versions) for version in versions),
        unseen_versions=tuple(described(version, line) for line in others for version in line),
        issuer=issuer_keys.described(issuer),
    )


def _warning_of_unseen(versions: Sequence[Version], now: datetime) -> str:
    """What to say of the key for unseen claims; without it the rest goes on."""
    try:
        period = chosen(versions, None, now).period
    except (KeyNotFoundError, KeyStoreUnavailableError) as error:
        return f"claims over content that is not seen cannot be signed: {error}"
    assert period is not None
    return expiry_warning(period, now)


def claim_versions(keys: KeyStore) -> tuple[Version, ...]:
    """Of all claim keys. Raises KeyStoreUnavailableError."""
    return tuple(version for purpose in CLAIM_PURPOSES for version in keys.versions(purpose))


EXPOSED: Final = (
    "ALARM: Vault would give away {}: an administrator made it exportable or open to plaintext backup, which Vault "
    "cannot undo; read its audit log for who did and who took it, and see docs/operations.md"
)


def expiry_warning(period: Period, now: datetime) -> str:
    """What to say of a certificate that ends soon; empty for another."""
    left = period.ends - now
    if left > WARNING_TIME:
        return ""
    alarm = "ALARM: " if left <= ALARM_TIME else ""
    return f"{alarm}the claim certificate ends in {left.days} days, at {rfc3339(period.ends)}: {RENEWAL}"
