"""Two services on one PostgreSQL, a folder sent to each at once, and the one that leads is killed in the middle: who
goes on with the other has every file signed once, under the asset that was promised.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from api.cli.bulk import JOURNAL
from keys.openbao import OpenBao
from tests.databases import POSTGRESQL, ask, url_of
from tests.deployment import picture
from tests.journeys.uploader import Server
from tests.waiting import until

FILES = 32
"""In each of the two folders: eight requests, four of them under way at a time."""


@pytest.fixture
def services(tmp_path: Path, openbao: OpenBao, service_token: str) -> Iterator[tuple[Server, Server]]:
    """The first leads."""
    shared = {
        "SIGILLO_DATABASE": url_of(tmp_path / "shared.db", POSTGRESQL),
        "SIGILLO_BLOBS": str(tmp_path / "blobs"),
        "SIGILLO_KEYS": "vault",
        "SIGILLO_VAULT_URL": openbao.url,
        "SIGILLO_VAULT_TOKEN": service_token,
        "SIGILLO_LOG_ORIGIN": f"log.example/{tmp_path.name}",
    }
    with ExitStack() as stack:
        one, two = (stack.enter_context(Server(tmp_path / name, POSTGRESQL, shared)) for name in ("one", "two"))
        yield one, two


def sigillo(server: Server, *command: str | Path, **more: str) -> subprocess.Popen[str]:
    """A command of somebody at that service."""
    environment = {**os.environ, **server.chosen, "SIGILLO_HOME": str(server.home), **more}
    return subprocess.Popen(
        [sys.executable, "-m", "api.cli", *command, "--json"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def answered(command: subprocess.Popen[str]) -> dict[str, Any]:
    said, wrong = command.communicate()
    assert command.returncode == 0, wrong or said
    return dict(json.loads(said))


def promised(out: Path) -> dict[str, str]:
    """Assets by file, as the journal has them."""
    journal = out / JOURNAL
    lines = journal.read_text().split("\n")[:-1] if journal.exists() else []
    return {line["file"]: line["asset"] for line in map(json.loads, lines)}


def test_the_leader_is_killed_while_folders_are_sent_to_both(tmp_path: Path, services: tuple[Server, Server]) -> None:
    one, two = services
    with one.client() as operator:
        token = operator.issue_key({"tool": "Archive", "source_types": ["digitalCapture"]})["token"]
    outs = [tmp_path / "here.signed", tmp_path / "there.signed"]
    for number, name in enumerate(("here", "there")):
        (tmp_path / name).mkdir()
        for n in range(FILES):
            (tmp_path / name / f"{n}.jpg").write_bytes(picture(seed=number * FILES + n))
    here, there = (
        sigillo(server, "sign", "--recursive", tmp_path / name, SIGILLO_TOKEN=token)
        for server, name in ((one, "here"), (two, "there"))
    )
    until(lambda: promised(outs[0]))
    one.kill()
    here.kill()
    here.communicate()
    before = promised(outs[0])
    assert 0 < len(before) < FILES, "it was killed in the middle"
    assert answered(there)["signed"] == FILES
    gone_on = answered(sigillo(two, "sign", "--recursive", tmp_path / "here", SIGILLO_TOKEN=token))
    assert (gone_on["skipped"], gone_on["signed"]) == (len(before), FILES - len(before))
    kept = [promised(out) for out in outs]
    assert before.items() <= kept[0].items()
    assets = {asset for folder in kept for asset in folder.values()}
    assert len(assets) == 2 * FILES
    assert set(ask("SELECT id FROM asset", url=two.chosen["SIGILLO_DATABASE"])) == assets, "none lost, none doubled"
    report = answered(sigillo(two, "ledger", "verify"))
    assert report["sound"]
    assert two.stop() == 0
    signed = "SELECT id FROM entry WHERE convert_from(data, 'UTF8') LIKE '%\"kind\":\"asset.signed\"%'"
    assert len(ask(signed, url=two.chosen["SIGILLO_DATABASE"])) == 2 * FILES
