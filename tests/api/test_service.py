from __future__ import annotations

from tests.deployment import Running


def test_strangers_files_never_meet_a_worker_that_signs(deployment: Running) -> None:
    service = deployment.service
    assert service.intake.sandbox is not service.verification.sandbox


def test_operator_token_does_not_show(deployment: Running) -> None:
    assert deployment.service.operator_token not in repr(deployment.service)
