"""What the ancestors of a file are worth: its ingredients' manifests, at every depth.

Rules
- c2pa-rs checks every ancestor's claim again, but leaves out of its results whatever any ingredient
  assertion already records, and calls the outer manifest trusted over a tampered ancestor. So what was
  recorded and what was found now are read together, over the whole store, and by code alone: a failure filed
  as a success is a failure.
- Trust is ours: an ancestor recorded as untrusted by its recorder is trusted if it was found so now.
- Nothing is trusted for want of evidence: without a validated signature and a trusted signer, *untrusted*.
- Whether an ancestor's pixels matched its manifest is known only from the record of whoever signed over it.

C2PA Technical Specification 2.4, "Ingredient", "Validating ingredients".
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NewType

from provenance.codes import (
    EFFECTS,
    SIGNATURE_VALIDATED,
    SIGNER_TRUSTED,
    SIGNER_UNTRUSTED,
    effect,
)
from provenance.report import MAX_DEPTH, MAX_INGREDIENTS, MAX_STATUSES, Ingredient, legible, text
from provenance.verdict import Verdict, worst

Json = Mapping[str, Any]
Label = NewType("Label", str)
"""Of a manifest; or the URI of an ingredient assertion whose manifest is not in the store."""

_MANIFEST_OF_URL: Final = re.compile(r"self#jumbf=/c2pa/([^/]+)")


@dataclass
class Evidence:
    """Codes about one ancestor, each with whether it stood among the failures."""

    recorded: set[tuple[str, bool]] = field(default_factory=set)
    found: set[tuple[str, bool]] = field(default_factory=set)

    @property
    def verdict(self) -> Verdict:
        codes = self.recorded | self.found
        if (SIGNER_TRUSTED, False) in self.found:
            codes -= {(SIGNER_UNTRUSTED, True)}
        objection = worst(effect(code, failed=failed) for code, failed in codes)
        proven = {(SIGNER_TRUSTED, False), (SIGNATURE_VALIDATED, False)} <= codes
        return Verdict.UNTRUSTED if objection is Verdict.TRUSTED and not proven else objection

    @property
    def codes(self) -> set[str]:
        """All that is said of it, for and against."""
        return {code for code, _ in self.recorded | self.found}

    def says(self, code: str) -> bool:
        """Whether it stands somewhere, as a success or a failure."""
        return code in {said for said, _ in self.recorded | self.found}

    @property
    def failures(self) -> tuple[str, ...]:
        """The codes that speak against it."""
        codes = self.recorded | self.found
        against = {code for code, failed in codes if effect(code, failed=failed) is not Verdict.TRUSTED}
        return tuple(legible(code) for code in sorted(against)[:MAX_STATUSES])


@dataclass(frozen=True)
class Ancestry:
    """The ancestors of the active manifest."""

    verdict: Verdict | None
    tree: tuple[Ingredient, ...]
    truncated: bool
    labels: frozenset[str]
    """Of the manifests that ingredients lead to: a store is signed by nobody, and may hold others."""


def trace(store: Json) -> Ancestry:
    """The ancestors in a manifest store, as `Reader.json` gives it."""
    evidence = evidence_in(store)
    # Evidence against a manifest counts even where no ingredient leads to it: its record hid it from c2pa-rs.
    against = {label for label, about in evidence.items() if about.failures}
    ancestors = _ancestors(store)
    judged = [evidence[label].verdict for label in ancestors | against]
    tree: list[Ingredient] = []
    complete = _grow(tree, store, evidence, (_active(store),))
    return Ancestry(worst(judged) if judged else None, tuple(tree), not complete, frozenset(map(str, ancestors)))


def statuses_in(results: Json) -> Iterator[tuple[str, bool, str]]:
    """Code, whether it stood among the failures, and URL of every status in one set of lists."""
    for kind in ("success", "informational", "failure"):
        for status in results.get(kind) or ():
            yield str(status.get("code")), kind == "failure", str(status.get("url"))


def evidence_in(store: Json) -> defaultdict[Label, Evidence]:
    """Every code in the store that is about another manifest than the active one."""
    evidence: defaultdict[Label, Evidence] = defaultdict(Evidence)
    active, manifests = store.get("active_manifest"), store.get("manifests") or {}
    subjects: dict[str, Label] = {}

    def about(url: str, fallback: Label) -> Label:
        label = manifest_of(url)
        return Label(label) if label and label in manifests and label != active else fallback

    for label, manifest in manifests.items():
        for ingredient in manifest.get("ingredients") or ():
            uri, subject = _subject(str(label), ingredient)
            subjects[uri] = subject
            for code, failed, url in _recorded(ingredient):
                evidence[about(url, subject)].recorded.add((code, failed))
    for delta in (store.get("validation_results") or {}).get("ingredientDeltas") or ():
        uri = str(delta.get("ingredientAssertionURI"))
        for code, failed, url in statuses_in(delta.get("validationDeltas") or {}):
            evidence[about(url, subjects.get(uri, Label(uri)))].found.add((code, failed))
    return evidence


def manifest_of(url: str) -> str | None:
    """The label of the manifest that a status is about; None where its URL names none."""
    match = _MANIFEST_OF_URL.match(url)
    return match[1] if match else None


def objected(store: Json, code: str, why: Mapping[str, str], *, failed: bool = True) -> Json:
    """The store with a failure (a remark, where not `failed`) found in the signatures of these manifests: by label, in
    words.
    """
    found, active = store.get("validation_results") or {}, str(store.get("active_manifest"))
    results, deltas = dict(found.get("activeManifest") or {}), list(found.get("ingredientDeltas") or ())
    kind = "failure" if failed else "informational"
    for label, words in why.items():
        status = {"code": code, "url": f"self#jumbf=/c2pa/{label}/c2pa.signature", "explanation": words}
        if label == active:
            results[kind] = [*(results.get(kind) or ()), status]
        else:
            deltas.append({"ingredientAssertionURI": "", "validationDeltas": {kind: [status]}})
    return {**store, "validation_results": {**found, "activeManifest": results, "ingredientDeltas": deltas}}


def granted(store: Json, code: str) -> set[str]:
    """The labels of manifests of which `code` was found or recorded."""
    results = (store.get("validation_results") or {}).get("activeManifest") or {}
    active = {found for found, _, _ in statuses_in(results)}
    manifests = store.get("manifests") or {}
    ancestors = {str(label) for label, about in evidence_in(store).items() if label in manifests and about.says(code)}
    return ancestors | ({str(store.get("active_manifest"))} if code in active else set())


def withdrawn(store: Json, code: str, labels: Mapping[str, str]) -> Json:
    """The store in which this success was not found of these manifests, nor of any that its status does not name."""
    found = store.get("validation_results") or {}
    deltas = [
        {**delta, "validationDeltas": _without(delta.get("validationDeltas") or {}, code, labels)}
        for delta in found.get("ingredientDeltas") or ()
    ]
    results = {**found, "activeManifest": _without(found.get("activeManifest") or {}, code, labels)}
    return {**store, "validation_results": {**results, "ingredientDeltas": deltas}}


def _without(results: Json, code: str, labels: Mapping[str, str]) -> Json:
    kept = [
        one
        for one in results.get("success") or ()
        if one.get("code") != code or manifest_of(str(one.get("url"))) not in {None, *labels}
    ]
    return {**results, "success": kept}


def _recorded(ingredient: Json) -> Iterator[tuple[str, bool, str]]:
    results = ingredient.get("validation_results") or {}
    yield from statuses_in(results.get("activeManifest") or {})
    for delta in results.get("ingredientDeltas") or ():
        yield from statuses_in(delta.get("validationDeltas") or {})
    for status in ingredient.get("validation_status") or ():  # ingredients of C2PA 1.x: one list, mostly failures
        code = str(status.get("code"))
        yield code, code not in EFFECTS, str(status.get("url"))


def _subject(label: str, ingredient: Json) -> tuple[str, Label]:
    """The URI of an ingredient assertion, and the manifest it is about."""
    uri = f"self#jumbf=/c2pa/{label}/c2pa.assertions/{ingredient.get('label')}"
    return uri, Label(str(ingredient.get("active_manifest") or uri))


def _ancestors(store: Json) -> set[Label]:
    """The labels of all manifests that ingredients lead to."""
    ancestors: set[Label] = set()
    waiting = [_active(store)]
    while waiting:
        for ingredient in _ingredients(store, waiting.pop()):
            label = ingredient.get("active_manifest")
            if label and label not in ancestors:
                ancestors.add(Label(label))
                waiting.append(Label(label))
    return ancestors


def _grow(tree: list[Ingredient], store: Json, evidence: Mapping[Label, Evidence], path: tuple[Label, ...]) -> bool:
    """Add the ingredients at the end of `path` in pre-order; False when the limits left something out."""
    complete = True
    for ingredient in _ingredients(store, path[-1]):
        if len(tree) >= MAX_INGREDIENTS or len(path) > MAX_DEPTH:
            return False
        _, subject = _subject(path[-1], ingredient)
        tree.append(_node(store, ingredient, evidence.get(subject), len(path)))
        if subject not in path:
            complete &= _grow(tree, store, evidence, (*path, subject))
    return complete


def _node(store: Json, ingredient: Json, about: Evidence | None, depth: int) -> Ingredient:
    label = ingredient.get("active_manifest")
    manifest = (store.get("manifests") or {}).get(label) or {}
    about = about or Evidence()
    return Ingredient(
        depth=depth,
        title=text(ingredient.get("title") or manifest.get("title")),
        format=text(ingredient.get("format")),
        relationship=text(ingredient.get("relationship")),
        label=text(label),
        verdict=about.verdict if label or about.failures else None,
        signer=text((manifest.get("signature_info") or {}).get("common_name")),
        failures=about.failures,
    )


def _active(store: Json) -> Label:
    return Label(str(store.get("active_manifest")))


def _ingredients(store: Json, label: Label) -> Sequence[Json]:
    return ((store.get("manifests") or {}).get(label) or {}).get("ingredients") or ()
