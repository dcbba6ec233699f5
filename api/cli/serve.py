"""`sigillo serve`: the service in the foreground."""

from __future__ import annotations

import resource
import signal
from contextlib import suppress

import typer

from api.cli.at_home import load_settings
from api.cli.loading import uncollected
from api.cli.output import JSON, err, quoted, show, told
from api.running.home import Home


def serve(
    host: str = typer.Option(None, help="Address to listen on. Default: 127.0.0.1."),
    port: int = typer.Option(None, min=0, max=65535, help="Port to listen on. Default: 8080; 0 takes a free one."),
    as_json: bool = JSON,
) -> None:
    """Run the service. Stop it with Ctrl-C; requests under way are finished."""
    with uncollected():
        from api.running.log import configure
        from api.running.server import run

    _keep_memory_to_itself()
    settings = load_settings()
    chosen = {"host": host, "port": port}
    settings = settings.model_copy(update={name: value for name, value in chosen.items() if value is not None})
    home = Home(settings.home)
    with told(), home.holding() as holder:
        configure(home.logs)
        # uvicorn finishes its requests and then raises the signal again: this lets every part close after it.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _stop)
        run(settings, home, holder, lambda url: _say(url, home, as_json=as_json))


def _keep_memory_to_itself() -> None:
    """No core dump: one would hold opened keys, media and faces. A limit of 1 also stops those that go to a program
    (core_pattern), which 0 does not.
    """
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    limit = 0 if most == 0 else 1
    resource.setrlimit(resource.RLIMIT_CORE, (limit, limit))


def _say(url: str, home: Home, *, as_json: bool) -> None:
    if as_json:
        show({"url": url, "home": str(home.folder)})
    else:
        err.print(f"Sigillo on [bold]{_for_browsers(url)}[/], data in {quoted(home.folder)}")


def _for_browsers(url: str) -> str:
    """On this machine by the name that passkeys are bound to, which is the same place to everything else."""
    from identity.passkeys.errors import RelyingPartyError
    from identity.passkeys.relying_party import relying_party

    with suppress(RelyingPartyError):  # of another machine's address they know none
        return relying_party(url).origin
    return url


def _stop(_number: int, _frame: object) -> None:
    raise SystemExit(0)
