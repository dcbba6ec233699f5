"""The claim a creation tool sends, and the asset it gets back."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, FailFast, Field

from api.schemas.passkeys import UsedPasskey
from api.schemas.words import ACCOUNT, PLACE, Moment
from cases.asset import Asset, AssetState, HeldFor, Visibility
from cases.creators import PasskeyStatement
from cases.decisions import ParentFinding
from cases.likeness.tokens import MAX_TOKEN
from cases.likeness.use import Use
from ledger.ids import moment
from provenance import request
from provenance.confidence.score import Confidence
from provenance.creator import MAX_STATEMENT, CreatorSignature
from provenance.marking import Marking
from provenance.report import TimeStamp
from provenance.rules import MAX_ACTIONS, MAX_REDACTED
from provenance.vocabulary import DigitalSourceType, RedactionReason, TrainingMining

UNTITLED = "Untitled"
UNSTATED = "unspecified"
"""The tool's version, where a caller names none."""

_BY_SHORT_NAME = {source.rsplit("/", 1)[-1]: source for source in DigitalSourceType}


def source_type(given: str) -> DigitalSourceType:
    """A digital source type by its URI, or by the last part of it. Raises ValueError naming the choices."""
    if given in _BY_SHORT_NAME:
        return _BY_SHORT_NAME[given]
    try:
        return DigitalSourceType(given)
    except ValueError:
        raise ValueError(f"no such digital source type; use one of {', '.join(sorted(_BY_SHORT_NAME))}") from None


SourceType = Annotated[str, AfterValidator(source_type)]


class Strict(BaseModel):
    """Unknown members are an error: a typo must not silently drop a claim."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ToolBody(Strict):
    """The software that made or changed the file. The API key binds its name."""

    name: str
    version: str = UNSTATED


class ModelBody(Strict):
    """The generative model used."""

    name: str
    version: str
    provider: str


class ActionBody(Strict):
    """One C2PA action."""

    name: str
    source_type: SourceType | None = None
    when: Moment | None = None
    description: str | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)


class AuthorBody(Strict):
    """Who made it and what they want said, in their own words; it goes into the public manifest."""

    name: str
    statement: str


class CreatorPasskeyBody(Strict):
    """A creator's statement, and what their passkey answered to it."""

    statement: Annotated[str, Field(max_length=MAX_STATEMENT)]
    """Word for word as it came."""

    passkey: UsedPasskey


class RedactBody(Strict):
    """What to take out of the manifest that an asset of yours arrives with."""

    assertions: Annotated[tuple[str, ...], Field(max_length=MAX_REDACTED)]
    reason: RedactionReason


