"""Commands at home: the settings in force, and the server that holds the home folder, or a private one (ADR 0003)."""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from difflib import get_close_matches
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import SettingsError

from api.cli.loading import uncollected
from api.cli.output import Exit, fail
from api.running.home import Holder, Home, HomeHeldError
from api.settings import KeyStoreKind, Settings
from sigillo_client import Sigillo, UnreachableError

HELD_SECONDS = 60
"""How long to wait for whoever holds the folder to answer or let go of it."""

RETRY_SECONDS = 0.1


def load_settings() -> Settings:
    """The settings in force; a wrong one ends the command with a line that names it."""
    _refuse_unknown()
    try:
        return Settings()
    except ValidationError as error:
        raise fail("; ".join(map(_fault, error.errors())), Exit.USAGE) from error
    except SettingsError as error:
        name = next(iter(re.findall(r'"(\w+)"', str(error))), "").upper()
        said = f'SIGILLO_{name} is a list, written as JSON, such as ["10.0.0.0/8"]'
        raise fail(said, Exit.USAGE) from error


def _refuse_unknown() -> None:
    """A misspelt setting would be a default in force that nobody chose."""
    known = [f"SIGILLO_{name.upper()}" for name in (*Settings.model_fields, "server", "token", "wallet")]
    for name in os.environ:
        if name.upper().startswith("SIGILLO_") and name.upper() not in known:
            meant = get_close_matches(name.upper(), known, 1, cutoff=0.8)
            hint = f": did you mean {meant[0]}?" if meant else "; docs/operations.md lists them"
            raise fail(f"{name} is no setting{hint}", Exit.USAGE)


def _fault(error: ErrorDetails) -> str:
    """One wrong setting by the name it is set by."""
    name = "_".join(map(str, error["loc"])).upper()
    said = error["msg"].removeprefix("Value error, ")
    example = " (such as P7D, seven days)" if error["type"].startswith("time_delta") else ""
    return f"SIGILLO_{name}: {said}{example}" if name else said


@contextmanager
def at_home(token: str = "", *, leave_no_trace: bool = False) -> Iterator[Sigillo]:
    """A client of the home folder's own server; the rest as `api.cli.connect.connected`."""
    with ExitStack() as stack:
        settings = load_settings()
        if leave_no_trace and settings.keys is KeyStoreKind.EMBEDDED and not Home(settings.home).keys.exists():
            passing = stack.enter_context(TemporaryDirectory(prefix="sigillo-"))
            settings = settings.model_copy(
                update={"home": Path(passing), "database": SecretStr(""), "database_owner": SecretStr("")}
            )
        yield stack.enter_context(_at_home(settings, token, quiet=leave_no_trace))


@contextmanager
def _at_home(settings: Settings, token: str, *, quiet: bool) -> Iterator[Sigillo]:
    """`token` says who asks; without one it is the operator."""
    home = Home(settings.home)
    deadline = time.monotonic() + HELD_SECONDS
    while True:
        try:
            with home.holding() as holder:
                with _private(settings, home, holder, token, quiet=quiet) as client:
                    yield client
                return
        except HomeHeldError:
            with home.visiting():
                holder_now = home.holder()
                if holder_now and (client_now := _answering(holder_now, token)):
                    with client_now:
                        yield client_now
                    return
            if time.monotonic() > deadline:
                raise
            time.sleep(RETRY_SECONDS)


@contextmanager
def _private(settings: Settings, home: Home, holder: Holder, token: str, *, quiet: bool) -> Iterator[Sigillo]:
    """A server on the Unix socket alone, for as long as the command runs and others visit."""
    with uncollected():
        from api.running.log import configure  # the whole service: only when one is needed
        from api.running.server import in_background

    # The warning about embedded keys belongs to their making and to `serve`, not to every command after.
    configure(home.logs, logging.ERROR if quiet or home.keys.exists() else logging.WARNING)
    with ExitStack() as after, in_background(settings, home, holder):
        try:
            with Sigillo("http://sigillo", token or holder.token, holder.socket) as client:
                yield client
        finally:
            after.enter_context(home.leaving())


def _answering(holder: Holder, token: str) -> Sigillo | None:
    """A client of the holder, if it answers."""
    client = Sigillo("http://sigillo", token or holder.token, holder.socket)
    try:
        client.ready()
    except UnreachableError:
        client.__exit__()
        return None
    return client
