"""How a deployment is, for its operator: keys, witnesses, the index, work under way, room."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Self

from pydantic import BaseModel

from cases.likeness.retroactive import UnderWay
from detection.generations.generations import GenerationStatus
from detection.templates.renewing import RenewalStatus
from keys.signer import KeyStoreStatus
from ledger.forgetting.rewrapping import RewrappingStatus
from ledger.ids import moment
from ledger.storage.usage import Usage
from ledger.witnessing.witnesses import Standing, Witnesses


class VersionView(BaseModel):
    """One version of a key that signs."""

    key: str
    """Such as `sigillo-claim@2`."""

    algorithm: str
    """Empty for the issuer's, whose name says it."""

    state: str
    certificate_expires: datetime | None
    """Null for keys without a certificate."""


class KeysView(BaseModel):
    """What signs, with which version, until when."""

    store: str
    """`embedded` or `vault`."""

    ready: bool
    reason: str
    warning: str
    versions: list[VersionView]
    """Of the claim keys, then of the issuer's, of each in the order they were made."""

    log_key: str
    """Checkpoints are signed with it: it has no certificate, and does not end."""

    @classmethod
    def of(cls, status: KeyStoreStatus, log_key: str) -> Self:
        """The view of a status."""
        claims = [
            VersionView(
                key=one.key,
                algorithm=one.algorithm,
                state=one.state,
                certificate_expires=_moment(one.certificate_expires),
            )
            for one in (*status.versions, *status.unseen_versions)
        ]
        issuer = [
            VersionView(key=one.key, algorithm="", state=one.state, certificate_expires=None) for one in status.issuer
        ]
        return cls(
            store=status.kind,
            ready=status.ready,
            reason=status.reason,
            warning=status.warning,
            versions=[*claims, *issuer],
            log_key=log_key,
        )


class WitnessView(BaseModel):
    """How one witness does."""

    name: str
    size: int
    """Of the largest tree that it cosigned."""

    time: datetime | None
    """When, by its own clock; null for never."""

    fault: str
    """Why the last attempt failed; empty when it did not."""

    objects: bool
    """Whether it saw another history of this log: then nothing is signed."""

    @classmethod
    def of(cls, one: Standing) -> Self:
        """The view of a standing."""
        return cls(
            name=one.key.name,
            size=one.size,
            time=datetime.fromtimestamp(one.time, UTC) if one.time else None,
            fault=one.error,
            objects=one.objection is not None,
        )


class WitnessesView(BaseModel):
    """Who witnesses the log."""

    quorum: int
    """How many must have cosigned a checkpoint that receipts are made under; 0 for none."""

    waits: bool
    """Whether nothing is proven without them."""

    witnesses: list[WitnessView]

    @classmethod
    def of(cls, witnesses: Witnesses) -> Self:
        """The view of a log's witnesses."""
        policy = witnesses.policy
        return cls(
            quorum=policy.needed, waits=policy.waits, witnesses=[WitnessView.of(one) for one in witnesses.standings()]
        )


class IndexView(BaseModel):
    """What of the caller's tenant is searched, and the last commitment to it."""

    generation: int
    """0 before the first."""

    entry: str | None
    """Of that generation."""

    faces: int
    pictures: int
    owed: int
    """Registrations that left, and are not proved absent yet."""

    @classmethod
    def of(cls, status: GenerationStatus) -> Self:
        """The view of a status."""
        return cls(
            generation=status.number,
            entry=status.entry,
            faces=status.faces,
            pictures=status.pictures,
            owed=status.owed,
        )


class WorkView(BaseModel):
    """What the service does by itself, and how much of it is left."""

    housekeeping: str
    """Why a round of it failed last; empty while they go well."""

    looking_back: int
    """Registrations for which what was kept before is still looked at."""

    media: int
    looked: int
    """Of those media."""

    unchecked: int
    """Uploads that nobody could look at yet."""

    to_rewrap: int
    """Keys of subjects that an ended epoch still wraps."""

    oldest_epoch: datetime | None
    templates: int
    """Of the caller's tenant, still to be made anew under a new rotation key."""

    @classmethod
    def of(
        cls, housekeeping: str, back: UnderWay, unchecked: int, epochs: RewrappingStatus, templates: RenewalStatus
    ) -> Self:
        """The view of all that is under way."""
        return cls(
            housekeeping=housekeeping,
            looking_back=back.registrations,
            media=back.media,
            looked=back.looked,
            unchecked=unchecked,
            to_rewrap=epochs.waiting,
            oldest_epoch=moment(epochs.oldest) if epochs.oldest is not None else None,
            templates=templates.waiting,
        )


class StorageView(BaseModel):
    """Room, in bytes."""

    database: int
    media: int
    """As they were before they were sealed."""

    files: int
    free: int
    """Where media are kept."""

    total: int

    @classmethod
    def of(cls, found: Usage) -> Self:
        """The view of what is used."""
        return cls(database=found.database, media=found.media, files=found.files, free=found.free, total=found.total)


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
