"""Everything that can go wrong in this package.

LedgerError
├── DatabaseUnavailableError        full, locked or failing; nothing was committed; try again later
│   ├── RowsContendedError              others held what it needed for long
│   └── OutcomeUnknownError             the connection was lost at a commit, and nobody can be asked yet
├── SchemaTooNewError               a newer version of the service wrote this database
├── NestedWriteError                a write was begun inside a write
├── SessionRefusedError             a statement that its session may not run
│   └── TenantPredicateMissingError     a tenant's table without its tenant's predicate
├── CanonicalFormError              a value without an RFC 8785 form in our subset
├── EntryMalformedError             bytes that are not exactly one public entry
├── DraftRefusedError               a draft whose kind, payload, tenant or policy is not acceptable
├── LogBusyError                    too much is waiting; try again
├── LogClosedError                  the log is not running
├── EntryNotFoundError              no such entry, or not this tenant's
├── NotProvenError                  durable, but no checkpoint covers it yet
├── ProofError                      a Merkle proof that does not hold
├── CheckpointError                 a signed note that is malformed, foreign or not signed by the log's key
│   └── CosignatureError            a witness's signature that does not verify, or too few of them
├── WitnessError                    a witness does not do what it was asked
│   ├── WitnessUnreachableError     no answer, or none that a witness gives
│   └── WitnessRefusedError         it does not cosign, and says why
├── ReceiptError                    a receipt that does not prove what it carries
├── TileError                       a tile or bundle that is missing or malformed
│   └── TileNotFoundError           no such tile in the published log
├── StampUnavailableError           no authority stamps a checkpoint now; tried again
├── StampAnchorsError               roots for stamps that cannot be read
├── StampIndexError                 a list of stamps that is malformed
├── BundleError                     a range or an earlier checkpoint that this log does not have
├── SearchRefusedError              a cursor that is none, or of another log
├── NotebookError                   an auditor's notes that cannot be read
├── ForkError                       signing would contradict what was signed before: refused
│   └── WitnessObjectsError         a witness saw more of this log than is here, or another history
├── RecoveryRefusedError            not needed, not confirmed, or not to be had this way
├── SubjectErasedError              the subject's key is gone, or never was
│   └── PayloadErasedError          the entry is there; what it committed to was erased
├── SubjectHeldError                a legal hold keeps it from being erased
├── EpochError
│   ├── EpochClosedError            the subject was wrapped under an epoch that has ended: wrap again
│   └── EpochInUseError             the epoch still wraps subjects, or is still open
└── BlobError
    ├── BlobNotFoundError
    ├── BlobDamagedError            its bytes are not what was stored
    └── BlobStoreUnavailableError   the folder cannot be read or written
"""

from __future__ import annotations

from collections.abc import Sequence


class LedgerError(Exception):
    """Root of this package's errors."""


class DatabaseUnavailableError(LedgerError):
    """The database is full, locked or failing; nothing was committed. It recovers without a restart."""


class RowsContendedError(DatabaseUnavailableError):
    """Other transactions held, or kept changing, what this one needed, for longer than we wait."""


class OutcomeUnknownError(DatabaseUnavailableError):
    """Whether it was committed cannot be told: the connection was lost, and the database does not answer."""


class SchemaTooNewError(LedgerError):
    """A newer version of the service wrote this database."""


class NestedWriteError(LedgerError):
    """A write was begun inside a write: it would wait for itself for ever."""


class SessionRefusedError(LedgerError):
    """A statement that its session may not run."""


class TenantPredicateMissingError(SessionRefusedError):
    """A statement on a tenant's table that is not confined to the session's tenant."""

    def __init__(self, table: str, reason: str) -> None:
        super().__init__(f"statement on {table!r} refused: {reason}")
        self.table = table


class CanonicalFormError(LedgerError):
    """A value without an RFC 8785 form in our subset."""


class EntryMalformedError(LedgerError):
    """Bytes that are not exactly one public entry."""


class DraftRefusedError(LedgerError):
    """A draft whose kind, payload, tenant or policy is not acceptable: a programming error."""


