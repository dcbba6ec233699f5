"""What is measured: each line sets two sides against each other, which take turns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final, TypeAlias

from api.version import VERSION
from benchmarks import bare
from benchmarks.bench import CLAIM, Bench, File
from benchmarks.deployment import TOOL, Deployment
from benchmarks.films import FIFTY_MEGABYTES
from benchmarks.photos import ONE_MEGAPIXEL, TWELVE_MEGAPIXELS
from benchmarks.window import Done, Window, percentile
from provenance.request import Tool

CLIENTS: Final = 8

Load: TypeAlias = Callable[[Window], Done]
Side: TypeAlias = Callable[[Bench, int], Load]
"""What so many clients do; whatever can be prepared is, before the clock runs."""

Keys: TypeAlias = Callable[[Bench], Deployment]


def embedded(bench: Bench) -> Deployment:
    return bench.embedded


def openbao(bench: Bench) -> Deployment:
    return bench.openbao


def uploads(file: File, keys: Keys = embedded) -> Side:
    def prepared(bench: Bench, clients: int) -> Load:
        post = bench.upload(keys(bench), file)
        return lambda window: bench.clients.post(post, window, clients)

    return prepared


def bare_uploads(file: File) -> Side:
    def prepared(_bench: Bench, _clients: int) -> Load:
        work = bare.signing(file.content(), file.mime, CLAIM.claim(TOOL), Tool("Sigillo", VERSION))
        return lambda window: bare.repeated(work, window)

    return prepared


def verifications(file: File) -> Side:
    def prepared(bench: Bench, clients: int) -> Load:
        post = bench.verification(bench.signed(file)[0], file.mime)
        return lambda window: bench.clients.post(post, window, clients)

    return prepared


def bare_verifications(file: File) -> Side:
    def prepared(bench: Bench, _clients: int) -> Load:
        signed, anchors = bench.signed(file)
        work = bare.verifying(signed, file.mime, anchors)
        return lambda window: bare.repeated(work, window)

    return prepared


@dataclass(frozen=True)
class Measurement:
    """One line. `name` is what `--json` calls its ratio."""

    name: str
    what: str
    ours: Side
    against: str
    other: Side
    seconds: float
    """Of each window."""

    quick: float | None = None
    """The same with `--quick`; None leaves it out."""

    wanted: float | None = None
    """The ratio that the project has set itself."""

    clients: int = CLIENTS
    rounds: int = 5
    """How often both sides take turns, unless `--quick` has its own number."""


@dataclass(frozen=True)
class Comparison:
    """Two sides that took turns; each pair of neighbours gives a ratio."""

    ours: Sequence[Done]
    other: Sequence[Done]

    @property
    def ratio(self) -> float:
        return median(ours.per_second / other.per_second for ours, other in zip(self.ours, self.other, strict=True))

    def figures(self, name: str) -> dict[str, float]:
        """Everything there is to say, by name."""
        return {name: self.ratio, **_figures(f"{name}_ours", self.ours), **_figures(f"{name}_other", self.other)}


def _figures(name: str, side: Sequence[Done]) -> dict[str, float]:
    milliseconds = [spent for done in side for spent in done.milliseconds]
    spread = {f"{name}_p{percent}_ms": percentile(milliseconds, percent) for percent in (50, 95, 99)}
    return {f"{name}_per_second": median(done.per_second for done in side), **spread}


def compare(measured: Measurement, bench: Bench, seconds: float, rounds: int, warm_up: float) -> Comparison:
    """Both sides in turn. Raises RefusedError."""
    ours, other = measured.ours(bench, measured.clients), measured.other(bench, measured.clients)
    turns = [(ours(Window.of(warm_up, seconds)), other(Window.of(warm_up, seconds))) for _ in range(rounds)]
    return Comparison(*zip(*turns, strict=True))


def _over_vault(clients: int) -> Measurement:
    """What OpenBao costs, so many at once."""
    name = "vault_over_embedded" + ("" if clients == CLIENTS else f"_{clients}")
    seconds, quick = (3.0, 0.5) if clients == CLIENTS else (3.0, None)
    sides = (uploads(ONE_MEGAPIXEL, openbao), "embedded keys", uploads(ONE_MEGAPIXEL))
    return Measurement(name, "upload, 1 MP, keys in OpenBao", *sides, seconds, quick, 0.7, clients)


MEASUREMENTS: Final = (
    Measurement(
        "ratio_upload_1mp",
        "upload, 1 MP",
        uploads(ONE_MEGAPIXEL),
        "bare pool",
        bare_uploads(ONE_MEGAPIXEL),
        seconds=3.0,
        quick=0.5,
        wanted=0.5,
    ),
    Measurement(
        "ratio_upload_12mp",
        "upload, 12 MP",
        uploads(TWELVE_MEGAPIXELS),
        "bare pool",
        bare_uploads(TWELVE_MEGAPIXELS),
        seconds=5.0,
        quick=1.0,
        wanted=0.7,
    ),
    Measurement(
        "ratio_upload_mp4",
        "upload, MP4 of 50 MB",
        uploads(FIFTY_MEGABYTES),
        "bare pool",
        bare_uploads(FIFTY_MEGABYTES),
        seconds=12.0,
        wanted=0.8,
        clients=3,  # each takes seconds of a core, and there are hardly more cores than that
        rounds=3,
    ),
    *map(_over_vault, (1, 2, CLIENTS, 32)),
    Measurement(
        "ratio_verify",
        "verification, 1 MP",
        verifications(ONE_MEGAPIXEL),
        "bare reader",
        bare_verifications(ONE_MEGAPIXEL),
        seconds=2.0,
        quick=0.4,
        wanted=0.3,
    ),
)
