"""The worker's side: what loads where, and what never leaves."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from detection.errors import IsolationUnavailableError, JobFailedError
from detection.isolation import Isolation
from detection.memfd import Memfd
from detection.sandbox import Sandbox
from provenance import descent, jobs
from provenance.descent import parse_descent
from provenance.jobs import JOBS
from provenance.report import REPORT
from provenance.summary import summarise
from provenance.validation import verify
from provenance.verdict import Verdict
from tests.provenance.forger import CREATED, actions, forge
from tests.provenance.house import House, draw


def test_the_parent_loads_neither_the_native_library_nor_a_decoder() -> None:
    """Invariant 10: hostile bytes are parsed in workers only."""
    program = (
        "import sys, provenance.sign, provenance.validation, provenance.rules, provenance.summary\n"
        "hostile = {'c2pa', 'PIL', 'numpy', 'cbor2'}\n"
        "hostile |= {f'provenance.{name}' for name in ('jobs', 'signing_jobs', 'reading', 'stamping')}\n"
        "print(sorted(hostile & sys.modules.keys()))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"


def test_signing_and_verifying_run_fully_isolated(house: House) -> None:
    try:
        isolated = Sandbox("provenance.jobs", size=1, isolation=Isolation.REQUIRED, wait_seconds=60)
    except IsolationUnavailableError as error:
        pytest.skip(f"THIS MACHINE CANNOT ISOLATE WORKERS: {error}")
    signed = house.signed(draw())
    with isolated, Memfd.of([signed]) as file:
        assert verify(isolated, file, house.trust).verdict is Verdict.TRUSTED


def test_a_report_too_long_to_hand_over_keeps_its_verdicts(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    tampered = bytearray(house.signed(draw()))
    tampered[-200] ^= 0xFF
    whole = house.verify(file := house.signed(bytes(tampered)))
    monkeypatch.setattr(descent, "MAX_REPORT_BYTES", 1000)
    with Memfd.of([file]) as memfd:
        answer, _ = jobs.verify({"trust": house.trust.settings}, [memfd.fileno()], lambda _: b"")
    cut = parse_descent(answer["descent"]).report
    assert (cut.verdict, cut.ancestry, cut.label, cut.signer) == (
        Verdict.TRUSTED, Verdict.INVALID, whole.label, whole.signer,
    )  # fmt: skip
    assert summarise(cut) == summarise(whole)
    assert cut.truncated
    assert len(REPORT.dump_json(cut)) < len(REPORT.dump_json(whole))


def test_a_policy_that_no_trust_policy_makes_is_a_defect_and_not_a_verdict(house: House) -> None:
    broken = {**house.trust.settings, "anchors": "-----BEGIN CERTIFICATE-----\nnonsense"}
    with Memfd.of([draw()]) as file, pytest.raises(JobFailedError):
        house.sandbox.run("verify", {"trust": broken}, (file,))


def test_policies_do_not_mix(house: House, stranger: House) -> None:
    signed = house.signed(draw())
    for _ in range(2):
        assert house.verify(signed).verdict is Verdict.TRUSTED
        assert stranger.verify(signed).verdict is Verdict.UNTRUSTED


@contextmanager
def listener() -> Iterator[tuple[int, list[bytes]]]:
    """A server on this machine that notes what it hears, by its port."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def listen() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(1)
                    heard.append(connection.recv(1000))

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        yield server.getsockname()[1], heard
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def verify_here(data: bytes, house: House) -> dict[str, Any]:
    """The job in this process, where a socket could be opened: only its own settings hold it back."""

    def ask(question: bytes) -> bytes:
        raise AssertionError(question)

    with Memfd.of([data]) as file:
        result, outputs = JOBS["verify"]({"trust": house.trust.settings}, [file.fileno()], ask)
    assert outputs == []
    report: dict[str, Any] = result["descent"]["report"]
    return report


def test_a_manifest_kept_elsewhere_is_never_fetched(house: House) -> None:
    with listener() as (port, heard):
        url = f"http://127.0.0.1:{port}/m.c2pa"
        file, _ = forge(house, {"assertions": [actions(CREATED)]}, remote=url)
        assert url.encode() in file
        assert verify_here(file, house)["verdict"] == Verdict.UNREADABLE
    assert heard == []


def test_an_identity_that_points_elsewhere_is_never_fetched(house: House) -> None:
    with listener() as (port, heard):
        payload = {"sig_type": "cawg.identity_claims_aggregation", "referenced_assertions": []}
        signature = f"did:web:127.0.0.1%3A{port}"
        identity = {"label": "cawg.identity", "data": {"signer_payload": payload, "signature": signature, "pad1": ""}}
        file, _ = forge(house, {"assertions": [actions(CREATED), identity]})
        assert verify_here(file, house)["verdict"] == Verdict.TRUSTED
    assert heard == []


def test_a_store_that_takes_too_much_to_write_out_is_unreadable(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    signed = house.signed(draw())
    monkeypatch.setattr("provenance.reading.MAX_STORE_JSON", 1000)
    report = verify_here(signed, house)
    assert report["verdict"] == Verdict.UNREADABLE
    assert "more than 1000 characters" in report["statuses"]["failure"][0]["explanation"]
