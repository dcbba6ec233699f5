from __future__ import annotations

from tests.api.fixtures import deployment, photo, to_the_log

__all__ = ["deployment", "photo", "to_the_log"]
