"""Issuing, deriving and verifying one age credential, against other implementations of the same.

    python benchmarks/credentials.py            a table, in about three minutes
    python benchmarks/credentials.py --quick    shorter turns, within a minute
    python benchmarks/credentials.py --json     one object
    python benchmarks/credentials.py eddsa_rdfc_2022_verify_ratio_digitalbazaar sd_jwt_verify_ratio_sd_jwt

Rules
- Both sides take turns within one run, many and short ones, each in one process, warm; a ratio is the median of the
  ratios of neighbours: a machine that slows down for a while slows both. Node has threads of its own for signatures
  and garbage; so each ratio is told by processor time, too, which says what the work costs.
- The same credential, as `tests/peers/age.py` has it: its issuer, two dates and six yes-or-no answers, of which one is
  shown where a suite can. didkit, which knows VCDM 1.1 only, gets it as Ed25519Signature2018.
- Over HTTP, clients, server, workers and OpenBao share this machine's cores (`benchmarks/credential_load.py`).
- Everything that a verifier does is done: structure, time, contexts, key, signature, trust. Keys are in the process.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Final

# Run as a script, Python looks for packages in this folder, not in the one above.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rich.console import Console
from rich.table import Table

from benchmarks.credential_load import LOADS, Load, figures, loaded
from benchmarks.peers import Peers, Rate, Turn, here
from benchmarks.sd_jwts import Wallet
from benchmarks.window import Done, percentile
from detection.worker import ONE_THREAD
from identity.data_integrity.cryptosuite import SELECTIVE
from identity.jsonld.context_library import CREDENTIALS_V1
from identity.outcome import Outcome
from identity.verifier import verify_credential
from tests.peers.age import AGES, HEADER, MANDATORY, NOW, OVER_18, Ours, attestation

COMPARED: Final = ("eddsa-rdfc-2022", "eddsa-jcs-2022", "ecdsa-rdfc-2019", *SELECTIVE)
WANTED: Final = {
    "eddsa_rdfc_2022_verify_ratio_digitalbazaar": 1.0,
    "ecdsa_sd_2023_verify_ratio_digitalbazaar": 1.0,
    "bbs_2023_derive_ratio_digitalbazaar": 20.0,
    "bbs_2023_verify_ratio_digitalbazaar": 20.0,
    "sd_jwt_verify_ratio_sd_jwt": 2.0,
}
"""What the project has set itself."""


@dataclass(frozen=True)
class Line:
    """Two sides at the same work."""

    suite: str
    action: str
    peer: str
    ours: Turn
    other: Turn

    @property
    def name(self) -> str:
        """Of its ratio in --json."""
        return f"{self.suite.replace('-', '_')}_{self.action}_ratio_{self.peer}"


@dataclass(frozen=True)
class Plan:
    """How thoroughly to measure."""

    warm_up: float
    seconds: float
    rounds: int
    load_seconds: float
    """Of each load over HTTP."""

    def compare(self, line: Line) -> Compared:
        for side in (line.ours, line.other):
            side(self.warm_up)
        turns = [(line.ours(self.seconds), line.other(self.seconds)) for _ in range(self.rounds)]
        return Compared(*zip(*turns, strict=True))


@dataclass(frozen=True)
class Compared:
    """How often, turn by turn."""

    ours: Sequence[Rate]
    other: Sequence[Rate]

    @property
    def ratio(self) -> float:
        """Of ours to theirs in a second."""
        return median(ours.second / other.second for ours, other in zip(self.ours, self.other, strict=True))

    @property
    def processor_ratio(self) -> float:
        """The same in a second of a processor."""
        pairs = zip(self.ours, self.other, strict=True)
        return median(ours.processor_second / other.processor_second for ours, other in pairs)


QUICK: Final = Plan(warm_up=0.3, seconds=0.05, rounds=12, load_seconds=0.7)
WHOLE: Final = Plan(warm_up=1.0, seconds=0.1, rounds=30, load_seconds=3.0)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="less, and less exact, within a minute")
    parser.add_argument("--json", action="store_true", help="one object instead of the table")
    parser.add_argument("names", nargs="*", help="measure these alone, by their names in --json")
    chosen = parser.parse_args()
    plan = QUICK if chosen.quick else WHOLE
    os.environ.update(ONE_THREAD)
    with ExitStack() as until:
        lines = [line for line in _lines(Peers(until)) if not chosen.names or line.name in chosen.names]
        found = {line: plan.compare(line) for line in lines}
    loads = [load for load in LOADS if not chosen.names or load.name in chosen.names]
    done = dict(loaded(loads, plan.load_seconds, plan.warm_up)) if loads else {}
    if chosen.json:
        print(json.dumps(dict(sorted([*_figures(found), *figures(done)])), indent=2))
    else:
        _show(found, done)


def _lines(peers: Peers) -> Iterator[Line]:
    for suite in COMPARED:
        yield from _of_suite(Ours(suite), peers)
    yield from _against_didkit(peers)
    wallet = Wallet()
    for action, ours in wallet.ours.items():
        yield Line("sd-jwt", action, "sd_jwt", here(ours), here(wallet.python[action]))
        yield Line("sd-jwt", action, "sd_jwt_js", here(ours), peers.node("sd_jwt_js", *wallet.node[action]))


def _of_suite(ours: Ours, peers: Peers) -> Iterator[Line]:
    suite, unsigned = ours.suite, attestation(ours.did)
    issued = ours.issue(unsigned)
    shown = ours.derive(issued) if suite in SELECTIVE else issued
    actions: dict[str, tuple[Turn, dict[str, Any]]] = {
        "issue": (
            here(partial(ours.issue, unsigned)),
            {"credential": unsigned, "key": ours.key, "mandatoryPointers": MANDATORY},
        ),
        "derive": (
            here(partial(ours.derive, issued)),
            {"credential": issued, "selectivePointers": OVER_18, "presentationHeader": HEADER},
        ),
        "verify": (here(partial(_verify, ours, shown)), {"credential": shown}),
    }
    for action, (turn, how) in actions.items():
        if action != "derive" or suite in SELECTIVE:
            yield Line(
                suite, action, "digitalbazaar", turn, peers.node("digitalbazaar", action, {"suite": suite, **how})
            )


def _against_didkit(peers: Peers) -> Iterator[Line]:
    ours = Ours("eddsa-rdfc-2022")
    unsigned = attestation(ours.did)
    issued, older = ours.issue(unsigned), json.dumps(_older(unsigned))
    turns = {"issue": here(partial(ours.issue, unsigned)), "verify": here(partial(_verify, ours, issued))}
    for action, turn in turns.items():
        yield Line(ours.suite, action, "didkit", turn, peers.didkit(action, older))


def _older(credential: dict[str, Any]) -> dict[str, Any]:
    """The same in VCDM 1.1, whose contexts didkit takes only where they are its own or written out."""
    said = {name: value for name, value in credential.items() if name not in {"validFrom", "validUntil"}}
    terms = {f"ageOver{age}": f"https://peers.example/terms#ageOver{age}" for age in AGES}
    return {
        **said,
        "@context": [
            CREDENTIALS_V1,
            {
                **terms,
                "AgeAttestation": "https://peers.example/terms#AgeAttestation",
                "Person": "https://peers.example/terms#Person",
            },
        ],
        "issuanceDate": credential["validFrom"],
        "expirationDate": credential["validUntil"],
    }


def _verify(ours: Ours, secured: dict[str, Any]) -> None:
    report = verify_credential(secured, ours.policy, NOW)
    if report.verdict is not Outcome.HOLDS:
        raise SystemExit(f"{ours.suite}: {report.failed}")


def _figures(found: dict[Line, Compared]) -> Iterator[tuple[str, float]]:
    for line, compared in found.items():
        work = f"{line.suite.replace('-', '_')}_{line.action}_per_s"
        yield line.name, round(compared.ratio, 3)
        yield line.name.replace("_ratio_", "_processor_ratio_"), round(compared.processor_ratio, 3)
        yield f"{work}_{line.peer}", round(median(each.second for each in compared.other), 1)
        yield work, round(median(each.second for each in compared.ours), 1)


def _show(found: dict[Line, Compared], loads: dict[Load, Done]) -> None:
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}"
    table = Table("", "", "against", "ours a second", "theirs", "ratio", "by processor", "wanted", box=None)
    table.title = machine
    for line, compared in found.items():
        each = (f"{median(turn.second for turn in side):,.0f}" for side in (compared.ours, compared.other))
        ratios = (f"{compared.ratio:.2f}", f"{compared.processor_ratio:.2f}")
        table.add_row(line.suite, line.action, line.peer, *each, *ratios, f"{WANTED.get(line.name, '')}")
    over = Table("over HTTP", "clients", "a second", "p50 ms", "p99 ms", box=None)
    for load, done in loads.items():
        spread = (f"{percentile(done.milliseconds, percent):.1f}" for percent in (50, 99))
        over.add_row(load.what, str(load.clients), f"{done.per_second:,.0f}", *spread)
    for shown in (table, over):
        if shown.row_count:
            Console().print(shown)


if __name__ == "__main__":
    main()
