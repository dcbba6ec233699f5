"""Whatever a document looks like: what a verifier recovers are the issuer's statements, mandatory and shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from identity.jsonld.context_library import CREDENTIALS_V2, PUBLISHED
from identity.selective.disclosure import disclose, group, recover
from identity.selective.labels import hmac_labels, shuffled_labels
from identity.selective.statements import prepare

NAMES = st.sampled_from(["a", "b", "c", "name", "x/y", "m~n"])
TEXTS = st.text(alphabet='ab _:c14n0"\\\n\t.<>^@\u2028é😀', max_size=8)
LEAVES = st.one_of(
    TEXTS,
    st.integers(-5, 10**6),
    st.booleans(),
    st.integers(-99, 99).map(lambda number: number / 8),
    TEXTS.map(lambda text: {"@value": text, "@language": "en"}),
    st.dictionaries(NAMES, st.integers(0, 3), max_size=2).map(lambda value: {"@type": "@json", "@value": value}),
)


def nodes(members: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Nodes without a name, with a type, or with an id that others may have, too."""
    plain = st.dictionaries(NAMES, members | st.lists(members, min_size=1, max_size=4), min_size=1, max_size=4)
    named = st.sampled_from([{}, {"type": ["T"]}, {"id": "did:example:1"}, {"id": "did:example:2", "type": "U"}])
    return st.tuples(named, plain).map(lambda parts: parts[0] | parts[1])


SUBJECTS = nodes(st.recursive(LEAVES, nodes, max_leaves=12))


def pointers(value: Any, here: str) -> Iterator[str]:
    yield here
    if isinstance(value, dict) and "@value" not in value:
        for key, member in value.items():
            yield from pointers(member, f"{here}/{key.replace('~', '~0').replace('/', '~1')}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from pointers(item, f"{here}/{index}")


@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(SUBJECTS, st.data())
def test_any_document(subject: Any, data: st.DataObject) -> None:
    document = {
        "@context": [CREDENTIALS_V2, {"@vocab": "https://vocab.example/"}],
        "type": ["VerifiableCredential"],
        "issuer": "did:example:issuer",
        "credentialSubject": subject,
    }
    chosen = st.sampled_from(["", "/issuer", "/type", *pointers(subject, "/credentialSubject")])
    mandatory = data.draw(st.lists(chosen, max_size=3))
    selective = data.draw(st.lists(chosen, min_size=1, max_size=3))
    for labelling in (hmac_labels(bytes(32)), shuffled_labels(bytes(32))):
        whole = group(prepare(document, PUBLISHED).under(labelling), mandatory)
        shown = disclose(document, labelling, mandatory, selective, PUBLISHED)
        recovered = recover(shown.document, shown.labels, shown.mandatory, PUBLISHED)
        assert recovered.mandatory == whole.mandatory
        assert list(recovered.others) == [whole.others[index] for index in shown.shown]
