"""Further JSON-LD contexts, under which credentials are verified and issued besides: the operator's, and our own as
other deployments of Sigillo publish it, those that the operator believes. None is fetched.

The operator's are files as they were published, byte for byte: a credential may pin one by the digest of its bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from api.running.home import StartError
from api.settings import Settings
from identity.issuing.vocabulary import contexts_under

MAX_CONTEXTS: Final = 256 * 1024
"""Characters of the operator's contexts: workers are given them with each request."""

_FILES: Final = TypeAdapter(dict[str, str])
_CONTEXT: Final = TypeAdapter(dict[str, object])


def contexts_of(settings: Settings) -> Mapping[str, str]:
    """Each as JSON, by its URL. Raises OSError, StartError."""
    elsewhere = contexts_under(settings.credential_issuers).items()
    return {**{url: text.decode() for url, text in elsewhere}, **_operators(settings.credential_contexts)}


def _operators(file: Path | None) -> Mapping[str, str]:
    if file is None:
        return {}
    try:
        names = _FILES.validate_json(file.read_bytes())
    except ValidationError as error:
        raise StartError(
            f"{file}: write one JSON object: by the URL of each JSON-LD context the name of the file it is in, which "
            "stands beside this one"
        ) from error
    contexts = {url: _published(file.parent / name) for url, name in names.items()}
    if sum(map(len, contexts.values())) > MAX_CONTEXTS:
        raise StartError(f"{file}: contexts of more than {MAX_CONTEXTS} characters do not go with each credential")
    return contexts


def _published(file: Path) -> str:
    try:
        text = file.read_bytes().decode()
        _CONTEXT.validate_json(text)
    except ValueError as error:
        raise StartError(f"{file}: a JSON-LD context is one JSON object, in UTF-8") from error
    return text
