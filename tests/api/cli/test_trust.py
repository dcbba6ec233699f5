from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.api.cli.conftest import Run
from tests.deployment import Running


def test_anchors_can_be_redirected_into_a_file(deployment: Running, run: Run, ask: Callable[..., Any]) -> None:
    done = run("trust", "anchors")
    assert done.exit_code == 0
    assert done.stdout == deployment.operator.anchors()
    assert done.stdout.startswith("-----BEGIN CERTIFICATE-----")
    assert ask("trust", "anchors") == {"anchors": done.stdout}
