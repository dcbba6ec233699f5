"""A credential's life from the command line: issued, shown in part, verified, suspended, revoked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from api.outside.fetching import OpenWeb
from identity.jose.jws import sign_jws
from identity.jsonld.context_library import CREDENTIALS_V1
from sigillo_client import UnreachableError
from tests.api.cli.conftest import Run
from tests.deployment import Running
from tests.identity.enveloping.test_envelopes import Signing

Ask = Callable[..., Any]
SHOWING = ("--audience", "shop.example", "--nonce", "n-1")


@pytest.fixture(autouse=True)
def wallet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGILLO_WALLET", str(tmp_path / "wallet"))


@pytest.fixture
def age(run: Run, tmp_path: Path) -> Path:
    """An age credential, as its holder has it."""
    file = tmp_path / "age.json"
    done = run("credential", "issue", "AgeAttestation", "--claim", "age_over_18=true", "-o", file)
    assert done.exit_code == 0, done.output
    assert file.stat().st_mode & 0o077 == 0
    return file


@pytest.fixture
def creator(ask: Ask, tmp_path: Path) -> tuple[Path, str]:
    """A revocable credential about a key of the wallet's, and our id of it."""
    file, did = tmp_path / "creator.json", ask("credential", "key")["did"]
    claims = ("--claim", "name=Anna", "--claim", "profile=https://anna.example")
    issued = ask(
        *("credential", "issue", "VerifiedCreator", *claims, "--holder", did),
        *("--format", "eddsa-rdfc-2022", "-o", file),
    )
    assert issued["written"] == str(file)
    return file, issued["id"]


def test_over_18_and_nothing_else(run: Run, ask: Ask, age: Path, tmp_path: Path) -> None:
    shown = tmp_path / "shown.json"
    derived = run("credential", "derive", age, "--show", "age_over_18", "--nonce", "n-1", "-o", shown)
    assert derived.exit_code == 0, derived.output
    assert "age_over_13" in age.read_text()
    assert "age_over_13" not in shown.read_text()
    done = run("credential", "verify", shown, "--nonce", "n-1")
    assert done.exit_code == 0, done.output
    assert "holds" in done.stdout
    assert "age_over_18: true" in done.stdout
    assert "--nonce" not in done.stdout
    report = ask("credential", "verify", shown, "--nonce", "n-1")
    assert (report["verdict"], report["claims"]) == ("holds", [{"age_over_18": True}])
    assert "--nonce" in run("credential", "verify", shown).stdout
    replayed = run("credential", "verify", shown, "--nonce", "n-2")
    assert replayed.exit_code == 5
    assert "age_over_18" not in replayed.stdout


def test_two_showings_of_one_credential_share_only_what_all_share(ask: Ask, age: Path) -> None:
    first, second = (ask("credential", "derive", age, "--show", "age_over_18")["credential"] for _ in range(2))
    assert first["proof"].pop("proofValue") != second["proof"].pop("proofValue")
    assert first == second
    assert "id" not in first
    assert "credentialStatus" not in first


def test_an_sd_jwt_is_shown_to_one_verifier(run: Run, ask: Ask, tmp_path: Path) -> None:
    file, shown, did = tmp_path / "age.sdjwt", tmp_path / "shown.sdjwt", ask("credential", "key")["did"]
    ordered = ("--claim", "age_over_18=true", "--format", "dc+sd-jwt", "--holder", did)
    assert run("credential", "issue", "AgeAttestation", *ordered, "-o", file).exit_code == 0
    assert run("credential", "present", file, "--show", "age_over_18", *SHOWING, "-o", shown).exit_code == 0
    done = run("credential", "verify", shown, *SHOWING)
    assert done.exit_code == 0, done.output
    assert "age_over_18: true" in done.stdout
    assert "age_over_16" not in done.stdout
    assert "cnf" not in done.stdout
    assert run("credential", "verify", shown, *SHOWING, "--type", "urn:other:1").exit_code == 5
    assert run("credential", "verify", shown, "--audience", "other", "--nonce", "n-1").exit_code == 5
    assert run("credential", "verify", shown).exit_code == 2
    unbound = run("credential", "present", file, "--show", "age_over_18")
    assert unbound.exit_code == 1
    assert "nonce" in unbound.stderr


