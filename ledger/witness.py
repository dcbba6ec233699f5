"""The reference witness: may I cosign this? (c2sp.org/tlog-witness)

Rules
- It cosigns a checkpoint of a log it knows if that extends the last one it cosigned, and nothing else. Neither what the
  log says nor what others saw can make it go back.
- Comparing and persisting are one step under a lock, and on disk before the cosignature leaves: of two requests that
  begin at the same size one wins, and one that was killed has cosigned nothing that it does not remember.
- What it remembers of a log is the checkpoint as it cosigned it, in a file of its own: the proof of what it saw.

- The first checkpoint of a log that did not extend that one is kept beside it: the two may convict the log.

It is for tests, for friends and for reading. It trusts its disk: a folder that was put back to an earlier state can be
shown another history.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from keys.clock import Clock
from keys.secret_file import locked, replace_secret
from ledger.add_checkpoint import AddCheckpoint, Refusal, shown_path
from ledger.checkpoint import TreeHead, VerifierKey, parse_head, verify_note
from ledger.cosignature import cosign
from ledger.errors import CheckpointError, ProofError, WitnessRefusedError
from ledger.ids import milliseconds
from ledger.merkle import EMPTY_ROOT, verify_consistency
from ledger.note import parse_note
from ledger.witness_key import WitnessSigner


def may_cosign(head: TreeHead, old: int, proof: Sequence[bytes], last: TreeHead) -> None:
    """Whether a witness that saw `last` may cosign `head`, of the same log. Raises WitnessRefusedError.

    The order of the checks is the specification's. Its consistency verifier refuses an old size of 0: here it is
    decided.
    """
    if old > head.size:
        raise WitnessRefusedError(Refusal.MALFORMED, f"a tree of {head.size} does not extend one of {old}")
    if old != last.size:
        raise WitnessRefusedError(Refusal.CONFLICT, f"the last checkpoint here is of {last.size} entries", last.size)
    if head.size == 0 and head.root != EMPTY_ROOT:
        raise WitnessRefusedError(Refusal.INCONSISTENT, "an empty tree has another root")
    if old == 0:
        if proof:
            raise WitnessRefusedError(Refusal.INCONSISTENT, "from an empty tree there is nothing to prove")
        return
    try:
        verify_consistency(old, head.size, proof, last.root, head.root)
    except ProofError as error:
        said = f"{head.origin} of {head.size} entries does not extend what was cosigned, of {old}: {error}"
        raise WitnessRefusedError(Refusal.INCONSISTENT, said) from error


@dataclass(frozen=True)
class Witness:
    """One witness of some logs, by their origins; safe to use from many threads and processes."""

    folder: Path
    signer: WitnessSigner
    logs: Mapping[str, VerifierKey]
    clock: Clock

    def add_checkpoint(self, body: bytes) -> str:
        """The cosignature, as a signature line. Raises WitnessRefusedError, OSError."""
        asked = AddCheckpoint.parse(body)
        head, text = self._authentic(asked.note)
        file = self._file(head.origin)
        with locked(file.with_suffix(".lock")):
            try:
                may_cosign(head, asked.old, asked.proof, self._last(file, head.origin))
            except WitnessRefusedError as refused:
                if refused.refusal == Refusal.INCONSISTENT:
                    _keep(file.with_suffix(".refused"), asked.note)
                raise
            line = cosign(text, self.signer.key, milliseconds(self.clock()) // 1000, self.signer.sign).line
            key = self.logs[head.origin]
            ours = "".join(one.line for one in parse_note(asked.note).by(key.origin, key.id))
            replace_secret(file, f"{text}\n{ours}{line}".encode())
        return line

    def checkpoint(self, origin_hash: str) -> bytes | None:
        """What it cosigned last of a log, by the SHA-256 of its origin in hex; None where it cosigned nothing."""
        known = {shown_path(origin).partition("/")[0]: origin for origin in self.logs}
        file = self._file(known[origin_hash]) if origin_hash in known else None
        return file.read_bytes() if file and file.exists() else None

    def _authentic(self, note: str) -> tuple[TreeHead, str]:
        """What a checkpoint says, signed by the key that is known for its origin. Raises WitnessRefusedError."""
        try:
            head = parse_head(parse_note(note).text, extended=True)
        except CheckpointError as error:
            raise WitnessRefusedError(Refusal.MALFORMED, f"no checkpoint: {error}") from error
        if head.origin not in self.logs:
            raise WitnessRefusedError(Refusal.UNKNOWN_LOG, "this witness does not know the log")
        try:
            return head, verify_note(note, self.logs[head.origin])
        except CheckpointError as error:
            raise WitnessRefusedError(Refusal.UNSIGNED, str(error)) from error

    def _file(self, origin: str) -> Path:
        return self.folder / shown_path(origin).replace("/", ".")

    @staticmethod
    def _last(file: Path, origin: str) -> TreeHead:
        """Raises CheckpointError for a file that was damaged: nothing is cosigned then."""
        if not file.exists():
            return TreeHead(origin, 0, EMPTY_ROOT)
        return parse_head(parse_note(file.read_text()).text, extended=True)


def _keep(evidence: Path, note: str) -> None:
    if not evidence.exists():
        replace_secret(evidence, note.encode())
