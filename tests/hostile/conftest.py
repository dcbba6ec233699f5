"""The fixtures of `tests.provenance.fixtures` and `tests.api.fixtures`."""

from tests.api.fixtures import deployment, to_the_log
from tests.provenance.fixtures import house, sandbox

__all__ = ["deployment", "house", "sandbox", "to_the_log"]
