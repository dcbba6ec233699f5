"""Signing and verifying over HTTP against the same work in a bare thread pool.

    python benchmarks/signing.py            a table, in about two and a half minutes
    python benchmarks/signing.py --quick    the same, less exact, within 40 seconds
    python benchmarks/signing.py --json     one object
    python benchmarks/signing.py --clients 32

Rules
- Both sides take turns within one run, and a ratio is the median of the ratios of neighbours: a machine that slows
  down for a while slows both.
- Clients, server, workers and OpenBao share this machine's cores; the pool has them to itself.
- Only 2xx answers count; any other ends the run. Nothing leaves 127.0.0.1.
- Data go to a temporary folder: on a memory file system (set TMPDIR elsewhere) syncing them costs nothing.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

# Run as a script, Python looks for packages in this folder, not in the one above.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rich.console import Console
from rich.table import Table

from api.schemas.assets import ClaimBody
from api.version import VERSION
from benchmarks import bare
from benchmarks.deployment import TOOL, Deployment, embedded, with_openbao
from benchmarks.load import Answered, Clients, Post, multipart
from benchmarks.photos import ONE_MEGAPIXEL, TWELVE_MEGAPIXELS, Size, photograph
from benchmarks.window import Window
from client import Sigillo
from provenance.request import Tool

CLIENTS: Final = 8
CLAIM: Final = ClaimBody.model_validate(
    {"title": "Benchmark", "actions": [{"name": "c2pa.created", "source_type": "digitalCapture"}]}
)


@dataclass(frozen=True)
class Plan:
    """How long to measure: seconds of each window by what it measures, and how often both sides take turns."""

    rounds: int
    warm_up: float
    one_megapixel: float
    twelve_megapixels: float
    verification: float


QUICK: Final = Plan(rounds=3, warm_up=0.25, one_megapixel=0.5, twelve_megapixels=1.0, verification=0.4)
WHOLE: Final = Plan(rounds=5, warm_up=0.5, one_megapixel=3.0, twelve_megapixels=5.0, verification=2.0)


@dataclass(frozen=True)
class Comparison:
    """Two sides that took turns; each pair of neighbours gives a ratio."""

    ours: Sequence[Answered]
    other: Sequence[float]
    """Per second."""

    @property
    def ratio(self) -> float:
        return median(ours.per_second / other for ours, other in zip(self.ours, self.other, strict=True))

    @property
    def ours_per_second(self) -> float:
        return median(answered.per_second for answered in self.ours)

    @property
    def other_per_second(self) -> float:
        return median(self.other)

    @property
    def milliseconds(self) -> float:
        """Half of our requests took at most so long."""
        return median(spent for answered in self.ours for spent in answered.milliseconds)


@dataclass(frozen=True)
class Bench:
    """Everything that is up while we measure."""

    clients: Clients
    embedded: Deployment
    openbao: Deployment
    folder: Path
    plan: Plan

    def upload(self, deployment: Deployment, size: Size) -> Post:
        body = self.folder / f"{deployment.port}-{size.name}"
        claim = CLAIM.model_dump_json()
        return multipart(deployment.port, "/v1/assets", photograph(size), body, token=deployment.token, claim=claim)

    def bare_upload(self, size: Size) -> Callable[[], None]:
        return bare.signing(photograph(size), CLAIM.claim(TOOL), Tool("Sigillo", VERSION))

    def answered(self, post: Post, seconds: float) -> Answered:
        return self.clients.post(post, Window.of(self.plan.warm_up, seconds))

    def done(self, work: Callable[[], None], seconds: float) -> float:
        return bare.per_second(work, Window.of(self.plan.warm_up, seconds))


@contextmanager
def started(plan: Plan, clients: int) -> Iterator[Bench]:
    """Servers and clients, in a folder that goes with them."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sigillo-benchmark-")))
        ours = stack.enter_context(embedded(folder / "embedded"))
        vault = stack.enter_context(with_openbao(folder / "vault"))
        yield Bench(stack.enter_context(Clients(clients)), ours, vault, folder, plan)


