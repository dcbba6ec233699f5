"""`sigillo claim-signer` as C2PA tools call it: the protocol is c2patool's (`--signer-path`), which is not installed
here. Its part is taken by c2pa-python, which is the same library, and whose callback runs the program with the
arguments and pipes that c2patool's source has: what these tests do not show is c2patool itself.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from provenance.unseen.drafts import Draft
from tests.api.cli.conftest import Run
from tests.api.cli.process import environment
from tests.api.wire import PATIENCE
from tests.deployment import Running, picture
from tests.provenance.unseen.tool import definition, draft

JPEG = "image/jpeg"


@dataclass(frozen=True)
class Program:
    """What `--signer-path` names."""

    home: Path
    token: str

    def run(self, *arguments: str, sent: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-m", "api.cli", "claim-signer", *arguments]
        surroundings = {**environment(self.home), "SIGILLO_TOKEN": self.token}
        return subprocess.run(command, input=sent, env=surroundings, capture_output=True, timeout=PATIENCE, check=False)

    def sign(self, claim: bytes, *arguments: str) -> bytes:
        """One call."""
        done = self.run(*arguments, sent=claim)
        assert done.returncode == 0, done.stderr
        assert b"finish" in done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def program(deployment: Running) -> Program:
    grant: dict[str, Any] = {
        "scopes": ["claims:sign"],
        "tool": "Example Paint",
        "source_types": ["trainedAlgorithmicMedia"],
    }
    return Program(deployment.home.folder, deployment.key(**grant))


@pytest.fixture(scope="module")
def drafted(program: Program) -> bytes:
    done = program.run("--signer-info")
    assert done.returncode == 0, done.stderr
    info = json.loads(done.stdout)
    assert (info["alg"], set(info)) == ("es256", {"alg", "sign_cert", "reserve_size"})
    return draft(picture(), info["sign_cert"], definition(), callback=program.sign)


CALLS = {
    "asked": (),
    "told": ("--reserve-size", "20000", "--alg", "es256"),
    "once": ("--reserve-size", "20000", "--alg", "es256", "--sign-cert", "chain.pem"),
}
"""With what c2patool calls its signer: one that it asked with `--signer-info`; one whose certificate its manifest's
`sign_cert` names; and that before version 0.26.60."""


@pytest.mark.parametrize("arguments", CALLS.values(), ids=CALLS)
def test_however_c2patool_calls_it_it_answers_with_the_signature_alone(
    program: Program, arguments: tuple[str, ...]
) -> None:
    assert len(program.sign(b"a claim", *arguments)) == 64


def test_a_draft_is_finished(deployment: Running, program: Program, run: Run, drafted: bytes, tmp_path: Path) -> None:
    file, out = tmp_path / "draft.jpg", tmp_path / "signed.jpg"
    file.write_bytes(drafted)
    assert deployment.operator.verify(file)["verdict"] == "invalid"
    done = run("claim-signer", "finish", file, "-o", out, "--token", program.token, "--json")
    assert done.exit_code == 0, done.output
    report = deployment.operator.verify(out)
    signer = report["signer"]
    assert signer is not None
    assert (report["verdict"], signer["common_name"]) == ("trusted", "Sigillo claim signer, content not seen")
    assert file.read_bytes() == drafted


def test_once_more_it_is_the_same_claim(program: Program, run: Run, drafted: bytes, tmp_path: Path) -> None:
    file = tmp_path / "draft.jpg"
    entries = []
    for _ in range(2):
        file.write_bytes(drafted)
        done = run("claim-signer", "finish", file, "--token", program.token, "--json")
        entries.append(json.loads(done.stdout)["ledger"]["entry"])
    assert len(set(entries)) == 1


def test_a_store_beside_its_file_is_finished(program: Program, run: Run, drafted: bytes, tmp_path: Path) -> None:
    store = tmp_path / "draft.c2pa"
    store.write_bytes(Draft.in_file(drafted, JPEG).store)
    assert run("claim-signer", "finish", store, "--token", program.token).exit_code == 0
    assert store.read_bytes() != Draft.in_file(drafted, JPEG).store


def test_with_its_assertions_a_claim_is_signed_at_once(program: Program, drafted: bytes, tmp_path: Path) -> None:
    made, store = Draft.in_file(drafted, JPEG), tmp_path / "assertions.jumbf"
    store.write_bytes(made.assertion_store)
    done = program.run("--assertion-store", str(store), sent=made.to_sign)
    assert (done.returncode, len(done.stdout)) == (0, 64), done.stderr
    refused = program.run("--assertion-store", str(store), sent=b"pay 100 to Mallory")
    assert (refused.returncode, refused.stdout) == (1, b"")
    assert b"cannot be signed as a claim" in refused.stderr


def test_what_is_no_draft_is_told(program: Program, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "photo.jpg"
    file.write_bytes(picture())
    done = run("claim-signer", "finish", file, "--token", program.token)
    assert done.exit_code == 1
    assert "no manifest store" in done.stderr
    file.write_text("a letter")
    assert run("claim-signer", "finish", file, "--token", program.token).exit_code == 1
