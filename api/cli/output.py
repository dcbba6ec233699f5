"""How commands speak: plain lines for people, one JSON object for programs, and exit codes that mean something.

| code | meaning |
|---|---|
| 0 | done; for `verify`, every file is *trusted* and so are its ancestors |
| 1 | refused or failed; the message says why |
| 2 | the command line is wrong |
| 3 | absent: a file carries no manifest |
| 4 | unreadable: the file, or the manifest in it, cannot be parsed |
| 5 | invalid: a manifest does not hold, or an ancestor's does not |
| 6 | untrusted: it holds, but the signer (or an ancestor's) is not under a trusted root |
| 7 | unavailable: no server answers, or a part of it is not ready; try again |
| 8 | held: a person decides; there is nothing to write, or to make, yet |
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import IntEnum
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape

from api.running.home import HomeHeldError, StartError
from detection.errors import DetectionError
from identity.errors import IdentityError
from keys.errors import KeysError, KeyStoreUnavailableError
from ledger.errors import DatabaseUnavailableError, LedgerError
from provenance.errors import ProvenanceError
from sigillo_client import ClientError, Problem, UnreachableError

UNAVAILABLE_STATUS = 503


class Exit(IntEnum):
    """The exit codes above; among several files the worst wins (`api.cli.verify.WORST`)."""

    OK = 0
    REFUSED = 1
    USAGE = 2
    ABSENT = 3
    UNTRUSTED = 6
    UNREADABLE = 4
    INVALID = 5
    UNAVAILABLE = 7
    HELD = 8
    """A person decides."""


TITLES = {Exit.REFUSED: "Refused", Exit.USAGE: "Wrong usage", Exit.UNAVAILABLE: "Unavailable"}
LATER = (UnreachableError, HomeHeldError, KeyStoreUnavailableError, DatabaseUnavailableError)
"""What passes by itself or with mending; the same command may be tried again."""

EXPECTED = (
    *(ClientError, HomeHeldError, StartError, OSError),
    *(KeysError, LedgerError, DetectionError, IdentityError, ProvenanceError),
)

out = Console(highlight=False, soft_wrap=True, emoji=False)  # else did:key: is drawn as one
err = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)

_for_programs: ContextVar[bool] = ContextVar("for_programs", default=False)


def _remember(chosen: bool) -> bool:
    _for_programs.set(chosen)
    return chosen


JSON = typer.Option(
    False, "--json", is_eager=True, callback=_remember, help="Print one JSON object and nothing else; errors too."
)


def show(value: Any) -> None:
    """One JSON value on standard output."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def counted(number: int, one: str, many: str = "") -> str:
    """`1 stamp`, `2 stamps`; `many` where it is not formed with an s."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def say(line: str) -> None:
    """One line for people, on standard output; `line` may hold console markup."""
    out.print(line)


def quoted(text: object) -> str:
    """Foreign text, made safe to print: no console markup, no control characters."""
    plain = "".join(c if c.isprintable() else "�" for c in str(text))
    return escape(plain)


def complain(message: str) -> None:
    """One line on standard error: what went wrong, and what to do."""
    err.print(f"[bold red]sigillo:[/] {quoted(message)}")


def fail(message: str, code: Exit = Exit.REFUSED) -> typer.Exit:
    """Say what went wrong; raise what is returned. Under `--json` the problem is on standard output, too."""
    return _failed({"title": TITLES[code], "detail": message}, message, code)


def described(error: Exception) -> dict[str, Any]:
    """An error as a problem (RFC 9457): the server's own, whole, or one of its words."""
    if isinstance(error, Problem):
        return {"status": error.status, "detail": error.title, **error.members}
    return {"title": TITLES[exit_of(error)], "detail": words(error)}


def exit_of(error: Exception) -> Exit:
    """The exit code an error ends a command with."""
    if isinstance(error, Problem):
        return Exit.UNAVAILABLE if error.status == UNAVAILABLE_STATUS else Exit.REFUSED
    return Exit.UNAVAILABLE if isinstance(error, LATER) else Exit.REFUSED


@contextmanager
def told() -> Iterator[None]:
    """Turn what the client or a starting service raises into a line and an exit code."""
    try:
        yield
    except EXPECTED as error:
        raise _failed(described(error), words(error), exit_of(error)) from error


def words(error: Exception) -> str:
    """An error in a line for people."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)


def _failed(problem: dict[str, Any], said: str, code: Exit) -> typer.Exit:
    complain(said)
    if _for_programs.get():
        show({"problem": problem})
    return typer.Exit(code)
