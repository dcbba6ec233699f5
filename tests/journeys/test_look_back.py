"""Kill -9 while retained media are matched with somebody who just registered: it goes on, and tells nobody twice."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests.api.wire import PATIENCE, upload
from tests.cases.likeness.people import HER, People
from tests.cases.likeness.test_at_upload import MADE, TYPES
from tests.deployment import running
from tests.journeys.uploader import Server

KEPT = 20


@pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning")
def test_kill_while_looking_back(tmp_path: Path) -> None:
    home = tmp_path / "home"
    registration = _prepared(home)
    with Server(home) as server:
        before = _until(server, registration, lambda state: state["looked"] > 0)
        server.kill()
        server.start()
        after = _until(server, registration, lambda state: state["stage"] == "done")
        with server.client() as sigillo:
            lines = sigillo.matches(registration)["matches"]
        assert (before["stage"], before["began_at"]) == ("running", after["began_at"])
        assert (after["media"], after["looked"], after["found"], after["unseen"]) == (KEPT, KEPT, KEPT, 0)
        assert [line["outcome"] for line in lines] == KEPT * ["held"]
        assert len({line["entry"] for line in lines}) == KEPT
        assert server.stop() == 0


def _prepared(home: Path) -> str:
    """A folder with media, and somebody in them who has registered; nothing of it is looked at yet."""
    with running(home) as up:
        with up.http(up.key(source_types=TYPES)) as http:
            for _ in range(KEPT):
                assert upload(http, HER, MADE).status_code == 201
        return People(up).register()


def _until(server: Server, registration: str, condition: Any) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE
    with server.client() as sigillo:
        while not condition(state := sigillo.retroactive(registration)):
            assert time.monotonic() < deadline, state
            time.sleep(0.02)
    return state
