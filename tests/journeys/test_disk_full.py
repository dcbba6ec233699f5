"""The disk is full, at each write of an upload and of a first start in turn: 503 or a refusal that says why, nothing
half-written, nothing acknowledged lost, and well again by itself once there is room.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from keys.errors import KeysError
from keys.local import LocalKeyStore
from keys.rotation import rotate
from sigillo_client import Sigillo
from tests.api.cli.process import environment
from tests.api.wire import PATIENCE, problem, upload
from tests.databases import SQLITE
from tests.journeys.small_disk import Inside, inside, possible
from tests.journeys.test_kill import check_at_rest

ENOUGH = 5
"""So many uploads in a row that succeed: every write has had its turn."""

MOST = 500
"""Pages; far more than an upload takes."""

pytestmark = pytest.mark.skipif(not possible(), reason="no user and mount namespaces here: no small disk to fill")


@pytest.fixture(scope="module")
def served() -> Iterator[Inside]:
    # The path to a socket is short, whatever folder tests have.
    with tempfile.TemporaryDirectory() as short:
        home = Path(short) / "home"
        settings = environment(home, port="0", key_rate="1000000/minute", anonymous_rate="1000000/minute")
        with inside(home, [sys.executable, "-m", "api.cli", "serve"], settings) as running:
            yield running


@pytest.fixture(scope="module")
def operator(served: Inside) -> Iterator[Sigillo]:
    word = served.disk.folder / "server.json"
    deadline = time.monotonic() + PATIENCE
    while not word.exists():
        assert served.process.poll() is None
        assert time.monotonic() < deadline, "the server does not come up"
        time.sleep(0.02)
    with Sigillo("http://sigillo", json.loads(word.read_text())["token"], served.disk.folder / "socket") as operator:
        yield operator


@pytest.fixture(scope="module")
def http(served: Inside, operator: Sigillo) -> Iterator[httpx.Client]:
    token = operator.issue_key({"tool": "Camera"})["token"]
    transport = httpx.HTTPTransport(uds=str(served.disk.folder / "socket"))
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(transport=transport, base_url="http://sigillo", headers=headers, timeout=60) as client:
        yield client


def test_at_each_write_of_an_upload(served: Inside, http: httpx.Client, tmp_path: Path) -> None:
    promised, refused, in_a_row = list[dict[str, Any]](), Counter[str](), 0
    for pages in range(MOST):
        served.disk.leave(pages)
        answer = upload(http)
        served.disk.clear()
        if answer.status_code == 201:
            promised.append(answer.json())
            in_a_row += 1
        else:
            in_a_row = 0
            slug = answer.json()["type"].rpartition(":")[2]
            problem(answer, 503, slug)
            assert int(answer.headers["retry-after"]) > 0
            refused[slug] += 1
        if in_a_row == ENOUGH:
            break
        again = upload(http)
        assert again.status_code == 201, (pages, again.text)
        promised.append(again.json())
    assert set(refused) == {"storage-unavailable", "database-unavailable"}, refused
    for asset in promised:
        assert hashlib.sha256(http.get(asset["links"]["content"]).content).hexdigest() == asset["sha256"]
    until_proven(http, promised[-1])
    copy = served.copy(tmp_path / "copy")
    check_at_rest(copy, SQLITE)
    for line in (copy / "logs" / "requests.log").read_text().splitlines():
        assert json.loads(line)["event"]


def test_at_each_write_of_an_erasure_and_of_a_rotation(served: Inside, http: httpx.Client) -> None:
    """Refused or done, whole either way, and done once there is room."""
    store = LocalKeyStore.open(served.disk.folder / "keys", embedded_profile=True)
    refused, in_a_row = Counter[str](), 0
    for pages in range(MOST):
        asset, before = upload(http).json(), store.versions()
        served.disk.leave(pages)
        erased = http.delete(asset["links"]["self"])
        try:
            rotate(store.claims)
        except (KeysError, OSError) as error:
            refused[type(error).__name__] += 1
        served.disk.clear()
        made = store.versions()[len(before) :]
        assert [version.may_sign for version in made] in ([], [True]), "a version is certified or is not there"
        if erased.status_code != 200:
            problem(erased, 503, "database-unavailable")
            refused["erasure"] += 1
            assert http.delete(asset["links"]["self"]).status_code == 200
        problem(http.get(asset["links"]["content"]), 410, "asset-gone")
        assert upload(http).status_code == 201
        in_a_row = in_a_row + 1 if made and erased.status_code == 200 else 0
        if in_a_row == ENOUGH:
            break
    assert in_a_row == ENOUGH
    assert refused.keys() > {"erasure"}, "a rotation was refused, too"


def test_what_needs_no_room_goes_on(served: Inside, http: httpx.Client) -> None:
    asset = upload(http).json()
    served.disk.leave(0)
    file = http.get(asset["links"]["content"])
    assert hashlib.sha256(file.content).hexdigest() == asset["sha256"]
    assert upload(http, file.content, path="/v1/verifications").json()["verdict"] == "trusted"
    problem(http.delete(asset["links"]["self"]), 503, "database-unavailable")
    served.disk.clear()
    assert http.delete(asset["links"]["self"]).status_code == 200
    problem(http.get(asset["links"]["content"]), 410, "asset-gone")


def test_at_every_third_page_of_a_first_start(tmp_path: Path) -> None:
    """Every page would take long; a start writes its files, its keys, its database and its log one after the other.
    From nothing it is every twenty-fourth.
    """
    folder, report = tmp_path / "disk", tmp_path / "report"
    command = [sys.executable, "-m", "tests.journeys.first_starts", str(folder), "3", str(report)]
    with inside(folder, command, os.environ) as running:
        assert running.process.wait() == 0
    starts = [json.loads(line) for line in report.read_text().splitlines()]
    said = {start["refused"].partition(":")[0] for start in starts}
    # The mark of a checkpoint is another thread's write: which of the two meets the full disk first is chance.
    assert said - {"KeyStoreUnavailableError"} == {"", "OSError", "DatabaseUnavailableError"}


def until_proven(http: httpx.Client, asset: dict[str, Any]) -> None:
    deadline = time.monotonic() + PATIENCE
    while http.get(asset["ledger"]["receipt"]).status_code != 200:
        assert time.monotonic() < deadline, "no checkpoint came"
        time.sleep(0.05)
