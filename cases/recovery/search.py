"""Which of what was signed here a file, or a fingerprint, leads to; by what, and how nearly.

Rules
- What is *public* is found by anyone; what is not, by the principal whose it is, and to others does not exist. A held
  asset is found by nobody, nor one that was held until its retention ended; an erased one has nothing left to be found
  by.
- A match is a resemblance, and nobody's word: whoever asks compares for themselves.
- What cannot be looked up is unknown (RecoveryUnknownError), never *nothing*. A row that does not open keeps nobody
  from what is found beside it; where nothing is, it makes that unknown to those who might have found it: to its
  tenant, or to all where it is public.
- A film is found by half of its frames: a title or a black moment that films share is no film.
- Whoever signed takes one place, however often they did. Among those that are about as much alike (ALIKE), who signed
  first comes first: a copy that is signed later is often nearer to what goes round than its original is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, bindparam, func, or_, select

from cases.access import Caller
from cases.asset import AssetId, AssetRow, AssetState, Visibility
from cases.errors import SoftBindingError
from cases.recovery.eyes import Seen, Unasked
from cases.recovery.index import Findable, RecoveryIndex
from cases.recovery.signed import CONTENT, FRAMES, IMAGE_CODE, PDQ, SHORT_BYTES, SHORT_CODE, embedding_kind
from detection.copies.fingerprint import HASH_BYTES, REACH, Bits, from_bytes, from_hex
from detection.embedding.card import ModelCard
from detection.embedding.embedding import Embedding
from detection.iscc import ALGORITHM, from_iscc
from detection.near.directions import as_template
from detection.trace import Trace
from ledger.ids import EntryId, PrincipalId, TenantId
from ledger.storage.database import Database
from ledger.storage.tables import Entry
from ledger.storage.tenancy import SystemSession

PDQ_ALGORITHM: Final = "org.sigillo.pdq.1"
"""PDQ, 32 bytes: our name for it, since C2PA's list has none."""

ALGORITHMS: Final = (ALGORITHM, PDQ_ALGORITHM)
CODE_REACH: Final = 56
"""Bits of 256 in which image codes of one picture may differ: a crop of a twentieth differs in 42, different
photographs hardly ever in fewer than 84 (docs/performance.md)."""

SHORT_REACH: Final = 4
"""Of 64, which tell less apart: different photographs differ in 14 and more."""

ALIKE: Final = 60
"""From this score on matches count as about equally strong: photographs made smaller by a quarter and encoded anew at
quality 40 scored 75 by PDQ and more, by a third of their size at 30 still 86 by their image codes."""

FRAMES_SHARED: Final = 0.5
MAX_RESULTS: Final = 100
ASKED_AT_ONCE: Final = 500
_GIVEN_OUT: Final = (AssetState.SIGNED, AssetState.EXPIRED)


class By(StrEnum):
    """What a match rests on, of equal scores the strongest first."""

    CONTENT = "content"
    """The very same content, wrapped otherwise."""

    PDQ = "pdq"
    IMAGE_CODE = "image-code"
    FRAMES = "frames"
    EMBEDDING = "embedding"
    """By an encoder of the operator's: other pictures of the same may be near, too."""


_STRENGTH: Final = list(By)


@dataclass(frozen=True)
class Likeness:
    """How a file resembles a signed one."""

    by: By
    score: int
    """0 to 100, the strongest."""

    encoder: str = ""
    """By which, name and version; empty where it was by none."""


@dataclass(frozen=True)
class Found:
    """Something that was signed here."""

    tenant: TenantId
    asset: AssetId
    label: str
    """Of its manifest."""

    entry: EntryId
    signed_at: int
    """Unix milliseconds."""

    signer: PrincipalId
    """Who had it signed, whoever owns it now."""

    likeness: Likeness
    first: int
    """When the same one first had something signed that is about as much like it."""

    @property
    def strong(self) -> bool:
        """Whether it is about as much alike as anything is."""
        return self.likeness.score >= ALIKE


