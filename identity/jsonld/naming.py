"""Names at the top of a credential: each is defined by itself.

A context with `@vocab` defines every name there is, misspelt ones too. Claims may rest on one, as they do in VCDM's
examples; what stands at the top may not. There verifiers look for what decides whether a credential is in force, and
`validUntill`, or VCDM 1.1's `expirationDate`, would be signed and mean nothing to them (ADR 0042).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from identity.errors import UndefinedTermError
from identity.jsonld.context_library import ContextLibrary

CATCH_ALL: Final = "@vocab"


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
