"""What a request asks for is what gets defined, signed and read back."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from detection.memfd import Memfd
from provenance.errors import ClaimRefusedError
from provenance.manifest import UNREADABLE_PARENT, define
from provenance.report import (
    StatedAction,
    StatedAuthor,
    StatedLikenessCheck,
    StatedModel,
    StatedTool,
    StatedUse,
)
from provenance.request import Action, AuthorStatement, ClaimRequest, LikenessCheck, Model
from provenance.rules import check_request
from provenance.sign import sign
from provenance.summary import in_brief
from provenance.verdict import Verdict
from provenance.vocabulary import (
    ACTIONS,
    CREATED,
    OPENED,
    TRAINING_MINING_ENTRIES,
    DigitalSourceType,
    TrainingMining,
)
from tests.provenance.house import GENERATOR, REQUEST, House, content, draw

BRUSH = StatedTool("Brush", "3.1")
CREATION = Action(CREATED, DigitalSourceType.TRAINED_ALGORITHMIC_MEDIA)
LANGUAGES = {"sourceLanguage": "de", "targetLanguage": "en"}


def names(request: ClaimRequest, history: Verdict) -> list[str]:
    manifest = define(request, content(b""), history, GENERATOR).manifest
    return [action["action"] for action in manifest["assertions"][0]["data"]["actions"]]


@pytest.mark.parametrize("history", Verdict)
def test_a_file_is_opened_unless_it_is_created(history: Verdict) -> None:
    edited = replace(REQUEST, actions=(Action("c2pa.cropped"),))
    assert names(REQUEST, history) == [OPENED]
    assert names(edited, history) == [OPENED, "c2pa.cropped"]
    assert names(replace(REQUEST, actions=(Action(OPENED), *edited.actions)), history) == [
        OPENED,
        "c2pa.cropped",
    ]


@pytest.mark.parametrize("history", [each for each in Verdict if each is not Verdict.ABSENT])
def test_a_file_with_a_history_cannot_be_claimed_as_created(history: Verdict) -> None:
    with pytest.raises(ClaimRefusedError, match="arrives with a manifest") as refused:
        define(replace(REQUEST, actions=(CREATION,)), content(b""), history, GENERATOR)
    assert (refused.value.field, refused.value.code) == ("actions[0].name", "created-with-history")


def test_a_created_file_has_no_parent(house: House) -> None:
    report = house.verify(house.signed(draw(), replace(REQUEST, actions=(CREATION, Action("c2pa.cropped")))))
    assert report.verdict is Verdict.TRUSTED
    assert report.ingredients == ()
    assert [action.name for action in report.actions] == [CREATED, "c2pa.cropped"]


def test_a_broken_parent_is_named_and_said_to_be_unreadable() -> None:
    definition = define(REQUEST, content(b""), Verdict.UNREADABLE, GENERATOR)
    assert definition.parent is None
    assert definition.manifest["ingredients"][0]["description"] == UNREADABLE_PARENT


def test_every_field_reads_back(house: House) -> None:
    when = datetime(2026, 3, 4, 5, 6, 7, tzinfo=timezone(timedelta(hours=2)))
    source = DigitalSourceType.COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA
    request = ClaimRequest(
        title="Zażółć 👩‍👩‍👧 & <b>",
        tool=REQUEST.tool,
        model=Model("Painter", "2.0", "Acme"),
        actions=(
            Action(OPENED, when=when),
            Action("c2pa.edited", source, when, "Sky replaced", {"com.example.area": [1, 2.5, None, {"a": "ü"}]}),
            Action("com.example.remix"),
        ),
        training_mining=TrainingMining.ALLOWED,
        author=AuthorStatement("Ann", "I made this.\nAll of it."),
    )
    check_request(request, datetime(2026, 11, 21, tzinfo=UTC))
    data = draw()
    stated = replace(content(data), duration=900, frames=((0, "a"), (500, "b")), windows=((0, "c"),))
    definition = define(request, stated, Verdict.ABSENT, GENERATOR)
    with Memfd.of([data]) as upload:
        made = sign(house.sandbox, house.signer, upload, definition, house.trust).content
    with made:
        report = house.verify(made.read(made.size))
    assert report.verdict is Verdict.TRUSTED
    assert report.title == request.title
    assert report.generators == (StatedTool("Sigillo", "0.1.0"), BRUSH)
    assert report.model == StatedModel("Painter", "2.0", "Acme")
    assert report.author == StatedAuthor("Ann", "I made this.\nAll of it.")
    assert set(report.training_mining) == {StatedUse(entry, "allowed") for entry in TRAINING_MINING_ENTRIES}
    assert report.content is not None
    said = {name: value for name, value in vars(stated).items() if name != "image_code"}  # a binding of its own
    assert vars(report.content) == said | {"frames": 2, "windows": 1}
    assert report.actions[0] == StatedAction(OPENED, None, "2026-03-04T03:06:07Z", BRUSH, None, None)
    assert report.actions[1].source_type == source
    assert report.actions[1].description == "Sky replaced"
    assert json.loads(report.actions[1].parameters or "") == request.actions[1].parameters
    assert report.actions[2].name == "com.example.remix"
    assert not report.truncated


def test_a_likeness_check_reads_back(house: House) -> None:
    check = LikenessCheck("a.b.c", "ent_a", "commercial", "ab" * 32, "2026-11-21T09:30:00.000Z")
    data = draw()
    with Memfd.of([data]) as upload:
        definition = define(REQUEST, content(data), Verdict.ABSENT, GENERATOR, check=check)
        made = sign(house.sandbox, house.signer, upload, definition, house.trust).content
    with made:
        report = house.verify(made.read(made.size))
    assert report.verdict is Verdict.TRUSTED
    assert report.likeness_check == StatedLikenessCheck("ent_a", "commercial", "2026-11-21T09:30:00.000Z", "a.b.c")
    assert house.verify(house.signed(data)).likeness_check is None


def test_where_pixels_come_from_is_not_lost_by_signing_over_it(house: House) -> None:
    made = house.signed(draw(), replace(REQUEST, actions=(CREATION,)))
    report = house.verify(house.signed(made, replace(REQUEST, actions=(Action("c2pa.cropped"),))))
    assert CREATION.source_type not in {action.source_type for action in report.actions}
    assert report.source_types == (CREATION.source_type,)
    assert in_brief(report).source_types == report.source_types
    assert house.verify(house.signed(draw())).source_types == ()


def test_training_is_not_allowed_unless_it_is(house: House) -> None:
    report = house.verify(house.signed(draw()))
    assert {use.use for use in report.training_mining} == {"notAllowed"}
    assert len(report.training_mining) == 4


@pytest.mark.parametrize("first", [CREATION, Action(OPENED)], ids=lambda action: action.name)
def test_every_offered_action_makes_a_trusted_manifest(house: House, first: Action) -> None:
    offered = sorted(ACTIONS - {CREATED, OPENED})
    rest = tuple(Action(name, parameters=LANGUAGES if name == "c2pa.translated" else {}) for name in offered)
    report = house.verify(house.signed(draw(), replace(REQUEST, actions=(first, *rest))))
    assert report.verdict is Verdict.TRUSTED
    assert [action.name for action in report.actions] == [first.name, *offered]


@pytest.mark.parametrize("source", DigitalSourceType)
def test_every_source_type_makes_a_trusted_manifest(house: House, source: DigitalSourceType) -> None:
    report = house.verify(house.signed(draw(), replace(REQUEST, actions=(Action(CREATED, source),))))
    assert report.verdict is Verdict.TRUSTED
    assert report.actions[0].source_type == source


def test_the_longest_request_is_signed(house: House) -> None:
    action = Action("c2pa.edited", parameters={"a": "x" * 4000}, description="y" * 500)
    request = replace(REQUEST, title="t" * 200, actions=(action,) * 100, author=AuthorStatement("a" * 100, "s" * 2000))
    check_request(request, datetime(2026, 11, 21, tzinfo=UTC))
    report = house.verify(house.signed(draw(), request))
    assert report.verdict is Verdict.TRUSTED
    assert len(report.actions) == 100
    assert report.truncated  # c2pa.opened makes it 101
