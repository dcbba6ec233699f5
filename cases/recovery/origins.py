"""What a file without a manifest may have been made from: candidates, each with its own manifest validated.

Rules
- The file stays what it is: *absent*. Its bytes are signed by nobody, whatever it resembles; *recovered* is no verdict.
- A candidate's manifest is judged as any is, by a worker, under the same trust policy: all of it but whether some
  content is the one that was signed, for that content is not here.
- Anybody may sign a copy of what somebody else signed, and under the same certificate as they: what is said is what
  was signed here when, never whose it is. Who signed first is always among the candidates.
- A candidate is what the log says of it: rows that say otherwise (another's manifest, entry or time) lead nowhere, and
  that nobody knows is the answer.
- Whoever verifies a file gets an answer: what keeps this from looking is said beside the report.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cases.access import Caller
from cases.decisions import AssetSigned
from cases.errors import ManifestNotFoundError, RecoveryUnknownError
from cases.recovery.eyes import Eyes, Unasked
from cases.recovery.repository import Repository
from cases.recovery.search import By, Found, Search
from detection.errors import MediaError, SandboxError
from detection.memfd import Memfd
from detection.shares import Workers
from keys.errors import KeysError
from ledger.entry import format_time
from ledger.errors import LedgerError, NotProvenError, SubjectErasedError
from ledger.log import Ledger
from provenance.confidence.evidence import Recovered
from provenance.descent import Descent
from provenance.report import VerificationReport
from provenance.summary import UNNAMED, Message
from provenance.trust import TrustPolicy
from provenance.validation import trace_alone
from provenance.verdict import Verdict

MAX_ORIGINS: Final = 3
"""Candidates that a report names, one of each who signed; each has its manifest validated."""

_WHOM: Final = {Verdict.TRUSTED: "", Verdict.UNTRUSTED: ", whom you do not trust"}
_OUR_QUOTES: Final = str.maketrans("“”„‟", '""""')


class Looked(StrEnum):
    """What came of looking."""

    FOUND = "found"
    NOTHING = "nothing"
    """Nothing that this caller may learn of resembles it."""

    UNKNOWN = "unknown"
    """It could not be looked, now or for this kind of file."""


@dataclass(frozen=True)
class Origin:
    """Something signed here that a file resembles."""

    found: Found
    descent: Descent
    """Of its manifest alone."""

    receipt: str
    """Empty while its entry is not yet proven."""

    @property
    def report(self) -> VerificationReport:
        """On that manifest."""
        return self.descent.report

    @property
    def message(self) -> Message:
        """What the resemblance says, and what it does not."""
        report, same = self.report, self.found.likeness.by is By.CONTENT
        signer = (report.signer and report.signer.common_name) or UNNAMED
        said = {
            "title": _in_quotes(report.title) or "something untitled",
            "date": _day(self.found.signed_at),
            "signer": signer,
            "whom": _WHOM.get(report.verdict, ", under a manifest that does not hold any more"),
        }
        if self.found.likeness.by is By.EMBEDDING:
            return Message("recovered.near", {**said, "encoder": self.found.likeness.encoder})
        return Message("recovered.content" if same else "recovered.copy", said)


@dataclass(frozen=True)
class Origins:
    """All that was found."""

    looked: Looked
    reason: str = ""
    """Why it is unknown."""

    origins: tuple[Origin, ...] = ()
    unasked: Unasked | None = None
    """Why no embedding was compared; None where one was, and where nothing could be looked at."""

    whole: bool = True
    """False where damaged rows may hide more than was found."""

    @property
    def level(self) -> Recovered:
        """What looking says of a file's origin; a candidate whose own manifest is not trusted says nothing."""
        if self.looked is Looked.UNKNOWN:
            return Recovered.UNSOUGHT
        matched = {one.found.likeness.by for one in self.origins if one.report.verdict is Verdict.TRUSTED}
        if not matched:
            return Recovered.NONE
        return Recovered.SAME if By.CONTENT in matched else Recovered.SIMILAR

    @property
    def messages(self) -> tuple[Message, ...]:
        """The first candidate and how it stands to the others; or that there is none, and what was not asked; or why
        nobody knows.
        """
        if not self.origins:
            left_out = (Message(f"recovered.unasked.{self.unasked}"),) if self.unasked else ()
            return Message(f"recovered.{self.looked}", {"reason": self.reason}), *left_out
        most, *others = self.origins
        hidden = () if self.whole else (Message("recovered.hidden"),)
        if not others:
            return most.message, *hidden
        first = _first(one.found for one in self.origins)
        if first != most.found:
            return most.message, Message("recovered.earlier", {"date": _day(first.first)}), *hidden
        # Who was the first is not known where rows are hidden.
        return most.message, *(hidden or [Message("recovered.first", {"date": _day(first.first)})])


