"""What strangers may make of JSON: any at all, and what c2pa-rs writes of a hostile manifest store.

c2pa-rs fixes the outer shape (`Reader.json`, `Reader.crjson`); what stands in assertions, names and texts is the
stranger's.
"""

from __future__ import annotations

from typing import Any, Final

from hypothesis import strategies as st

from detection.kinds import Kind
from provenance.codes import EFFECTS, SIGNATURE_VALIDATED, SIGNER_TRUSTED
from provenance.manifest import AUTHOR_LABEL, CONTENT_LABEL, MODEL_LABEL, TRAINING_MINING_LABEL

Json = st.SearchStrategy[Any]

_NAMES: Final = (
    *("name", "version", "provider", "actions", "action", "parameters", "digitalSourceType", "softwareAgent", "when"),
    *("entries", "use", "dc:creator", "dc:description", "mime", "sha256", "content_hash", "normal_form", "decoder"),
    *("width", "height", "duration", "frames", "windows", "org.sigillo.tool", "description"),
)
anything: Json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(list(Kind)),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(_NAMES) | st.text(), inner),
)
"""JSON, with the names that we look for in it."""

_labels: Json = st.sampled_from(["urn:c2pa:a", "urn:c2pa:b", "urn:c2pa:c"])
_urls: Json = _labels.map(lambda label: f"self#jumbf=/c2pa/{label}/c2pa.signature") | st.text()
_codes: Json = st.sampled_from([*EFFECTS, SIGNATURE_VALIDATED, SIGNER_TRUSTED]) | st.text()


def _object(**members: Json) -> Json:
    """Any of its members may be missing."""
    return st.fixed_dictionaries({}, optional=members)


_statuses = st.lists(_object(code=_codes, url=_urls, explanation=st.text() | st.just("[user_anchors]")), max_size=6)
_results = _object(success=_statuses, informational=_statuses, failure=_statuses)
_deltas = st.lists(_object(ingredientAssertionURI=_urls, validationDeltas=_results), max_size=3)
_validation = _object(activeManifest=_results, ingredientDeltas=_deltas)
_ingredients = st.lists(
    _object(
        title=st.text(),
        format=st.text(),
        relationship=st.text(),
        label=st.text(),
        active_manifest=_labels | st.text(),
        validation_results=_validation,
        validation_status=_statuses,
    ),
    max_size=4,
)
_assertion_labels = st.sampled_from(
    ["c2pa.actions", "c2pa.actions.v2", MODEL_LABEL, TRAINING_MINING_LABEL, AUTHOR_LABEL, CONTENT_LABEL]
)
_manifest = _object(
    title=st.text(),
    claim_generator=anything,
    claim_generator_info=st.lists(anything),
    assertions=st.lists(_object(label=_assertion_labels | st.text(), data=anything)),
    ingredients=_ingredients,
    signature_info=_object(common_name=st.text()),
)
stores: Json = _object(
    active_manifest=_labels,
    manifests=st.dictionaries(_labels, _manifest),
    validation_results=_validation,
    validation_state=st.sampled_from(["Trusted", "Valid", "Invalid"]) | st.text(),
)
"""As `Reader.json` writes them."""

_name = st.dictionaries(st.sampled_from(["CN", "O"]), st.text())
_certificate = _object(
    subject=_name,
    issuer=_name,
    serialNumber=st.text() | st.just("2a"),
    validity=_object(notBefore=st.text(), notAfter=st.text()),
)
_signature = _object(
    algorithm=st.text(),
    certificateInfo=_certificate,
    timeStampInfo=_object(timestamp=st.text() | st.datetimes().map(str), certificateInfo=_certificate),
)
details: Json = _object(manifests=st.lists(_object(label=_labels, signature=_signature)))
"""As `Reader.crjson` writes them."""
