from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Iterator
from logging.handlers import TimedRotatingFileHandler
from pathlib import Path

import pytest

from api.running.log import KEPT_DAYS, NAME, configure, forget_old, logger
from tests.api.fixtures import logging_put_back

DAY = 24 * 3600


def rotating(folder: Path) -> TimedRotatingFileHandler:
    """The handler that writes into the folder."""
    found = [one for one in logging.getLogger("sigillo").handlers if isinstance(one, TimedRotatingFileHandler)]
    return next(one for one in found if Path(one.baseFilename).parent == folder)


@pytest.fixture(autouse=True)
def put_back() -> Iterator[None]:
    with logging_put_back():
        yield


def test_lines_are_json(tmp_path: Path) -> None:
    configure(tmp_path / "logs")
    logger("test").info("happened", route="/v1/assets", status=201)
    line = json.loads((tmp_path / "logs" / NAME).read_text())
    assert (line["event"], line["route"], line["status"], line["level"]) == ("happened", "/v1/assets", 201, "info")
    assert line["timestamp"].endswith("Z")


def test_folder_is_the_owners_alone(tmp_path: Path) -> None:
    configure(tmp_path / "logs")
    assert (tmp_path / "logs").stat().st_mode & 0o077 == 0


def test_what_grew_old_while_nothing_ran_goes_at_the_start(tmp_path: Path) -> None:
    ages = {NAME: KEPT_DAYS + 1, f"{NAME}.2026-11-01": KEPT_DAYS + 2, f"{NAME}.2026-11-19": 2, "other.txt": 99}
    for name, days in ages.items():
        (tmp_path / name).write_text("x")
        os.utime(tmp_path / name, (time.time() - days * DAY,) * 2)
    configure(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {f"{NAME}.2026-11-19", "other.txt"}


def test_what_grew_old_in_a_service_that_nobody_asked_goes_while_it_runs(tmp_path: Path) -> None:
    configure(tmp_path)
    logger("test").info("long ago")
    # Lines of one day are in one file, and its first may be a day older than its last.
    for name, days in {
        NAME: KEPT_DAYS,
        f"{NAME}.2026-11-01": KEPT_DAYS - 0.9,
        f"{NAME}.2026-11-02": KEPT_DAYS - 1.1,
    }.items():
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (time.time() - days * DAY,) * 2)
    forget_old()
    assert {file.name for file in tmp_path.iterdir()} == {f"{NAME}.2026-11-02"}
    rotating(tmp_path).rolloverAt = 0  # as it is a day after the last line
    logger("test").info("again")
    assert "again" in (tmp_path / NAME).read_text()


def test_rotation_keeps_a_week(tmp_path: Path) -> None:
    configure(tmp_path)
    assert rotating(tmp_path).backupCount == KEPT_DAYS - 1
    assert rotating(tmp_path).interval == DAY


def test_console_shows_warnings_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure(None)
    logger("test").info("quiet")
    logger("test").warning("loud")
    said = capsys.readouterr()
    assert "loud" in said.err
    assert "quiet" not in said.err
    assert said.out == ""


def test_strangers_write_no_line_through_libraries(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    configure(tmp_path / "logs")
    for name in ("python_multipart.multipart", "uvicorn.error"):
        logging.getLogger(name).warning("%r", b"what a stranger sent")
        logging.getLogger(name).error("a defect in %s", name)
    said = capfd.readouterr().err
    assert "stranger" not in said
