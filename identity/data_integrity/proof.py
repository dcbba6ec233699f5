"""One proof, of Data Integrity or from before: reading it, and what can be checked of it without its document.

Each function raises CheckFailedError for one check, so that a report can name it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from identity.data_integrity.cryptosuite import ED25519_2020, SELECTIVE, SUITES, SelectiveSuite, Suite
from identity.did.methods import Resolver, VerificationMethod
from identity.encoding.date_time import AHEAD, read_date_time
from identity.errors import CheckFailedError, DidError, DidUnreachableError, DidUnsupportedError, ProofError
from identity.jsonld.expansion import is_iri
from identity.legacy.suites import LEGACY, LegacySuite
from identity.outcome import Check, Outcome

TYPE: Final = "DataIntegrityProof"
ALL_SUITES: Final[Mapping[str, Suite | SelectiveSuite]] = {**SUITES, **SELECTIVE}
MAX_PROOFS: Final = 16
"""Of one document."""


@dataclass(frozen=True)
class Proof:
    """One proof as it was read."""

    configuration: dict[str, Any]
    """All of it but the value."""

    suite: Suite | SelectiveSuite | LegacySuite
    value: str
    header: bytes | None
    """The presentation header of a derived proof, where its suite has one."""

    method: str
    purpose: str
    created: datetime | None
    expires: datetime | None
    follows: tuple[str, ...]
    """Ids of the proofs that it follows."""


def proofs_of(document: Mapping[str, object]) -> list[object]:
    """The proofs of a document as they stand, at least one. Raises CheckFailedError."""
    proofs = document.get("proof", [])
    listed = proofs if isinstance(proofs, list) else [proofs]
    if not listed:
        raise CheckFailedError(Check.PROOF, "there is none", Outcome.ABSENT)
    if len(listed) > MAX_PROOFS:
        raise CheckFailedError(Check.PROOF, f"there are more than {MAX_PROOFS}", Outcome.UNREADABLE)
    return listed


def read_proof(raw: object) -> Proof:
    """Raises CheckFailedError, unreadable."""
    try:
        return _read(dict(raw) if isinstance(raw, dict) else {})
    except (ValueError, ProofError) as error:
        raise CheckFailedError(Check.PROOF, str(error), Outcome.UNREADABLE) from error


def _read(configuration: dict[str, Any]) -> Proof:
    suite = _suite(configuration)
    member = "jws" if isinstance(suite, LegacySuite) else "proofValue"
    value = _text(configuration, member)
    del configuration[member]
    if not is_iri(configuration.get("id", "urn:none")):
        raise ValueError("its 'id' is no absolute IRI")
    if any(name.startswith("@") for name in configuration if name != "@context"):
        raise ValueError("it has keywords of JSON-LD")
    return Proof(
        configuration=configuration,
        suite=suite,
        value=value,
        header=suite.read(value),
        method=_text(configuration, "verificationMethod"),
        purpose=_text(configuration, "proofPurpose"),
        created=_moment(configuration, "created"),
        expires=_moment(configuration, "expires"),
        follows=_texts(configuration, "previousProof"),
    )


def _suite(configuration: Mapping[str, object]) -> Suite | SelectiveSuite | LegacySuite:
    kind = _text(configuration, "type")
    if kind == ED25519_2020 and "cryptosuite" not in configuration:
        _text(configuration, "created")
        return SUITES["eddsa-rdfc-2022"]
    if kind in LEGACY and "cryptosuite" not in configuration:
        return LEGACY[kind]
    if kind != TYPE:
        raise ValueError(f"its type is not {TYPE}, {ED25519_2020}, {' or '.join(LEGACY)}")
    suite = ALL_SUITES.get(_text(configuration, "cryptosuite"))
    if suite is None:
        raise ValueError(f"cryptosuites are {', '.join(ALL_SUITES)}")
    return suite


def _text(configuration: Mapping[str, object], name: str) -> str:
    value = configuration.get(name)
    if isinstance(value, str):
        return value
    raise ValueError(f"its {name!r} is not a string")


def _texts(configuration: Mapping[str, object], name: str) -> tuple[str, ...]:
    value = configuration.get(name, [])
    texts = value if isinstance(value, list) else [value]
    if not all(isinstance(text, str) for text in texts):
        raise ValueError(f"its {name!r} is neither a string nor strings")
    return tuple(texts)


def _moment(configuration: Mapping[str, object], name: str) -> datetime | None:
    return read_date_time(configuration[name]) if name in configuration else None


@dataclass(frozen=True)
class Expected:
    """What a proof must have been made for; None accepts any challenge or domain."""

    purpose: str
    challenge: str | None = None
    domain: str | None = None
    header: bytes | None = None
    """Of proofs by bbs-2023, whose presentation header is all that keeps them from being shown again."""


def check_purpose(proof: Proof, expected: Expected, method: VerificationMethod) -> None:
    """Raises CheckFailedError."""
    if proof.purpose != expected.purpose:
        raise CheckFailedError(Check.PURPOSE, f"it is for {proof.purpose!r}, not {expected.purpose!r}")
    if proof.purpose not in method.purposes:
        raise CheckFailedError(Check.PURPOSE, f"its key may not be used for {proof.purpose!r}")


def check_challenge(proof: Proof, expected: Expected) -> None:
    """Raises CheckFailedError."""
    if expected.challenge is not None and proof.configuration.get("challenge") != expected.challenge:
        raise CheckFailedError(Check.CHALLENGE, "it answers another challenge, or none")
    if expected.header is not None and proof.header != expected.header:
        raise CheckFailedError(Check.CHALLENGE, "its presentation header is another, or it has none")


def check_domain(proof: Proof, expected: Expected) -> None:
    """Raises CheckFailedError."""
    domain = proof.configuration.get("domain")
    if expected.domain is not None and domain not in (expected.domain, [expected.domain]):
        raise CheckFailedError(Check.DOMAIN, "it was made for another domain, or none")


def check_time(proof: Proof, now: datetime) -> None:
    """Raises CheckFailedError."""
    if proof.created and proof.created > now + AHEAD:
        raise CheckFailedError(Check.PROOF_TIME, "it was made after now")
    if proof.expires and proof.expires <= now:
        raise CheckFailedError(Check.PROOF_TIME, "it has expired")


def find_method(proof: Proof, resolve: Resolver) -> VerificationMethod:
    """The proof's key, one that its suite takes. Raises CheckFailedError."""
    method = resolved(proof.method, resolve)
    if not proof.suite.takes(method.key):
        raise CheckFailedError(Check.METHOD, f"{_name(proof)} takes no such key")
    return method


def resolved(name: str, resolve: Resolver) -> VerificationMethod:
    """The method of that name. Raises CheckFailedError."""
    try:
        return resolve(name)
    except (DidUnreachableError, DidUnsupportedError) as error:
        raise CheckFailedError(Check.METHOD, str(error), Outcome.UNCHECKED) from error
    except DidError as error:
        raise CheckFailedError(Check.METHOD, str(error), Outcome.UNREADABLE) from error


def _name(proof: Proof) -> object:
    return proof.configuration.get("cryptosuite", proof.configuration["type"])


def preceding(proof: Proof, proofs: Sequence[object]) -> list[object]:
    """The proofs that this one follows, as they stand. Raises CheckFailedError."""
    named: dict[str, object] = {}
    for raw in proofs:
        name = raw.get("id") if isinstance(raw, dict) else None
        if isinstance(name, str):
            if name in named:
                raise CheckFailedError(Check.CHAIN, f"two proofs have the id {name!r}")
            named[name] = raw
    missing = [name for name in proof.follows if name not in named]
    if missing:
        raise CheckFailedError(Check.CHAIN, f"it follows {missing[0]!r}, which is not there")
    return [named[name] for name in proof.follows]