@dataclass(frozen=True)
class Search:
    """Looks among what was signed here. Safe to call from many threads."""

    database: Database
    index: RecoveryIndex
    encoder: ModelCard | None = None
    """By which embeddings are compared."""

    def anything(self) -> bool:
        """Whether there is anything to be found. Raises RecoveryUnknownError."""
        index = self.index.current()
        return bool(index.generations or index.damaged)

    def findable(self, caller: Caller | None) -> Findable:
        """What this caller's files are compared with, as it is now. Raises RecoveryUnknownError."""
        return Findable(self.index.current(), caller.tenant if caller else None)

    def by_sight(self, seen: Seen, caller: Caller | None, algorithm: str = "") -> list[Found]:
        """What a file leads to, of each who signed the strongest match; strong ones before weak ones, and then who
        signed first. With an `algorithm`, by that one alone. Raises SoftBindingError, RecoveryUnknownError,
        DatabaseUnavailableError.
        """
        if algorithm:
            _require_known(algorithm)
        index, trace = self.findable(caller), seen.trace
        matches: list[tuple[By, Mapping[int, int]]] = []
        if not algorithm:
            matches.append((By.CONTENT, _scores(index.near(CONTENT, from_hex([trace.content_hash]), 0), 0)))
        if algorithm in {"", PDQ_ALGORITHM}:
            matches.append((By.FRAMES, _frames(index, trace)) if trace.moves else (By.PDQ, _pdq(index, trace)))
        if algorithm in {"", ALGORITHM}:
            codes = index.near(IMAGE_CODE, from_hex(list(trace.image_codes)), CODE_REACH)
            matches.append((By.IMAGE_CODE, _scores(codes, CODE_REACH)))
        if not algorithm:
            matches.append((By.EMBEDDING, self._directions(index, seen.embedding)))
        return self._found(index, matches, caller)

    def by_binding(self, algorithm: str, value: bytes, caller: Caller | None) -> list[Found]:
        """The same for one fingerprint, as its algorithm writes it. Raises as `by_sight`."""
        _require_known(algorithm)
        index = self.findable(caller)
        if algorithm == PDQ_ALGORITHM:
            if len(value) != HASH_BYTES:
                raise SoftBindingError(f"{PDQ_ALGORITHM} is {HASH_BYTES} bytes, in base64; these are {len(value)}")
            found = _scores(index.near(PDQ, from_bytes(value), REACH), REACH)
            return self._found(index, [(By.PDQ, found)], caller)
        return self._found(index, [(By.IMAGE_CODE, _by_code(index, value))], caller)

    def _directions(self, index: Findable, found: Embedding | Unasked) -> Mapping[int, int]:
        if self.encoder is None or isinstance(found, Unasked):
            return {}
        kind, reach = embedding_kind(self.encoder), self.encoder.reach
        return _scores(index.near(kind, as_template(found.direction), reach), reach)

    def _found(
        self, index: Findable, matches: Iterable[tuple[By, Mapping[int, int]]], caller: Caller | None
    ) -> list[Found]:
        best: dict[int, Likeness] = {}
        for by, scores in matches:
            for row, score in scores.items():
                if row not in best or best[row].score < score:
                    best[row] = Likeness(by, score, str(self.encoder) if by is By.EMBEDDING else "")
        found = _ordered(self._read(list(best), best, caller))[:MAX_RESULTS]
        if not found:
            index.require_whole()
        return found

    def _read(self, rows: Sequence[int], best: Mapping[int, Likeness], caller: Caller | None) -> list[Found]:
        found = []
        for start in range(0, len(rows), ASKED_AT_ONCE):
            wanted = {"places": [row - 1 for row in rows[start : start + ASKED_AT_ONCE]], **asker(caller)}
            with self.database.read(SystemSession.VERIFICATION) as connection:
                for place, tenant, asset, label, entry, at, signer in connection.execute(_FOUND, wanted):
                    assert label is not None  # it is not erased
                    likeness = best[place + 1]
                    found.append(Found(tenant, AssetId(asset), label, entry, at, signer, likeness, at))
        return found


