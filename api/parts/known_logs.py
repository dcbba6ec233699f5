"""Other deployments' logs that the operator knows: whose custody bundles may be trusted here."""

from __future__ import annotations

from pathlib import Path

from api.running.home import StartError
from ledger.errors import CheckpointError
from ledger.tree.checkpoint import VerifierKey

MAX_LOGS = 1000


def known_logs(file: Path | None) -> tuple[str, ...]:
    """The verifier keys in a file, one a line; `#` begins a comment. Raises StartError."""
    if file is None:
        return ()
    try:
        return parse_logs(file.read_text())
    except (OSError, UnicodeDecodeError, CheckpointError) as error:
        raise StartError(f"SIGILLO_KNOWN_LOGS: {file}: {error}") from error


def parse_logs(text: str) -> tuple[str, ...]:
    """The same of a text. Raises CheckpointError."""
    lines = [line.strip() for line in text.splitlines()]
    keys = [line for line in lines if line and not line.startswith("#")]
    if len(keys) > MAX_LOGS:
        raise CheckpointError(f"more than {MAX_LOGS} logs")
    return tuple(str(VerifierKey.parse(key)) for key in keys)
