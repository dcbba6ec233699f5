"""Taking apart what a tool sends: the bytes to be signed, and the assertion store that they hash. Runs in the worker.

Rules
- The bytes are a COSE Sig_structure (RFC 9052, section 4.4) whose protected header names our algorithm and our chain
  and nothing else, and whose payload is a C2PA claim of version 2. Nothing else can be signed here.
- Every hashed URI is looked up and its hash holds: those of the claim, and those with which assertions name each other.
  Every assertion that is there is listed, once.
- There is one hard binding, and it binds all of the content (`provenance.unseen.binding`).
- It says first how its content began, and what every reader refuses is not signed.
- What assertions say is looked for wherever it stands in them: a source type or a software agent under another member
  is one, too.

C2PA Technical Specification 2.4, "Claims", "Hashed JUMBF URIs", "Hard bindings", "Redaction of assertions".
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from provenance.claim_signer import SIG_STRUCTURE
from provenance.errors import ClaimInvalidError
from provenance.unseen.actions import actions_of
from provenance.unseen.binding import DIGESTS, check_binding
from provenance.unseen.cbor import Budget, CborError, decode
from provenance.unseen.contents import CONTEXT, content_of, local, members_of, require_plain, text
from provenance.unseen.found import MAX_ASSERTIONS, MAX_TEXT, MAX_TITLE, FoundClaim
from provenance.unseen.jumbf import ASSERTIONS_TYPE, Box, JumbfError
from provenance.unseen.moments import latest_of

ALGORITHMS: Final = {"ES256": -7, "EdDSA": -8}
"""COSE's numbers (RFC 9053) by what `keys.signer.Algorithm` calls them."""

_ALGORITHM, _CHAIN = 1, 33
"""COSE header parameters: alg, x5chain (RFC 9360)."""

MAX_HASHED_URIS: Final = 1000
"""In all assertions: an ingredient has three or so."""

_MEMBERS: Final = {
    "instanceID": str,
    "claim_generator_info": dict,
    "signature": str,
    "created_assertions": list,
    "gathered_assertions": list,
    "redacted_assertions": list,
    "dc:title": str,
    "alg": str,
    "alg_soft": str,
    "specVersion": str,
    "metadata": list,
}
_REQUIRED: Final = frozenset({"instanceID", "claim_generator_info", "signature", "created_assertions"})
_URI: Final = re.compile(r"self#jumbf=(?:/c2pa/(?P<manifest>[^/]+)/)?c2pa\.assertions/(?P<label>[^/]+)")
_SIGNATURE: Final = re.compile(r"self#jumbf=(?:/c2pa/(?P<manifest>[^/]+)/)?c2pa\.signature")
_INSTANCE: Final = re.compile(r"__[0-9]+$")
HARD_BINDING: Final = "c2pa.hash."
SOURCE: Final = "digitalsourcetype"
MODEL_NAMES: Final = {"org.sigillo.model": "name", "c2pa.ai-disclosure": "modelName"}
"""Where an assertion says which model was used; XMP says it as `Iptc4xmpExt:AISystemUsed`."""

MODEL_TYPE: Final = "c2pa.types.model"
"""How the type of an ingredient begins that is a model; its title is the model's name."""

HISTORY: Final = frozenset({"activeManifest", "c2pa_manifest"})
"""Members of an ingredient that brings manifests of its own."""


def take_apart(to_sign: bytes, store: bytes, algorithm: str, chain: Sequence[bytes]) -> FoundClaim:
    """What the claim says. `chain` is our certificates (DER), leaf first. Raises ClaimInvalidError."""
    try:
        protected, claim_bytes = _structure(decode(to_sign))
        if not to_sign.startswith(SIG_STRUCTURE):
            raise ClaimInvalidError("the Sig_structure is not written in the shortest form")
        _require_ours(decode(protected), algorithm, chain)
        claim = _claim(decode(claim_bytes))
        return _found(protected, claim_bytes, claim, _Assertions.of(Box.parse(store), claim))
    except CborError as error:
        raise ClaimInvalidError(f"it is not CBOR that can be read in one way only ({error})") from error
    except JumbfError as error:
        raise ClaimInvalidError(
            f"the assertion store is not JUMBF that can be read in one way only ({error})"
        ) from error


def _structure(value: Any) -> tuple[bytes, bytes]:
    match value:
        case ["Signature1", bytes(protected), b"", bytes(claim)] if claim:
            return protected, claim
    raise ClaimInvalidError("the bytes to be signed are not a COSE Sig_structure for a Signature1")


