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
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape

from api.home import HomeHeldError, StartError
from client import Problem, UnreachableError
from detection.errors import DetectionError
from keys.errors import KeysError, KeyStoreUnavailableError
from ledger.errors import DatabaseUnavailableError, LedgerError
from provenance.errors import ProvenanceError

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


out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

JSON = typer.Option(False, "--json", help="Print one JSON object and nothing else.")


def show(value: Any) -> None:
    """One JSON value on standard output."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def say(line: str) -> None:
    """One line for people, on standard output; `line` may hold console markup."""
    out.print(line)


def quoted(text: object) -> str:
    """Foreign text, made safe to print: no console markup, no control characters."""
    plain = "".join(c if c.isprintable() else "�" for c in str(text))
    return escape(plain)


def fail(message: str, code: Exit = Exit.REFUSED) -> typer.Exit:
    """Say what went wrong on standard error; raise what is returned."""
    err.print(f"[bold red]sigillo:[/] {quoted(message)}")
    return typer.Exit(code)


@contextmanager
def told() -> Iterator[None]:
    """Turn what the client or a starting service raises into a line and an exit code."""
    try:
        yield
    except Problem as problem:
        unavailable = problem.status == UNAVAILABLE_STATUS
        raise fail(str(problem), Exit.UNAVAILABLE if unavailable else Exit.REFUSED) from problem
    except UnreachableError as error:
        raise fail(str(error), Exit.UNAVAILABLE) from error
    except HomeHeldError as error:
        raise fail(str(error), Exit.UNAVAILABLE) from error
    except (KeyStoreUnavailableError, DatabaseUnavailableError) as error:
        raise fail(str(error), Exit.UNAVAILABLE) from error
    except (KeysError, LedgerError, DetectionError, ProvenanceError, StartError) as error:
        raise fail(str(error)) from error
    except OSError as error:
        raise fail(f"{error.filename}: {error.strerror}" if error.filename else str(error)) from error
