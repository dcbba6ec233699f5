"""The manifests of a store, each once, and which was made from which: a graph, where `ancestry` is one verdict and a
report a short tree. It is what of a custody graph a file carries by itself.

Rules
- As in a report: bounded texts of strangers, reported as stated, with a verdict for what they are worth.
- Lists are capped, and `truncated` says so: who may not miss anything refuses such a lineage.

C2PA Technical Specification 2.4, "Ingredient".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import Field, StringConstraints

from provenance.report import (
    SignerCertificate,
    StatedAction,
    StatedContent,
    StatedModel,
    StatedTool,
    Text,
    TimeStamp,
)
from provenance.verdict import Verdict

MAX_TRACED: Final = 500
"""Files of one lineage; a store of 16 MiB has room for a thousand of ours."""

MAX_STEPS: Final = 2000
MAX_TRACED_ACTIONS: Final = 20
"""Of one manifest; its report has more."""

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


@dataclass(frozen=True)
class Traced:
    """One file of a lineage: what its manifest states, and what that is worth."""

    id: Text
    """The label of its manifest; of a file without one, the URI of the ingredient assertion that names it."""

    title: Text | None
    format: Text | None
    """As whoever made something from it recorded it."""

    verdict: Verdict | None
    """None where it had no manifest and nothing is recorded against it."""

    failures: tuple[Text, ...]
    """C2PA codes that stand against it."""

    sha256: Digest | None = None
    """Of its manifest's box, which stays the same wherever it is copied to; None where it has none."""

    signer: SignerCertificate | None = None
    time_stamps: tuple[TimeStamp, ...] = ()
    tools: tuple[StatedTool, ...] = ()
    model: StatedModel | None = None
    actions: tuple[StatedAction, ...] = ()
    content: StatedContent | None = None


@dataclass(frozen=True)
class Step:
    """That one file was made from another, as a manifest says."""

    made: Text
    of: Text
    relationship: Text
    """`parentOf`, `componentOf`, `inputTo`: what the older file is to the newer one."""


@dataclass(frozen=True)
class Lineage:
    """A graph; the first of `files` is the one that was looked at."""

    files: Annotated[tuple[Traced, ...], Field(max_length=MAX_TRACED)] = ()
    steps: Annotated[tuple[Step, ...], Field(max_length=MAX_STEPS)] = ()
    truncated: bool = False
