"""The fixtures of `tests.provenance.fixtures`."""

from tests.provenance.fixtures import house, sandbox, stranger

__all__ = ["house", "sandbox", "stranger"]
