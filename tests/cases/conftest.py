from __future__ import annotations

from tests.api.fixtures import clock, deployment, own, photo, to_the_log
from tests.provenance.fixtures import house, sandbox

__all__ = ["clock", "deployment", "house", "own", "photo", "sandbox", "to_the_log"]
