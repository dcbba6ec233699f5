"""A service, and two witnesses in processes of their own, one of which is killed in mid traffic: what is proven bears
both their cosignatures, everywhere it can be checked.
"""

from __future__ import annotations

import json
import signal
import socket
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from typer.testing import CliRunner, Result

from keys.clock import system_entropy
from ledger.receipt import verify_receipt
from ledger.tree.checkpoint import VerifierKey, parse_head
from ledger.tree.note import parse_note
from ledger.witnessing.cosignature import Quorum
from ledger.witnessing.witness_key import open_witness_key
from tests.api.cli.process import start
from tests.api.fixtures import logging_put_back
from tests.api.wire import proven, rows
from tests.commands import app
from tests.databases import settings_of
from tests.deployment import Running, running
from tests.loopback import hosted
from tests.waiting import until


class WitnessProcess:
    """`sigillo witness serve`."""

    def __init__(self, home: Path, name: str) -> None:
        home.mkdir()
        self.home, self.name = home, name
        self.vkey = str(open_witness_key(home / "key", name, system_entropy).key)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.url = f"http://127.0.0.1:{probe.getsockname()[1]}"

    def begin(self, log: str) -> None:
        listen = self.url.removeprefix("http://")
        self.process = start(
            self.home, "witness", "serve", "--home", self.home, "--log", log, "--listen", listen, "--json"
        )
        assert self.process.stdout is not None
        said = ""
        while not said.endswith("}\n"):
            line = self.process.stdout.readline()
            assert line, self.process.communicate()
            said += line
        assert json.loads(said) == {"url": self.url, "vkey": self.vkey}

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()

    def seen(self, origin: str) -> int:
        """The size of what it shows that it cosigned last."""
        found = httpx.get(f"{self.url}/{sha256(origin.encode()).hexdigest()}/checkpoint")
        assert found.status_code == 200, found.text
        return parse_head(parse_note(found.text).text).size


Two = tuple[WitnessProcess, WitnessProcess]


@pytest.fixture
def two(tmp_path: Path) -> Two:
    one, other = (WitnessProcess(tmp_path / name, f"witness.example/{name}") for name in ("one", "two"))
    return one, other


@pytest.fixture
def up(two: Two, tmp_path: Path) -> Iterator[Running]:
    """A service that waits for both; they begin once its log's key is known."""
    addresses = [f"{witness.vkey} {witness.url}" for witness in two]
    with running(
        tmp_path / "home", witnesses=addresses, witness_quorum=2, witness_wait=True, witness_seconds=0.1
    ) as deployed:
        for witness in two:
            witness.begin(deployed.operator.log_key())
        yield deployed
    for witness in two:
        witness.kill()


def entry(up: Running) -> str:
    """Some decision, recorded: durable."""
    up.key()
    return str(rows(up, 'SELECT id FROM entry ORDER BY "index" DESC LIMIT 1')[0][0])


def part(up: Running) -> dict[str, object]:
    with up.http() as http:
        found: dict[str, object] = http.get("/readyz").json()["parts"]["witnesses"]
    return found


def gauges(up: Running, name: str) -> dict[str, float]:
    with up.http() as http:
        families = text_string_to_metric_families(http.get("/metrics").text)
    return {
        sample.labels["witness"]: sample.value
        for family in families
        for sample in family.samples
        if family.name == name
    }


