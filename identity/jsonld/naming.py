"""Names at the top of a credential: each is defined by itself, and what it stands for is written by it.

A context with `@vocab` defines every name there is, misspelt ones too. Claims may rest on one, as they do in VCDM's
examples; what stands at the top may not. There verifiers look for what decides whether a credential is in force, and
`validUntill`, or VCDM 1.1's `expirationDate`, would be signed and mean nothing to them (ADR 0042).

A signature over RDF covers what a name stands for and not the name. So whoever holds a credential could write
`validUntil` or `credentialStatus` as its IRI, by a name of a context of their own or in another node of the same id:
it would hold, and no verifier who looks for the names would find when it ends (ADR 0046).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from identity.errors import RenamedMemberError, UndefinedTermError
from identity.jsonld.context_library import ContextLibrary

CATCH_ALL: Final = "@vocab"

STATUS: Final = "https://www.w3.org/2018/credentials#credentialStatus"
SPELLED_OTHERWISE: Final = {"https://w3id.org/security#expiration": "expires"}
LOOKED_FOR: Final = (
    "https://www.w3.org/2018/credentials#",
    "https://www.w3.org/ns/credentials/status#",
    *SPELLED_OTHERWISE,
)
"""How IRIs begin that stand for names which verifiers look for. The name follows, but for a proof's end: of its members
the only one that nobody misses who does not find it.
"""


def check_names(document: Mapping[str, object], contexts: ContextLibrary) -> None:
    """Of a document whose `type` is a text or a list of texts; what no context defines at all is not looked for here.

    Raises UndefinedTermError, UnknownContextError.
    """
    defined = contexts.definitions(document.get("@context"))
    kinds = document.get("type", [])
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        scoped = defined.get(str(kind))
        if isinstance(scoped, dict) and "@context" in scoped:
            defined = {**defined, **contexts.definitions(scoped["@context"])}
    for name in document if CATCH_ALL in defined else ():
        if name not in defined and ":" not in name and not name.startswith("@"):
            raise UndefinedTermError(
                f"{name!r} stands beside what decides whether a credential is in force, and only {CATCH_ALL} defines "
                "it: spell it as VCDM does, or define it by its name in a context"
            )


def check_spelling(document: Mapping[str, object], expanded: list[Any]) -> None:
    """That what VCDM's names stand for, and a proof's end, is said of a document by these names and in no other way;
    and of its statuses so what a list of statuses defines.

    Raises RenamedMemberError.
    """
    _check_spelling(document, _about_the_same(expanded))
    stated = [value for top in expanded for value in top.get(STATUS, [])]
    for entry, node in zip(_listed(document.get("credentialStatus", [])), stated, strict=False):
        if isinstance(entry, dict):
            _check_spelling(entry, [node])


def _check_spelling(members: Mapping[str, object], nodes: list[dict[str, Any]]) -> None:
    for iri in {iri for node in nodes for iri in node if iri.startswith(LOOKED_FOR)}:
        name = SPELLED_OTHERWISE.get(iri) or iri.partition("#")[2]
        if sum(len(node.get(iri, ())) for node in nodes) != len(_listed(members.get(name, []))):
            raise RenamedMemberError(f"{name!r} is written by another name, where nobody looks for it: {iri}")


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _about_the_same(expanded: list[Any]) -> list[dict[str, Any]]:
    """What stands at the top, and whatever has its id; other graphs say nothing of it."""
    found, ids = list(expanded), {top["@id"] for top in expanded if "@id" in top}
    waiting = list(expanded) if ids else []
    while waiting:
        for name, values in waiting.pop().items():
            if name.startswith("@") and name != "@list":
                continue
            nodes = [value for value in values if "@value" not in value]
            found += [node for node in nodes if node.get("@id") in ids]
            waiting += nodes
    return found