def test_a_credential_is_suspended_reinstated_and_revoked(run: Run, ask: Ask, creator: tuple[Path, str]) -> None:
    file, credential = creator
    shown = file.with_name("vp.json")
    assert run("credential", "present", file, *SHOWING, "-o", shown).exit_code == 0

    def verdict(expected: int) -> str:
        done = run("credential", "verify", shown, *SHOWING)
        assert done.exit_code == expected, done.output
        return done.stdout

    def change(act: str) -> Any:
        return ask("credential", "status", credential, act, "--reason", "case 2026-118")["status"]

    assert "name: Anna" in verdict(0)
    assert ask("credential", "status", credential)["status"] == "valid"
    assert change("--suspend") == "suspended"
    assert "suspended" in verdict(5)
    assert change("--reinstate") == "valid"
    verdict(0)
    assert change("--revoke") == "revoked"
    assert "revoked" in verdict(5)
    again = run("credential", "status", credential, "--reinstate", "--reason", "case 2026-118")
    assert again.exit_code == 1
    assert "not undone" in again.stderr
    assert "revoked" in run("credential", "status", credential).stdout


def test_an_sd_jwt_is_revoked(run: Run, ask: Ask, tmp_path: Path) -> None:
    file = tmp_path / "creator.sdjwt"
    claims = ("--claim", "name=Anna", "--claim", "profile=https://anna.example")
    issued = ask("credential", "issue", "VerifiedCreator", *claims, "--format", "dc+sd-jwt", "-o", file)
    assert run("credential", "verify", file).exit_code == 0
    ask("credential", "status", issued["id"], "--revoke", "--reason", "case 2026-118")
    done = run("credential", "verify", file)
    assert done.exit_code == 5, done.output
    assert "revoked" in done.stdout


