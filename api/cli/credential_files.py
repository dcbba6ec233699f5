"""Credentials as people have them: files, in which a credential is JSON or, as an SD-JWT, a line of text."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any, Final

import typer

from api.cli.output import quoted, say, show
from identity.encoding.strict_json import read_object
from identity.errors import TokenUnreadableError
from identity.issuing.vocabulary import contexts_under
from identity.jsonld.context_library import PUBLISHED, ContextLibrary
from identity.vcdm import party

MAX_BYTES = 1024 * 1024
_SD_JWT: Final = re.compile(rb"[\w-]+\.[\w-]+\.[\w-]*~[\w.~-]*", re.ASCII)
"""RFC 9901, section 4: a JWT and what follows it, whatever it is worth; so a text or a photo is not taken for one."""
OUT = typer.Option(None, "-o", "--out", dir_okay=False, help="File to write it to. Default: standard output.")
FILE = typer.Argument(..., allow_dash=True, help="A credential: JSON, or an SD-JWT. `-` reads standard input.")

Credential = dict[str, Any] | str
"""A document, or an SD-JWT."""


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
        return read_object(text, str(file))
    if not _SD_JWT.fullmatch(text):
        raise TokenUnreadableError(f"{file} is no credential: neither a JSON object nor an SD-JWT, a line with ~")
    return text.decode("ascii")


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
