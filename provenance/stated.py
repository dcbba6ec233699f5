"""What a manifest states, read out of its assertions: hostile JSON of any shape into bounded, typed parts.

Rules
- A part that does not have its shape is left out, never guessed. Its verdict is not judged here.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from typing import Any, Final

from provenance.creator import CREATOR_LABEL, CreatorStatement
from provenance.creator_judging import Trusted, judged
from provenance.manifest import (
    AUTHOR_LABEL,
    CONTENT_LABEL,
    LIKENESS_CHECK_LABEL,
    MODEL_LABEL,
    TOOL_KEY,
    TRAINING_MINING_LABEL,
)
from provenance.report import (
    MAX_REPORTED_ACTIONS,
    MAX_SOURCE_TYPES,
    MAX_TEXT,
    StatedAction,
    StatedAuthor,
    StatedContent,
    StatedCreator,
    StatedLikenessCheck,
    StatedModel,
    StatedTool,
    StatedUse,
    legible,
    text,
)

MAX_ENTRIES: Final = 20
MAX_MEASURE: Final = 2**31 - 1
_ACTION_LABELS: Final = ("c2pa.actions", "c2pa.actions.v2")
_TRAINING_MINING_LABELS: Final = (TRAINING_MINING_LABEL, "c2pa.training-mining")
_INTERNAL_PARAMETERS: Final = frozenset({"ingredient", "ingredients", "org.cai.ingredientIds"})


def source_types_in(store: Mapping[str, Any], labels: Collection[str]) -> tuple[str, ...]:
    """Every digital source type that one of these manifests states, whichever: a history is not lost by signing over
    it. `store` is as `Reader.json` gives it.
    """
    manifests = [
        Stated(manifest)
        for label, manifest in _object(store.get("manifests")).items()
        if label in labels and isinstance(manifest, dict)
    ]
    stated = (kind for manifest in manifests for kind in manifest.source_types())
    return tuple(islice(dict.fromkeys(stated), MAX_SOURCE_TYPES))


class Stated:
    """The assertions of one manifest, as `Reader.json` gives it."""

    def __init__(self, manifest: dict[str, Any]) -> None:
        self._manifest = manifest
        self._assertions = [each for each in _items(manifest.get("assertions")) if isinstance(each, dict)]

    def title(self) -> str | None:
        """The file's title."""
        return text(self._manifest.get("title"))

    def generators(self) -> tuple[StatedTool, ...]:
        """The software that made the claim and, where it acted for one, the tool that asked for it."""
        tools: list[StatedTool | None] = []
        for info in _items(self._manifest.get("claim_generator_info"))[:MAX_ENTRIES]:
            tools += [_tool(info), _tool(info.get(TOOL_KEY) if isinstance(info, dict) else None)]
        return tuple(tool for tool in tools or [_tool(self._manifest.get("claim_generator"))] if tool)

    def actions(self) -> tuple[tuple[StatedAction, ...], bool]:
        """The actions in order, and whether there were more than are reported."""
        actions = [
            action for data in self._of(*_ACTION_LABELS) for action in _items(data.get("actions")) if _named(action)
        ]
        return tuple(map(_action, actions[:MAX_REPORTED_ACTIONS])), len(actions) > MAX_REPORTED_ACTIONS

    def source_types(self) -> Iterator[str]:
        """Where its actions say that the pixels come from."""
        for data in self._of(*_ACTION_LABELS):
            kinds = (text(action.get("digitalSourceType")) for action in _items(data.get("actions")) if _named(action))
            yield from filter(None, kinds)

    def model(self) -> StatedModel | None:
        """The generative model."""
        for data in self._of(MODEL_LABEL):
            name = text(data.get("name"))
            if name is not None:
                return StatedModel(name, text(data.get("version")), text(data.get("provider")))
        return None

    def training_mining(self) -> tuple[StatedUse, ...]:
        """The choice about training and data mining, entry by entry."""
        uses = (
            (str(entry), value.get("use"))
            for data in self._of(*_TRAINING_MINING_LABELS)
            for entry, value in _object(data.get("entries")).items()
            if isinstance(value, dict)
        )
        stated = [StatedUse(legible(entry), legible(use)) for entry, use in uses if isinstance(use, str)]
        return tuple(stated[:MAX_ENTRIES])

    def author(self) -> StatedAuthor | None:
        """The author's statement, in Dublin Core terms."""
        for data in self._of(AUTHOR_LABEL):
            name = next(iter(_items(data.get("dc:creator"))), None)
            return StatedAuthor(text(name), text(data.get("dc:description")))
        return None

    def content(self) -> StatedContent | None:
        """The measurements of the uploaded file."""
        for data in self._of(CONTENT_LABEL):
            named = [text(data.get(key)) for key in ("mime", "sha256", "content_hash", "normal_form", "decoder")]
            width, height, duration = measured = [data.get(key) for key in ("width", "height", "duration")]
            frames, windows = (len(_items(data.get(key))) for key in ("frames", "windows"))
            match named:
                case [str(mime), str(sha256), str(content), str(form), str(decoder)] if all(map(_measure, measured)):
                    return StatedContent(mime, sha256, content, form, decoder, width, height, duration, frames, windows)
        return None

    def likeness_check(self) -> StatedLikenessCheck | None:
        """That the tool asked first."""
        for data in self._of(LIKENESS_CHECK_LABEL):
            entry, *said = (text(data.get(name)) for name in ("entry", "purpose", "checked_at", "token"))
            if entry is not None:
                return StatedLikenessCheck(entry, *said)
        return None

    def creator(self, trusted: Trusted) -> StatedCreator | None:
        """Who signed for the work themselves, and what that is worth."""
        data = next(self._of(CREATOR_LABEL), None)
        return None if data is None else judged(data, self._as_a_creator_would_say(), trusted)

    def _as_a_creator_would_say(self) -> CreatorStatement | None:
        content = self.content()
        if content is None:
            return None
        return CreatorStatement("", content.sha256, self.title() or "", tuple(sorted(set(self.source_types()))))

    def _of(self, *labels: str) -> Iterator[dict[str, Any]]:
        for assertion in self._assertions:
            if assertion.get("label") in labels and isinstance(assertion.get("data"), dict):
                yield assertion["data"]


def _action(action: dict[str, Any]) -> StatedAction:
    parameters = {k: v for k, v in _object(action.get("parameters")).items() if k not in _INTERNAL_PARAMETERS}
    written = json.dumps(parameters, separators=(",", ":"))
    return StatedAction(
        name=legible(action["action"]),
        source_type=text(action.get("digitalSourceType")),
        when=text(action.get("when")),
        tool=_tool(action.get("softwareAgent")),
        description=text(action.get("description")),
        parameters=written if parameters and len(written) <= MAX_TEXT else None,
    )


def _tool(info: object) -> StatedTool | None:
    """A tool given as an object, or by its bare name as in C2PA 1.x."""
    if isinstance(info, str):
        return StatedTool(legible(info), None)
    name = text(_object(info).get("name"))
    return None if name is None else StatedTool(name, text(_object(info).get("version")))


def _measure(value: object) -> bool:
    """Whether it is one, or absent."""
    return value is None or (type(value) is int and 0 <= value <= MAX_MEASURE)


def _named(action: object) -> bool:
    return isinstance(_object(action).get("action"), str)


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _items(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
