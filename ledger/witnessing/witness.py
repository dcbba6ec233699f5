"""The reference witness: may I cosign this? (c2sp.org/tlog-witness)

Rules
- It cosigns a checkpoint of a log it knows if that extends the last one it cosigned, and nothing else. Neither what the
  log says nor what others saw can make it go back.
- Comparing and persisting are one step under a lock, and on disk before the cosignature leaves: of two requests that
  begin at the same size one wins, and one that was killed has cosigned nothing that it does not remember.
- What it remembers of a log is the checkpoint as it cosigned it, in a file of its own: the proof of what it saw. It
  bears the log's signature once and stays within the size of a note: whoever repeats the signature, which is public,
  would have it remember what it cannot read again.
- The first checkpoint of a log that is another tree of the same size is kept beside it: the two convict the log. Apart
  from it is kept the first that was not proven to extend the last: anybody can send one with a wrong proof.

It is for tests, for friends and for reading. It trusts its disk: a folder that was put back to an earlier state can be
shown another history.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from keys.clock import Clock
from keys.secret_file import locked, replace_secret
from ledger.errors import CheckpointError, ProofError, WitnessRefusedError
from ledger.ids import milliseconds
from ledger.tree.checkpoint import TreeHead, VerifierKey, parse_head, verify_note
from ledger.tree.merkle import EMPTY_ROOT, verify_consistency
from ledger.tree.note import MAX_NOTE_BYTES, parse_note
from ledger.witnessing.add_checkpoint import AddCheckpoint, Refusal, shown_path
from ledger.witnessing.cosignature import cosign
from ledger.witnessing.witness_key import WitnessSigner


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
        said = (
            f"{head.origin} showed two trees of {old} entries: both are signed, and convict it"
            if _convicts(head, last)
            else f"{head.origin} of {head.size} entries is not proven to extend what was cosigned, of {old}: {error}"
        )
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
            last = self._last(file, head.origin)
            try:
                may_cosign(head, asked.old, asked.proof, last)
            except WitnessRefusedError as refused:
                if refused.refusal == Refusal.INCONSISTENT:
                    _keep(file.with_suffix(".fork" if _convicts(head, last) else ".refused"), asked.note)
                raise
            line = cosign(text, self.signer.key, milliseconds(self.clock()) // 1000, self.signer.sign).line
            key = self.logs[head.origin]
            seen = f"{text}\n{parse_note(asked.note).by(key.origin, key.id)[0].line}{line}".encode()
            if len(seen) > MAX_NOTE_BYTES:
                raise WitnessRefusedError(Refusal.MALFORMED, "with a cosignature it would be too long for a note")
            replace_secret(file, seen)
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


def _convicts(head: TreeHead, last: TreeHead) -> bool:
    """Whether the two, signed by one log, are a fork without any proof."""
    return head.size == last.size and head.root != last.root


def _keep(evidence: Path, note: str) -> None:
    if not evidence.exists():
        replace_secret(evidence, note.encode())
