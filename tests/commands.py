"""`sigillo` with all its commands, for tests that call them in this process."""

from __future__ import annotations

from typing import Final

import typer

from api.cli import COMMANDS, commands

app: Final[typer.Typer] = commands(COMMANDS)
