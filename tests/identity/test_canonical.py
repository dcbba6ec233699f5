"""The traps of PyLD, each shut, and W3C's vectors byte for byte."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from identity.errors import (
    DocumentError,
    DocumentLimitError,
    MalformedDocumentError,
    PoisonGraphError,
    RelativeIdentifierError,
    UndefinedTermError,
    UnknownContextError,
    UnsignableValueError,
)
from identity.jsonld.canonical import Digest, canonical_nquads, canonicalise, jcs, to_nquads
from identity.jsonld.context_library import CREDENTIALS_V2, PINNED, PUBLISHED, ContextLibrary
from identity.jsonld.document import MAX_CHARACTERS, MAX_CONTEXTS, MAX_DEPTH, MAX_VALUES
from tests.identity.published import CONTEXTS, JCS, RDFC, Vector


def credential(**members: object) -> dict[str, Any]:
    return {
        "@context": [CREDENTIALS_V2],
        "type": ["VerifiableCredential"],
        "issuer": "did:example:issuer",
        "credentialSubject": {"id": "did:example:subject"},
        **members,
    }


def graph_of(k: int) -> dict[str, Any]:
    """The complete graph of k blank nodes: k! ways to tell them apart."""
    return {"@graph": [{"@id": f"_:b{i}", "urn:p": [{"@id": f"_:b{j}"} for j in range(k) if j != i]} for i in range(k)]}


@pytest.mark.parametrize("vector", RDFC, ids=str)
def test_w3c_documents_canonicalise_to_the_published_bytes(vector: Vector) -> None:
    digest = Digest.SHA384 if "p384" in vector.folder else Digest.SHA256
    lines = canonical_nquads(vector.unsecured, digest=digest, contexts=CONTEXTS)
    assert "".join(lines) == vector.text("canonDoc")


@pytest.mark.parametrize("vector", JCS, ids=str)
def test_w3c_documents_are_the_published_json(vector: Vector) -> None:
    assert jcs(vector.unsecured).decode() == vector.text("canonDoc")


# A name that begins with @ is a keyword of JSON-LD, or refused.
json_names = st.text(st.characters(min_codepoint=0x20, exclude_categories=["Cs", "Cc"]), max_size=8).filter(
    lambda name: not name.startswith("@")
)
json_values = st.recursive(
    st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(-1e15, 1e15)
    | st.text(st.characters(min_codepoint=0x20, exclude_categories=["Cs", "Cc"]), max_size=8),
    lambda inner: st.lists(inner, min_size=1, max_size=3) | st.dictionaries(json_names, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from(["a", "é", "\U0001f600", "\uffff"]), json_values, max_size=3))
def test_jcs_is_what_another_implementation_writes(document: dict[str, Any]) -> None:
    assert jcs(document) == rfc8785.dumps(document)


def test_contexts_are_the_published_files() -> None:
    assert all(url in PUBLISHED for url in PINNED)
    ContextLibrary.published()


# Trap 1: relative identifiers and undefined types resolve against a made-up base, and are signed.


@pytest.mark.parametrize(
    "members",
    [
        {"id": "relative"},
        {"id": "#fragment"},
        {"id": "//host/path"},
        {"id": ""},
        {"type": ["VerifiableCredential", "UndefinedCredential"]},
        {"issuer": "issuer"},
        {"credentialSubject": {"id": "../up"}},
        {"credentialSubject": {"type": "Undefined"}},
        {"id": "urn:with space"},
        {"id": "urn:x\n"},
        {"id": "urn:x> <urn:p> <urn:y"},
        {"id": 'urn:x"y'},
        {"id": "urn:x\u2028y"},
        {"id": "urn:\u00a0x"},
        {"id": "\uff55rn:x"},
        {"id": "@id"},
    ],
    ids=repr,
)
def test_identifiers_that_are_no_absolute_iris_are_refused(members: dict[str, Any]) -> None:
    with pytest.raises((RelativeIdentifierError, MalformedDocumentError)):
        canonical_nquads(credential(**members))


def test_a_document_may_not_bring_a_base() -> None:
    with pytest.raises(UnsignableValueError, match="@base"):
        canonical_nquads(credential(id="x", **{"@context": [CREDENTIALS_V2, {"@base": "https://evil.example/"}]}))


# Trap 2: what is not understood vanishes from what is signed.


@pytest.mark.parametrize(
    "members",
    [
        {"undefined": "x"},
        {"credentialSubject": {"undefined": True}},
        {"credentialSubject": {"id": "urn:s", "nested": {"deep": 1}}},
        {"@context": [CREDENTIALS_V2, {"gone": None}], "gone": "x"},
        {"@context": [CREDENTIALS_V2, {"index": "@index"}], "name": {"@value": "x", "index": "vanishes"}},
        {"@context": [CREDENTIALS_V2, {"index": "@index"}], "index": "vanishes"},
        {"@set": [{"id": "urn:s", "name": "vanishes"}]},
        {"@list": [{"id": "urn:s", "name": "x"}]},
        {"credentialSubject": {"type": "VerifiableCredential", "@set": {"name": "vanishes"}}},
        {"credentialSubject": {"type": "VerifiableCredential", "@list": ["x"], "name": "vanishes"}},
        {"@graph": ["alone", {"@id": "urn:s", "urn:p": 1}]},
        {"@graph": [{"@id": "urn:alone"}]},
        {"name": {"@language": "en"}},
    ],
    ids=repr,
)
def test_what_would_vanish_is_refused(members: dict[str, Any]) -> None:
    with pytest.raises(UndefinedTermError):
        canonical_nquads(credential(**members))


@pytest.mark.parametrize(
    "value", [None, [], float("nan"), float("inf"), 2**53, -(2**53), "\x00", "\x1f", "\x7f", "\ud800"]
)
def test_values_that_no_signature_covers_alike_are_refused(value: object) -> None:
    for canonicalised in (canonical_nquads, jcs):
        with pytest.raises(UnsignableValueError):
            canonicalised(credential(name=value))


@pytest.mark.parametrize("keyword", ["@reverse", "@included", "@nest", "@index", "@propagate", "@unknown"])
def test_keywords_whose_content_can_vanish_are_refused(keyword: str) -> None:
    inside = {"id": "urn:s", keyword: {"@id": "urn:x"}}
    for document in (credential(**{keyword: {}}), credential(credentialSubject=inside)):
        with pytest.raises(UnsignableValueError, match=keyword):
            canonical_nquads(document)


def test_a_presentation_may_not_name_a_credential_without_its_content() -> None:
    presentation = {
        "@context": [CREDENTIALS_V2],
        "type": ["VerifiablePresentation"],
        "verifiableCredential": ["urn:uuid:some-credential"],
    }
    with pytest.raises(UndefinedTermError):
        canonical_nquads(presentation)


def test_a_text_direction_is_signed() -> None:
    lines = [
        canonical_nquads(credential(name={"@value": "x", "@language": "AR", "@direction": direction}))
        for direction in ("rtl", "ltr")
    ]
    assert lines[0] != lines[1]
    assert any('"x"^^<https://www.w3.org/ns/i18n#ar_rtl>' in line for line in lines[0])


def test_a_language_can_not_write_nquads() -> None:
    with pytest.raises(MalformedDocumentError):
        canonical_nquads(credential(name={"@value": "x", "@language": "en .\n<urn:a> <urn:b> <urn:c"}))


@pytest.mark.parametrize("text", ["\u2028", "\u0085", 'a"b', "a\\nb", "line\nline\r\n\tend", "\U0001f600"])
def test_literals_keep_to_one_line(text: str) -> None:
    assert len(canonical_nquads(credential(name=text))) == len(canonical_nquads(credential(name="x")))


# Trap 3: blank nodes that look alike take for ever.


def test_poison_graphs_are_refused() -> None:
    with pytest.raises(PoisonGraphError):
        canonical_nquads(graph_of(8))


def test_honest_symmetry_is_taken() -> None:
    assert len(canonical_nquads(graph_of(3))) == 6


@pytest.mark.parametrize(
    "document",
    [
        credential(name="x" * MAX_CHARACTERS),
        credential(credentialSubject=[{"type": "VerifiableCredential"}] * (MAX_VALUES // 2)),
        credential(**{"@context": [CREDENTIALS_V2] * (MAX_CONTEXTS + 1)}),
        credential(**{"@context": [CREDENTIALS_V2, {"t" * 9000: "urn:t"}]}),
        credential(credentialSubject=[{"@context": {"a": "urn:a"}, "a": "x"}] * (MAX_CONTEXTS + 1)),
    ],
    ids=["characters", "values", "contexts", "inline", "nested contexts"],
)
def test_limits_come_before_work(document: dict[str, Any]) -> None:
    with pytest.raises(DocumentLimitError):
        canonical_nquads(document)


def test_depth_is_limited() -> None:
    deep: dict[str, Any] = {"id": "urn:x"}
    for _ in range(100_000):
        deep = {"credentialSubject": deep}
    with pytest.raises(DocumentLimitError, match=str(MAX_DEPTH)):
        canonical_nquads(deep)


# Trap 4: PyLD shares what it makes of contexts between threads, and writes into them.


def test_threads_do_not_disturb_each_other() -> None:
    documents = [vector.unsecured for vector in RDFC] + [credential(), credential(name="x")]
    alone = [canonical_nquads(document, contexts=CONTEXTS) for document in documents]
    fresh = CONTEXTS.including({})
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(lambda each: canonical_nquads(each, contexts=fresh), documents * 8))
    assert together == alone * 8


def test_what_is_kept_of_contexts_changes_nothing() -> None:
    """The same types under other contexts, one after the other, are as each is alone."""
    term = {"Kind": {"@id": "urn:kind", "@context": {"said": "urn:said"}}}
    other = {"Kind": {"@id": "urn:kind", "@context": {"said": "urn:other"}}}
    documents = [vector.unsecured for vector in RDFC]
    for contexts in ([CREDENTIALS_V2, term], [CREDENTIALS_V2, other], [CREDENTIALS_V2, other, term]):
        kinds = [{"id": "urn:s", "type": "Kind", "said": "x"}, {"id": "urn:t", "type": ["Kind"], "said": "y"}]
        documents.append(credential(credentialSubject=kinds, **{"@context": contexts}))
    alone = [canonical_nquads(document, contexts=CONTEXTS.including({})) for document in documents]
    shared = CONTEXTS.including({})
    assert [canonical_nquads(document, contexts=shared) for document in documents * 2] == alone * 2
    assert alone[-3] != alone[-2] != alone[-1] == alone[-3]


def test_a_hostile_context_changes_nothing_for_the_next_document() -> None:
    before = canonical_nquads(credential(name="x"))
    for hostile in (
        {"@import": CREDENTIALS_V2, "name": "urn:evil"},
        {"@propagate": False, "name": "urn:evil"},
        {"@vocab": None},
        {"name": "urn:evil"},
        {"@protected": False, "VerifiableCredential": None},
    ):
        for contexts in ([CREDENTIALS_V2, hostile], [hostile, CREDENTIALS_V2], [hostile]):
            with pytest.raises(DocumentError):
                canonical_nquads(credential(name="x", undefined="y", **{"@context": contexts}))
    assert canonical_nquads(credential(name="x")) == before


# No network, known contexts only.


@pytest.mark.parametrize(
    "context",
    [
        "https://www.w3.org/ns/credentials/v3",
        "http://127.0.0.1:1/context",
        "file:///etc/passwd",
        CREDENTIALS_V2 + "#",
        {"t": {"@id": "urn:t", "@context": "https://evil.example/c"}},
    ],
    ids=repr,
)
def test_unknown_contexts_are_refused_without_asking_anybody(context: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "socket", None)
    with pytest.raises(UnknownContextError):
        canonical_nquads(credential(**{"@context": [CREDENTIALS_V2, context]}))


@pytest.mark.parametrize(
    "document",
    [
        {"@context": 5},
        {"@context": [[CREDENTIALS_V2]], "id": 5},
        {"@context": CREDENTIALS_V2},
        {},
        [],
        {"@context": {"@version": 2}, "urn:p": "x"},
        {"@context": {"a": {"@id": 5}}, "a": 1},
        {"@context": {"a": {"@container": "@nonsense", "@id": "urn:a"}}, "a": 1},
        {"@context": {"@vocab": None}, "urn:p": "x"},
        {"@context": "relative"},
        {"@context": CREDENTIALS_V2, "type": {"a": "b"}},
        {"urn:p": {"@value": "x", "@type": 5}},
        {"urn:p": b"bytes"},
        {5: "x"},
    ],
    ids=repr,
)
def test_what_is_no_json_ld_is_an_error_of_ours(document: Any) -> None:
    with pytest.raises(DocumentError):
        canonical_nquads(document)


# Labels, for selective disclosure.


def test_labels_lead_from_the_nquads_to_the_canonical_ones() -> None:
    document = credential(credentialSubject=[{"type": "VerifiableCredential"}, {"name": "x"}])
    before, after = to_nquads(document), canonicalise(document)
    renamed = []
    for line in before:
        for old, new in after.labels.items():
            line = line.replace(f"{old} ", f"{new}| ")  # noqa: PLW2901
        renamed.append(line.replace("| ", " "))
    assert tuple(sorted(renamed)) == after.nquads


def test_skolem_identifiers_are_blank_nodes_by_that_name() -> None:
    named = credential(id="urn:bnid:root", credentialSubject={"id": "urn:bnid:subject"})
    canonical = canonicalise(named, skolem="urn:bnid:")
    assert set(canonical.labels) == {"_:root", "_:subject"}
    unnamed = credential(credentialSubject={"type": "VerifiableCredential"})
    again = credential(credentialSubject={"type": "VerifiableCredential", "id": "urn:bnid:s"}, id="urn:bnid:r")
    assert canonicalise(again, skolem="urn:bnid:").nquads == canonical_nquads(unnamed)


@pytest.mark.parametrize("name", ["c14n0", "", "a b", "x>"])
def test_skolem_identifiers_that_pyld_would_mistake_are_refused(name: str) -> None:
    with pytest.raises(DocumentError):
        canonicalise(credential(id=f"urn:bnid:{name}"), skolem="urn:bnid:")
