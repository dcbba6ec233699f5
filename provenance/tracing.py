"""From what c2pa-rs says of a manifest store to its lineage. Runs in the worker.

Rules
- Each manifest is judged by the same evidence as in `ancestry`; the active one as its report says.
- c2pa-rs refuses what leads back to itself, and what is deeper than 200; here it is gone through by width, each
  manifest once, so that no shape of a graph costs more than its size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from keys.revocation import Revocation
from provenance.ancestry import Evidence, Json, Label, evidence_in
from provenance.assessment import signature_of, signer_of, time_stamps_of
from provenance.lineage import MAX_STEPS, MAX_TRACED, MAX_TRACED_ACTIONS, Lineage, Step, Traced
from provenance.report import VerificationReport, legible, text
from provenance.revocation import of_signer
from provenance.signers import Signers
from provenance.stamps import Stamps
from provenance.stated import Stated


def lineage(
    store: Json,
    detail: Json,
    revoked: str,
    signers: Signers,
    stamps: Stamps,
    digests: Mapping[str, str],
    report: VerificationReport,
) -> Lineage:
    """The graph of a store, of which `report` judges the active manifest; the rest as for `assess`. `digests` are of
    `boxes.manifest_digests`.
    """
    told = _Telling(store, detail, stamps, digests, lambda label: of_signer(signers.certificate(label), revoked))
    active = _active(told.file(Label(str(store.get("active_manifest")))), report)
    files, steps, waiting = {active.id: active}, set[Step](), [active.id]
    for made in waiting:
        for ingredient in told.ingredients(made):
            found = told.ingredient(made, ingredient)
            steps.add(Step(made, found.id, text(ingredient.get("relationship")) or "componentOf"))
            if found.id not in files and len(files) < MAX_TRACED:
                files[found.id] = found
                waiting.append(found.id)
    kept = [step for step in sorted(steps, key=_order(files)) if step.of in files]
    whole = len(kept) == len(steps) and len(kept) <= MAX_STEPS
    return Lineage(tuple(files.values()), tuple(kept[:MAX_STEPS]), truncated=not whole)


def _order(files: Mapping[str, Traced]) -> Callable[[Step], tuple[int, int, str]]:
    places = {one: at for at, one in enumerate(files)}
    return lambda step: (places[step.made], places.get(step.of, len(places)), step.relationship)


def _active(found: Traced, report: VerificationReport) -> Traced:
    failures = tuple(dict.fromkeys(status.code for status in report.statuses.failure))
    return replace(
        found, verdict=report.verdict, failures=failures, signer=report.signer, time_stamps=report.time_stamps
    )


class _Telling:
    """What a store says of each of its manifests."""

    def __init__(
        self,
        store: Json,
        detail: Json,
        stamps: Stamps,
        digests: Mapping[str, str],
        revocation: Callable[[str], Revocation | None],
    ) -> None:
        self._manifests: Json = store.get("manifests") or {}
        self._evidence = evidence_in(store)
        self._signatures = {str(one.get("label")): signature_of(one) for one in detail.get("manifests") or ()}
        self._stamps, self._digests, self._revocation = stamps, digests, revocation

    def ingredients(self, label: str) -> Iterator[Json]:
        yield from (self._manifests.get(label) or {}).get("ingredients") or ()

    def ingredient(self, made: str, said: Json) -> Traced:
        """The file that an ingredient assertion of `made` is about."""
        label = said.get("active_manifest")
        if label and label in self._manifests:
            found = self.file(Label(label))
        else:
            uri = f"self#jumbf=/c2pa/{made}/c2pa.assertions/{said.get('label')}"
            about = self._evidence.get(Label(str(label or uri)))
            found = self._judged(legible(str(label or uri)), about, known=bool(label))
        return replace(found, title=text(said.get("title")) or found.title, format=text(said.get("format")))

    def file(self, label: Label) -> Traced:
        """The file that a manifest of the store is about."""
        stated, signature = Stated(self._manifests.get(label) or {}), self._signatures.get(label, {})
        about = self._evidence.get(label)
        actions = stated.actions()[0][:MAX_TRACED_ACTIONS]
        return replace(
            self._judged(legible(label), about, known=True),
            title=stated.title(),
            sha256=self._digests.get(label),
            signer=signer_of(signature, self._revocation(label)),
            time_stamps=time_stamps_of(signature, about.codes if about else set(), self._stamps),
            tools=stated.generators(),
            model=stated.model(),
            actions=tuple(replace(action, description=None, parameters=None) for action in actions),
            content=stated.content(),
        )

    def _judged(self, name: str, about: Evidence | None, *, known: bool) -> Traced:
        about = about or Evidence()
        return Traced(name, None, None, about.verdict if known or about.failures else None, about.failures)
