"""The custody of a file: a graph of files and of what was done with them, each with what it is worth and its proof.

Rules
- A file is a node by the label of its manifest; what was done with it (an act) is one that leads to it.
- What a manifest states is reported as stated; `verdict` says what it is worth, by C2PA's own codes.
- An act that a ledger recorded has the entry's id, with which anybody fetches its receipt.

C2PA Technical Specification 2.4, "Ingredient" (relationships are its words).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import Field

from provenance.lineage import MAX_STEPS, MAX_TRACED, Digest, Lineage, Traced
from provenance.report import (
    SignerCertificate,
    StatedAction,
    StatedContent,
    StatedModel,
    StatedTool,
    Text,
    TimeStamp,
)
from provenance.trust import ListInForce
from provenance.verdict import Verdict

MAX_NODES: Final = 10 * MAX_TRACED
MAX_EDGES: Final = MAX_STEPS + MAX_NODES
MAX_LISTS: Final = 16
MAX_HANDS: Final = 500
"""Owners of one file, from the newest back."""


class ActType(StrEnum):
    """What can be done with a file."""

    TRANSFORMATION = "transformation"
    """A tool made it."""

    SIGNING = "signing"
    VERIFICATION = "verification"
    """Somebody looked at it, on record."""

    DECISION = "decision"
    HANDOVER = "handover"
    """It changed hands, or went out of the house."""


RELATION: Final = {
    ActType.TRANSFORMATION: "made",
    ActType.SIGNING: "signed",
    ActType.VERIFICATION: "verified",
    ActType.DECISION: "decided",
    ActType.HANDOVER: "handedOver",
}
"""What an act's edge to its file is called."""


@dataclass(frozen=True)
class FileNode:
    """One version of the file, or something that went into it."""

    id: Text
    title: Text | None
    format: Text | None
    verdict: Verdict | None
    """None of what had no manifest, and nothing is recorded against."""

    failures: tuple[Text, ...]
    manifest_sha256: Digest | None
    """Of its manifest's box, wherever that is copied to; None where it has none."""

    content: StatedContent | None
    asset: Text | None = None
    """Of those that the caller owns, or that the exporting deployment kept."""

    state: Text | None = None
    """What is still kept of that asset."""

    sha256: Digest | None = None
    """Of the signed file, where it was signed here."""

    type: Literal["file"] = "file"


@dataclass(frozen=True)
class Act:
    """Something that was done with a file."""

    id: Text
    type: ActType
    kind: Text
    """Of its ledger entry; of what a manifest alone tells, the label of the assertion or box."""

    time: Text | None = None
    """The ledger's; of what a manifest alone tells, that of a trusted time-stamp."""

    by: Text | None = None
    """The principal; None where it is not the caller's to know, and of what a manifest alone tells."""

    to: Text | None = None
    """Who got it, of a hand-over."""

    verdict: Verdict | None = None
    """Of a signing, that of its manifest; of a verification, what was found then."""

    failures: tuple[Text, ...] = ()
    signer: SignerCertificate | None = None
    time_stamps: tuple[TimeStamp, ...] = ()
    actions: tuple[StatedAction, ...] = ()
    tools: tuple[StatedTool, ...] = ()
    model: StatedModel | None = None
    origin: Text | None = None
    """Of a bundle that was imported, the name of the log whose word it is; what that was worth is the importer's."""

    entry: Text | None = None
    receipt: Text | None = None
    """Where to fetch it."""


@dataclass(frozen=True)
class Edge:
    """`source` is parentOf, componentOf or inputTo `target`; or made, signed, verified, decided or handedOver it."""

    source: Text
    target: Text
    type: Text


@dataclass(frozen=True)
class Hand:
    """Who owned the file, from when on."""

    principal: Text | None
    """None where it is not the caller's to know."""

    since: Text | None
    entry: Text


@dataclass(frozen=True)
class Custody:
    """Is it intact, whose is it, through which hands, with which model, and the proof of each step."""

    verdict: Verdict
    """Of the file; where `content_checked` is false, of its manifest alone."""

    ancestry: Verdict | None
    """The worst among those it was made from; None where none of them has a manifest."""

    content_checked: bool
    """Whether the file itself was there to be compared with its manifest."""

    sentence: Text
    trust: Text
    """The digest of the trust policy it was judged under."""

    trust_lists: Annotated[tuple[ListInForce, ...], Field(max_length=MAX_LISTS)]
    """The trust lists that were in force."""

    root: Text | None
    """The node that was asked about; None where it has no manifest that can be read."""

    owner: Text | None
    """The principal; None where it is not the caller's to know."""

    hands: Annotated[tuple[Hand, ...], Field(max_length=MAX_HANDS)] = ()
    models: tuple[StatedModel, ...] = ()
    nodes: Annotated[tuple[FileNode | Act, ...], Field(max_length=MAX_NODES)] = ()
    edges: Annotated[tuple[Edge, ...], Field(max_length=MAX_EDGES)] = ()
    truncated: bool = False

    @property
    def entries(self) -> tuple[str, ...]:
        """Of a ledger, each once."""
        named = (*(act.entry for act in self.acts), *(hand.entry for hand in self.hands))
        return tuple(dict.fromkeys(filter(None, named)))

    @property
    def placed(self) -> bool:
        """Whether each of them has its place in the log."""
        return all(act.time for act in self.acts if act.entry) and all(hand.since for hand in self.hands)

    @property
    def files(self) -> Iterator[FileNode]:
        """The nodes that are files."""
        return (node for node in self.nodes if isinstance(node, FileNode))

    @property
    def acts(self) -> Iterator[Act]:
        """The nodes that are acts."""
        return (node for node in self.nodes if isinstance(node, Act))


def file_node(traced: Traced) -> FileNode:
    """A file of a lineage as a node."""
    return FileNode(
        traced.id, traced.title, traced.format, traced.verdict, traced.failures, traced.sha256, traced.content
    )


def stated_acts(traced: Traced) -> Iterator[Act]:
    """What a file's own manifest tells: what made it, and who signed that."""
    if traced.actions or traced.model:
        yield Act(
            f"{ActType.TRANSFORMATION}:{traced.id}",
            ActType.TRANSFORMATION,
            "c2pa.actions",
            time=next((action.when for action in traced.actions if action.when), None),
            verdict=traced.verdict,
            actions=traced.actions,
            tools=traced.tools,
            model=traced.model,
        )
    if traced.signer:
        yield signing(traced)


def signing(traced: Traced) -> Act:
    """The signature of a file's manifest."""
    return Act(
        f"{ActType.SIGNING}:{traced.id}",
        ActType.SIGNING,
        "c2pa.signature",
        time=next((stamp.time for stamp in traced.time_stamps if stamp.trusted), None),
        verdict=traced.verdict,
        failures=traced.failures,
        signer=traced.signer,
        time_stamps=traced.time_stamps,
    )


def made_from(lineage: Lineage) -> tuple[Edge, ...]:
    """Which file went into which."""
    return tuple(Edge(step.of, step.made, step.relationship) for step in lineage.steps)