@dataclass(frozen=True)
class Matches:
    """What a file leads to, and why no embedding of it was compared, where none was."""

    found: Sequence[Found]
    unasked: Unasked | None


@dataclass(frozen=True)
class Recovery:
    """Looks for origins. Safe to call from many threads."""

    ledger: Ledger
    search: Search
    repository: Repository

    def of(self, eyes: Eyes, file: Memfd, caller: Caller | None, trust: TrustPolicy) -> Origins:
        """What a file that carries no manifest may have been made from."""
        try:
            matches = self.matches(eyes, file, caller)
            origins = self._judged(eyes.workers, matches.found, trust)
            findable = self.search.findable(caller)
            if not origins:
                findable.require_whole()
        except (RecoveryUnknownError, MediaError, SandboxError, KeysError, LedgerError) as error:
            return Origins(Looked.UNKNOWN, str(error))
        looked = Looked.FOUND if origins else Looked.NOTHING
        return Origins(looked, origins=origins, unasked=matches.unasked, whole=findable.whole)

    def matches(self, eyes: Eyes, file: Memfd, caller: Caller | None, algorithm: str = "") -> Matches:
        """What a file leads to. Raises MediaError, SandboxError, and what `Search.by_sight` raises."""
        if not self.search.anything():
            return Matches([], None if eyes.embedder else Unasked.NO_ENCODER)
        seen = eyes.see(file)
        unasked = seen.embedding if isinstance(seen.embedding, Unasked) else None
        return Matches(self.search.by_sight(seen, caller, algorithm), unasked)

    def _judged(self, workers: Workers, found: Sequence[Found], trust: TrustPolicy) -> tuple[Origin, ...]:
        origins = []
        for one in _named(found):
            # Erased since it was found: SubjectErasedError.
            with suppress(ManifestNotFoundError, SubjectErasedError), Memfd.of([self.repository.of(one)]) as store:
                self._require_as_recorded(one)
                origins.append(Origin(one, trace_alone(workers, store, trust), self._receipt(one)))
        return tuple(origins)

    def _require_as_recorded(self, found: Found) -> None:
        """Raises RecoveryUnknownError for a row that is not what its entry says."""
        said = self.ledger.payloads.open(found.tenant, found.entry).payload
        known = (found.asset, found.label, format_time(found.signed_at))
        if not isinstance(said, AssetSigned) or (said.asset, said.manifest, said.received_at) != known:
            raise RecoveryUnknownError("damaged", "what is kept of a signed file is not what was recorded of it")

    def _receipt(self, found: Found) -> str:
        try:
            return self.ledger.receipt(found.entry)
        except NotProvenError:
            return ""


def _in_quotes(title: str | None) -> str:
    """A title as it stands in a sentence of ours: on one line, and ending where our quotation marks do."""
    return " ".join((title or "").translate(_OUR_QUOTES).split())


def _named(found: Sequence[Found]) -> Sequence[Found]:
    """The best of them, and who signed first."""
    best = found[:MAX_ORIGINS]
    if not best or _first(found) in best:
        return best
    return [*best[:-1], _first(found)]


def _first(found: Iterable[Found]) -> Found:
    return min(found, key=lambda one: (one.first, one.asset))


def _day(milliseconds: int) -> str:
    return format_time(milliseconds)[:10]