def test_the_answer_that_a_credential_came_in_is_verified(deployment: Running, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "answer.json"
    creator = {"name": "Anna", "profile": "https://anna.example"}
    with deployment.http(deployment.key("", scopes=["credentials:issue"])) as http:
        for form in ("eddsa-jcs-2022", "dc+sd-jwt", "vc+jwt", "vc+sd-jwt", "vc+cose"):
            asked = {"type": "VerifiedCreator", "claims": creator, "format": form}
            answer = http.post("/v1/credentials", json=asked)
            file.write_text(answer.text)
            done = run("credential", "verify", file)
            assert done.exit_code == 0, (form, done.output)
            assert "name: Anna" in done.stdout, form
            given = answer.json()["credential"]
            file.write_text(json.dumps({"verifiableCredential": given}))
            assert run("credential", "verify", file).exit_code == 0, form
            if form == "vc+sd-jwt":
                shown = run("credential", "derive", file, "--show", "profile", "-o", tmp_path / "shown.json")
                assert shown.exit_code == 0, shown.output
                seen = run("credential", "verify", tmp_path / "shown.json")
                assert (seen.exit_code, "Anna" in seen.stdout, "anna.example" in seen.stdout) == (0, False, True)
            if form in {"vc+jwt", "vc+sd-jwt"}:
                token = given["id"].partition(",")[2]
                file.write_text(token)
                assert "name: Anna" in run("credential", "verify", file).stdout, form
                file.write_text(token.replace(".", ".e", 1))
                forged = run("credential", "verify", file)
                assert forged.exit_code != 0
                assert "Anna" not in forged.stdout


def test_a_jwt_of_vcdm_1_1_is_read(run: Run, tmp_path: Path) -> None:
    by, file = Signing.of("ecdsa"), tmp_path / "older.jwt"
    document = {
        "@context": [CREDENTIALS_V1],
        "type": ["VerifiableCredential"],
        "issuer": by.did,
        "issuanceDate": "2020-01-01T00:00:00Z",
        "credentialSubject": {"id": "did:example:ada"},
    }
    file.write_text(sign_jws(by, {"typ": "JWT", "kid": by.method.id}, {"iss": by.did, "vc": document}))
    done = run("credential", "verify", file, "--issuer", by.did, "--offline")
    assert done.exit_code == 0, done.output
    assert "id: did:example:ada" in done.stdout
    stranger = run("credential", "verify", file, "--issuer", "did:web:other.example", "--offline")
    assert stranger.exit_code == 6
    assert "ada" not in stranger.stdout


def test_a_list_out_of_reach_is_a_verdict_of_its_own(
    deployment: Running, run: Run, creator: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file, _ = creator
    path = "sigillo_client.sigillo.Sigillo.published"
    published = deployment.operator.published

    def no_lists(_self: object, asked: str) -> bytes:
        if "/status/" in asked:
            raise UnreachableError("unplugged")
        return published(asked)

    monkeypatch.setattr(path, no_lists)
    done = run("credential", "verify", file)
    assert done.exit_code == 7, done.output
    assert "status: unchecked" in done.stdout
    assert "name: Anna" in done.stdout


def test_whom_nobody_believes(run: Run, age: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = tmp_path / "shown.json"
    run("credential", "derive", age, "--show", "age_over_18", "-o", shown)
    asked: list[str] = []
    monkeypatch.setattr(OpenWeb, "get", lambda _self, url, _wanted: asked.append(url))
    done = run("credential", "verify", shown, "--issuer", "did:web:other.example", "--offline")
    assert done.exit_code == 6, done.output
    assert "--issuer" in done.stdout
    assert "age_over_18" not in done.stdout
    assert asked == []


@pytest.mark.parametrize(
    ("content", "code"),
    [
        *(("", 1), ("hello", 1), ("{", 1), ("a~b~", 1), ("# Title\n\nSee `~/.sigillo`. And so on.", 1)),
        *(("www.example.com", 1), ("eyJ.b", 1)),
        *(("\x89PNG\r\n~\xff", 1), ("a.b.c~d\ne", 1), ("x" * 1_100_000, 1)),
        *(("{}", 4), ('{"@context": 1}', 4), ("a.b.c~", 4), ("eyJ.b.c", 4), ('{"credential": 1}', 4)),
    ],
)
def test_what_is_no_credential(run: Run, tmp_path: Path, content: str, code: int) -> None:
    file = tmp_path / "it"
    file.write_text(content)
    done = run("credential", "verify", file)
    assert done.exit_code == code, done.output
    report = run("credential", "verify", file, "--json")
    assert report.exit_code == code
    assert json.loads(report.stdout)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["issue", "AgeAttestation", "--claim", "age_over_18"], 2, "name=value"),
        (["issue", "AgeAttestation", "--claim", "age_over_17=true"], 1, "age_over_17"),
        (["issue", "Wat", "--claim", "a=1"], 1, "AgeAttestation"),
        (["issue", "AgeAttestation", "--claim", "age_over_18=true", "--holder", "did:key:z"], 2, "bound to nobody"),
        (
            ["issue", "AgeAttestation", "--claim", "age_over_18=true", "--format", "dc+sd-jwt", "--holder", "me"],
            2,
            "DID",
        ),
        (["status", "crd_x", "--revoke"], 2, "--reason"),
        (["status", "crd_x", "--revoke", "--suspend", "--reason", "x"], 2, "one of them"),
        (["status", "crd_x", "--revoke", "--reason", "x"], 1, "no credential"),
        (["status", "crd_x"], 1, "no credential"),
        (["derive", "/nowhere", "--show", "a"], 1, "/nowhere"),
    ],
)
def test_what_is_asked_wrongly_is_said(run: Run, arguments: list[str], code: int, said: str) -> None:
    done = run("credential", *arguments)
    assert done.exit_code == code, done.output
    assert said in done.stderr


def test_what_a_holder_mixes_up_is_said(
    run: Run, ask: Ask, age: Path, creator: tuple[Path, str], tmp_path: Path
) -> None:
    shown = tmp_path / "shown.json"
    run("credential", "derive", age, "--show", "age_over_18", "-o", shown)
    for arguments, code, said in (
        (("verify", age), 4, "derive"),
        (("derive", shown, "--show", "age_over_18"), 1, "derived already"),
        (("derive", age, "--show", "age_over_99"), 1, "age_over_99"),
        (("derive", creator[0], "--show", "name"), 1, "bbs-2023"),
        (("present", age, *SHOWING), 1, "bound to no key"),
        (("present", creator[0]), 2, "--nonce"),
        (("present", creator[0], *SHOWING, "--show", "name"), 2, "derive"),
        (("verify", shown, "--audience", "shop"), 2, "--audience"),
    ):
        done = run("credential", *arguments)
        assert done.exit_code == code, (arguments, done.output)
        assert said in done.output, (arguments, done.output)


def test_names_are_printed_as_they_are(run: Run) -> None:
    """A terminal's library would draw `:key:` as a picture."""
    assert run("credential", "key").stdout.startswith("did:key:z")
