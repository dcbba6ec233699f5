"""What the client's answers are, out of the service's own description: `python -m tests.client.answers` writes them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, cast
from unittest.mock import Mock

from fastapi import FastAPI

from api.app import create_app
from api.service import Service

FILE: Final = Path(__file__).parents[2] / "client/sigillo_client/answers.py"
ROOTS: Final = {
    "AssetView": "Asset",
    "VerificationView": "Verification",
    "CheckView": "LikenessCheck",
    "PageView": "EntryPage",
    "api__routers__access__IssuedView": "IssuedKey",
    "RegisteredView": "Registered",
    "RegistrationView": "Registration",
    "RulesView": "RegistrationRules",
    "api__schemas__issuing__IssuedView": "IssuedCredential",
    "SignatureView": "ClaimSignature",
    "AccountView": "Account",
}
"""What is typed, by its name in the description; what these hold comes along."""

HEAD: Final = '''\
"""What a server answers, as its own description (`/openapi.json`) has it: JSON objects, each member with its type.

Written by `python -m tests.client.answers`; a test holds it to the service. A later one may add members and values.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

'''
_PLAIN: Final = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}


def written() -> str:
    """The module."""
    schemas = _schemas()
    found = dict[str, str]()
    for name in ROOTS:
        _collect(name, schemas, found)
    assert len(set(map(_title, found))) == len(found), "two of one name: name them in ROOTS"
    text = HEAD + "\n\n".join(found[name] for name in sorted(found, key=_title))
    formatted = [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(FILE), "-"]
    return subprocess.run(formatted, input=text, capture_output=True, text=True, check=True).stdout


def _schemas() -> Mapping[str, Any]:
    app: Any = create_app(cast(Service, Mock()))
    while not isinstance(app, FastAPI):
        app = app._app
    schemas: Mapping[str, Any] = app.openapi()["components"]["schemas"]
    return schemas


def _collect(name: str, schemas: Mapping[str, Any], found: dict[str, str]) -> None:
    if name in found:
        return
    found[name] = ""
    found[name] = _defined(name, schemas[name])
    for other in _references(schemas[name]):
        _collect(other, schemas, found)


def _references(schema: object) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from [schema["$ref"].rpartition("/")[2]] if "$ref" in schema else []
        for key, value in schema.items():
            yield from _references(value) if key != "example" else ()
    elif isinstance(schema, list):
        for value in schema:
            yield from _references(value)


def _defined(name: str, schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return f"{_title(name)} = Literal[{', '.join(map(repr, schema['enum']))}]\n"
    needed = schema.get("required", ())
    members = {
        key: _typed(value) if key in needed else f"NotRequired[{_typed(value)}]"
        for key, value in schema.get("properties", {}).items()
    }
    said = schema.get("description", "").replace("\n", " ").partition(". ")[0].rstrip(".")
    body = "".join(f"    {key}: {kind}\n" for key, kind in members.items())
    return f'class {_title(name)}(TypedDict):\n    """{said}."""\n\n{body}'


def _typed(schema: Mapping[str, Any]) -> str:
    match schema:
        case {"$ref": str(reference)}:
            return _title(reference.rpartition("/")[2])
        case {"const": value}:
            return f"Literal[{value!r}]"
        case {"anyOf": list(kinds)}:
            return " | ".join(map(_typed, kinds))
        case {"type": "array", "items": dict(items)}:
            return f"list[{_typed(items)}]"
        case {"type": "object", "additionalProperties": dict(values)}:
            return f"dict[str, {_typed(values)}]"
        case {"type": "object"}:
            return "dict[str, Any]"
        case {"type": str(kind)} if kind in _PLAIN:
            return _PLAIN[kind]
    return "Any"


def _title(name: str) -> str:
    return ROOTS.get(name, name.rpartition("__")[2].removesuffix("View").replace("-", ""))


if __name__ == "__main__":
    FILE.write_text(written())
