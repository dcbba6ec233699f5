"""An assertion is taken out of an asset's history, where C2PA allows it; what was said before stays proven."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.api.wire import problem, upload
from tests.deployment import Running, picture

AUTHOR = {"name": "A. Person of Nowhere", "statement": "Mine."}
REDACT = {"assertions": ["cawg.metadata"], "reason": "c2pa.PII.present"}


@pytest.fixture(scope="module")
def http(deployment: Running) -> Iterator[httpx.Client]:
    with deployment.http(deployment.key()) as client:
        yield client


@pytest.fixture(scope="module")
def before(http: httpx.Client) -> tuple[dict[str, Any], bytes]:
    """An asset that names its author, and its file."""
    asset = upload(http, picture(seed=77), {"author": AUTHOR}).json()
    return asset, http.get(f"/v1/assets/{asset['id']}/content").content


def test_what_is_redacted_is_gone_and_the_rest_holds(
    deployment: Running, http: httpx.Client, before: tuple[dict[str, Any], bytes]
) -> None:
    asset, file = before
    answer = upload(http, file, {"redact": REDACT})
    assert answer.status_code == 201, answer.text
    after = http.get(f"/v1/assets/{answer.json()['id']}/content").content
    name = AUTHOR["name"].encode()
    assert (name in file, name in after) == (True, False)
    report = upload(http, after, path="/v1/verifications").json()
    assert (report["verdict"], report["ancestry"]) == ("trusted", "trusted")
    said = [action for action in report["actions"] if action["name"] == "c2pa.redacted"]
    assert len(said) == 1
    assert said[0]["parameters"].endswith('cawg.metadata"}')
    assert deployment.operator.receipt(asset["ledger"]["entry"], wait=30).startswith("c2sp.org/tlog-proof@v1")
    assert upload(http, file, path="/v1/verifications").json()["verdict"] == "trusted"


@pytest.mark.parametrize(
    "label", ["c2pa.hash.data", "c2pa.actions.v2", "c2pa.soft-binding", "org.sigillo.content", "cawg.training-mining"]
)
def test_what_the_origin_is_known_by_stays(
    http: httpx.Client, before: tuple[dict[str, Any], bytes], label: str
) -> None:
    refused = upload(http, before[1], {"redact": {**REDACT, "assertions": [label]}})
    assert problem(refused, 422, "claim-refused")["code"] == "never-redacted"


def test_only_ones_own(deployment: Running, http: httpx.Client, before: tuple[dict[str, Any], bytes]) -> None:
    assert problem(upload(http, picture(), {"redact": REDACT}), 422, "claim-refused")["code"] == "not-own"
    with deployment.http(deployment.key()) as other:
        assert problem(upload(other, before[1], {"redact": REDACT}), 422, "claim-refused")["code"] == "not-own"


def test_what_is_not_there_cannot_be_redacted(http: httpx.Client, before: tuple[dict[str, Any], bytes]) -> None:
    problem(upload(http, before[1], {"redact": {**REDACT, "assertions": ["com.example.none"]}}), 422, "manifest-build")
