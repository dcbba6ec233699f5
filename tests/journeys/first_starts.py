"""First starts on a disk that fills up, some pages later each time; run inside, by tests/journeys/test_disk_full.py.

First where there is nothing: most pages are of the tables, made in one transaction, then moved from the write-ahead log
into their file, so one page stands for its neighbours. Then in small steps where there are tables and nothing else, as
after a start that ended just there.

Writes a line of JSON for each: {"pages", "refused": what a start on so few said, "" if it went well}.
Ends with an error when a start that failed leaves something that keeps the next one, with room, from going well, or a
part of the tables.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TextIO

from api.cli.output import EXPECTED
from api.composition import open_service
from api.running.home import Home
from api.settings import Settings
from tests.databases import compiled_once, prepare
from tests.journeys.small_disk import SmallDisk

ENOUGH = 3
"""Starts in a row that go well: every write has had its turn."""

STEPS_WITHIN = 8
"""Steps at once where there is no table yet."""


def main(folder: Path, step: int, report: TextIO) -> None:
    sweep(SmallDisk(folder), STEPS_WITHIN * step, report, begun=False)
    sweep(SmallDisk(folder), step, report, begun=True)


def sweep(disk: SmallDisk, step: int, report: TextIO, *, begun: bool) -> None:
    """Until starts go well; `begun`: with tables from the beginning."""
    pages, well = 0, 0
    while well < ENOUGH:
        home = disk.folder / f"home-{pages}"
        if begun:
            home.mkdir(mode=0o700)
            prepare(home / "sigillo.db")
        disk.leave(pages)
        refused = start(home)
        left = tables(home)
        report.write(json.dumps({"pages": pages, "refused": refused}) + "\n")
        disk.clear()
        if again := start(home):
            raise SystemExit(f"after a start on {pages} pages: {again}")
        if left not in (0, tables(home)):
            raise SystemExit(f"a start on {pages} pages left {left} tables")
        shutil.rmtree(home)
        well = 0 if refused else well + 1
        pages += step


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
    """How many its database has: a copy of it, for who opens it would change it."""
    with tempfile.TemporaryDirectory() as aside:
        for file in folder.glob("sigillo.db*"):
            shutil.copy(file, aside)
        with closing(sqlite3.connect(Path(aside) / "sigillo.db")) as connection:
            return int(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])


if __name__ == "__main__":
    with compiled_once(), Path(sys.argv[3]).open("w") as lines:
        main(Path(sys.argv[1]), int(sys.argv[2]), lines)
