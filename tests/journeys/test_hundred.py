"""A hundred uploads at once, each from a client of its own: all are signed, none is asked to come back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.api.wire import rows, upload
from tests.deployment import Running, picture, running

UPLOADS = 100


@pytest.fixture(params=["embedded", pytest.param("vault", marks=pytest.mark.openbao)])
def up(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Running]:
    vault = {}
    if request.param == "vault":
        url = request.getfixturevalue("openbao").url
        vault = {"keys": "vault", "vault_url": url, "vault_token": request.getfixturevalue("service_token")}
    with running(tmp_path / "home", workers=2, **vault) as deployment:
        yield deployment


def test_a_hundred_uploads_at_once(up: Running) -> None:
    token, begin = up.key(), threading.Barrier(UPLOADS)

    def one(number: int) -> httpx.Response:
        with up.http(token) as http:
            begin.wait()
            return upload(http, picture(seed=number))

    with ThreadPoolExecutor(UPLOADS) as pool:
        answers = list(pool.map(one, range(UPLOADS)))
    assert [answer.status_code for answer in answers] == [201] * UPLOADS, {answer.text for answer in answers}
    assets = {answer.json()["id"] for answer in answers}
    assert {asset for (asset,) in rows(up, "SELECT id FROM asset")} == assets
    assert len(assets) == len(list(up.home.blobs.iterdir())) == UPLOADS