def _require_ours(header: Any, algorithm: str, chain: Sequence[bytes]) -> None:
    named = header.get(_CHAIN) if isinstance(header, dict) else None
    certificates = [named] if isinstance(named, bytes) else named
    if not isinstance(header, dict) or header.keys() != {_ALGORITHM, _CHAIN} or certificates != list(chain):
        raise ClaimInvalidError(
            "its protected header is not the algorithm and the chain that GET /v1/claims/signer says"
        )
    if header[_ALGORITHM] != ALGORITHMS[algorithm]:
        raise ClaimInvalidError(f"its protected header names another algorithm than {algorithm}")


def _claim(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not value.keys() >= _REQUIRED or not value.keys() <= _MEMBERS.keys():
        raise ClaimInvalidError("the payload is not a C2PA claim of version 2")
    wrong = next((name for name, member in value.items() if not isinstance(member, _MEMBERS[name])), None)
    if wrong or not _SIGNATURE.fullmatch(value["signature"]):
        raise ClaimInvalidError(f"the claim's {wrong or 'signature'} is not of its form")
    if value.get("alg", "sha256") not in DIGESTS:
        raise ClaimInvalidError("the claim names an algorithm that C2PA does not allow")
    for name, limit in (("instanceID", MAX_TEXT), ("dc:title", MAX_TITLE)):
        if len(value.get(name, "")) > limit:
            raise ClaimInvalidError(f"the claim's {name} has more than {limit} characters")
    return value


class _Assertions:
    """The assertions of one claim, found and seen to be what it hashes."""

    def __init__(self, boxes: Mapping[str, Box], manifest: str, algorithm: str) -> None:
        self.boxes, self.manifest, self._algorithm = boxes, manifest, algorithm
        budget = Budget()
        self.contents = {label: content_of(box, budget) for label, box in boxes.items()}
        self._digests: dict[tuple[str, str], bytes] = {}

    @classmethod
    def of(cls, store: Box, claim: Mapping[str, Any]) -> _Assertions:
        """Raises ClaimInvalidError."""
        if store.type != ASSERTIONS_TYPE or store.label != "c2pa.assertions":
            raise ClaimInvalidError("what comes with it is not a C2PA assertion store")
        shape = _SIGNATURE.fullmatch(claim["signature"])
        manifest = (shape["manifest"] or "") if shape else ""
        boxes = {box.label: box for box in store.children[1:]}
        found = cls(boxes, manifest, claim.get("alg", ""))
        listed = [*claim["created_assertions"], *claim.get("gathered_assertions", ())]
        if len(listed) > MAX_ASSERTIONS:
            raise ClaimInvalidError(f"it has more than {MAX_ASSERTIONS} assertions")
        labels = [found.required(entry) for entry in listed]
        if sorted(labels) != sorted(boxes):
            raise ClaimInvalidError("the assertion store holds others than the claim lists, or one is listed twice")
        created = [found.required(entry) for entry in claim["created_assertions"]]
        if sum(label.startswith(HARD_BINDING) for label in labels) != 1 or not any(
            label.startswith(HARD_BINDING) for label in created
        ):
            raise ClaimInvalidError("a claim over content has one hard binding, among what it created")
        named = [value[0] for name, value in found.members() if name == "url" and isinstance(value[1], str)]
        if len(named) > MAX_HASHED_URIS:
            raise ClaimInvalidError(f"its assertions name more than {MAX_HASHED_URIS} others")
        for entry in named:
            found.check_named(entry)
        return found

    def required(self, entry: Any) -> str:
        """The label that a hashed URI leads to, in this store. Raises ClaimInvalidError."""
        if not isinstance(entry, dict) or not entry.keys() <= {"url", "hash", "alg"}:
            raise ClaimInvalidError("an assertion is not listed as a hashed URI")
        shape = _URI.fullmatch(text(entry.get("url"), "url"))
        label = shape["label"] if shape and shape["manifest"] in (None, self.manifest) else ""
        if label not in self.boxes:
            raise ClaimInvalidError(f"the assertion store has nothing at {str(entry.get('url'))[:100]!r}")
        self._check(entry, self.boxes[label])
        return label

    def check_named(self, entry: Mapping[str, Any]) -> None:
        """A hashed URI inside an assertion holds where it leads into this store; where it leads elsewhere, nobody here
        can tell.
        """
        shape = _URI.fullmatch(entry["url"])
        if shape and "hash" in entry and shape["manifest"] in (None, self.manifest):
            self.required({name: value for name, value in entry.items() if name in ("url", "hash", "alg")})

    def members(self) -> Iterator[tuple[str, tuple[Mapping[str, Any], Any]]]:
        """Every member of every object in every assertion: its name, and the object with the member's value."""
        for content in self.contents.values():
            yield from members_of(content)

    def _check(self, entry: Mapping[str, Any], box: Box) -> None:
        algorithm = entry.get("alg") or self._algorithm or "sha256"
        if not isinstance(algorithm, str) or algorithm not in DIGESTS:
            raise ClaimInvalidError("an assertion is hashed with an algorithm that C2PA does not allow")
        if (box.label, algorithm) not in self._digests:
            self._digests[box.label, algorithm] = hashlib.new(algorithm, box.content).digest()
        digest = self._digests[box.label, algorithm]
        if not isinstance(entry.get("hash"), bytes) or not hmac.compare_digest(digest, entry["hash"]):
            raise ClaimInvalidError(f"the assertion {box.label[:100]!r} is not the one that the claim hashes")


def _found(protected: bytes, claim_bytes: bytes, claim: Mapping[str, Any], assertions: _Assertions) -> FoundClaim:
    info = claim["claim_generator_info"]
    members = list(assertions.members())
    agents = [value for name, (_, value) in members if name in ("softwareAgent", "softwareAgents")]
    sources = [value for name, (_, value) in members if local(name) == SOURCE]
    for name, (_, value) in members:
        if name == CONTEXT:
            require_plain(value)
    binding = next(label for label in assertions.boxes if label.startswith(HARD_BINDING))
    bound = assertions.contents[binding]
    own = len(claim_bytes) + sum(len(box.content) for box in assertions.boxes.values())
    history = any(HISTORY & content.keys() for label, content in assertions.contents.items() if _ingredient(label))
    check_binding(binding, bound, claim.get("alg", ""), own, history=history)
    return FoundClaim(
        claim_bytes=len(claim_bytes),
        protected=protected.hex(),
        generator=text(info.get("name"), "claim_generator_info.name"),
        generator_version=text(info.get("version", ""), "claim_generator_info.version"),
        title=claim.get("dc:title", ""),
        instance=claim["instanceID"],
        manifest=assertions.manifest,
        labels=tuple(sorted({_INSTANCE.sub("", label) for label in assertions.boxes})),
        actions=tuple(actions_of(assertions.contents)),
        tools=tuple(sorted({name for agent in agents for name in _agents(agent)})),
        source_types=tuple(sorted({text(source, "digitalSourceType") for source in sources})),
        models=tuple(sorted({*_models(assertions.contents), *_texts(members, "aisystemused")})),
        software=tuple(sorted(set(_texts(members, "creatortool")))),
        latest=latest_of(members),
        redacts=bool(claim.get("redacted_assertions")),
        binding_algorithm=text(bound.get("alg") or claim.get("alg", ""), "alg"),
        binding_hash=bound["hash"].hex() if isinstance(bound.get("hash"), bytes) else "",
    )


def _agents(value: Any) -> Iterator[str]:
    """Names of software agents: an object with a name, a bare name as in C2PA 1.x, or a list of either."""
    for one in value if isinstance(value, list) else [value]:
        yield text(one.get("name") if isinstance(one, dict) else one, "softwareAgent")


def _models(contents: Mapping[str, Any]) -> Iterator[str]:
    for label, content in contents.items():
        if member := MODEL_NAMES.get(_INSTANCE.sub("", label)):
            yield text(content.get(member), member)
        elif _ingredient(label) and any(one.startswith(MODEL_TYPE) for one in _data_types(content)):
            yield text(content.get("dc:title"), "dc:title of a model")


def _data_types(ingredient: Mapping[str, Any]) -> Iterator[str]:
    for member in ("dataTypes", "data_types"):
        listed = ingredient.get(member, [])
        for one in listed if isinstance(listed, list) else [listed]:
            yield text(one.get("type") if isinstance(one, dict) else one, member)


def _ingredient(label: str) -> bool:
    return label.startswith("c2pa.ingredient")


def _texts(members: Iterable[tuple[str, tuple[Mapping[str, Any], Any]]], name: str) -> Iterator[str]:
    """What members of that name say, whatever prefix theirs have."""
    return (text(value, name) for member, (_, value) in members if local(member) == name)
