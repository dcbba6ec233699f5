"""Run the W3C's suites against a deployment of this checkout over loopback, and write down what they found.

    W3C_SUITES=/folder/with/checkouts make conformance

The table goes to standard output and into docs/conformance.md. Exits with 1 when a test fails, and with 0 and a loud
word where there are no suites.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.conformance.w3c.doorway import Doorway
from tests.conformance.w3c.suites import ISSUED, SUITES, Deployment, Suite
from tests.deployment import running
from tests.identity.published import FURTHER

HERE: Final = Path(__file__).parent
PAGE: Final = HERE.parents[2] / "docs" / "conformance.md"
INTRODUCTION: Final = (
    "What the W3C's suites found over loopback, against a deployment of this checkout that knows their contexts. "
    "Written by `make conformance`; [how they are run, and what is done for their sake]"
    "(../tests/conformance/w3c/README.md). Not run: the VC-API suites' tests of JWTs, which want a `proof` and a "
    "`credentialSubject` beside what is in an envelope."
)
EDITIONS: Final = (
    "The suite for VCDM 2.0 has credentials issued that pin an edition of VCDM's context replaced in February 2025, "
    "one of them by a bare SHA-256 where VC Data Integrity 1.0 (§2.6) has a Multihash; and it wants digests of nothing "
    "refused. Both are done, as that edition is known here: [a document is read in the edition that it pins]"
    "(adr/0045-a-document-is-read-in-the-edition-it-pins.md), and a digest of none is refused."
)
SUITE_SECONDS: Final = 1200
"""Before a suite is called stuck."""


@dataclass(frozen=True)
class Result:
    """What a suite said."""

    suite: Suite
    passed: int
    pending: int
    failed: tuple[tuple[str, str], ...]
    """Title and message of each."""


def main() -> int:
    folder = Path(os.environ.get("W3C_SUITES", ""))
    asked = sys.argv[1:] or [""]
    present = [suite for suite in SUITES if (folder / suite.folder / "node_modules").is_dir()]
    present = [suite for suite in present if any(part in suite.folder for part in asked)]
    if not os.environ.get("W3C_SUITES") or not present:
        print("SKIPPED: no W3C suites here; W3C_SUITES names the folder with them (tests/conformance/w3c/README.md)")
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        results = run_all(folder, present, Path(scratch))
    text = page(results)
    print(text)
    if len(present) == len(SUITES):
        PAGE.write_text(text)
    return 1 if any(result.failed for result in results) else 0


def run_all(folder: Path, suites: list[Suite], scratch: Path) -> list[Result]:
    contexts = scratch / "contexts.json"
    known = dict(FURTHER)
    for suite in suites:
        for package in suite.contexts:
            known |= context_of(folder / suite.folder, package)
    files = {url: f"{number}.jsonld" for number, url in enumerate(known)}
    for url, file in files.items():
        (scratch / file).write_bytes(known[url])
    contexts.write_text(json.dumps(files))
    door = Doorway()
    with running(scratch / "home", credential_contexts=contexts, public_url=door.url) as up, up.http() as anyone:
        service = Deployment(door.url, issuers_of(anyone.get("/.well-known/did.json").json()))
        with door.open(up.socket, up.key(scopes=["credentials:issue"])):
            return [run(folder / suite.folder, suite, service, scratch) for suite in suites]


def context_of(folder: Path, package: str) -> dict[str, bytes]:
    """The context in an npm package that a suite brings, by its URL."""
    said = "JSON.stringify({[CONTEXT_URL]: JSON.stringify(CONTEXT)})"
    program = f"import {{CONTEXT, CONTEXT_URL}} from '{package}'; console.log({said});"
    command = ["node", "--input-type=module", "-e", program]
    found: dict[str, str] = json.loads(subprocess.run(command, cwd=folder, capture_output=True, check=True).stdout)
    return {url: text.encode() for url, text in found.items()}


def issuers_of(document: dict[str, Any]) -> dict[str, str]:
    """The did:key of each of the issuer's keys."""
    prefixes = {"ed25519": "z6Mk", "p256": "zDn", "bls": "zUC7"}
    keys = [method["publicKeyMultibase"] for method in document["verificationMethod"]]
    return {name: next(f"did:key:{key}" for key in keys if key.startswith(prefixes[name])) for name in ISSUED}


def run(folder: Path, suite: Suite, service: Deployment, scratch: Path) -> Result:
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=True)
    if commit.stdout.strip() != suite.commit:
        print(f"{suite.folder} is at {commit.stdout.strip()}, not at {suite.commit}", file=sys.stderr)
    config = {"settings": {"enableInteropTests": False}, "implementations": [suite.manifest(service)]}
    (folder / "localConfig.cjs").write_text(f"module.exports = {json.dumps(config)};\n")
    report = scratch / f"{suite.folder}.json"
    command = ["node_modules/.bin/mocha", "tests/", "--reporter", "json", "--reporter-option", f"output={report}"]
    ended = subprocess.run(
        ["node", *command, "--timeout", "60000", "--preserve-symlinks"],
        cwd=folder, env=environment(scratch),
        capture_output=True, text=True, timeout=SUITE_SECONDS, check=False,
    )  # fmt: skip
    if not report.exists():
        return Result(suite, 0, 0, (("the suite did not run", ended.stderr[-2000:]),))
    if "W3C_VERBOSE" in os.environ:
        print(ended.stdout[-20000:], ended.stderr[-20000:], file=sys.stderr)
    said = json.loads(report.read_text())
    failed = tuple((each["fullTitle"], each["err"].get("message", "")) for each in said["failures"])
    return Result(suite, len(said["passes"]), len(said["pending"]), failed)


def environment(scratch: Path) -> dict[str, str]:
    path = f"{docker(scratch)}:{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "NODE_OPTIONS": f"--import={HERE / 'preload.mjs'}"}


def docker(scratch: Path) -> Path:
    """A folder with a `docker` that runs our VC-JOSE-COSE, which is how that suite starts an implementation."""
    folder = scratch / "bin"
    folder.mkdir(exist_ok=True)
    script = folder / "docker"
    root = HERE.parents[2]
    script.write_text(
        "#!/bin/sh\n"
        'while [ "$1" != issue ] && [ "$1" != verify ]; do shift; done\n'
        f"here=$(pwd); cd {root}\n"
        'for given in "$@"; do shift; case $given in /tests/*) given="$here$given";; esac; set -- "$@" "$given"; done\n'
        f'exec {sys.executable} -m tests.conformance.w3c.jose_cose "$@"\n'
    )
    script.chmod(0o700)
    return folder


def page(results: list[Result]) -> str:
    lines = [
        "# Conformance",
        INTRODUCTION,
        "",
        "| suite | commit | passed | failed | skipped by the suite |",
        "|---|---|---|---|---|",
    ]
    for each in results:
        commit = each.suite.commit[:12]
        lines.append(f"| {each.suite.title} | `{commit}` | {each.passed} | {len(each.failed)} | {each.pending} |")
    failures = [
        f"- {each.suite.title}: *{title}*. {' '.join(message.split())[:300]}"
        for each in results
        for title, message in each.failed
    ]
    lines += ["", EDITIONS, "", *(["## What fails", "", *failures] if failures else ["Nothing fails."])]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