class ClaimBody(Strict):
    """The part `claim` of an upload. Everything is optional: an empty claim states that the file was opened."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "title": "Harbour at dawn",
                "tool": {"name": "Example Paint", "version": "4.2"},
                "model": {"name": "example-diffusion", "version": "3.1", "provider": "Example AI"},
                "actions": [{"name": "c2pa.created", "source_type": "trainedAlgorithmicMedia"}],
                "training_mining": "notAllowed",
                "visibility": "public",
            }
        }
    )

    title: str = UNTITLED
    tool: ToolBody | None = None
    model: ModelBody | None = None
    # Pydantic describes every faulty item before it counts them, which takes a second for a hundred thousand.
    actions: Annotated[tuple[ActionBody, ...], Field(max_length=MAX_ACTIONS), FailFast()] = ()
    training_mining: TrainingMining = TrainingMining.NOT_ALLOWED
    author: AuthorBody | None = None
    redact: RedactBody | None = None
    creator_signature: CreatorSignature | CreatorPasskeyBody | None = None
    """What its creator signed with a key of their own (`sigillo sign --creator-key`), or with a passkey of their
    account here (`POST /v1/people/me/creator-statements`): it goes into the manifest.
    """

    visibility: Visibility = Visibility.UNLISTED
    purpose: Use = Use.UNSAID
    """What it is for, where it shows somebody: people may refuse one use and not another. Not in the manifest."""

    place: Annotated[str, Field(pattern=PLACE)] = ""
    """Where it is from: ISO 3166-1 or -2. Not in the manifest."""

    likeness_check: Annotated[str, Field(max_length=MAX_TOKEN)] = ""
    """The token of a check that allowed it (`POST /v1/likeness-checks`): it goes into the manifest."""

    account: Annotated[str, Field(pattern=ACCOUNT)] | None = None
    """Who made it, an account of yours (`acc_…`): of a public asset its level is told to whoever verifies it, and no
    more of it. Not in the manifest.
    """

    def claim(self, granted_tool: str) -> request.ClaimRequest:
        """The request as the house takes it; a caller that names no tool means the one its key is for."""
        tool = self.tool or ToolBody(name=granted_tool)
        return request.ClaimRequest(
            title=self.title,
            tool=request.Tool(tool.name, tool.version),
            model=request.Model(**self.model.model_dump()) if self.model else None,
            actions=tuple(_action(action) for action in self.actions),
            training_mining=self.training_mining,
            author=request.AuthorStatement(**self.author.model_dump()) if self.author else None,
            redaction=request.Redaction(self.redact.assertions, self.redact.reason) if self.redact else None,
            creator=self.creator_signature if isinstance(self.creator_signature, CreatorSignature) else None,
        )

    def creator(self) -> PasskeyStatement | None:
        """What its creator signed with a passkey. Raises PasskeyUnreadableError."""
        signed = self.creator_signature
        if not isinstance(signed, CreatorPasskeyBody):
            return None
        return PasskeyStatement(signed.statement, signed.passkey.asserted())


class LedgerView(BaseModel):
    """Where the decision stands in the ledger."""

    entry: str
    state: str
    """`durable`: committed; `proven`: covered by a published checkpoint."""

    receipt: str

    @classmethod
    def of(cls, entry: str, *, proven: bool) -> Self:
        """The view of an entry."""
        return cls(entry=entry, state="proven" if proven else "durable", receipt=f"/v1/receipts/{entry}")


class HoldView(BaseModel):
    """Why an asset is not given out; neither whom it may show nor how sure that is."""

    reason: HeldFor
    sentence: str
    appeal: str
    """Where to object to it."""


class AssetView(BaseModel):
    """One asset of the caller's; of one that was erased only the tombstone is left."""

    id: str
    state: AssetState
    visibility: Visibility
    created_at: datetime
    content_expires_at: datetime
    mime: str | None = None
    width: int | None = None
    height: int | None = None
    duration: int | None = None
    """Milliseconds, of what moves or sounds."""

    bytes: int | None = None
    sha256: str | None = None
    """Of the signed file."""

    title: str | None = None
    manifest: str | None = None
    """The C2PA manifest's label."""

    signed_with: str | None = None
    """Key and version."""

    time_stamp: TimeStamp | None = None
    """When the claim's signature was seen, and by which authority; with it the signature outlives its certificate."""

    parent: ParentFinding | None = None
    confidence: Confidence | None = None
    """How sure we were, when it was signed, that what it says of its origin is so."""

    marking: Marking | None = None
    """Whether it is marked as made or altered by AI, and what to show beside it (AI Act, Article 50)."""

    hold: HoldView | None = None
    """Where `state` is `held`: it is signed, and content and manifest are given to nobody until a person decides."""

    ledger: LedgerView
    links: dict[str, str]

    @classmethod
    def of(cls, asset: Asset, ledger: LedgerView) -> Self:
        """The view of an asset; what was erased is null."""
        path = f"/v1/assets/{asset.id}"
        known = asset.details
        described = (
            {}
            if known is None
            else {
                "mime": known.upload.mime,
                "width": known.upload.content.width,
                "height": known.upload.content.height,
                "duration": known.upload.content.duration,
                "bytes": known.signed_bytes,
                "sha256": known.signed_sha256,
                "title": known.title,
                "signed_with": known.key,
                "time_stamp": known.time_stamp,
                "parent": known.parent,
                "confidence": known.confidence,
                "marking": known.marking,
            }
        )
        return cls(
            id=asset.id,
            state=asset.state,
            visibility=asset.visibility,
            created_at=moment(asset.created_at),
            content_expires_at=moment(asset.expires_at),
            manifest=asset.manifest_label,
            hold=_hold(asset),
            ledger=ledger,
            links={"self": path, **{part: f"{path}/{part}" for part in ("content", "manifest", "custody")}},
            **described,
        )


