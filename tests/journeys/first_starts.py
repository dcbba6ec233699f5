"""First starts on a disk that fills up, some pages later each time; run inside, by tests/journeys/test_disk_full.py.

Writes a line of JSON for each: {"pages", "refused": what a start on so few said, "" if it went well}.
Ends with an error when a start that failed leaves something that keeps the next one, with room, from going well, or a
part of the tables: making them is one transaction, so where that lacks a page, one page stands for its neighbours.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import TextIO

from api.cli.output import EXPECTED
from api.composition import open_service
from api.home import Home
from api.settings import Settings
from tests.databases import compiled_once
from tests.journeys.small_disk import SmallDisk

ENOUGH = 3
"""Starts in a row that go well: every write has had its turn."""

STEPS_WITHIN = 4
"""Steps at once while there is no table yet."""


def main(folder: Path, step: int, report: TextIO) -> None:
    disk, pages, well = SmallDisk(folder), 0, 0
    while well < ENOUGH:
        home = folder / f"home-{pages}"
        disk.leave(pages)
        refused = start(home)
        before = tables(home)
        report.write(json.dumps({"pages": pages, "refused": refused}) + "\n")
        disk.clear()
        if again := start(home):
            raise SystemExit(f"after a start on {pages} pages: {again}")
        if before not in (0, tables(home)):
            raise SystemExit(f"a start on {pages} pages left {before} tables")
        shutil.rmtree(home)
        well = 0 if refused else well + 1
        pages += step if before or not pages else STEPS_WITHIN * step


def start(folder: Path) -> str:
    """Start, make the operator, stop. Nothing is uploaded, so no workers start."""
    home = Home(folder)
    try:
        with home.holding() as holder, open_service(Settings(home=folder), home, holder.token) as opened:
            home.announce(holder)
            opened.access.all(opened.deployment.operator())
    except EXPECTED as error:
        return f"{type(error).__name__}: {error}"
    return ""


def tables(folder: Path) -> int:
    """How many its database has."""
    with closing(sqlite3.connect(folder / "sigillo.db")) as connection:
        return int(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])


if __name__ == "__main__":
    with compiled_once(), Path(sys.argv[3]).open("w") as lines:
        main(Path(sys.argv[1]), int(sys.argv[2]), lines)
