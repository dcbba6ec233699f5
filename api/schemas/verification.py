"""What a verification answers."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self

from api.version import VERSION
from cases.verification import Verified
from provenance.report import Ingredient, StatedTool, Status, Statuses, VerificationReport
from provenance.summary import Message, summarise, word
from provenance.verdict import Verdict


@dataclass(frozen=True)
class LedgerProof:
    """The signing of a public asset of this deployment in its ledger."""

    entry: str
    receipt: str | None
    """Null while the entry is durable but not yet proven."""


@dataclass(frozen=True)
class VerificationView(VerificationReport):
    """A report, in plain words too, and where the file stands in this deployment's ledger."""

    sentence: str = ""
    messages: tuple[Message, ...] = ()
    ledger: LedgerProof | None = None

    @classmethod
    def of(cls, verified: Verified) -> Self:
        """The view of a report."""
        report, messages = verified.report, summarise(verified.report)
        proof = LedgerProof(verified.entry, verified.receipt or None) if verified.entry else None
        stated = {field.name: getattr(report, field.name) for field in fields(VerificationReport)}
        return cls(**stated, sentence=word(messages), messages=messages, ledger=proof)


_CLAIM = "self#jumbf=/c2pa/urn:c2pa:36deccb9-75d2-4f90-bd76-d6610572a662/c2pa.signature"
EXAMPLE = VerificationView(
    verdict=Verdict.TRUSTED,
    trust="9fc1e01ab3ef0ee3c4b0d5f0a6a4c9cbe3cbf0b0dbd5ab0f8d4bd25ce90f3a52",
    ancestry=Verdict.INVALID,
    label="urn:c2pa:36deccb9-75d2-4f90-bd76-d6610572a662",
    title="Harbour at dawn",
    generators=(StatedTool("Sigillo", VERSION), StatedTool("Example Paint", "4.2")),
    statuses=Statuses(success=(Status("signingCredential.trusted", _CLAIM, "signing certificate trusted"),)),
    ingredients=(
        Ingredient(
            depth=1,
            title="Harbour",
            format="image/jpeg",
            relationship="parentOf",
            label="urn:c2pa:94f71444-3399-4b5f-9ccc-04cc80f5b74b",
            verdict=Verdict.INVALID,
            signer="Example Camera",
            failures=("assertion.dataHash.mismatch",),
        ),
    ),
    sentence="Signed by Sigillo claim signer, whom we trust, and unchanged since. "
    "An earlier version does not hold: assertion.dataHash.mismatch.",
    messages=(
        Message("trusted", {"signer": "Sigillo claim signer"}),
        Message("ancestry.invalid", {"code": "assertion.dataHash.mismatch"}),
    ),
)
