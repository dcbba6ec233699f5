from __future__ import annotations

from pathlib import Path

import pytest

from api.home import HomeHeldError
from tests.deployment import Running, running


def test_strangers_files_never_meet_a_worker_that_signs(deployment: Running) -> None:
    service = deployment.service
    assert service.intake.sandbox is not service.verification.sandbox


def test_operator_token_does_not_show(deployment: Running) -> None:
    assert deployment.service.operator_token not in repr(deployment.service)


def test_two_services_never_share_a_database(tmp_path: Path) -> None:
    shared = f"sqlite:///{tmp_path / 'shared.db'}"
    with running(tmp_path / "one", database=shared) as up:
        assert up.operator.ready()["ready"]
        with pytest.raises(HomeHeldError, match=r"shared\.db"), running(tmp_path / "two", database=shared):
            raise AssertionError("shared")
