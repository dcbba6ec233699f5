"""Whom a command talks to: a named server, or that of the home folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from api.cli.output import Exit, fail
from sigillo_client import NEVER, Sigillo

SERVER = typer.Option("", "--server", envvar="SIGILLO_SERVER", help="Server to talk to, such as https://…")
TOKEN = typer.Option(
    "", "--token", envvar="SIGILLO_TOKEN", help="API key to act with. Default: the operator's, at home."
)


@contextmanager
def connected(server: str = "", token: str = "", *, leave_no_trace: bool = False) -> Iterator[Sigillo]:
    """A client of the named server, or of the home folder's own.

    With `leave_no_trace` a folder that holds nothing yet is left so, and a passing one serves: to verify a file
    should make nobody's keys. Raises HomeHeldError, UnreachableError, and what `fail` gives where that is no address.
    """
    if server and not server.startswith(("http://", "https://")):
        raise fail(f"{server} is no address of a server: write it whole, with https:// or http://", Exit.USAGE)
    if server:
        with Sigillo(server, token, retries=NEVER) as sigillo:
            yield sigillo
        return
    from api.cli.at_home import at_home  # with all settings: only where they are asked for

    with at_home(token, leave_no_trace=leave_no_trace) as sigillo:
        yield sigillo
