from __future__ import annotations

import json

import pytest

from tests.peers.node import HERE, Node, PeersMissingError, installed


def test_the_peers_are_installed() -> None:
    try:
        installed()
    except PeersMissingError as error:
        pytest.skip(f"NOTHING WAS TESTED AGAINST OTHER IMPLEMENTATIONS OF CREDENTIALS: {error}")


def test_every_package_loads_offline(node: Node) -> None:
    packages = sorted(json.loads((HERE / "package.json").read_text())["dependencies"])
    assert all(node.run("loads.mjs", packages))


def test_a_failing_program_says_why(node: Node) -> None:
    with pytest.raises(AssertionError, match="no-such-package"):
        node.run("loads.mjs", ["no-such-package"])


def test_nothing_in_the_lock_names_a_host() -> None:
    packages = json.loads((HERE / "package-lock.json").read_text())["packages"]
    assert all("resolved" not in each for each in packages.values())
    assert all("integrity" in each for name, each in packages.items() if name)
    assert not any(each.get("hasInstallScript") for each in packages.values())
