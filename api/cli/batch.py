"""`sigillo batch bat_…`: how far a batch of uploads is, wherever they are sent from, and what was refused."""

from __future__ import annotations

from typing import Any

import typer

from api.cli.connect import SERVER, TOKEN, connected
from api.cli.output import JSON, quoted, say, show, told


def batch(
    batch: str = typer.Argument(..., help="bat_…, as `sigillo sign --recursive` says it."),
    server: str = SERVER,
    token: str = TOKEN,
    as_json: bool = JSON,
) -> None:
    """Show how far a batch is: signed, refused and why, how many a second, how long it takes yet."""
    with told(), connected(server, token) as sigillo:
        found = sigillo.batch(batch)
        cursor = found["next"]
        while cursor:
            page = sigillo.batch(batch, cursor)
            found["refusals"] += page["refusals"]
            cursor = page["next"]
    if as_json:
        show(found)
    else:
        _show(found)


def _show(found: dict[str, Any]) -> None:
    named = f"  {quoted(found['name'])}" if found["name"] else ""
    say(f"[bold]{found['id']}[/]{named}")
    counts = (f"{found[what]} {what}" for what in ("done", "held", "refused", "left"))
    say(f"  {', '.join(counts)}, of {found['expected']}; forgotten on {found['expires_at'][:10]}")
    if found["left"]:
        seconds = found["seconds_left"]
        ends = "nothing comes just now" if seconds is None else f"{seconds:.0f} s left"
        say(f"  {found['per_second']:.1f}/s, {ends}")
    for one in found["refusals"]:
        say(f"  refused    {quoted(one['name'] or 'an unnamed file')}: {quoted(one['detail'])}")
