"""What assertions say is read in one way only, and in bounded time; what every reader refuses is not signed."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import cbor2
import pytest

from provenance.errors import ClaimInvalidError
from provenance.unseen import claim as taking
from provenance.unseen.found import FoundClaim
from tests.provenance.unseen.conftest import Drafted
from tests.provenance.unseen.rewritten import METADATA, Rewritten
from tests.provenance.unseen.tool import CREATED

ACTIONS = "c2pa.actions.v2"
MADE = {"action": "c2pa.created", "digitalSourceType": CREATED}
IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"


def apart(drafted: Drafted, made: Rewritten) -> FoundClaim:
    return drafted.take_apart(made.to_sign, made.assertion_store)


@pytest.fixture
def made(drafted: Drafted) -> Rewritten:
    return Rewritten.of(drafted.draft)


@pytest.mark.parametrize(
    ("actions", "says"),
    [
        ([], "has none"),
        ([{"action": "c2pa.created"}], "digitalSourceType"),
        ([{"action": "c2pa.color_adjustments"}], "created or opened"),
        ([{"action": "c2pa.cropped"}, MADE], "only be the first"),
        ([MADE, {"action": "c2pa.opened"}], "only be the first"),
        (["c2pa.created"], "has none"),
    ],
)
def test_actions_that_no_reader_takes(drafted: Drafted, made: Rewritten, actions: list[Any], says: str) -> None:
    with pytest.raises(ClaimInvalidError, match=says):
        apart(drafted, made.saying(ACTIONS, {"actions": actions}))


def test_two_beginnings(drafted: Drafted, made: Rewritten) -> None:
    with pytest.raises(ClaimInvalidError, match="one alone"):
        apart(drafted, made.saying(ACTIONS + "__1", {"actions": [MADE]}))


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(b'{"softwareAgent": "\\ud800"}', id="half a character"),
        pytest.param(b'{"x": NaN}', id="no number"),
        pytest.param(b'{"x": 1e999}', id="too large a number"),
        pytest.param('{"a": 1}'.encode("utf-16"), id="another encoding"),
        pytest.param(b'{"a": 1, "a": 2}', id="a member twice"),
    ],
)
def test_json_that_readers_read_differently(drafted: Drafted, made: Rewritten, written: bytes) -> None:
    with pytest.raises(ClaimInvalidError, match="JSON"):
        apart(drafted, made.saying(METADATA, written))


@pytest.mark.parametrize(
    "context",
    [
        '{"s": "' + IPTC + 'DigitalSourceType"}',
        '{"s": {"@id": "' + IPTC + 'DigitalSourceType"}}',
        '{"p": "' + IPTC + 'Digital"}',
        '"https://example.com/context.json"',
        '["https://schema.org", {"s": "iptc:DigitalSourceType"}]',
    ],
)
def test_a_source_type_cannot_be_called_by_another_name(drafted: Drafted, made: Rewritten, context: str) -> None:
    with pytest.raises(ClaimInvalidError, match="JSON-LD"):
        apart(drafted, made.saying(METADATA, b'{"@context": ' + context.encode() + b', "s": "x"}'))


def test_a_prefix_hides_nothing(drafted: Drafted, made: Rewritten) -> None:
    written = '{"@context": {"p": "' + IPTC + '"}, "p:DigitalSourceType": "https://example.com/capture"}'
    assert "https://example.com/capture" in apart(drafted, made.saying(METADATA, written.encode())).source_types


def test_an_assertion_is_what_it_is_described_as(drafted: Drafted, made: Rewritten) -> None:
    made = made.saying(METADATA, b"{}")
    described, _, content = made.contents[METADATA]
    for kind in (b"cbor", b"uuid"):
        other = replace(made, contents={**made.contents, METADATA: (described, kind, content)})
        with pytest.raises(ClaimInvalidError, match="described as"):
            apart(drafted, other)


@pytest.mark.parametrize("name", ["instanceID", "dc:title"])
def test_a_text_that_is_too_long_is_told(drafted: Drafted, made: Rewritten, name: str) -> None:
    with pytest.raises(ClaimInvalidError, match=name):
        apart(drafted, made.claiming(**{name: "x" * 20_000}))


def test_what_is_read_is_bounded_for_the_whole_store(drafted: Drafted, made: Rewritten) -> None:
    for at in range(4):
        made = made.saying(f"{METADATA}__{at}", {"a": [[]] * 20_000})
    with pytest.raises(ClaimInvalidError, match="holds too much"):
        apart(drafted, made)


def test_json_is_on_the_same_budget(drafted: Drafted, made: Rewritten) -> None:
    with pytest.raises(ClaimInvalidError, match="holds too much"):
        apart(drafted, made.saying(METADATA, b'{"a":[' + b"1," * 60_000 + b"1]}"))


def naming(made: Rewritten, times: int) -> Rewritten:
    entry = {"url": f"self#jumbf=c2pa.assertions/{ACTIONS}", "hash": digest(made)}
    return made.saying(METADATA, {"all": [entry] * times})


def digest(made: Rewritten) -> bytes:
    listed = cbor2.loads(cbor2.loads(made.to_sign)[3])["created_assertions"]
    found: bytes = next(one["hash"] for one in listed if one["url"].endswith(ACTIONS))
    return found


def test_an_assertion_is_hashed_once(drafted: Drafted, made: Rewritten, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[int] = []
    made, new = naming(made, 500), hashlib.new
    to_sign, store = made.to_sign, made.assertion_store

    def counted(name: str, data: bytes) -> Any:
        hashed.append(len(data))
        return new(name, data)

    monkeypatch.setattr(hashlib, "new", counted)
    drafted.take_apart(to_sign, store)
    assert len(hashed) <= len(made.contents)


def test_what_assertions_name_is_bounded(drafted: Drafted, made: Rewritten) -> None:
    with pytest.raises(ClaimInvalidError, match="name more than"):
        apart(drafted, naming(made, taking.MAX_HASHED_URIS + 1))


@pytest.mark.parametrize(
    "kind", [{"dataTypes": [{"type": "c2pa.types.model.tensorflow"}]}, {"data_types": ["c2pa.types.model"]}]
)
def test_a_model_that_something_was_made_with_is_one_that_is_named(
    drafted: Drafted, made: Rewritten, kind: dict[str, Any]
) -> None:
    said = {"dc:title": "example-diffusion", "relationship": "inputTo", **kind}
    assert apart(drafted, made.saying("c2pa.ingredient.v3", said)).models == ("example-diffusion",)
    with pytest.raises(ClaimInvalidError, match="dc:title"):
        apart(drafted, made.saying("c2pa.ingredient.v3__2", kind))
    picture = {"dc:title": "Sea", "relationship": "componentOf", "dataTypes": [{"type": "c2pa.types.image"}]}
    assert apart(drafted, made.saying("c2pa.ingredient.v3", picture)).models == ()


def test_metadata_name_software_and_models_too(drafted: Drafted, made: Rewritten) -> None:
    said = b'{"xmp:CreatorTool": "Example Paint 4.2", "Iptc4xmpExt:AISystemUsed": "example-diffusion"}'
    found = apart(drafted, made.saying(METADATA, said))
    assert (found.software, found.models) == (("Example Paint 4.2",), ("example-diffusion",))


NEW_YEAR = datetime(2998, 12, 31, 23, tzinfo=UTC)
CROPPED = {"action": "c2pa.cropped", "when": "2999-01-01T00:00:00+01:00"}
LOCAL = b'{"exif:DateTimeOriginal": "2999-01-01T13:00", "plus:LicenseEndDate": "3999-01-01"}'
SEVERAL = b'{"xmp:CreateDate": "2998-12-31T23:00:00.000000000Z", "xmp:ModifyDate": "2000-01-01T00:00Z"}'


@pytest.mark.parametrize(
    ("label", "said", "latest"),
    [
        (ACTIONS, {"actions": [MADE, CROPPED]}, NEW_YEAR),
        (ACTIONS, {"actions": [{**MADE, "when": cbor2.CBORTag(0, CROPPED["when"])}]}, NEW_YEAR),
        (ACTIONS, {"actions": [{**MADE, "related": [CROPPED]}]}, NEW_YEAR),
        (ACTIONS, {"actions": [{**MADE, "parameters": {"when": "at dusk"}}]}, None),
        (METADATA, LOCAL, NEW_YEAR),
        (METADATA, SEVERAL, NEW_YEAR),
    ],
)
def test_the_latest_time_that_is_stated_as_past_is_found(
    drafted: Drafted, made: Rewritten, label: str, said: Any, latest: datetime | None
) -> None:
    assert apart(drafted, made.saying(label, said)).latest == latest


@pytest.mark.parametrize("when", ["2026-01-01T00:00:00", "2026-01-01", "2026-02-30T00:00:00Z", "tomorrow", 4e9])
def test_when_something_was_done_is_said_as_a_moment(drafted: Drafted, made: Rewritten, when: object) -> None:
    with pytest.raises(ClaimInvalidError, match="offset from UTC"):
        apart(drafted, made.saying(ACTIONS, {"actions": [{**MADE, "when": when}]}))


@pytest.mark.parametrize("brings", ["activeManifest", "c2pa_manifest"])
def test_only_an_ingredient_with_a_manifest_takes_room(drafted: Drafted, made: Rewritten, brings: str) -> None:
    wide = made.saying("c2pa.hash.data", {**made.said("c2pa.hash.data"), "exclusions": [{"start": 2, "length": 10**6}]})
    bare = {"dc:title": "Sea", "relationship": "componentOf"}
    with pytest.raises(ClaimInvalidError, match="more than its manifest store"):
        apart(drafted, wide.saying("c2pa.ingredient.v3", bare))
    uri = {"url": "self#jumbf=/c2pa/urn:c2pa:a", "hash": bytes(32)}
    assert apart(drafted, wide.saying("c2pa.ingredient.v3", {**bare, brings: uri})).labels
