"""Credentials as people have them: files, in which a credential is JSON or a token, a line of text; or the answer with
which the service gave one out.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any, Final

import typer

from api.cli.output import quoted, say, show
from identity.encoding import base64url
from identity.encoding.strict_json import read_object
from identity.enveloping.envelope import envelop
from identity.enveloping.secured import SHORT, Form
from identity.errors import TokenUnreadableError
from identity.issuing.vocabulary import contexts_under
from identity.jsonld.context_library import PUBLISHED, ContextLibrary
from identity.vcdm import party

MAX_BYTES = 1024 * 1024
_TOKEN: Final = re.compile(rb"[\w-]+\.[\w-]+\.[\w-]*~[\w.~-]*|eyJ[\w-]*\.[\w-]+\.[\w-]*", re.ASCII)
"""An SD-JWT (RFC 9901, section 4: a JWT and what follows it) or a JWT, which begins with a JSON object, whatever it is
worth; so a text, an address or a photo is not taken for one.
"""
_ENVELOPED: Final = {
    f"{short}+{form}": (form, kind) for kind, short in SHORT.items() for form in (Form.JWT, Form.SD_JWT)
}
"""What `typ` says of a token that VC-JOSE-COSE has."""
_ANSWERS: Final = ("credential", "verifiableCredential")
"""Where the service's answers have a credential that it issued or derived."""
OUT = typer.Option(None, "-o", "--out", dir_okay=False, help="File to write it to. Default: standard output.")
FILE = typer.Argument(..., allow_dash=True, help="A credential: JSON, an SD-JWT or a JWT. `-` reads standard input.")

Credential = dict[str, Any] | str
"""A document, an SD-JWT VC, or a JWT of VCDM 1.1."""


def read(file: Path) -> Credential:
    """The credential in a file. Raises TokenUnreadableError, OSError."""
    if str(file) == "-":
        content = sys.stdin.buffer.read(MAX_BYTES + 1)
    else:
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise TokenUnreadableError(f"{file} is larger than {MAX_BYTES} bytes: no credential is")
    text = content.strip()
    if text.startswith(b"{"):
        return _given(read_object(text, str(file)))
    if not _TOKEN.fullmatch(text):
        raise TokenUnreadableError(f"{file} is no credential: neither a JSON object nor a token, an SD-JWT or a JWT")
    return _token(text.decode("ascii"))


def _given(read: dict[str, Any]) -> Credential:
    """The credential in an answer of the service's, which is no JSON-LD itself."""
    found = [read[name] for name in _ANSWERS if name in read] if "@context" not in read else []
    match found:
        case [str(token)]:
            return _token(token)
        case [dict(document)]:
            return document
    return read


def _token(text: str) -> Credential:
    """The token; in its envelope, where it is one of VC-JOSE-COSE's."""
    try:
        typ = read_object(base64url.decode(text.partition(".")[0], "a header"), "a header").get("typ")
    except TokenUnreadableError:
        typ = None
    form, kind = _ENVELOPED.get(str(typ), (None, ""))
    return envelop(text, form, kind) if form else text


def give(credential: Credential, out: Path | None, said: str, *, as_json: bool, **more: Any) -> None:
    """Write it to a file of the owner's alone and say so, or to standard output. Raises OSError."""
    text = credential if isinstance(credential, str) else json.dumps(credential, indent=2, ensure_ascii=False)
    if out is not None:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text + "\n")
    if as_json:
        show({**more, **({"credential": credential} if out is None else {"written": str(out)})})
    elif out is not None:
        say(f"[bold]{quoted(out)}[/]: {quoted(said)}")
    else:
        typer.echo(text)


def contexts_of(*issuers: object) -> ContextLibrary:
    """The contexts that are known here, and our own under the address of each issuer with a did:web."""
    ours = contexts_under(filter(None, map(party, issuers)))
    return PUBLISHED.including(ours) if ours else PUBLISHED
