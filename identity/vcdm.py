"""What a credential and a presentation must look like: W3C VCDM 2.0, and 1.1 for verifying.

The first context says which. A member that VCDM knows has its type; the others are the issuer's own. Each function
raises CheckFailedError for one check.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Final

from identity.encoding.date_time import AHEAD, read_date_time
from identity.errors import CheckFailedError
from identity.jsonld.context_library import CREDENTIALS_V1, CREDENTIALS_V2, ContextLibrary
from identity.jsonld.expansion import is_iri
from identity.outcome import Check, Outcome

CREDENTIAL: Final = "VerifiableCredential"
PRESENTATION: Final = "VerifiablePresentation"

VERSIONS: Final = (CREDENTIALS_V2, CREDENTIALS_V1)
BEGINS, ENDS = ("validFrom", "issuanceDate"), ("validUntil", "expirationDate")
"""Names of the first and of the last moment, of VCDM 2.0 and 1.1. Both are looked at, whichever the document is of: a
signature over RDF does not say which context comes first.
"""

_DROPPED_IN_URLS: Final = str.maketrans("", "", "\t\n\r")

Rule = Callable[[object], bool]


def listed(value: object) -> list[object]:
    """JSON-LD's way of one or many."""
    return value if isinstance(value, list) else [value]


def version(document: Mapping[str, object]) -> str:
    """The context that says which VCDM this is. Raises CheckFailedError, unreadable."""
    first = listed(document.get("@context"))[:1]
    if first and isinstance(first[0], str) and first[0] in VERSIONS:
        return first[0]
    raise CheckFailedError(Check.STRUCTURE, f"its first context is not {CREDENTIALS_V2}", Outcome.UNREADABLE)


def url_read(url: object) -> object:
    """A URL as the URL Standard reads one: tabs and line breaks in it are none of it (§4.4, basic URL parser)."""
    return url.translate(_DROPPED_IN_URLS) if isinstance(url, str) else url


def party(value: object) -> str | None:
    """The id of an issuer or a holder, which stands alone or in an object."""
    name = value.get("id") if isinstance(value, dict) else value
    return name if isinstance(name, str) and is_iri(name) else None


def check_structure(document: Mapping[str, object], kind: str) -> None:
    """Of a document of that type. Raises CheckFailedError."""
    edition = version(document)
    if kind not in listed(document.get("type")):
        raise CheckFailedError(Check.STRUCTURE, f"it is no {kind}", Outcome.UNREADABLE)
    rules, required = _RULES[kind], _REQUIRED[kind]
    if kind == CREDENTIAL and edition == CREDENTIALS_V1:
        required = (*required, "issuanceDate")
    for name in required:
        if name not in document:
            raise CheckFailedError(Check.STRUCTURE, f"it has no {name!r}")
    for name, rule in rules.items():
        if name in document and not rule(document[name]):
            raise CheckFailedError(Check.STRUCTURE, f"its {name!r} is not of its form")
    if any(name in {"id", "@id"} and str(value).startswith("_:") for name, value in inside(document)):
        raise CheckFailedError(Check.STRUCTURE, "an id names a blank node, which no signature over RDF covers")


def check_contexts(document: Mapping[str, object], contexts: ContextLibrary, *, written_out: bool = False) -> None:
    """At the top only, known, and none written out, by which names could come to mean something else; an issuer knows
    what it writes out.

    What a presentation holds, and proofs, have contexts of their own. Raises CheckFailedError, untrusted.
    """
    for context in listed(document.get("@context", [])):
        if isinstance(context, dict) and written_out:
            continue
        if not isinstance(context, str):
            raise CheckFailedError(Check.CONTEXTS, "one is written out in the document", Outcome.UNTRUSTED)
        if context not in contexts:
            raise CheckFailedError(Check.CONTEXTS, f"{context!r} is not known here", Outcome.UNTRUSTED)
    if any(name == "@context" for name, _ in inside(document)):
        raise CheckFailedError(Check.CONTEXTS, "one stands inside the document", Outcome.UNTRUSTED)


def inside(document: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Every member at any depth, but for the contexts at the top, proofs, and credentials that are held."""
    waiting: list[object] = [
        {name: value} for name, value in document.items() if name not in {"@context", "proof", "verifiableCredential"}
    ]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield from value.items()
        waiting.extend(value.values() if isinstance(value, dict) else value if isinstance(value, list) else ())


def check_validity(document: Mapping[str, object], now: datetime) -> None:
    """Raises CheckFailedError."""
    first = max((read_date_time(document[name]) for name in BEGINS if name in document), default=None)
    last = min((read_date_time(document[name]) for name in ENDS if name in document), default=None)
    if first and last and last < first:
        raise CheckFailedError(Check.VALIDITY, "it ends before it begins")
    if first and now + AHEAD < first:
        raise CheckFailedError(Check.VALIDITY, f"it is not valid before {first:%Y-%m-%dT%H:%M:%SZ}")
    if last and last < now:
        raise CheckFailedError(Check.VALIDITY, f"it was valid until {last:%Y-%m-%dT%H:%M:%SZ}")


def _is_moment(value: object) -> bool:
    try:
        read_date_time(value)
    except ValueError:
        return False
    return True


def _is_type(value: object) -> bool:
    return bool(listed(value)) and all(isinstance(kind, str) for kind in listed(value))


def _is_party(value: object) -> bool:
    return party(value) is not None


def _is_language_value(value: object) -> bool:
    if isinstance(value, dict):
        return isinstance(value.get("@value"), str) and set(value) <= {"@value", "@language", "@direction"}
    return isinstance(value, str)


def _is_text(value: object) -> bool:
    return bool(listed(value)) and all(map(_is_language_value, listed(value)))


def _objects(*required: str) -> Rule:
    """One or many objects, not empty, with these members; what names a thing is an IRI."""

    def is_object(value: object) -> bool:
        if not isinstance(value, dict) or not value or not all(name in value for name in required):
            return False
        return is_iri(value.get("id", "urn:none")) and _is_type(value.get("type", ["none"]))

    return lambda value: bool(listed(value)) and all(map(is_object, listed(value)))


def _are_credentials(value: object) -> bool:
    """Objects, some of which are envelopes; of VCDM 1.1 also JWTs (`identity.verifier` sees to that)."""
    return bool(listed(value)) and all(isinstance(each, str) or _objects("type")(_held(each)) for each in listed(value))


def _held(value: object) -> object:
    return {**value, "id": url_read(value["id"])} if isinstance(value, dict) and "id" in value else value


_REQUIRED: Final = {CREDENTIAL: ("issuer", "credentialSubject"), PRESENTATION: ()}
_RULES: Final[Mapping[str, Mapping[str, Rule]]] = {
    CREDENTIAL: {
        "id": is_iri,
        "type": _is_type,
        "name": _is_text,
        "description": _is_text,
        "issuer": _is_party,
        "credentialSubject": _objects(),
        "validFrom": _is_moment,
        "validUntil": _is_moment,
        "issuanceDate": _is_moment,
        "expirationDate": _is_moment,
        "credentialStatus": _objects("type"),
        "credentialSchema": _objects("id", "type"),
        "refreshService": _objects("type"),
        "termsOfUse": _objects("type"),
        "evidence": _objects("type"),
        "relatedResource": _objects("id"),
    },
    PRESENTATION: {
        "id": is_iri,
        "type": _is_type,
        "holder": _is_party,
        "verifiableCredential": _are_credentials,
        "termsOfUse": _objects("type"),
    },
}
"""Member → its form (VCDM 2.0 §4)."""