def _ordered(found: Iterable[Found]) -> list[Found]:
    """Of each who signed one, as `Search.by_sight` says."""
    by_signer: dict[tuple[TenantId, PrincipalId], list[Found]] = {}
    for one in sorted(found, key=_by_strength):
        by_signer.setdefault((one.tenant, one.signer), []).append(one)
    return sorted(map(_strongest, by_signer.values()), key=lambda one: (not one.strong, one.first, one.asset))


def _by_strength(one: Found) -> tuple[int, int, int, AssetId]:
    return -one.likeness.score, _STRENGTH.index(one.likeness.by), one.signed_at, one.asset


def _strongest(of_one: Sequence[Found]) -> Found:
    alike = [one for one in of_one if one.strong] or of_one
    return replace(alike[0], first=min(one.signed_at for one in alike))


def visible(*more: Visibility) -> ColumnElement[bool]:
    """Which assets an `asker` may learn of by matching, and those that are of `more` visibilities."""
    own = and_(AssetRow.tenant_id == bindparam("own_tenant"), AssetRow.principal_id == bindparam("own_principal"))
    shown = or_(AssetRow.visibility.in_([Visibility.PUBLIC, *more]), own)
    return and_(AssetRow.state.in_(_GIVEN_OUT), AssetRow.held_for.is_(None), shown)


def asker(caller: Caller | None) -> Mapping[str, Any]:
    """What `visible` asks of whoever asks; nothing is anyone's own who is unknown, for nothing equals NULL."""
    return {"own_tenant": caller and caller.tenant, "own_principal": caller and caller.principal}


def _require_known(algorithm: str) -> None:
    if algorithm not in ALGORITHMS:
        raise SoftBindingError(f"nothing is found here by {algorithm!r}, but by {' or '.join(ALGORITHMS)}")


def _pdq(index: Findable, trace: Trace) -> Mapping[int, int]:
    return _scores(index.near(PDQ, from_hex(list(trace.pdq)), REACH), REACH)


def _by_code(index: Findable, value: bytes) -> Mapping[int, int]:
    try:
        code = from_iscc(value)
    except ValueError as error:
        raise SoftBindingError(f"{ALGORITHM}: {error}") from error
    kind, reach = (IMAGE_CODE, CODE_REACH) if len(code) == HASH_BYTES else (SHORT_CODE, SHORT_REACH)
    _, width = kind
    return _scores(index.near(kind, _bits(code[:width]), reach), reach)


def _frames(index: Findable, trace: Trace) -> Mapping[int, int]:
    shared = Counter[int]()
    for frame in trace.pdq:
        shared.update(index.near(FRAMES, from_hex([frame]), REACH).keys())
    scores = {row: count / len(trace.pdq) for row, count in shared.items()}
    return {row: round(100 * share) for row, share in scores.items() if share >= FRAMES_SHARED}


def _scores(found: Mapping[int, int], reach: int) -> Mapping[int, int]:
    return {row: round(100 * (1 - distance / (reach + 1))) for row, distance in found.items()}


def _bits(code: bytes) -> Bits:
    return from_bytes(code) if len(code) == HASH_BYTES else from_bytes(code, SHORT_BYTES)


_FOUND = (
    select(Entry.index, AssetRow.tenant_id, AssetRow.id, AssetRow.manifest_label, AssetRow.entry_id)
    .add_columns(AssetRow.created_at, func.coalesce(AssetRow.brought_by, AssetRow.principal_id))
    .join(AssetRow, AssetRow.entry_id == Entry.id)
    .where(Entry.index.in_(bindparam("places", expanding=True)), visible())
)
"""Made once: to build a statement takes longer than to run it."""
