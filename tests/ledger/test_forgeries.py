"""The table of `tests.ledger.forgeries` before every verifier: the library, the command, the command from afar, and the
one file of nothing but Python. Each refuses, and says which part.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ledger.auditing import bundle_verifier
from ledger.auditing.auditor import Auditor, Notebook
from ledger.auditing.bundle import judge_bundle
from ledger.auditing.faults import FaultKind
from ledger.auditing.mirror import verify_mirror
from ledger.errors import BundleError, LedgerError
from ledger.receipt import verify_receipt
from ledger.stamping.stamp_check import Judge
from ledger.tree.merkle import EMPTY_ROOT
from ledger.tree.note import encode
from ledger.witnessing.cosignature import Quorum
from tests.api.fixtures import logging_put_back
from tests.commands import app
from tests.ledger.forgeries import (
    CARRIED,
    FORGERIES,
    SIZE,
    WITNESS,
    Evidence,
    Forgery,
    bundled,
    evidence,
    proof_forgeries,
)
from tests.ledger.publishing import Published
from tests.loopback import Quiet, listening

QUORUM = Quorum.parse([WITNESS.vkey])


@dataclass
class Bench:
    """Every verifier, and what each says: empty when it takes what it is shown."""

    honest: Evidence
    folder: Path
    url: str = ""
    served: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, text in (("log.vkey", self.honest.vkey), ("tsa.pem", self.honest.authority.anchors)):
            (self.folder / name).write_text(text)
        (self.folder / "before.zip").write_bytes(self.honest.before)

    def library(self, files: dict[str, bytes]) -> str:
        fault = verify_mirror(Published(files), self.honest.vkey, quorum=QUORUM, judge=self._judge).fault
        return f"index {fault.index}, {fault.kind}: {fault.reason}" if fault else ""

    def command(self, files: dict[str, bytes]) -> str:
        mirror = self.folder / "mirror"
        for path in set(files) | {str(old.relative_to(mirror)) for old in mirror.rglob("*") if old.is_file()}:
            _put(mirror / path, files.get(path))
        return self._run(mirror)

    def remote(self, files: dict[str, bytes]) -> str:
        self.served.clear()
        self.served.update(files)
        return self._run("--url", self.url)

    def stdlib(self, bundle: bytes) -> str:
        file = str(_put(self.folder / "bundle.zip", bundle))
        before = str(self.folder / "before.zip")
        bundle_verifier.verify(file, self.honest.vkey, before, [WITNESS.vkey])
        return ""

    def stdlib_and_stamps(self, bundle: bytes) -> str:
        """What the one file leaves to others, and says so, is whether a stamp holds: the library sees that, and calls
        nothing else by the names that the table wants.
        """
        self.stdlib(bundle)
        judge_bundle(self.folder / "bundle.zip", self._judge)
        return ""

    def command_on_bundle(self, bundle: bytes) -> str:
        return self._run(_put(self.folder / "bundle.zip", bundle), "--since", self.folder / "before.zip")

    def receipt(self, text: str) -> str:
        verify_receipt(text, self.honest.vkey, QUORUM)
        return ""

    @property
    def _judge(self) -> Judge:
        return Judge(self.honest.authority.anchors)

    def _run(self, *what: object) -> str:
        believed = (
            "--key",
            self.folder / "log.vkey",
            "--witness",
            WITNESS.vkey,
            "--tsa-anchors",
            self.folder / "tsa.pem",
        )
        with logging_put_back():
            done = CliRunner().invoke(app, [str(one) for one in ("ledger", "verify", *what, *believed)])
        if done.exit_code == 0:
            assert done.output.split("\n")[-2].startswith("sound"), done.output
            return ""
        assert done.exit_code in (1, 5), done.output
        return " ".join(done.output.split())


VERIFIERS: dict[str, tuple[Callable[[Bench, Any], str], ...]] = {
    "mirror": (Bench.library, Bench.command, Bench.remote),
    "bundle": (Bench.stdlib_and_stamps, Bench.command_on_bundle),
    "receipt": (Bench.receipt,),
}
FIRST = tuple({(forgery.form, forgery.part): forgery for forgery in reversed(FORGERIES)}.values())
REFUSALS = (LedgerError, bundle_verifier.UnsoundError)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("bench")
    bench = Bench(evidence(folder), folder)
    with _serving(bench.served) as bench.url:
        yield bench


def refusals(bench: Bench, forgery: Forgery) -> Iterator[tuple[str, str]]:
    """What each verifier of its form says of it; the commands only of the first forgery of a part."""
    forged = forgery.forge(bench.honest)
    for verify in VERIFIERS[forgery.form] if forgery in FIRST else VERIFIERS[forgery.form][:1]:
        try:
            yield verify.__name__, verify(bench, forged)
        except REFUSALS as refusal:
            yield verify.__name__, str(refusal)


def test_the_honest_log_is_taken_by_everyone(bench: Bench) -> None:
    honest = bench.honest
    for form, shown in (("mirror", dict(honest.files)), ("bundle", honest.bundle), ("receipt", honest.receipt)):
        for verify in VERIFIERS[form]:
            assert verify(bench, shown) == ""
    bench.stdlib(honest.bundle)


@pytest.mark.parametrize("form", VERIFIERS)
def test_every_part_of_a_form_is_forged(form: str) -> None:
    assert {forgery.part for forgery in FORGERIES if forgery.form == form} == CARRIED[form]


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda one: f"{one.form}-{one.part}")
def test_every_verifier_refuses_it_and_says_which_part(bench: Bench, forgery: Forgery) -> None:
    for verifier, said in refusals(bench, forgery):
        assert re.search(forgery.named, said), (verifier, said or "took it")


def test_so_it_is_with_each_hash_of_each_proof(bench: Bench) -> None:
    forgeries = list(proof_forgeries(bench.honest))
    assert len(forgeries) > 20
    for forgery in forgeries:
        for verifier, said in refusals(bench, forgery):
            assert re.search(forgery.named, said), (forgery.part, verifier, said or "took it")


def test_an_empty_tree_proves_nothing_and_contradicts_nothing(bench: Bench) -> None:
    """Size 0 under the log's own key: its root is that of nothing, it holds no entry, and every log extends it."""
    honest = bench.honest
    origin = honest.text.split("\n")[0]
    empty = honest.cosigned(f"{origin}\n0\n{encode(EMPTY_ROOT)}\n")
    files = {"checkpoint": empty.encode(), "log.vkey": honest.vkey.encode()}
    for verify in VERIFIERS["mirror"]:
        assert verify(bench, files) == ""
    report = verify_mirror(Published(files), honest.vkey)
    assert (report.sound, report.entries, report.proven) == (True, 0, 0)
    with pytest.raises(BundleError, match="no range"):
        bundled(files, honest.vkey)
    with pytest.raises(LedgerError, match="index 270 is not in a tree of 0"):
        bench.receipt(honest.receipt.partition("\n\n")[0] + "\n\n" + empty)
    other = {"checkpoint": honest.cosigned(f"{origin}\n0\n{encode(bytes(32))}\n").encode()}
    for verify in VERIFIERS["mirror"]:
        assert "the checkpoint of size 0 has another root" in verify(bench, other)


def test_an_auditor_goes_on_from_an_empty_tree_and_not_back_to_it(bench: Bench) -> None:
    honest = bench.honest
    empty = honest.cosigned(f"{honest.text.split(chr(10))[0]}\n0\n{encode(EMPTY_ROOT)}\n").encode()
    auditor = Auditor(Published({"checkpoint": empty}), Notebook(honest.vkey))
    assert auditor.visit().sound
    auditor.fetch = Published(dict(honest.files))
    assert auditor.visit().entries == SIZE
    auditor.fetch = Published({"checkpoint": empty})
    fault = auditor.visit().fault
    assert fault is not None
    assert fault.kind is FaultKind.SHRINK


def _put(path: Path, data: bytes | None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if data is None:
        path.unlink(missing_ok=True)
    else:
        path.write_bytes(data)
    return path


@contextmanager
def _serving(files: dict[str, bytes]) -> Iterator[str]:
    """A static server over whatever the files are now."""

    class Handler(Quiet, BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = files.get(self.path.removeprefix("/ledger/"))
            self.send_response(200 if found is not None else 404)
            self.send_header("Content-Length", str(len(found or b"")))
            self.end_headers()
            self.wfile.write(found or b"")

    with listening(Handler) as url:
        yield f"{url}/ledger"
