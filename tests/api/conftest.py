from __future__ import annotations

from tests.api.fixtures import clock, deployment, own, photo, to_the_log

__all__ = ["clock", "deployment", "own", "photo", "to_the_log"]
