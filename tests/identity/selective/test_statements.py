"""Documents taken apart: names for nodes, and what pointers find again."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from identity.errors import DocumentError, SelectionError
from identity.jsonld.canonical import canonical_nquads
from identity.jsonld.context_library import CREDENTIALS_V2, PUBLISHED
from identity.jsonld.expansion import expand
from identity.selective.labels import hmac_labels, shuffled_labels
from identity.selective.skolem import PREFIX, skolemise
from identity.selective.statements import prepare, relabel
from tests.identity.selective.cards import CARD

VOCABULARY = {"@vocab": "https://vocab.example/"}
LABELLING = hmac_labels(bytes(32))


def document(**members: Any) -> dict[str, Any]:
    return {"@context": [CREDENTIALS_V2, VOCABULARY], "type": ["VerifiableCredential"], **members}


def names(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value[key] for key in ("id", "@id") if str(value.get(key, "")).startswith(PREFIX)]
        return own + [name for member in value.values() for name in names(member)]
    return [name for item in value for name in names(item)] if isinstance(value, list) else []


def unnamed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: unnamed(member) for key, member in value.items() if not str(member).startswith(PREFIX)}
    return [unnamed(item) for item in value] if isinstance(value, list) else value


def test_every_node_gets_a_name_and_nothing_else_changes() -> None:
    named = skolemise(CARD, expand(CARD, PUBLISHED), PUBLISHED)
    assert unnamed(named) == CARD
    assert sorted(names(named)) == [f"{PREFIX}{number}" for number in range(7)]
    assert named["id"] == f"{PREFIX}0"
    assert named["issuer"] == CARD["issuer"]


@pytest.mark.parametrize(
    "written",
    [
        document(issuer={"id": "did:example:1"}, credentialSubject=[{"a": "1"}]),
        document(issuer="did:example:1", credentialSubject={"a": ["1"], "b": [["2", "3"]]}),
        document(
            issuer="did:example:1", name={"@value": "N", "@language": "en"}, credentialSubject={"a": {"@value": 1}}
        ),
        document(credentialSubject={"id": "_:same", "a": {"id": "_:same", "b": {"id": "_:other", "c": 1}}}),
        document(credentialSubject={"data": {"@type": "@json", "@value": {"id": 1, "x": [1, {}]}}}),
    ],
)
def test_a_document_says_the_same_however_it_is_written(written: dict[str, Any]) -> None:
    before = deepcopy(written)
    prepared = prepare(written, PUBLISHED)
    assert prepared.canonical == canonical_nquads(written)
    everything = prepared.under(LABELLING).selection([""])
    assert everything.indexes == tuple(range(len(prepared.canonical)))
    assert written == before


def test_nodes_of_one_label_get_one_name() -> None:
    labelled = document(credentialSubject=[{"id": "_:a", "x": 1}, {"y": {"id": "_:a"}}])
    named = skolemise(labelled, expand(labelled, PUBLISHED), PUBLISHED)
    first, second = named["credentialSubject"]
    assert first["id"] == f"{PREFIX}1"
    assert second["id"] == f"{PREFIX}2"
    assert "_:a" not in str(prepare(document(credentialSubject=[{"id": "_:a", "x": 1}]), PUBLISHED).named)


@pytest.mark.parametrize(
    "refused",
    [
        document(credentialSubject={"list": {"@list": ["a", "b"]}}),
        document(credentialSubject={"a": {"id": f"{PREFIX}0", "b": "c"}}),
        document(credentialSubject={"@context": {"p": "https://other.example/p"}, "p": {"q": 1}}),
        document(credentialSubject={"https://vocab.example/a": {"https://vocab.example/b": 1}}),
    ],
    ids=["ordered list", "id that names a node", "context inside", "not in compact form"],
)
def test_documents_that_cannot_be_taken_apart(refused: dict[str, Any]) -> None:
    canonical_nquads(refused)
    with pytest.raises((SelectionError, DocumentError)):
        prepare(refused, PUBLISHED)


def test_half_a_literal_is_no_statement() -> None:
    said = prepare(document(credentialSubject={"data": {"@type": "@json", "@value": {"a": 1, "b": 2}}}), PUBLISHED)
    assert len(said.under(LABELLING).selection(["/credentialSubject/data"]).indexes) == 3
    with pytest.raises((SelectionError, DocumentError)):
        said.under(LABELLING).selection(["/credentialSubject/data/@value/a"])


def test_text_that_looks_like_a_label_stays() -> None:
    said = prepare(CARD, PUBLISHED).under(LABELLING)
    (line,) = [line for line in said.nquads if "Lovelace" in line]
    assert 'name> "Ada _:c14n0 \\"Lovelace\\" .\u2028\\n" .\n' in line
    assert line.startswith("_:u")


@pytest.mark.parametrize(
    ("line", "relabelled"),
    [
        ("_:a <p:> _:b .\n", "_:x <p:> _:y .\n"),
        ("_:a <p:> _:b _:a .\n", "_:x <p:> _:y _:x .\n"),
        ('<s:> <p:> "_:a .\\n_:b" .\n', '<s:> <p:> "_:a .\\n_:b" .\n'),
        ('<s:> <p:> "a _:a" _:b .\n', '<s:> <p:> "a _:a" _:y .\n'),
        ('_:b <p:> "_:a"@en <g:> .\n', '_:y <p:> "_:a"@en <g:> .\n'),
        ('_:b <p:> "\\" _:a "^^<t:> .\n', '_:y <p:> "\\" _:a "^^<t:> .\n'),
    ],
)
def test_relabelling(line: str, relabelled: str) -> None:
    assert relabel([line, line], {"a": "x", "b": "y"}) == (relabelled,)


def test_a_label_that_has_no_other() -> None:
    with pytest.raises(KeyError):
        relabel(["_:c <p:> <o:> .\n"], {"a": "x"})


def test_labels_depend_on_the_key() -> None:
    canonical = [f"c14n{number}" for number in range(6)]
    for labels in (hmac_labels, shuffled_labels):
        given = [tuple(map(labels(bytes([key] * 32))(canonical).__getitem__, canonical)) for key in range(3)]
        assert len(set(given)) == 3
        assert all(len(set(each)) == 6 for each in given)
    assert set(shuffled_labels(bytes(32))(canonical).values()) == {f"b{number}" for number in range(6)}
