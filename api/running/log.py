"""Request logs without personal data: JSON lines, a week of them, then gone (docs/privacy.md).

A line holds request id, route template, method, status, milliseconds, principal id and the caller's /24 or
/48. It holds no path, no query, no file name, no header: ids of assets are not in a route's template.
"""

from __future__ import annotations

import logging
import sys
import time
from logging.handlers import TimedRotatingFileHandler
from pathlib import Path

import structlog

NAME = "requests.log"
KEPT_DAYS = 7
"""No line is older; the present day's file counts as one."""

STRANGERS_WRITE_TO = ("python_multipart", "uvicorn.error")
"""Loggers of libraries that warn, with bytes in it, of every malformed request; the caller is told what is wrong."""

_PROCESSORS: list[structlog.types.Processor] = [
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]


def configure(folder: Path | None, console_level: int = logging.WARNING) -> None:
    """Send logs to `folder/requests.log`, rotated daily; from `console_level` on also to standard error."""
    structlog.configure(
        processors=[*_PROCESSORS, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    console = logging.StreamHandler(sys.stderr)
    console.setLevel(console_level)
    console.setFormatter(_formatter(structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())))
    handlers: list[logging.Handler] = [console]
    if folder is not None:
        handlers.append(_rotating(folder))
    for name in STRANGERS_WRITE_TO:
        logging.getLogger(name).setLevel(logging.ERROR)
    root = logging.getLogger("sigillo")
    root.handlers, root.propagate = handlers, False
    root.setLevel(logging.INFO)
    forget_old()


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger under `sigillo.`."""
    bound: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(f"sigillo.{name}")
    return bound


def forget_old() -> None:
    """Delete files whose last line is six days old: their first may be a day older.

    Rotation counts files and happens when a line is written, so a service that few ask would keep them for longer.
    """
    for handler in logging.getLogger("sigillo").handlers:
        if isinstance(handler, TimedRotatingFileHandler):
            handler.acquire()  # so that none is rotated meanwhile
            try:
                _drop_old(Path(handler.baseFilename))
            finally:
                handler.release()


def _drop_old(file: Path) -> None:
    oldest = time.time() - (KEPT_DAYS - 1) * 24 * 3600
    for old in file.parent.glob(f"{file.name}*"):
        if old.stat().st_mtime < oldest:
            old.unlink()


def _rotating(folder: Path) -> logging.Handler:
    folder.mkdir(exist_ok=True, mode=0o700)
    handler = TimedRotatingFileHandler(
        folder / NAME,
        when="midnight",
        utc=True,
        backupCount=KEPT_DAYS - 1,
        encoding="utf-8",
        delay=True,
    )
    handler.setFormatter(_formatter(structlog.processors.JSONRenderer()))
    return handler


def _formatter(renderer: structlog.types.Processor) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        foreign_pre_chain=_PROCESSORS,
    )