ASSET_EXAMPLE: dict[str, Any] = {
    "id": "ast_zkbbg4csjsqjuaqnlmjqi2qjqa",
    "state": "signed",
    "visibility": "public",
    "created_at": "2026-11-21T22:34:09.344Z",
    "content_expires_at": "2026-11-28T22:34:09.344Z",
    "mime": "image/jpeg",
    "width": 4000,
    "height": 3000,
    "duration": None,
    "bytes": 1238117,
    "sha256": "ca0430f4df880494cf50264c55523d3bb69b2267465086e874326140bb4df232",
    "title": "Harbour at dawn",
    "manifest": "urn:c2pa:36deccb9-75d2-4f90-bd76-d6610572a662",
    "signed_with": "sigillo-claim@1",
    "time_stamp": {
        "time": "2026-11-21T22:34:09+00:00",
        "authority": "Example TSA",
        "trusted": True,
        "standing": "trusted",
    },
    "parent": None,
    "confidence": {
        "score": 70,
        "band": "high",
        "policy": "confidence@1",
        "base": 15,
        "reasons": [
            {
                "code": "manifest.trusted",
                "parameters": {},
                "points": 40,
                "cap": None,
                "sentence": "Its manifest is sound, and signed by somebody we trust.",
            }
        ],
        "mismatches": [],
    },
    "marking": {
        "mark": "added",
        "source_types": ["http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"],
        "carriers": ["c2pa"],
        "disclosure": {"code": "ai.generated", "language": "en", "text": "This picture was generated by AI."},
    },
    "hold": None,
    "ledger": {
        "entry": "ent_rl6c2ohampny62fpdeg4y5rgse",
        "state": "durable",
        "receipt": "/v1/receipts/ent_rl6c2ohampny62fpdeg4y5rgse",
    },
    "links": {
        "self": "/v1/assets/ast_zkbbg4csjsqjuaqnlmjqi2qjqa",
        "content": "/v1/assets/ast_zkbbg4csjsqjuaqnlmjqi2qjqa/content",
        "manifest": "/v1/assets/ast_zkbbg4csjsqjuaqnlmjqi2qjqa/manifest",
        "custody": "/v1/assets/ast_zkbbg4csjsqjuaqnlmjqi2qjqa/custody",
    },
}


class ErasedView(BaseModel):
    """That an asset was erased, and the entry that says so."""

    erased: str
    ledger: LedgerView


def _action(body: ActionBody) -> request.Action:
    source = DigitalSourceType(body.source_type) if body.source_type else None
    return request.Action(body.name, source, body.when, body.description, body.parameters)


_HELD = {
    HeldFor.REVIEW: "This file is declared as, or found to be, made or altered, and it may show a person who does not "
    "want that. It is signed, and kept back until somebody has decided; you may object.",
    HeldFor.UNCHECKED: "This file is declared as, or found to be, made or altered, and whether it shows a person who "
    "does not want that could not be checked yet. It is signed, and kept back until that can be done; you need not "
    "send it again.",
}


def _hold(asset: Asset) -> HoldView | None:
    if asset.held_for is None or asset.state is not AssetState.HELD:
        return None
    return HoldView(reason=asset.held_for, sentence=_HELD[asset.held_for], appeal=f"/v1/assets/{asset.id}/appeal")
