"""`docs/examples`, run as their readers would: as commands, against a service on a port."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from api.edge.listening import address, listening
from tests.deployment import Running
from tests.serving import served

EXAMPLES: Final = Path(__file__).parents[2] / "docs/examples"


@pytest.fixture(scope="module")
def url(deployment: Running) -> Iterator[str]:
    with listening("127.0.0.1", 0) as listener, served(deployment, listener):
        yield address(listener)


def ran(example: str, *arguments: object) -> tuple[int, str]:
    """Its exit code, and what it said."""
    command = [sys.executable, str(EXAMPLES / f"{example}.py"), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_creation_tool_asks_makes_and_signs(deployment: Running, url: str, photo: Path, tmp_path: Path) -> None:
    key = deployment.key(
        "Example Paint",
        scopes=["assets:sign", "assets:read", "likeness:check"],
        source_types=["trainedAlgorithmicMedia"],
        models=["example-diffusion"],
    )
    signed = tmp_path / "signed.jpg"
    code, said = ran("creation_tool", url, key, photo, tmp_path / "made.jpg", signed)
    assert (code, "signed as ast_" in said) == (0, True), said
    report = deployment.operator.verify(signed)
    check = report["likeness_check"]
    assert check is not None
    assert (report["verdict"], check["purpose"]) == ("trusted", "other")
    code, said = ran("creation_tool", url, "sgk_x", photo, tmp_path / "made.jpg", signed)
    assert (code, "Traceback" in said, "unknown-key" in said) == (1, False, True), said
    code, said = ran("creation_tool", url, key)
    assert (code, "Traceback" in said, "reference.jpg made.png" in said) == (1, False, True), said


def test_a_platform_labels_what_is_uploaded(deployment: Running, url: str, photo: Path, tmp_path: Path) -> None:
    key, post = deployment.key("Example Site"), tmp_path / "post.jpg"
    code, said = ran("platform_upload", url, key, photo, post)
    assert (code, said.startswith("absent: ")) == (0, True), said
    code, said = ran("platform_upload", url, key, post, tmp_path / "again.jpg")
    assert (code, said.startswith("trusted: ")) == (0, True), said
    tampered = tmp_path / "tampered.jpg"
    tampered.write_bytes(post.read_bytes()[:-20] + bytes(18) + b"\xff\xd9")
    code, said = ran("platform_upload", url, key, tampered, tmp_path / "kept.jpg")
    assert (code, said.startswith("invalid: ")) == (0, True), said
    assert (tmp_path / "kept.jpg").read_bytes() == tampered.read_bytes()
    code, said = ran("platform_upload", "http://127.0.0.1:1", key, photo, post)
    assert (code, said.startswith("try again later: ")) == (1, True), said


def test_a_verifier_checks_a_receipt_alone(deployment: Running, url: str, photo: Path, tmp_path: Path) -> None:
    entry, receipt = deployment.operator.entries()["entries"][0]["entry"]["id"], tmp_path / "receipt.txt"
    code, said = ran("verifier", "fetch", url, entry, receipt)
    assert (code, said) == (0, "")
    code, said = ran("verifier", "check", receipt, deployment.operator.log_key())
    assert (code, said.startswith(entry)) == (0, True), said
    receipt.write_text(receipt.read_text().replace("index ", "index 1"))
    code, said = ran("verifier", "check", receipt, deployment.operator.log_key())
    assert (code, said.startswith("the receipt does not hold")) == (1, True), said
