"""The operator's further JSON-LD contexts, under which credentials are verified and issued besides. None is fetched."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from pydantic import TypeAdapter, ValidationError

from api.home import StartError
from api.settings import Settings

MAX_CONTEXTS: Final = 256 * 1024
"""Characters of the operator's contexts: workers are given them with each request."""

_CONTEXTS: Final = TypeAdapter(dict[str, dict[str, object]])


def contexts_of(settings: Settings) -> Mapping[str, str]:
    """The operator's further contexts, each as JSON. Raises OSError, StartError."""
    file = settings.credential_contexts
    if file is None:
        return {}
    try:
        found = _CONTEXTS.validate_json(file.read_bytes())
    except ValidationError as error:
        raise StartError(f"{file}: write one JSON object of JSON-LD contexts, each by its URL") from error
    contexts = {url: json.dumps(context) for url, context in found.items()}
    if sum(map(len, contexts.values())) > MAX_CONTEXTS:
        raise StartError(f"{file}: contexts of more than {MAX_CONTEXTS} characters do not go with each credential")
    return contexts
