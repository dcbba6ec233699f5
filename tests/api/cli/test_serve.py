"""`sigillo` as a process of its own: starting, stopping, and sharing a folder."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
from typer.testing import Result

from api.running.home import Home
from tests.api.cli.conftest import Run
from tests.api.cli.process import served, start
from tests.api.wire import PATIENCE, signed, upload
from tests.deployment import picture


@pytest.fixture(scope="module")
def served_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a server for those that only look; it was started with the folder's name from where it lies."""
    folder = tmp_path_factory.mktemp("served")
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as meanwhile:
            meanwhile.chdir(folder)
            stack.enter_context(served(Path("home")))
        yield folder / "home"


@pytest.fixture
def serve(run: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """`sigillo serve` in this process, for what ends before it serves: the signals are put back, and the limit, which
    no process raises again, is left (whoever starts a server from here looks at the server's own).
    """
    monkeypatch.setattr(resource, "setrlimit", lambda *_: None)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield partial(run, "serve")
    for number, handler in handlers.items():
        signal.signal(number, handler)


def ended(done: Result) -> bool:
    """Whether the command ended of itself: anything else that it raised, a process would show as a traceback."""
    return isinstance(done.exception, SystemExit) and "Traceback" not in done.output


def workers(parent: int) -> list[int]:
    """Processes whose parent it is."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[1]) == parent:
                found.append(int(entry.name))
    return found


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_serves_announces_and_stops_without_a_trace(tmp_path: Path, how: signal.Signals) -> None:
    with served(tmp_path) as up:
        assert len(workers(up.process.pid)) == 1, "they stand ready before anyone asks"
        with up.operator() as operator:
            token = operator.issue_key({"tool": "Brush"})["token"]
        with up.http(token) as http:
            signed(http)
        with up.http("") as stranger:
            assert upload(stranger, picture(), path="/v1/verifications").status_code == 200
        children = workers(up.process.pid)
        assert len(children) == 2
        assert (tmp_path / "socket").stat().st_mode & 0o077 == 0
        assert re.search(r"Max core file size +[01] +[01] ", Path(f"/proc/{up.process.pid}/limits").read_text())
        up.process.send_signal(how)
        out, err = up.process.communicate(timeout=PATIENCE)
    assert up.process.returncode == 0, err
    assert f"http://localhost:{up.port}," in err, "passkeys know no address of numbers"
    assert "Traceback" not in out + err
    assert not (tmp_path / "socket").exists()
    assert not (tmp_path / "server.json").exists()
    for child in children:
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)
    with Home(tmp_path).holding():
        pass


def test_killed_server_leaves_no_workers_and_a_folder_that_opens(run: Run, tmp_path: Path) -> None:
    with served(tmp_path) as up:
        up.process.kill()
        up.process.wait(PATIENCE)
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(picture())
    done = run("sign", photo, "--json", SIGILLO_HOME=str(tmp_path), SIGILLO_DATABASE="")
    assert done.exit_code == 0, done.output


def test_taken_port_is_told(serve: Run, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = serve("--port", taken.getsockname()[1], SIGILLO_HOME=str(tmp_path))
    assert done.exit_code == 1
    assert "another --port" in done.stderr
    assert ended(done)


def test_held_folder_is_told(serve: Run, served_home: Path) -> None:
    done = serve("--port", 0, SIGILLO_HOME=str(served_home))
    assert done.exit_code == 7
    assert str(served_home) in done.stderr.replace("\n", "")
    assert ended(done)


def test_a_home_named_from_one_folder_is_found_from_another(
    run: Run, served_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("trust", "anchors", SIGILLO_HOME=str(served_home))
    assert done.exit_code == 0, done.output
    assert "BEGIN CERTIFICATE" in done.stdout


@pytest.mark.parametrize("host", ["192.0.2.1", "no such name"])
def test_a_host_that_is_not_here_is_told(serve: Run, tmp_path: Path, host: str) -> None:
    done = serve("--host", host, "--port", 0, SIGILLO_HOME=str(tmp_path))
    assert done.exit_code == 1
    assert "another --host" in done.stderr.replace("\n", " ")
    assert ended(done)


def test_a_misspelt_setting_is_refused(serve: Run, tmp_path: Path) -> None:
    done = serve(SIGILLO_HOME=str(tmp_path / "home"), SIGILLO_RETENSION="P1D")
    assert done.exit_code == 2
    assert "SIGILLO_RETENSION is no setting: did you mean SIGILLO_RETENTION?" in done.stderr
    assert ended(done)
    assert not (tmp_path / "home").exists()


def test_commands_on_one_folder_at_once(run: Run, tmp_path: Path) -> None:
    """Neither disturbs the other, whichever makes the folder."""
    photos = [tmp_path / f"{number}.jpg" for number in range(4)]
    for number, photo in enumerate(photos):
        photo.write_bytes(picture(seed=number))
    commands = [start(tmp_path / "home", "sign", photo, "--json") for photo in photos]
    for command in commands:
        out, err = command.communicate(timeout=2 * PATIENCE)
        assert command.returncode == 0, err
        assert json.loads(out)["state"] == "signed"
    report = run("ledger", "verify", "--json", SIGILLO_HOME=str(tmp_path / "home"), SIGILLO_DATABASE="")
    assert json.loads(report.stdout)["sound"] is True
    assert not (tmp_path / "home" / "server.json").exists()


@pytest.mark.parametrize(
    "settings",
    [
        {"SIGILLO_PROFILE": "server"},
        {"SIGILLO_PROFILE": "nonsense"},
        {"SIGILLO_KEYS": "vault"},
        {"SIGILLO_ANONYMOUS_RATE": "often"},
        {"SIGILLO_TRUSTED_PROXIES": "nonsense"},
        {"SIGILLO_DATABASE": "mysql://localhost/x"},
    ],
)
def test_wrong_settings_are_one_line(serve: Run, tmp_path: Path, settings: dict[str, str]) -> None:
    done = serve(SIGILLO_HOME=str(tmp_path / "home"), **settings)
    assert done.exit_code == 2
    assert done.stderr.startswith("sigillo: ")
    assert not (tmp_path / "home").exists()


def test_unusable_home_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for home in (tmp_path / "file", tmp_path / "file" / "below"):
        done = run("trust", "anchors", "--json", SIGILLO_HOME=str(home))
        assert done.exit_code == 1
        assert "set SIGILLO_HOME to a folder" in json.loads(done.stdout)["problem"]["detail"]
        assert str(home) in done.stderr.replace("\n", "")


def test_wrong_passphrase_is_told(run: Run, tmp_path: Path) -> None:
    def anchors(passphrase: str) -> Result:
        home = str(tmp_path / "home")
        return run("trust", "anchors", SIGILLO_HOME=home, SIGILLO_PASSPHRASE=passphrase)

    assert anchors("right").exit_code == 0
    wrong = anchors("wrong")
    assert (wrong.exit_code, ended(wrong)) == (1, True)
    assert wrong.stdout == ""
