"""The fixtures of `tests.provenance.fixtures`."""

from tests.provenance.fixtures import house, sandbox

__all__ = ["house", "sandbox"]
