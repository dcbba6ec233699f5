"""The actions of a claim that is signed unseen, held to what every reader asks of them. Runs in the worker.

Rules
- Exactly one says how the content began, and it is the first of its assertion.

C2PA Technical Specification 2.4, "Actions".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from provenance.errors import ClaimInvalidError
from provenance.unseen.contents import text
from provenance.vocabulary import CREATED, OPENED

BEGINNINGS: Final = frozenset({CREATED, OPENED})


def actions_of(contents: Mapping[str, Any]) -> Iterator[str]:
    """Their names. Raises ClaimInvalidError."""
    of_actions = [content for label, content in contents.items() if label.startswith("c2pa.actions")]
    if not of_actions:
        raise ClaimInvalidError("a claim says at least whether its content was created or opened: it has no actions")
    for content in of_actions:
        actions = content.get("actions")
        if not isinstance(actions, list) or not actions or not all(isinstance(one, dict) for one in actions):
            raise ClaimInvalidError("an assertion of actions has none")
        for at, action in enumerate(actions):
            yield _action(at, action)
    began = [action for content in of_actions for action in content["actions"] if action["action"] in BEGINNINGS]
    if len(began) != 1:
        raise ClaimInvalidError("its first action has to say whether the content was created or opened, and one alone")


def _action(at: int, action: Mapping[str, Any]) -> str:
    name = text(action.get("action"), "action")
    if name in BEGINNINGS and at:
        raise ClaimInvalidError(f"{name} can only be the first action")
    if name == CREATED and not action.get("digitalSourceType"):
        raise ClaimInvalidError(f"{name} has to say a digitalSourceType: where the content comes from")
    return name
