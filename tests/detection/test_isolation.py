"""What the kernel refuses a hijacked worker, each layer together and alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from detection.isolation import ARCHITECTURES, IsolationReport, program
from detection.process import PASSED_ENVIRONMENT
from detection.sandbox import Sandbox
from detection.syscalls import DENIED, PR_SET_NAME, guards
from detection.worker import ONE_THREAD
from tests.detection.hostile_jobs import ATTEMPTS


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "store.key"
    path.write_bytes(b"the parent's key")
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("what", ATTEMPTS)
def test_a_hijacked_worker_is_refused(hostile: Sandbox, secret: Path, what: str) -> None:
    outcome = hostile.run("attempt", {"what": what, "path": str(secret)}).result
    assert outcome["refused"] in {"EPERM", "EACCES", "ENOSYS", "not allowed to raise maximum limit"}
    assert secret.read_bytes() == b"the parent's key"
    assert secret.stat().st_mode & 0o777 == 0o600


def test_a_worker_holds_nothing_but_its_socket(hostile: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGILLO_SECRET", "x")
    with Sandbox("tests.detection.hostile_jobs", size=1) as sandbox:
        found = sandbox.run("surroundings", {}).result
    assert set(found["environ"]) - {"LC_CTYPE"} <= {*ONE_THREAD, *PASSED_ENVIRONMENT}
    assert found["held"] == 3
    assert found["session"] == found["pid"]


def test_threads_still_work_inside(hostile: Sandbox) -> None:
    assert hostile.run("surroundings", {}).result["threads"] == 8


def test_everything_is_in_force_here(hostile: Sandbox) -> None:
    report = hostile.isolation_report()
    assert report == IsolationReport(("single thread", "capabilities", "landlock", "seccomp"), ())
    assert not report.warning


ALONE = """
from detection import isolation
isolation.{other} = lambda: None
isolation.restrict()
try:
    open("/etc/hostname")
except OSError as error:
    print(error.errno)
"""


@pytest.mark.parametrize(("other", "refusal"), [("_seccomp", "13"), ("_landlock", "1")])
def test_each_layer_alone_refuses_files(other: str, refusal: str) -> None:
    done = subprocess.run([sys.executable, "-c", ALONE.format(other=other)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == refusal


def test_nobody_else_reads_a_worker_through_proc_or_a_core() -> None:
    # Inside, seccomp refuses to say; so all of it but seccomp.
    script = (
        "from detection import isolation\n"
        "isolation._seccomp = lambda: None\n"
        "isolation.restrict(); print(isolation._libc.prctl(3, 0, 0, 0, 0))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"


def test_a_worker_that_already_has_threads_is_reported() -> None:
    script = (
        "import threading; from detection import isolation\n"
        "stop = threading.Event(); thread = threading.Thread(target=stop.wait); thread.start()\n"
        "print(isolation.restrict().missing[0]); stop.set()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("single thread: ")


def _decide(instructions: list[tuple[int, int, int, int]], number: int, audit: int, *arguments: int) -> int:
    """A BPF machine just large enough for the filter."""
    words = {0: number, 4: audit} | {16 + 8 * i: value & 0xFFFFFFFF for i, value in enumerate(arguments)}
    at, held = 0, 0
    while True:
        code, yes, no, operand = instructions[at]
        at += 1
        if code == 0x06:
            return operand
        if code == 0x20:
            held = words.get(operand, 0)
        else:
            true = {0x15: held == operand, 0x35: held >= operand, 0x45: bool(held & operand)}[code]
            at += yes if true else no


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_the_filter_says_what_the_tables_say(machine: str) -> None:
    architecture, pid = ARCHITECTURES[machine], 4711
    rules = program(architecture, guards(pid))
    allow, refuse, absent, kill = 0x7FFF0000, 0x00050001, 0x00050026, 0x80000000
    audit, column = architecture.audit, architecture.column
    for numbers in DENIED.values():
        if (denied := numbers[column]) is not None:
            assert _decide(rules, denied, audit) == refuse
    names = {"clone": (56, 220), "prctl": (157, 167), "kill": (62, 129), "read": (0, 63), "memfd": (319, 279)}
    number = {name: numbers[column] for name, numbers in names.items()}
    assert _decide(rules, number["read"], audit) == allow
    assert _decide(rules, number["memfd"], audit) == allow
    assert _decide(rules, 435, audit) == absent
    assert _decide(rules, number["clone"], audit, 0x3D0F00) == allow
    assert _decide(rules, number["clone"], audit, 17) == refuse
    assert _decide(rules, number["prctl"], audit, PR_SET_NAME) == allow
    assert _decide(rules, number["prctl"], audit, 1) == refuse
    assert _decide(rules, number["kill"], audit, pid) == allow
    assert _decide(rules, number["kill"], audit, 1) == refuse
    assert _decide(rules, number["read"] | 0x40000000, audit) == refuse
    assert _decide(rules, number["read"], 0x40000003) == kill
