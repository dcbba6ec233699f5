"""Whether pages are tried in a browser at all."""

from __future__ import annotations

import pytest

from tests import browser


def test_there_is_a_browser() -> None:
    if browser.found() is None:
        pytest.skip("no Chromium on this machine: NO PAGE WAS TRIED IN A BROWSER. apt install chromium")
