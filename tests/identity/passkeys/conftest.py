from __future__ import annotations

from tests.identity.assurance.conftest import built, house

__all__ = ["built", "house"]
