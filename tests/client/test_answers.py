from __future__ import annotations

from tests.client.answers import FILE, written


def test_what_is_typed_is_what_the_service_describes() -> None:
    assert FILE.read_text() == written(), "python -m tests.client.answers"
