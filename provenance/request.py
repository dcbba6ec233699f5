"""What a creation tool asks us to state about a file. Shapes only: `rules` judges them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from provenance.creator import CreatorSignature
from provenance.vocabulary import DigitalSourceType, RedactionReason, TrainingMining


@dataclass(frozen=True)
class Tool:
    """A piece of software, by name and version."""

    name: str
    version: str


@dataclass(frozen=True)
class Model:
    """The generative model that made or changed the pixels."""

    name: str
    version: str
    provider: str


@dataclass(frozen=True)
class AuthorStatement:
    """What the author says in their own words; we carry it, we don't vouch for it."""

    name: str
    statement: str


@dataclass(frozen=True)
class Action:
    """One step in the making of the file."""

    name: str
    """`c2pa.…` from the specification's table, or a vendor's reverse-domain label."""

    source_type: DigitalSourceType | None = None
    when: datetime | None = None
    """Aware; written in UTC to the second."""

    description: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """JSON values."""


@dataclass(frozen=True)
class Redaction:
    """What is to be taken out of the manifest that the file arrives with."""

    assertions: tuple[str, ...]
    """By label."""

    reason: RedactionReason


@dataclass(frozen=True)
class ClaimRequest:
    """Everything a request may put into a manifest."""

    title: str
    tool: Tool
    model: Model | None = None
    actions: tuple[Action, ...] = ()
    """In order. Begins with `c2pa.created` for a new work; otherwise the file is opened as it is."""

    training_mining: TrainingMining = TrainingMining.NOT_ALLOWED
    author: AuthorStatement | None = None
    redaction: Redaction | None = None
    creator: CreatorSignature | None = None
    """What its creator signed with a key of their own."""


@dataclass(frozen=True)
class LikenessCheck:
    """That the tool asked whether it may imitate whom a picture shows, and was allowed to: read out of a token of ours
    that was verified.
    """

    token: str
    """Whoever reads the manifest can verify it again, under the keys of the DID that it names."""

    entry: str
    purpose: str
    """As the tool declared it."""

    commitment: str
    """To the picture that was shown; whoever has it, and its salt, can tell that it was that one. Hexadecimal."""

    checked_at: str
    """RFC 3339."""


@dataclass(frozen=True)
class Grant:
    """What the principal behind an API key may assert."""

    tool: str
    """The one tool name it speaks for."""

    source_types: frozenset[DigitalSourceType]
    models: frozenset[str] = frozenset()
    """Models that its claims over content that is not seen may name."""

    assertions: frozenset[str] = frozenset()
    """Labels that such claims may hold besides those of the specification."""
