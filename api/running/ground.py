"""What a start requires of the folder it finds: the parts it was begun with, all of them, or nothing at all.

A part that is lost (a volume not mounted, a backup restored in part) would otherwise be made anew: other keys, under
which nothing opens, or another ledger, which contradicts the one before. So the first start leaves a mark, and every
later one wants what goes with it.
"""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

from sqlalchemy import make_url

from api.running.home import Home, StartError
from api.settings import KeyStoreKind, Settings
from keys.errors import KeyNotFoundError, KeyStoreUnavailableError
from keys.sealed_file import SEALED_NAME
from ledger.errors import ForkError
from ledger.log import Ledger
from ledger.storage.database import Database
from ledger.storage.grants import grant
from ledger.storage.schema import is_empty, migrate


def require_parts(settings: Settings, home: Home, database: Database, blobs: Path) -> None:
    """Refuse to begin anew where something was begun. Raises StartError."""
    begun = _begun(home)
    if begun is None:
        return
    if begun != settings.keys:
        raise StartError(
            f"{home.folder} was begun with {begun} keys, and these settings say {settings.keys}: "
            f"set SIGILLO_KEYS={begun}, or choose another SIGILLO_HOME to begin anew"
        )
    wanted = [blobs]
    if settings.keys is KeyStoreKind.EMBEDDED:
        wanted.append(home.keys / SEALED_NAME)
    if database.file is not None:
        wanted.append(database.file)
    for part in wanted:
        if not part.exists() or (part.is_file() and not part.stat().st_size):
            raise StartError(
                f"{part} is missing or empty, and {home.folder} was begun with it: put it or a backup back "
                "(to begin anew, move the whole home folder away)"
            )
    if database.file is None and is_empty(database):
        raise StartError(
            f"SIGILLO_DATABASE names a database in which nothing was begun, and {home.folder} was begun with one: name "
            "that one, or put a backup back (to begin anew, move the whole home folder away)"
        )


def set_up(settings: Settings) -> None:
    """Bring the tables up to date as the role that owns them, where it is given. Raises DatabaseUnavailableError."""
    owner = settings.database_owner.get_secret_value()
    if owner:
        with closing(Database(owner)) as database:
            migrate(database)
            grant(database, make_url(settings.database_url).username or "")


def require_one_log(ledger: Ledger) -> None:
    """Refuse a key store and a database that do not belong together. Raises StartError.

    A key store that does not answer proves nothing: the ledger asks again before it signs.
    """
    try:
        ledger.require_own_key()
    except (KeyStoreUnavailableError, KeyNotFoundError):
        return
    except ForkError as error:
        raise StartError(str(error)) from error


def mark(settings: Settings, home: Home) -> None:
    """Leave the mark, once everything is there."""
    if _begun(home) is None:
        draft = home.begun.with_name(f"{home.begun.name}.part")
        draft.write_text(json.dumps({"keys": settings.keys}))
        draft.replace(home.begun)


def _begun(home: Home) -> str | None:
    """The kind of key store the folder was begun with; None for a folder that nothing was begun in."""
    try:
        return str(json.loads(home.begun.read_text())["keys"])
    except FileNotFoundError:
        return None
    except (ValueError, LookupError, TypeError) as error:
        raise StartError(f"{home.begun} is damaged: put a backup of it back") from error