def test_a_witness_is_killed_and_comes_back(up: Running, two: Two, tmp_path: Path) -> None:
    one, other = two
    vkey, quorum = up.operator.log_key(), Quorum.parse([one.vkey, other.vkey])
    origin = VerifierKey.parse(vkey).origin
    first = proven(up, entry(up))
    assert len(verify_receipt(first, vkey, quorum).cosigned.by) == 2
    assert part(up) == {"ready": True, "reason": "", "warning": ""}

    traffic = threading.Thread(target=lambda: [up.key() for _ in range(40)])
    traffic.start()
    seen = one.seen(origin)
    one.kill()
    traffic.join()
    waiting = entry(up)
    until(lambda: "witness.example/one: no answer" in str(part(up)["reason"]))
    assert not part(up)["ready"]
    assert up.operator.receipt(waiting) == "", "durable, and not proven"
    until(lambda: gauges(up, "sigillo_witness_well") == {one.name: 0, other.name: 1})

    one.begin(vkey)
    assert one.seen(origin) >= seen
    receipt = proven(up, waiting)
    assert len(verify_receipt(receipt, vkey, quorum).cosigned.by) == 2
    until(lambda: part(up) == {"ready": True, "reason": "", "warning": ""})
    assert set(gauges(up, "sigillo_witness_well").values()) == {1}
    assert min(gauges(up, "sigillo_witness_entries").values()) > seen

    home = up.home.folder
    (tmp_path / "log.vkey").write_text(vkey)
    key = ("--key", tmp_path / "log.vkey")
    settings = {
        "SIGILLO_WITNESSES": json.dumps([f"{witness.vkey} {witness.url}" for witness in two]),
        "SIGILLO_WITNESS_QUORUM": "2",
        "SIGILLO_WITNESS_WAIT": "true",
    }
    assert command(home, "ledger", "export", tmp_path / "ledger", **settings).exit_code == 0
    assert command(home, "ledger", "bundle", tmp_path / "bundle.zip", **settings).exit_code == 0
    believed = ("--witness", one.vkey, "--witness", other.vkey)
    stranger = ("--witness", WitnessProcess(tmp_path / "three", "witness.example/three").vkey)
    with hosted(tmp_path) as site:
        for what in (
            (),
            (tmp_path / "ledger", *key),
            ("--url", f"{site}/ledger", *key),
            (tmp_path / "bundle.zip", *key),
        ):
            sound = command(home, "ledger", "verify", *what, *believed)
            assert sound.exit_code == 0, sound.output
            assert one.name in sound.stdout
            assert other.name in sound.stdout
            named = command(home, "ledger", "verify", *what)
            assert named.exit_code == 0, named.output
            assert "--witness" in named.stdout
            lacking = command(home, "ledger", "verify", *what, *believed, *stranger)
            assert lacking.exit_code == 5, lacking.output
            assert "cosignatures by 3 of the named witnesses are needed, and there are 2" in " ".join(
                lacking.output.split()
            )
            assert command(home, "ledger", "verify", *what, *believed, *stranger, "--quorum", 2).exit_code == 0
    assert command(home, "ledger", "verify", "--witness", "nonsense").exit_code == 2
    assert command(home, "ledger", "verify", *believed, "--quorum", 3).exit_code == 2


def command(home: Path, *arguments: object, **environment: str) -> Result:
    surroundings = {"SIGILLO_HOME": str(home), "SIGILLO_SERVER": "", **settings_of(home), **environment}
    with logging_put_back():
        return CliRunner().invoke(app, [str(one) for one in arguments], env=surroundings)


def test_a_witness_says_who_it_is_and_keeps_to_it(tmp_path: Path) -> None:
    home = tmp_path / "witness"
    assert command(home, "witness", "vkey", "--home", home).exit_code == 2
    made = command(home, "witness", "vkey", "--home", home, "--name", "witness.example/one")
    assert made.exit_code == 0, made.output
    assert (home / "key").stat().st_mode & 0o777 == 0o600
    assert command(home, "witness", "vkey", "--home", home).stdout == made.stdout
    assert command(home, "witness", "vkey", "--home", home, "--name", "witness.example/two").exit_code == 1
    log = str(VerifierKey("log.example/test", bytes(32)))
    for wrong in (("--log", "nonsense"), ("--log", log, "--listen", "here"), ("--log", made.stdout.strip())):
        assert command(home, "witness", "serve", "--home", home, *wrong).exit_code == 2
