from __future__ import annotations

from tests.api.wire import problem
from tests.deployment import Running

ROTATIONS = "/v1/face-rotations"


def test_a_tenant_has_its_rotation_key_renewed(deployment: Running) -> None:
    deployment.service.registry.faces.renewing.round(lambda: False)  # what another test began
    with deployment.http(deployment.key(scopes=["access:admin"], tool="", source_types=[])) as admin:
        before = admin.get(ROTATIONS).json()["version"]
        begun = admin.post(ROTATIONS)
        assert begun.status_code == 202, begun.text
        assert begun.json()["version"] == max(before, 1) + 1
        assert deployment.service.ledger.wait_proven(begun.json()["ledger"]["entry"], 60)
        deployment.service.registry.faces.renewing.round(lambda: False)
        assert admin.get(ROTATIONS).json() == {"version": begun.json()["version"], "waiting": 0, "under_way": False}


def test_others_may_neither_ask_nor_look(deployment: Running) -> None:
    with deployment.http(deployment.key()) as camera:
        problem(camera.post(ROTATIONS), 403, "scope-missing")
        problem(camera.get(ROTATIONS), 403, "scope-missing")