class LogBusyError(LedgerError):
    """Too much is waiting to be committed or integrated; try again in a moment."""


class LogClosedError(LedgerError):
    """The log is not running: it was closed, or its writer ended."""


class EntryNotFoundError(LedgerError):
    """No such entry, or not this tenant's."""


class NotProvenError(LedgerError):
    """The entry is durable, but no checkpoint covers it yet."""


class ProofError(LedgerError):
    """A Merkle proof that does not hold."""


class CheckpointError(LedgerError):
    """A signed note that is malformed, foreign or not signed by the log's key."""


class CheckpointAbsentError(CheckpointError):
    """There is none where a log is said to be."""


class CosignatureError(CheckpointError):
    """A cosignature by a witness that was named does not verify, or there are fewer than it takes."""


class WitnessError(LedgerError):
    """A witness does not do what it was asked."""


class WitnessUnreachableError(WitnessError):
    """It does not answer, or not as a witness does."""


class WitnessRefusedError(WitnessError):
    """It does not cosign. `refusal` is one of `ledger.add_checkpoint.Refusal`, `size` what it saw last (conflicts)."""

    def __init__(self, refusal: int, message: str, size: int | None = None) -> None:
        super().__init__(message)
        self.refusal, self.size = refusal, size


class ReceiptError(LedgerError):
    """A receipt that does not prove what it carries."""


class TileError(LedgerError):
    """A tile or entry bundle that is missing or malformed."""


class TileNotFoundError(TileError):
    """No tile or bundle of the published log by that path."""


class StampUnavailableError(LedgerError):
    """No authority gives a stamp of a checkpoint now. It is asked for again."""


class StampAnchorsError(LedgerError):
    """An auditor's roots for stamps cannot be read."""


class StampIndexError(LedgerError):
    """A list of stamps that is not one size a line, rising."""


class BundleError(LedgerError):
    """A bundle that cannot be made of this log."""


class SearchRefusedError(LedgerError):
    """A search that cannot be answered: its cursor is none, or of another log."""


class NotebookError(LedgerError):
    """What an auditor kept cannot be read back."""


class ForkError(LedgerError):
    """Signing would contradict what was signed before, so it is refused until an operator looks."""


class WitnessObjectsError(ForkError):
    """A witness saw a tree of this log, of `size` entries, that is not the one that is here. `overruled`: an operator
    decided to go on without it.
    """

    def __init__(self, message: str, size: int, *, overruled: bool = False) -> None:
        super().__init__(message)
        self.size, self.overruled = size, overruled


class RecoveryRefusedError(LedgerError):
    """Going on from an older database is not needed, was not confirmed, or would not help."""


class SubjectErasedError(LedgerError):
    """The subject's key is gone, or never was."""


class PayloadErasedError(SubjectErasedError):
    """The entry is there and proves; what it committed to was erased."""


class SubjectHeldError(LedgerError):
    """Legal holds keep the subject as it is; `holds` names them."""

    def __init__(self, holds: Sequence[str]) -> None:
        super().__init__(
            f"it is under legal hold ({', '.join(holds)}) and stays until whoever placed that releases it; nothing was "
            "changed"
        )
        self.holds = list(holds)


class EpochError(LedgerError):
    """A key epoch is not in the state this needs."""


class EpochClosedError(EpochError):
    """The subject was wrapped under an epoch that has ended since: `Subjects.rewrap` and try again."""


class EpochInUseError(EpochError):
    """The epoch still wraps subjects, or is still open; destroying it would destroy what lives."""

    def __init__(self, message: str, survivors: int) -> None:
        super().__init__(message)
        self.survivors = survivors


class BlobError(LedgerError):
    """The blob store cannot give or take these bytes."""


class BlobNotFoundError(BlobError):
    """No such blob."""


class BlobDamagedError(BlobError):
    """The blob's bytes are not what was stored."""


class BlobStoreUnavailableError(BlobError):
    """The folder cannot be read or written: full, read-only or failing."""