def uploads_1mp(bench: Bench) -> tuple[Comparison, Comparison]:
    """Embedded keys against the bare pool, and OpenBao against embedded keys."""
    seconds = bench.plan.one_megapixel
    work, ours, vault = (
        bench.bare_upload(ONE_MEGAPIXEL),
        bench.upload(bench.embedded, ONE_MEGAPIXEL),
        bench.upload(bench.openbao, ONE_MEGAPIXEL),
    )
    turns = [
        (bench.done(work, seconds), bench.answered(ours, seconds), bench.answered(vault, seconds))
        for _ in range(bench.plan.rounds)
    ]
    pool, local, remote = zip(*turns, strict=True)
    return Comparison(local, pool), Comparison(remote, [answered.per_second for answered in local])


def uploads_12mp(bench: Bench) -> Comparison:
    """Embedded keys against the bare pool."""
    seconds = bench.plan.twelve_megapixels
    work, ours = bench.bare_upload(TWELVE_MEGAPIXELS), bench.upload(bench.embedded, TWELVE_MEGAPIXELS)
    turns = [(bench.answered(ours, seconds), bench.done(work, seconds)) for _ in range(bench.plan.rounds)]
    return Comparison(*zip(*turns, strict=True))


def verifications(bench: Bench) -> Comparison:
    """A signed photograph of one megapixel, verified by anyone, against the bare reader."""
    seconds, signed = bench.plan.verification, bench.folder / "signed.jpg"
    with Sigillo(bench.embedded.url, bench.embedded.token) as camera:
        unsigned = bench.folder / "unsigned.jpg"
        unsigned.write_bytes(photograph(ONE_MEGAPIXEL))
        asset = camera.sign(unsigned, CLAIM.model_dump(mode="json"))
        with signed.open("wb") as stream:
            camera.content(asset["id"], stream)
        work = bare.verifying(signed.read_bytes(), camera.anchors())
    ours = multipart(bench.embedded.port, "/v1/verifications", signed.read_bytes(), bench.folder / "verification")
    turns = [(bench.answered(ours, seconds), bench.done(work, seconds)) for _ in range(bench.plan.rounds)]
    return Comparison(*zip(*turns, strict=True))


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="less exact, within 40 seconds")
    parser.add_argument("--json", action="store_true", help="one object instead of the table")
    parser.add_argument("--clients", type=int, default=CLIENTS, help="how many ask at once")
    chosen = parser.parse_args()
    with started(QUICK if chosen.quick else WHOLE, chosen.clients) as bench:
        one, vault = uploads_1mp(bench)
        twelve, verified = uploads_12mp(bench), verifications(bench)
    if chosen.json:
        print(json.dumps(_figures(one, twelve, vault, verified), indent=2))
    else:
        _show(one, twelve, vault, verified)


def _figures(one: Comparison, twelve: Comparison, vault: Comparison, verified: Comparison) -> dict[str, float]:
    figures = {
        "ratio_upload_1mp": one.ratio,
        "ratio_upload_12mp": twelve.ratio,
        "vault_over_embedded": vault.ratio,
        "ratio_verify": verified.ratio,
        "uploads_per_second_1mp": one.ours_per_second,
        "uploads_per_second_12mp": twelve.ours_per_second,
        "uploads_per_second_1mp_vault": vault.ours_per_second,
        "verifications_per_second_1mp": verified.ours_per_second,
        "bare_signatures_per_second_1mp": one.other_per_second,
        "bare_signatures_per_second_12mp": twelve.other_per_second,
        "bare_reads_per_second_1mp": verified.other_per_second,
    }
    return {name: round(figure, 3) for name, figure in figures.items()}


def _show(one: Comparison, twelve: Comparison, vault: Comparison, verified: Comparison) -> None:
    rows = [
        ("upload, 1 MP", one, "bare pool", "0.5"),
        ("upload, 12 MP", twelve, "bare pool", "0.7"),
        ("upload, 1 MP, keys in OpenBao", vault, "embedded keys", "0.7"),
        ("verification, 1 MP", verified, "bare reader", "0.3"),
    ]
    machine = f"{bare.THREADS} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}"
    table = Table(
        "over HTTP", "a second", "median ms", "against", "a second", "ratio", "wanted", box=None, title=machine
    )
    for what, found, against, wanted in rows:
        figures = (f"{found.ours_per_second:.1f}", f"{found.milliseconds:.0f}")
        table.add_row(what, *figures, against, f"{found.other_per_second:.1f}", f"{found.ratio:.2f}", wanted)
    Console().print(table)


if __name__ == "__main__":
    main()
